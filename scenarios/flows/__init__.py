"""What a scenario's assets and processes take and give, and what is settled for it."""
