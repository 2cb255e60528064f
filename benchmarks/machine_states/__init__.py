"""Research on the order of works on one machine with energy states."""
