"""Heuristics for continuous processes."""
