"""Outputs to the plant: job orders that an operator starts, and set-points of an allow-list."""
