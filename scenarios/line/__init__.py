"""Data of a line for twin and models alike: planning durations, merged locks, rounding to steps."""
