"""Missed limits, recourse, and what runs of lines and of processes share in table ``RUN``: seed, violations, stops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from emberline.scenarios.datasets import Policy, RecourseKind, ViolationKind

TOLERANCE = 1e-6
"""MW and MWh that count as zero."""
SMALL = 1e-5
"""Share of a store's rate that may go the other way at the same time: a solver's whole numbers are as exact."""


NUMBERS = ("at_min", "amount", "cost", "min")
"""Columns of acts, violations and stops that are numbers."""


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
    return _table("violation", Violation._fields, rows)


def recourse_variables(acts: Iterable[Act]) -> dict[str, Any]:
    """Recourse as variables of table ``RUN``, in the order of its moments; none where nothing was done."""
    rows = sorted(acts, key=lambda row: row.at_min)
    return _table("recourse", Act._fields, rows) if rows else {}


def stop_variables(stops: Iterable[tuple[str, float, float]]) -> dict[str, Any]:
    """Breakdowns as variables of table ``RUN``, in the order of their moments; none where there were none.

    Args:
        stops: unit, when and how long [min] of each.
    """
    rows = sorted(stops, key=lambda row: row[1])
    return _table("stop", ("unit", "at_min", "min"), rows) if rows else {}


def _table(dim: str, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Rows as variables, a column for each name."""
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {
        f"{dim}_{name}": (dim, np.array(column, dtype=float if name in NUMBERS else np.str_))
        for name, column in zip(names, columns, strict=True)
    }
