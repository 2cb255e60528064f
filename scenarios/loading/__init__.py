"""Loading of scenarios, heat logs, meter records and issued forecasts."""
