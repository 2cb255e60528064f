"""What a plant must hand over: monitored emissions, embedded emissions of its goods, reports, and their evidence."""
