"""Many plans of one scenario: sweeps and headroom."""
