"""What the pages of one browser tab share."""
