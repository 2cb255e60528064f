"""Data of a line shared by twin and models: tables, planning durations, carrier consumption, rounding to steps."""
