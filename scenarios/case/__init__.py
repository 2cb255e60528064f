"""The case: a scenario with its series and rates, and the nouns that hold others: site, market, line."""
