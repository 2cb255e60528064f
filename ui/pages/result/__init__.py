"""A stored plan on the page: verdict, figures, heats, locks, accounts."""
