"""Plans under disturbance: ensembles of replays, and plans that hold."""
