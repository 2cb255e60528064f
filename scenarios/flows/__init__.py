"""Flows of assets and processes, and their settlement."""
