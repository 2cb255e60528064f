"""Cases with published results, solved by ``python -m benchmarks oracle FAMILY``."""
