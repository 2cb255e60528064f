"""Counts by unit, with cuts from Hall's condition in place of single heats."""
