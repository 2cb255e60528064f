"""Continuous processes in the model: units by counts, and the stores between them."""
