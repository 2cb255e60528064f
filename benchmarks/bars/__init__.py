"""How fast Emberline is, and what plans gain: measured against bars and references."""
