"""The site in the model: balances, grid connection, tariff, contracts and the objective."""
