"""Strategies: which bounds and heuristics plan which kind of plant, and in which order."""
