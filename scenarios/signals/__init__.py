"""Public signals such as prices and carbon intensities: catalogue, archive of issued values, and forecasts."""
