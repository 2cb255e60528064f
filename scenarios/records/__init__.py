"""Frozen records for the parts of a scenario."""
