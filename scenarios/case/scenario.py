"""The scenario: all parts of a planning problem as given in a file, and its producers.

Code above ``scenarios``, ``twin`` and ``models`` iterates over producers without checking their type. Differences are
attributes here, or functions registered by type with ``functools.singledispatch`` in the room that needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator

from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.case.line import Grade, Line
from emberline.scenarios.case.market import Market
from emberline.scenarios.case.site import Site
from emberline.scenarios.process.delivery import Arrival, Delivery
from emberline.scenarios.process.recipe import Mode
from emberline.scenarios.process.record import Process, moves_runs
from emberline.scenarios.process.store import Store
from emberline.scenarios.records.base import Record
from emberline.scenarios.records.disturbances import Disturbances, Recourse, Tolerances
from emberline.scenarios.records.emissions import ACCOUNTING, DAYS, Accounting, Emission, Used
from emberline.scenarios.records.goal import HOLD, Goal, Target, effort_of, net_of
from emberline.scenarios.records.horizon import MOMENT_MIN, Horizon
from emberline.scenarios.records.locks import Window, merged
from emberline.scenarios.records.orders import AnyLock, Lock, Order, RunLock
from emberline.scenarios.records.replanning import Using
from emberline.scenarios.records.series import Entry
from emberline.scenarios.records.state import State

NO_LINE = Line.model_construct(stages=(), grades=(), transfers=(), heat_loss=None)
"""Line of a scenario that consists of a site only: no stages, no units. Files express it by omitting ``line``."""


@dataclass(frozen=True)
class Heat:
    """A heat of an order, with its limits in minutes after the start of the horizon."""

    name: str
    order: str
    grade: Grade
    position: int
    """Position within its order, from 0."""
    release_min: float
    due_min: float


@dataclass(frozen=True)
class ProductionLine:
    """A line with its orders: heats pass through stages of parallel units."""

    line: Line
    orders: tuple[Order, ...]
    heats: tuple[Heat, ...]
    locks: tuple[Lock, ...]
    table: ClassVar[str] = "heats"
    """Name of its list of activities in exports: ``heats`` or ``runs``."""
    decisions: ClassVar[str] = "heats"
    """Subject of its decisions: ``heats``, or ``units`` by time step."""
    lock_key: ClassVar[str] = "locks"
    """Key of its locks in a scenario."""
    late: ClassVar[tuple[str, ...]] = ("late_heats", "late_t")
    """Figures for late or missing products."""
    noun: ClassVar[str] = "heats"
    """Word for its decisions in sentences: ``heats`` or ``processes``."""
    by_step: ClassVar[bool] = False
    """Whether decisions are made per time step, in one program with those of the site."""

    @property
    def units(self) -> tuple[str, ...]:
        """Names of its units in declared order."""
        return tuple(unit.name for unit in self.line.units)

    @property
    def demand(self) -> tuple[Order, ...]:
        """Orders or deliveries to produce."""
        return self.orders

    @property
    def can_plan_again(self) -> bool:
        """Whether it can be replanned on a disturbed day."""
        return True

    def disturbed(self, disturbances: Disturbances) -> bool:
        """Return whether any disturbance applies to it."""
        return disturbances.heats

    @staticmethod
    def locks_among(locks: Iterable[AnyLock]) -> tuple[Lock, ...]:
        """Return the locks that apply to its decisions."""
        return tuple(lock for lock in locks if isinstance(lock, Lock))


@dataclass(frozen=True)
class ProcessNetwork:
    """Processes between stores, with arrivals and deliveries; it has the same attributes as ``ProductionLine``."""

    processes: tuple[Process, ...]
    stores: tuple[Store, ...]
    arrivals: tuple[Arrival, ...]
    deliveries: tuple[Delivery, ...]
    locks: tuple[RunLock, ...]
    table: ClassVar[str] = "runs"
    decisions: ClassVar[str] = "units"
    lock_key: ClassVar[str] = "run_locks"
    late: ClassVar[tuple[str, ...]] = ("missed_deliveries", "short_t")
    noun: ClassVar[str] = "processes"
    by_step: ClassVar[bool] = True

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(unit for process in self.processes for unit in process.units)

    @property
    def demand(self) -> tuple[Delivery, ...]:
        return self.deliveries

    @property
    def can_plan_again(self) -> bool:
        return any(moves_runs(process, self.locks) for process in self.processes)

    def disturbed(self, disturbances: Disturbances) -> bool:
        return disturbances.processes

    @staticmethod
    def locks_among(locks: Iterable[AnyLock]) -> tuple[RunLock, ...]:
        return tuple(lock for lock in locks if isinstance(lock, RunLock))


Producer = ProductionLine | ProcessNetwork
"""Production equipment with its demand."""


class Scenario(Record):
    """A planning problem: plant, orders, market, horizon, state, disturbances and goal.

    The producers of a plant are a line of heats, processes between stores, or both. A scenario without producers is a
    site only, and the plan supplies its loads at the lowest objective.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=5000)
    horizon: Horizon
    emissions: Accounting = Field(default_factory=Accounting)
    line: Line = NO_LINE
    orders: tuple[Order, ...] = ()
    locks: tuple[Lock, ...] = ()
    run_locks: tuple[RunLock, ...] = Field(default=(), max_length=500)
    site: Site = Field(default_factory=Site)
    stores: tuple[Store, ...] = Field(default=(), max_length=200)
    processes: tuple[Process, ...] = Field(default=(), max_length=100)
    arrivals: tuple[Arrival, ...] = Field(default=(), max_length=200)
    deliveries: tuple[Delivery, ...] = Field(default=(), max_length=500)
    market: Market
    state: State = Field(default_factory=State)
    disturbances: Disturbances = Field(default_factory=Disturbances)
    tolerances: Tolerances = Field(default_factory=Tolerances)
    recourse: Recourse = Field(default_factory=Recourse)
    goal: Goal = Field(default=None, validate_default=True)

    @field_validator("horizon", "emissions")
    @classmethod
    def _context(cls, noun: Horizon | Accounting, info: ValidationInfo) -> Horizon | Accounting:
        # later fields look up emission factors for these days and this accounting
        if info.context is not None and isinstance(noun, Horizon):
            last = noun.instant(noun.length_min - noun.step_min)
            info.context[DAYS] = (noun.instant(0).date(), last.date())
        elif info.context is not None:
            info.context[ACCOUNTING] = noun
        return noun

    @field_validator("goal", mode="before")
    @classmethod
    def _default(cls, raw: Any) -> Any:
        # validated as any other goal, so that its time limit is derived and stored
        return Goal() if raw is None else raw

    @field_validator("goal")
    @classmethod
    def _limited(cls, goal: Goal, info: ValidationInfo) -> Goal:
        return _with_limit(goal, info.data) if "horizon" in info.data else goal

    @cached_property
    def battery(self) -> Storage | None:
        """The site's battery as a store with its present level; None if there is no battery with capacity."""
        return None if self.site.battery is None else self.site.battery.as_store(self.state.battery_level_mwh)

    @cached_property
    def outages(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """Outages by unit [min], in order and without overlaps; units that are always available have no entry.

        A unit must be available during each operation, and during all heats of a cast; set-ups may lie in outages.
        """
        spans: dict[str, list[tuple[float, float]]] = {}
        for outage in self.state.outages:
            spans.setdefault(outage.unit, []).append(
                (self.horizon.minutes(outage.start), self.horizon.minutes(outage.end))
            )
        return {unit: _joined(sorted(times)) for unit, times in spans.items()}

    @property
    def by_the_minute(self) -> bool:
        """Whether a plan needs a resolution of one minute; such scenarios are simulated but not planned."""
        if self.goal.minimize in (Target.LATENESS, Target.MAKESPAN):
            return True
        return bool(self.line.changeovers or self.line.takes)

    @cached_property
    def heats(self) -> tuple[Heat, ...]:
        """All heats in the sequence of the orders."""
        heats = []
        end = self.horizon.length_min
        for order in self.orders:
            release = 0.0 if order.release is None else self.horizon.minutes(order.release)
            due = end if order.due is None else self.horizon.minutes(order.due)
            entries = [entry for entry in order.heats for _ in range(entry.count)]
            for position, entry in enumerate(entries):
                name, grade = entry.name or f"{order.name}-{position + 1}", self.line.grade[entry.grade]
                heat_due = due if entry.due is None else min(due, self.horizon.minutes(entry.due))
                heats.append(Heat(name, order.name, grade, position, release, heat_due))
        return tuple(heats)

    @cached_property
    def lock_windows(self) -> dict[tuple[str, str], Window]:
        """Unit and time window for the start of each locked operation, by heat and stage; its locks are combined."""
        return merged(self.locks, self.horizon)

    @cached_property
    def store(self) -> dict[str, Store]:
        """Stores by name."""
        return {store.name: store for store in self.stores}

    @cached_property
    def process_units(self) -> tuple[tuple[str, Process], ...]:
        """All units of processes with their process, in declared order."""
        return tuple((unit, process) for process in self.processes for unit in process.units)

    @cached_property
    def process_modes(self) -> tuple[tuple[Process, Mode], ...]:
        """All modes of processes, in declared order."""
        return tuple((process, mode) for process in self.processes for mode in process.all_modes)

    @cached_property
    def emitters(self) -> tuple[tuple[str, tuple[Emission, ...]], ...]:
        """Sources of emissions per tonne processed: stages of the line, and modes of processes."""
        stages = [(stage.name, stage.emissions) for stage in self.line.stages]
        modes = [(mode_name(process, mode), mode.emissions) for process, mode in self.process_modes]
        return (*stages, *modes)

    def series(self) -> Iterator[Entry]:
        """Iterate over all series: name in ``INPUTS``, place in the scenario, series and unit of measure.

        The name of an asset's series is its label in the coordinate ``series`` of ``asset_values``.
        """
        for name, place, series, unit in self.market.series():
            yield name, ("market", *place), series, unit
        for field in ("deliveries", "arrivals"):
            for i, item in enumerate(getattr(self, field)):
                if item.rate is not None:
                    yield item.name, (field, i, "rate"), item.rate, "t/h"
        for name, place, series, unit in self.site.series(self.market.currency):
            yield name, ("site", *place), series, unit

    @cached_property
    def demands(self) -> tuple[Delivery, ...]:
        """Continuous deliveries: all except orders."""
        return tuple(delivery for delivery in self.deliveries if delivery.amount_t is None)

    @cached_property
    def producers(self) -> tuple[Producer, ...]:
        """Line and process network, each with its demand; empty for a site only."""
        nouns = (self.processes, self.stores, self.arrivals, self.deliveries, self.run_locks)
        line = (ProductionLine(self.line, self.orders, self.heats, self.locks),) if self.heats else ()
        return (*line, ProcessNetwork(*nouns)) if self.processes else line

    @property
    def by_step(self) -> bool:
        """Whether the decisions of any producer are made per time step (:attr:`Producer.by_step`)."""
        return any(producer.by_step for producer in self.producers)

    @property
    def disturbed(self) -> bool:
        """Whether disturbances apply to any producer; a site only has none."""
        return any(producer.disturbed(self.disturbances) for producer in self.producers)

    @property
    def holding(self) -> bool:
        """Whether a plan must hold on a share of the disturbed days."""
        level, disturbances = self.goal.hold, self.disturbances
        if level is None:
            return self.disturbed and bool(disturbances.replications) and self.goal.minimize != "lateness"
        return self.disturbed and level > 0

    @property
    def moment_min(self) -> float:
        """Grid of the starts of heats [min]: finer than the time steps if the plan must hold on disturbed days."""
        step = self.horizon.step_min
        finer = self.holding and bool(self.heats) and not self.by_the_minute and step % MOMENT_MIN == 0
        return MOMENT_MIN if finer else step

    @property
    def can_plan_again(self) -> bool:
        """Whether heats or runs of processes can be replanned on a disturbed day."""
        return any(producer.can_plan_again for producer in self.producers)

    @property
    def planned_again(self) -> bool:
        """Whether replanning is used on disturbed days; not for goals in minutes, since it relies on energy prices."""
        again = self.disturbed and self.can_plan_again and not self.by_the_minute
        return again and self.goal.policy is not Using.FOLLOW

    @property
    def level(self) -> float:
        """Share of the disturbed days on which a plan must hold; ``HOLD`` by default."""
        return self.goal.hold or self.disturbances.hold or HOLD

    def with_goal(self, **changes: Any) -> Self:
        """Return a copy of the scenario with changed values in its goal."""
        return self.model_copy(update={"goal": self.goal.model_copy(update=changes)})

    def with_time_limit(self) -> Self:
        """Return a copy with the time limit derived from its own heats and steps, unless one is given."""
        return self.model_copy(update={"goal": _with_limit(self.goal, dict(self))})

    @property
    def factors_used(self) -> tuple[Used, ...]:
        """Rows of factor tables used by emissions, assets and the market."""
        factors = [
            (f"{name}: {emission.source}", emission.factor)
            for name, emissions in self.emitters
            for emission in emissions
        ]
        factors += [(asset.name, getattr(asset, "factor", None)) for asset in self.site.assets]
        factors.append(("grid", self.market.factor))
        return tuple(Used(name, row) for name, factor in factors if factor is not None for row in factor.rows)


def _with_limit(goal: Goal, nouns: Mapping[str, Any]) -> Goal:
    """Return a goal with effort and time limit, derived from the size of the problem unless given."""
    named = goal.model_fields_set
    if "time_limit_s" in named:
        return goal
    if "effort" in named and goal.effort is not None:
        limited = goal.model_copy(update={"time_limit_s": net_of(goal.effort)})
    else:
        # derived again for a part of the horizon
        heats = sum(entry.count for order in nouns.get("orders", ()) for entry in order.heats)
        modes = sum(len(process.all_modes) for process in nouns.get("processes", ()))
        parts = heats + modes + (len(nouns.get("stores", ())) if modes else 0)
        effort = effort_of(parts * nouns["horizon"].n_steps)
        limited = goal.model_copy(update={"effort": effort, "time_limit_s": net_of(effort)})
        limited.model_fields_set.discard("effort")
    limited.model_fields_set.discard("time_limit_s")
    return limited


def mode_name(process: Process, mode: Mode) -> str:
    """Return the name of a mode that is unique among the modes of all processes."""
    return process.name if mode.name == process.name else f"{process.name}, {mode.name}"


def _joined(spans: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Merge overlapping spans in a sorted list."""
    joined: list[tuple[float, float]] = []
    for begin, over in spans:
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], over)
        else:
            joined.append((begin, over))
    return tuple(joined)
