"""Formulations of a line of heats."""
