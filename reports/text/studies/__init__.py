"""Results of studies in words and as rows of text, the same on the command line and in the browser."""
