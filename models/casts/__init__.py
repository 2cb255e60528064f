"""Long horizons cast by cast: a bound by prices on units, and plans by taking casts out and putting them back.

Both rest on one thing: the best way of a heat to its cast, over all start slots at once, is found by dynamic
programming on arrays in a fraction of a millisecond.
"""
