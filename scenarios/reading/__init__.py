"""Reading scenarios, series and logs from files."""
