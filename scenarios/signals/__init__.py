"""Public signals, such as prices and carbon intensities: what there is, and what was fetched of it, kept as issued."""
