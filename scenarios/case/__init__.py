"""Scenario and case (a scenario with resolved series and rates), with their main parts: site, market and line."""
