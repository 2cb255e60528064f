"""Texts and numbers as people read them, in every language."""
