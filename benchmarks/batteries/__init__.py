"""Many random scenarios, each judged by an oracle that shares nothing with the planner."""
