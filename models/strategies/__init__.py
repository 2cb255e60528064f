"""Strategies: combinations of bounds and heuristics for each kind of plant."""
