"""How fast everything else is: start, twin, replays, pages, growth with the size."""
