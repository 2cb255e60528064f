"""Simulation of the site: grid connection, battery and assets, step by step."""
