"""What plans reach in their time: gaps, bounds and savings, compared with bars."""
