"""Fronts, ensembles and comparisons on the page."""
