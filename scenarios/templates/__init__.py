"""Starting points of a new plant: templates, and parts for a flow sheet, with typical figures and sources."""
