"""Stored runs, jobs in progress, and decisions."""
