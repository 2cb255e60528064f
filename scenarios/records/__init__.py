"""The nouns of a scenario, one frozen record each."""
