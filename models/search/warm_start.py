"""Study: solvers and plans that are kept while the same plant is planned repeatedly.

If two models differ in numbers only (a price, a cap, the size of an asset), the second is sent as changes to the first,
and the solver starts from its basis and solution. The last plan is an additional start of the next search. A bound
remains valid for larger margins, because these only exclude plans.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pyomo.core as pyo
import xarray as xr
from pydantic import BaseModel

from emberline.models.kernel.highs import Program
from emberline.scenarios import Case, Scenario


class Study:
    """State that successive searches share; one search at a time may use it."""

    def __init__(self, *, steady: bool = False) -> None:
        """Start a study.

        Args:
            steady: start each search of a site from the final state of the first, so that their order has no effect.
        """
        self._steady, self._anchored = steady, False
        self._programs: dict[str, Program] = {}
        self._schedule: xr.Dataset | None = None
        self._plant: Any = None
        self._bound: tuple[Case, float] | None = None
        self._site: tuple[Any, tuple[Any, ...]] | None = None
        self._columns: tuple[Any, list[Any], tuple[np.ndarray, ...]] | None = None

    def columns(self, problem: Any) -> tuple[list[Any], tuple[np.ndarray, ...]] | None:
        """Return the columns and prices at the end of the last bound, if it was of the same line."""
        last = self._columns
        return last[1:] if last is not None and same(last[0], problem) else None

    def keep_columns(self, problem: Any, columns: list[Any], prices: tuple[np.ndarray, ...]) -> None:
        """Store the columns of a line's bound, and its best prices."""
        self._columns = problem, columns, prices

    def program(self, role: str, model: pyo.ConcreteModel) -> Program:
        """Return a solver with a model: the one that had this role before, if there is one.

        Args:
            role: purpose of the model; each role has one solver.
            model: model with one active objective.
        """
        self._site, self._anchored = None, False  # its solver may be used for another model
        solver = self._programs.get(role)
        if solver is None:
            solver = self._programs[role] = Program(model)
        else:
            solver.renew(model)
        return solver

    def site(self, *inputs: Any) -> Any | None:
        """Return the last model of a site alone if it was built from the same data; only goal and caps may differ."""
        return self._site[0] if self._site is not None and same(self._site[1], inputs) else None

    def keep_site(self, site_model: Any, load: Any, one_way_slots: Any) -> None:
        """Store a site's model with the data from which it was built."""
        self._site = site_model, (site_model.data, load, one_way_slots)

    def solved(self, site_model: Any) -> None:
        """Record that a site's model has been solved for the first goal of its scenario."""
        if self._steady and not self._anchored and self._site is not None and self._site[0] is site_model:
            site_model.program.anchor()
            self._anchored = True

    def beginnings(self, scenario: Scenario) -> tuple[xr.Dataset, ...]:
        """Return the last schedule if it is one of the same heats, units and steps."""
        return () if self._schedule is None or self._plant != _plant(scenario) else (self._schedule,)

    def bound(self, scenario: Case) -> float | None:
        """Return a lower bound on all plans of a scenario, in its goal's unit and without the constant; None: there is
        none of a scenario that differs only in smaller margins of time and power."""
        if self._bound is None:
            return None
        other, bound = self._bound
        if not _wider(scenario, other) or _plans(scenario) != _plans(other):
            return None
        return bound if scenario.inputs is other.inputs or scenario.inputs.equals(other.inputs) else None

    def keep(self, scenario: Case, schedule: xr.Dataset) -> None:
        """Store a schedule for the next search to start from, and its bound if it is stronger than the stored one."""
        if schedule.attrs.get("found"):
            self._schedule, self._plant = schedule, _plant(scenario)
        bound = float(schedule.attrs.get("bound", math.nan))
        if math.isnan(bound) or not scenario.heats:
            return
        best = self.bound(scenario)
        if best is None or (bound > best and self._bound is not None and _wider(self._bound[0], scenario)):
            self._bound = scenario, bound


def same(first: Any, other: Any) -> bool:
    """Return whether two values are equal, including arrays and records of arrays."""
    if first is other:
        return True
    if first.__class__ is not other.__class__:
        return False
    if isinstance(first, np.ndarray):
        return np.array_equal(first, other)
    if isinstance(first, dict):
        return first.keys() == other.keys() and all(same(value, other[key]) for key, value in first.items())
    if isinstance(first, list | tuple):
        return len(first) == len(other) and all(same(a, b) for a, b in zip(first, other, strict=True))
    if dataclasses.is_dataclass(first):
        return all(same(getattr(first, f.name), getattr(other, f.name)) for f in dataclasses.fields(first))
    if isinstance(first, BaseModel):
        return same(first.model_dump(), other.model_dump())
    return bool(first == other)


def _plant(scenario: Scenario) -> dict[str, Any]:
    """Return the fields in which schedules of two scenarios must agree: what is made, on what, and when."""
    return scenario.model_dump(include={"line", "orders", "processes", "stores", "horizon", "state"})


def _plans(scenario: Scenario) -> dict[str, Any]:
    """Return the fields that decide which plans exist and what each is worth, except margins of time and power."""
    margins = {"margins": True, "due_margin_min": True, "import_margin_mw": True, "stock_margins": True}
    judging = {"replications": True, "seed": True, "hold": True}
    content = scenario.model_dump(
        exclude={
            "name": True, "title": True, "description": True, "tolerances": True, "recourse": True,
            "disturbances": margins | judging,
            "goal": dict.fromkeys(("time_limit_s", "effort", "gap", "hold"), True),
        }
    )  # fmt: skip
    quantiles = [scenario.disturbances.quantile(stage.name) for stage in scenario.line.stages]
    return content | {"quantiles": quantiles}


def _wider(scenario: Scenario, other: Scenario) -> bool:
    """Return whether each margin of time and power is at least as large as that of another scenario."""
    wide, narrow = scenario.disturbances, other.disturbances
    stages = [stage.name for stage in scenario.line.stages]
    return (
        wide.due_margin_min >= narrow.due_margin_min
        and wide.import_margin_mw >= narrow.import_margin_mw
        and all(wide.reserve_t(store.name) >= narrow.reserve_t(store.name) for store in scenario.stores)
        and all(wide.slack_min(stage) >= narrow.slack_min(stage) for stage in stages)
        and all(wide.wait_min(stage) >= narrow.wait_min(stage) for stage in stages)
    )
