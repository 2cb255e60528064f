"""The table of tests that ``make quick`` leaves out, made of what pytest prints of durations::

    make test ARGS="--durations=0 --durations-min=0.1" | .venv/bin/python tests/recorded/slow.py

A test is a function here, whatever its parameters; its time is that of its slowest case, with what is set up for it.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

TABLE = Path(__file__).with_suffix(".txt")
MIN_SECONDS = 0.4
"""A test that takes longer is slow."""
ROW = re.compile(r"\s*([\d.]+)s (?:call|setup|teardown)\s+(tests/\S+?\.py::.+)$")


def slow(lines: Iterable[str]) -> list[str]:
    """Functions whose slowest case takes longer, of the lines that pytest prints of durations."""
    cases: Counter[str] = Counter()
    for line in lines:
        if match := ROW.match(line.rstrip()):
            cases[match[2]] += float(match[1])  # type: ignore[assignment]
    return sorted({case.partition("[")[0] for case, seconds in cases.items() if seconds > MIN_SECONDS})


if __name__ == "__main__":
    TABLE.write_text("\n".join(slow(sys.stdin)) + "\n", encoding="utf-8")
