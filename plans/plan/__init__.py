"""The plan: baseline, schedule, replays, accounts and verdict from one scenario."""
