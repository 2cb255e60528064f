"""Charts, files, reports on carbon, and reports on energy performance."""
