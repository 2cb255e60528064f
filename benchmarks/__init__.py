"""Speed compared with references, and cases with published results; see ``python -m benchmarks --help``."""
