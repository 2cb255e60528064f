"""The real plant: signals from outside, connectors to what it measures, and what they bring."""
