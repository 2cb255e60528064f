"""Heuristics that construct and improve plans."""
