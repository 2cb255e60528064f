"""Pyomo formulations: variables and rows of the site, the line and continuous processes."""
