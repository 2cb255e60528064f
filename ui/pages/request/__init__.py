"""The form at the side: the user's changes to a scenario."""
