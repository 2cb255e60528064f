"""Charts, exported files, emission reports, and energy performance reports."""
