"""The same cases in PyPSA, oemof.solph and flixopt, each in a process of its own: ``make bench-peers``.

Imported by the peers' interpreter too, which has none of Emberline's libraries.
"""

from __future__ import annotations

from benchmarks.registry import bench


@bench("peers", "the same hub and units in PyPSA, oemof.solph and flixopt: the same objective, and seconds by phase")
def main() -> None:
    """Print the tables; exit code 1 where an objective differs or a side fails."""
    from benchmarks.peers import compare

    compare.main()
