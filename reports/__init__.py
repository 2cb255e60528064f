"""What leaves the house: charts, files, reports on carbon, and reports on energy performance."""
