"""A study: solvers and plans that are kept while somebody asks for one plan after another of the same plant.

Where two models differ in numbers only (a price, a cap, the size of an asset), the second is sent as changes to the
first, and its basis and solution are where the solver begins. The last plan is one more beginning of the next search.
A bound holds for larger margins too, as these only leave plans out.
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
        """Begin a study.

        Args:
            steady: each search of a site begins where the first one ended, so that their order changes nothing.
        """
        self._steady, self._anchored = steady, False
        self._programs: dict[str, Program] = {}
        self._schedule: xr.Dataset | None = None
        self._plant: Any = None
        self._bound: tuple[Case, float] | None = None
        self._site: tuple[Any, tuple[Any, ...]] | None = None
        self._columns: tuple[Any, list[Any], tuple[np.ndarray, ...]] | None = None

    def columns(self, problem: Any) -> tuple[list[Any], tuple[np.ndarray, ...]] | None:
        """Columns and prices that the last bound of a line ended with, where it was the same line."""
        last = self._columns
        return last[1:] if last is not None and same(last[0], problem) else None

    def keep_columns(self, problem: Any, columns: list[Any], prices: tuple[np.ndarray, ...]) -> None:
        """Take the columns of a line's bound, and its best prices."""
        self._columns = problem, columns, prices

    def program(self, role: str, model: pyo.ConcreteModel) -> Program:
        """A solver that holds a model: the one that had this role before, if there is one.

        Args:
            role: what the model is for; each role has one solver.
            model: with one active objective.
        """
        self._site, self._anchored = None, False  # its solver may be given away
        solver = self._programs.get(role)
        if solver is None:
            solver = self._programs[role] = Program(model)
        else:
            solver.renew(model)
        return solver

    def site(self, *inputs: Any) -> Any | None:
        """The last model of a site alone, where it was made of the same numbers; only its goal and caps may differ."""
        return self._site[0] if self._site is not None and same(self._site[1], inputs) else None

    def keep_site(self, site_model: Any, load: Any, one_way_slots: Any) -> None:
        """Take a site's model, with what it was made of."""
        self._site = site_model, (site_model.data, load, one_way_slots)

    def solved(self, site_model: Any) -> None:
        """A site's model has been solved for the first goal of its scenario."""
        if self._steady and not self._anchored and self._site is not None and self._site[0] is site_model:
            site_model.program.anchor()
            self._anchored = True

    def beginnings(self, scenario: Scenario) -> tuple[xr.Dataset, ...]:
        """The last schedule, where it is one of the same heats, units and steps."""
        return () if self._schedule is None or self._plant != _plant(scenario) else (self._schedule,)

    def bound(self, scenario: Case) -> float | None:
        """Lower bound of all plans of a scenario, in its goal's measure and without the constant; None: nothing proven
        of a scenario that differs in smaller margins of time and power only."""
        if self._bound is None:
            return None
        other, bound = self._bound
        if not _wider(scenario, other) or _plans(scenario) != _plans(other):
            return None
        return bound if scenario.inputs is other.inputs or scenario.inputs.equals(other.inputs) else None

    def keep(self, scenario: Case, schedule: xr.Dataset) -> None:
        """Take a schedule for the next search to begin with, and its bound where it says more than the one at hand."""
        if schedule.attrs.get("found"):
            self._schedule, self._plant = schedule, _plant(scenario)
        bound = float(schedule.attrs.get("bound", math.nan))
        if math.isnan(bound) or not scenario.heats:
            return
        best = self.bound(scenario)
        if best is None or (bound > best and self._bound is not None and _wider(self._bound[0], scenario)):
            self._bound = scenario, bound


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, arrays and records of arrays too."""
    if one is other:
        return True
    if one.__class__ is not other.__class__:
        return False
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    if isinstance(one, BaseModel):
        return same(one.model_dump(), other.model_dump())
    return bool(one == other)


def _plant(scenario: Scenario) -> dict[str, Any]:
    """Fields by which schedules of two scenarios are alike: what is made, on what, when."""
    return scenario.model_dump(include={"line", "orders", "processes", "stores", "horizon", "state"})


def _plans(scenario: Scenario) -> dict[str, Any]:
    """Fields that decide which plans there are and what each is worth, margins of time and power aside."""
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
    """Whether each margin of time and power is as large as another scenario's at least."""
    one, two = scenario.disturbances, other.disturbances
    stages = [stage.name for stage in scenario.line.stages]
    return (
        one.due_margin_min >= two.due_margin_min
        and one.import_margin_mw >= two.import_margin_mw
        and all(one.reserve_t(store.name) >= two.reserve_t(store.name) for store in scenario.stores)
        and all(one.slack_min(stage) >= two.slack_min(stage) for stage in stages)
        and all(one.wait_min(stage) >= two.wait_min(stage) for stage in stages)
    )
