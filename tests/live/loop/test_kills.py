"""A process that is killed between approval and audit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_no_decision_without_its_row() -> None:
    """Proves: of processes that are killed while they approve, half of them at a statement, none leaves a decision
    without its audit row, and an approval that is tried again is there once. Sensitivity: decision and row are two
    transactions. A bench kills 200."""
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.live.kills", "12"], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    dead, first = json.loads(process.stdout)
    assert dead >= 6
    assert first < 12
