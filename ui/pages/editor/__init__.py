"""Editor of a draft as a form, as tables or as text."""
