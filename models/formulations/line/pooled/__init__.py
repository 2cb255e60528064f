"""Pooled formulation: interchangeable heats and units are counted."""
