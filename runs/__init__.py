"""Stored runs, background jobs, and decisions."""
