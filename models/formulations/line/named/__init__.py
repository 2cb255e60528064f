"""Named formulation: a start slot and a unit for each heat and stage."""
