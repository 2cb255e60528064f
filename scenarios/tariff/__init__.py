"""Tariffs: the record, its numbers on the metered grid, and the exact bill."""
