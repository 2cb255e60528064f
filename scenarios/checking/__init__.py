"""Checks across several records."""
