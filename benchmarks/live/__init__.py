"""The loop next to a plant: simulated days, kills, and partners of other makers."""
