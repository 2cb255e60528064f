"""State of a search: incumbent, bound and clock, warm starts, and the resulting schedule."""
