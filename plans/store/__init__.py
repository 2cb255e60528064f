"""Stored runs, drafts and ensembles, and the catalogue that lists them."""
