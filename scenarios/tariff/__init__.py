"""Tariffs: record, rates on metered intervals, and exact bill."""
