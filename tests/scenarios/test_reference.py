"""The references of scenarios and monitoring plans are made from the records."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from emberline.scenarios import Scenario
from emberline.scenarios.descriptions import schema

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_up_to_date() -> None:
    """Proves: docs/reference is what the records say, and each key of a monitoring plan has a meaning.

    Sensitivity: a key added to a record only, or without a docstring."""
    command = [sys.executable, str(ROOT / "docs" / "make_reference.py"), "--check"]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert process.returncode == 0, process.stderr
    page = (ROOT / "docs" / "reference" / "monitoring.md").read_text(encoding="utf-8")
    rows = [row.split(" | ") for row in page.splitlines() if row.startswith("| `")]
    assert [row[0] for row in rows if len(row) == 5 and not row[3].strip()] == []
    assert {row[0].strip("| `") for row in rows} >= {"electricity_t_co2_per_mwh", "unit", "PROCESS: to market"}


def test_the_schema_says_what_keys_mean() -> None:
    """Proves: keys carry the docstrings of their fields, in nested records too. Sensitivity: names and types alone."""
    result = schema(Scenario)
    assert "Number of identical units." in result["$defs"]["Process"]["properties"]["count"]["description"]
