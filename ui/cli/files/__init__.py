"""Commands for files and stored runs."""
