"""Lower bounds: relaxations, branch and bound, column generation."""
