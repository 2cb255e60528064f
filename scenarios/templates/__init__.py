"""Templates of plants and parts for a flow sheet, with typical figures and their sources."""
