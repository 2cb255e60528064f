"""Variables of table ``RUN`` that runs of lines and processes share: seed, violations, recourse and stops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from emberline.scenarios.datasets import Policy, RecourseKind, ViolationKind

TOLERANCE = 1e-6
"""Amounts up to this count as zero [MW, MWh]."""
SMALL = 1e-5
"""Share of a store's rate that may flow in the opposite direction at the same time: the accuracy of a solver's
integers."""


NUMBERS = ("at_min", "amount", "cost", "min")
"""Numeric columns of acts, violations and stops."""


class Act(NamedTuple):
    """One action of the dispatcher to meet a limit."""

    kind: RecourseKind
    unit: str
    """Unit or asset."""
    at_min: float
    amount: float
    """Size of the action, in ``measure``."""
    measure: str
    cost: float


class Violation(NamedTuple):
    """A limit that was missed once."""

    kind: ViolationKind
    heat: str
    """Empty if no heat is concerned."""
    unit: str
    """Unit, asset, store, delivery or carrier; empty if none is concerned."""
    at_min: float
    amount: float
    """Excess or shortfall, in ``measure``."""
    measure: str
    """Unit of measure."""


def run_attrs(seed: int, replication: int, disturbed: bool, policy: Policy) -> dict[str, object]:
    """Attributes that describe a run."""
    # a seed may need 63 bits, which netCDF's attributes hold
    return {"seed": np.int64(seed), "replication": replication, "disturbed": int(disturbed), "policy": policy.value}


def violation_variables(violations: list[Violation]) -> dict[str, Any]:
    """Violations as variables of table ``RUN``, in order of time."""
    rows = sorted(violations, key=lambda row: row.at_min)
    return _table("violation", Violation._fields, rows)


def recourse_variables(acts: Iterable[Act]) -> dict[str, Any]:
    """Recourse as variables of table ``RUN``, in order of time; empty if there was none."""
    rows = sorted(acts, key=lambda row: row.at_min)
    return _table("recourse", Act._fields, rows) if rows else {}


def stop_variables(stops: Iterable[tuple[str, float, float]]) -> dict[str, Any]:
    """Breakdowns as variables of table ``RUN``, in order of time; empty if there were none.

    Args:
        stops: unit, start and duration [min] of each.
    """
    rows = sorted(stops, key=lambda row: row[1])
    return _table("stop", ("unit", "at_min", "min"), rows) if rows else {}


def _table(dim: str, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Rows as variables, one column per name."""
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {
        f"{dim}_{name}": (dim, np.array(column, dtype=float if name in NUMBERS else np.str_))
        for name, column in zip(names, columns, strict=True)
    }
