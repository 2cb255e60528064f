"""Checks that need more than one record, and how mistakes are reported."""
