"""The same cases in HiGHS and linopy by hand, PyPSA, oemof.solph and flixopt, each in a process of its own.

``make bench-peers``. Imported by the peers' interpreter too, which has none of Emberline's libraries.
"""

from __future__ import annotations

from benchmarks.registry import bench
from benchmarks.reporting.findings import Findings


@bench(
    "peers",
    "the same hub and units in HiGHS, linopy, PyPSA, oemof.solph and flixopt: one objective, seconds by phase",
    long=True,
)
def main() -> Findings | None:
    """Run all cases in all tools."""
    from benchmarks.peers import compare

    return compare.main()
