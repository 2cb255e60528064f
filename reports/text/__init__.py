"""Texts and numbers for people, in every language."""
