"""Missed limits, recourse, and what runs of lines and of processes share in table ``RUN``: seed, violations, stops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from emberline.scenarios.datasets import Policy, RecourseKind, ViolationKind

TOLERANCE = 1e-6
"""MW and MWh that count as zero."""
SMALL = 1e-5
"""Share of a store's rate that may go the other way at the same time: a solver's whole numbers are as exact."""


class Act(NamedTuple):
    """One action of the dispatcher to meet a limit."""

    kind: RecourseKind
    unit: str
    """Unit or asset."""
    at_min: float
    amount: float
    """By how much, in ``measure``."""
    measure: str
    cost: float


class Violation(NamedTuple):
    """A limit that was missed once."""

    kind: ViolationKind
    heat: str
    """Empty where no heat is concerned."""
    unit: str
    """Unit, asset, store, delivery or carrier; empty where none is concerned."""
    at_min: float
    amount: float
    """By how much, in ``measure``."""
    measure: str
    """Unit of measure."""


def run_attrs(seed: int, replication: int, disturbed: bool, policy: Policy) -> dict[str, object]:
    """Attributes that describe a run."""
    # a seed may need 63 bits, which netCDF's attributes hold
    return {"seed": np.int64(seed), "replication": replication, "disturbed": int(disturbed), "policy": policy.value}


def violation_variables(violations: list[Violation]) -> dict[str, Any]:
    """Violations as variables of table ``RUN``, in the order of their moments."""
    rows = sorted(violations, key=lambda row: row.at_min)
    kinds: list[list] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(6)]
    return {
        f"violation_{name}": ("violation", np.array(column, dtype=float if name in ("at_min", "amount") else np.str_))
        for name, column in zip(("kind", "heat", "unit", "at_min", "amount", "measure"), kinds, strict=True)
    }


def recourse_variables(acts: Iterable[Act]) -> dict[str, Any]:
    """Recourse as variables of table ``RUN``, in the order of its moments; none where nothing was done."""
    rows = sorted(acts, key=lambda row: row.at_min)
    if not rows:
        return {}
    columns = zip(Act._fields, zip(*rows, strict=True), strict=True)
    text = ("kind", "unit", "measure")
    return {
        f"recourse_{name}": ("recourse", np.array(column, dtype=np.str_ if name in text else float))
        for name, column in columns
    }


def stop_variables(stops: Iterable[tuple[str, float, float]]) -> dict[str, Any]:
    """Breakdowns as variables of table ``RUN``, in the order of their moments; none where there were none.

    Args:
        stops: unit, when and how long [min] of each.
    """
    rows = sorted(stops, key=lambda row: row[1])
    if not rows:
        return {}
    unit, at, halt = zip(*rows, strict=True)
    return {
        "stop_unit": ("stop", np.array(unit, dtype=np.str_)),
        "stop_at_min": ("stop", np.array(at, dtype=float)),
        "stop_min": ("stop", np.array(halt, dtype=float)),
    }
