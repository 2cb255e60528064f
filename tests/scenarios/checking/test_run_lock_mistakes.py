"""Mistakes in locks on runs of processes: one clear line each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emberline.scenarios import ScenarioError, load

MILL = {"process": "cement mill", "mode": "CEM I", "start": "30 h"}


@pytest.mark.parametrize(
    ("locks", "place", "text"),
    [
        ([MILL | {"process": "mill"}], "run_locks.0.process", "unknown process 'mill'; processes are raw mill, "),
        ([MILL | {"mode": "CEM X"}], "run_locks.0.mode", "unknown mode 'CEM X' of cement mill; modes are CEM I,"),
        ([{"process": "cement mill", "start": "30 h"}], "run_locks.0.mode", "which mode of cement mill: CEM I,"),
        ([{"process": "kiln", "start": "30 h"}], "run_locks.0.process", "kiln runs all the time"),
        ([MILL | {"start": "168 h"}], "run_locks.0.start", "lies outside the horizon"),
        ([MILL | {"start": "30.1 h"}], "run_locks.0.start", "lies between two steps of 15 min"),
        ([MILL | {"end": "30 h"}], "run_locks.0.end", "is not after the start"),
        ([MILL, MILL, MILL, MILL | {"mode": "CEM III A"}], "run_locks.3", "4 runs are locked at once, cement mill has"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(locks: list[dict[str, Any]], place: str, text: str) -> None:
    """Proves: each mistake is named with its place and what is allowed; the same locks without it are taken."""
    with pytest.raises(ScenarioError) as error:
        load("cement-week", [f"run_locks={json.dumps(locks)}"])
    assert any(f"{place}: {text}" in str(problem) for problem in error.value.problems)
    assert load("cement-week", [f"run_locks={json.dumps([MILL, MILL, MILL])}"]).run_locks
