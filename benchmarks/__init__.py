"""Speed beside references, and cases with published results; see ``python -m benchmarks --help``."""
