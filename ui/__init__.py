"""Command line, and pages in the browser."""
