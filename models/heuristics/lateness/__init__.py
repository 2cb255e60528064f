"""Heuristics for tardiness."""
