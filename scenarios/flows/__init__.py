"""Flows of a scenario's assets and processes, and what is settled for them."""
