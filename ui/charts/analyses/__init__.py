"""Charts of the analyses."""
