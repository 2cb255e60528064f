"""Observations of real works: stops of units and levels of stores, which a simulation of them takes in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from emberline.scenarios import Scenario
from emberline.scenarios.process.record import Process
from emberline.twin.processes.network import WorksTable
from emberline.twin.processes.unit import OUT
from emberline.twin.processes.works import Observed, Works


class Stop(NamedTuple):
    """A time in which a unit did not work, whatever it was set to [min after the start of the horizon]."""

    unit: str
    at_min: float
    end_min: float | None
    """None: it goes on."""
    down: bool
    """Whether the unit was broken down."""


class Measured(NamedTuple):
    """A measured level of a store."""

    store: str
    at_min: float
    level_t: float


@dataclass(frozen=True)
class Observations:
    """All that is known of works at a moment."""

    stops: tuple[Stop, ...] = ()
    levels: tuple[Measured, ...] = ()

    def acts(self, table: WorksTable, now_min: float) -> list[Observed]:
        """The observations as a simulation takes them in, in the order of their times.

        A repair that goes on is expected to take its mean time from now on, as it is exponential; another stop that
        goes on ends now, after which the unit follows its set-points again.
        """
        return sorted(self._acts(table, now_min), key=lambda act: act[0])

    def _acts(self, table: WorksTable, now_min: float) -> Iterator[Observed]:
        units = {machine.name: u for u, machine in enumerate(table.machines)}
        stores = {name: s for s, name in enumerate(table.stores)}
        for measured in self.levels:
            yield measured.at_min, partial(_fill, stores[measured.store], measured.level_t)
        for stop in self.stops:
            u = units[stop.unit]
            if not stop.down:
                yield stop.at_min, partial(_close, u)
                if stop.end_min is None:
                    yield now_min, partial(_close, u)
                yield now_min if stop.end_min is None else stop.end_min, partial(_open, u)
                continue
            end = (
                now_min + repair_min(table.scenario, table.machines[u].process, stop.unit)
                if stop.end_min is None
                else stop.end_min
            )
            yield stop.at_min, partial(_break_down, u, max(end - stop.at_min, 0.0))


def repair_min(scenario: Scenario, process: Process, unit: str) -> float:
    """Expected length of a repair, however long it has taken already: it is exponential [min]."""
    by_unit = {item.unit: item.mttr_min for item in scenario.disturbances.breakdowns}
    return by_unit.get(unit, by_unit.get(process.name, scenario.horizon.step_min))


def _fill(store: int, level_t: float, works: Works) -> None:
    works.levels[store] = min(max(level_t, 0.0), works.table.capacity[store])


def _break_down(u: int, repair: float, works: Works) -> None:
    works.units[u].break_down(works.now, repair)


def _close(u: int, works: Works) -> None:
    unit = works.units[u]
    if unit.working:  # a unit that changes over or waits is idle too
        unit.close(works.now)


def _open(u: int, works: Works) -> None:
    unit = works.units[u]
    if unit.phase == OUT and not any(begin <= works.now < end for begin, end in unit.machine.outages):
        unit.open(works.now, works.table.step_min)
