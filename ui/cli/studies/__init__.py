"""Commands that make many plans or replays."""
