"""Exact model of tardiness in continuous time."""
