"""Orders of heats on one unit, improved by moves."""
