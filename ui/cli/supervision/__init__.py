"""Commands of carbon supervision and energy management."""
