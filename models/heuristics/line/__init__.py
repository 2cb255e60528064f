"""Heuristics for lines of heats."""
