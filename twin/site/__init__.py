"""The site in the twin: grid connection, battery and assets, step by step."""
