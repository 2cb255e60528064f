"""Findings of benches: printed, stored, and written as a page with plots."""
