"""A study: solvers and plans that are kept while somebody asks for one plan after another of the same plant.

Where two models differ in numbers only (a price, a cap, the size of an asset), the second is sent as changes to the
first, and its basis and solution are where the solver begins. The last plan is one more beginning of the next search.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np
import pyomo.environ as pyo
import xarray as xr
from pydantic import BaseModel

from emberline.models.kernel.highs import Program
from emberline.scenarios import Scenario


class Solved(Protocol):
    """A model of a site with its solver."""

    @property
    def data(self) -> Any:
        """The site."""

    @property
    def program(self) -> Program:
        """The solver."""


class Study:
    """What is kept; one search at a time may use it."""

    def __init__(self, *, steady: bool = False) -> None:
        """Begin a study.

        Args:
            steady: each search of a site begins where the first one ended, so that their order changes nothing.
        """
        self._steady, self._anchored = steady, False
        self._programs: dict[str, Program] = {}
        self._schedule: xr.Dataset | None = None
        self._plant: Any = None
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

    def keep_site(self, site_model: Solved, load: Any, burning: Any) -> None:
        """Take a site's model, with what it was made of."""
        self._site = site_model, (site_model.data, load, burning)

    def solved(self, site_model: Solved) -> None:
        """A site's model has been solved for the first goal of its scenario."""
        if self._steady and not self._anchored and self._site is not None and self._site[0] is site_model:
            site_model.program.anchor()
            self._anchored = True

    def beginnings(self, scenario: Scenario) -> tuple[xr.Dataset, ...]:
        """The last schedule, where it is one of the same heats, units and steps."""
        return () if self._schedule is None or self._plant != _plant(scenario) else (self._schedule,)

    def keep(self, scenario: Scenario, schedule: xr.Dataset) -> None:
        """Take a schedule for the next search to begin with."""
        if schedule.attrs.get("found"):
            self._schedule, self._plant = schedule, _plant(scenario)


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
    """What makes schedules of two scenarios alike: what is made, on what, when."""
    return scenario.model_dump(include={"line", "orders", "processes", "stores", "horizon", "state"})
