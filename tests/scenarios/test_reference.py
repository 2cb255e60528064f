"""The reference of a scenario's keys is made from the records."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from emberline.scenarios import Scenario
from emberline.scenarios.descriptions import schema

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_up_to_date() -> None:
    """Proves: docs/reference/scenario.md is what the records say. Sensitivity: a key added to a record only."""
    command = [sys.executable, str(ROOT / "docs" / "make_reference.py"), "--check"]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert process.returncode == 0, process.stderr


def test_the_schema_says_what_keys_mean() -> None:
    """Proves: keys carry the docstrings of their fields, in nested records too. Sensitivity: names and types alone."""
    result = schema(Scenario)
    assert "Identical units." in result["$defs"]["Process"]["properties"]["count"]["description"]
