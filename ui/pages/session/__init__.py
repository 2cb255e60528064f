"""State and parts that the pages of one browser tab share."""
