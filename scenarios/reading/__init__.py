"""Reading of scenarios, series and tables from files."""
