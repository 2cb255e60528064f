"""Commands that explain a stored plan."""
