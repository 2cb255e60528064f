"""Where a new plant begins: whole templates, and parts to place on a flow sheet, with typical figures and sources."""
