"""The form at the side: the changes to a scenario that a user asks for."""
