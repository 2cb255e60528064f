"""From files to a scenario: the scenario's own, logs of heats, meters, forecasts as they were issued."""
