"""Pareto fronts of carbon and cost."""
