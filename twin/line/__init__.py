"""Discrete-event simulation of a line with parallel units."""
