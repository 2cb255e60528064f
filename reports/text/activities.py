"""Activities of units over time: heats on a line, runs of processes, machines and stores of the site.

Gantt charts, calendars and B2MML files are built from them. Times are in minutes after the start of the horizon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from emberline.planning.accounts.unit_runs import CHANGE_OVER, RUN, START_UP, WAIT, UnitRun, unit_runs
from emberline.reports.text.language import mark, tr, word
from emberline.reports.text.numbers import listed, number
from emberline.scenarios import Scenario
from emberline.scenarios.flows.asset_flows import flow
from emberline.scenarios.flows.process_flows import streams

if TYPE_CHECKING:
    from emberline.planning.plan import Plan

SMALL = 1e-6
"""Flows up to this value count as zero."""
WHOLE = 10
"""Amounts from this value on are written without decimals."""
BATTERY = "battery"
DOES = {
    "run": mark("run"), "start-up": mark("start-up"), "change-over": mark("change-over"), "waits": mark("waits"),
    "on": mark("is on"), "charge": mark("is charged"), "discharge": mark("is discharged"),
}  # fmt: skip
"""Texts for the activities of units and machines (``Activity.what``)."""


@dataclass(frozen=True)
class Material:
    """Total amount of a material or carrier that an activity makes or uses."""

    name: str
    """Grade, store or carrier."""
    amount: float
    unit: str
    is_product: bool
    """False for a material that is used."""
    lot: str = ""
    """Heat, if the material belongs to one."""


@dataclass(frozen=True)
class Activity:
    """Uninterrupted activity of one unit."""

    of: Literal["line", "processes", "site"]
    unit: str
    what: str
    """Stage; ``run``, ``start-up``, ``change-over``, ``waits`` of processes; ``on``, ``charge``, ``discharge``."""
    name: str
    """Heat, mode or asset."""
    group: str
    """Order that the activity belongs to; otherwise the unit."""
    definition: str
    """Grade or mode that is produced; otherwise the asset."""
    start_min: float
    end_min: float
    amount: float
    """Total amount: electricity of heats and runs, or the main flow of a machine."""
    amount_unit: str
    waited_min: float | None = None
    """Waiting time of a heat before its operation, without the transfer [min]."""
    materials: tuple[Material, ...] = ()
    tonnes: float | None = None
    """Output of a run in its process's product [t], off-spec product included."""
    off_spec_t: float | None = None

    @property
    def tph(self) -> float | None:
        """Mean rate of a run [t/h]."""
        return None if self.tonnes is None else self.tonnes * 60 / (self.end_min - self.start_min)

    def products(self) -> str:
        """Return the products as text; empty if there are none."""
        parts = [part for part in self.materials if part.is_product]
        return listed(
            [f"{number(part.amount, 0 if part.amount >= WHOLE else 1)} {part.unit} {part.name}" for part in parts]
        )

    @property
    def summary(self) -> str:
        """Short description: heat and stage, mode, or activity of a machine."""
        if self.of == "line":
            return f"{self.name} {self.what} ({self.definition})"
        if self.of == "processes":
            return self.name if self.what == RUN else f"{self.what} {self.name}"
        return f"{self.name} {self.what}"

    @property
    def amount_says(self) -> str:
        """Label of ``amount``."""
        return mark("amount") if self.of == "site" else mark("electricity")


OPERATION = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
"""Columns of an operation in a run."""


def replay_of(plan: Plan) -> xr.Dataset:
    """Return the undisturbed replay of a plan that has a schedule."""
    assert plan.replay is not None
    return plan.replay


def columns(run: xr.Dataset, prefix: str, names: Iterable[str]) -> list[tuple[Any, ...]]:
    """Return the rows of variables that share a prefix; empty if the run has no such variables."""
    variables = [f"{prefix}_{name}" for name in names]
    return list(zip(*(run[name].values.tolist() for name in variables if name in run), strict=True))


def breakdowns(run: xr.Dataset) -> list[tuple[str, float, float]]:
    """Return unit, start [min] and duration [min] of each breakdown in a run."""
    return columns(run, "stop", ("unit", "at_min", "min"))


def activities(scenario: Scenario, run: xr.Dataset) -> Iterator[Activity]:
    """Yield all activities in a run: operations of the line, runs of processes, then activities of the site's assets.

    Args:
        scenario: the scenario that was planned.
        run: a dataset of table ``RUN``.
    """
    yield from of_units(scenario, run, materials=True)
    yield from of_site(scenario, run)


def of_units(scenario: Scenario, run: xr.Dataset, materials: bool = False) -> Iterator[Activity]:
    """Yield operations of the line and runs of processes; materials only on request, since they take time to
    compute."""
    yield from _operations(scenario, run)
    yield from _runs(scenario, run, materials)


def units(scenario: Scenario, run: xr.Dataset) -> dict[str, str]:
    """Return all units that have activities, in the plant's order, with their group (``Activity.of``)."""
    order = [unit for producer in scenario.producers for unit in producer.units]
    owners = {activity.unit: activity.of for activity in activities(scenario, run)}
    return {name: str(owners[name]) for name in (*order, *owners) if name in owners}


def does(what: str) -> str:
    """Describe the activity of a unit or machine; stages keep their names from the scenario."""
    return word(what, DOES[what]) if what in DOES else what


def called(unit: str, scenario: Scenario) -> str:
    """Return the display name of a unit. Only the battery and the suffix of an asset are translated."""
    names = _of_line_and_processes(scenario)
    if unit in names:
        return unit
    if unit == _battery(scenario):
        whole = tr("battery")
        return whole if unit == BATTERY else tr("{name} (of the site)", name=whole)
    name = unit.removesuffix(" (asset)")
    return tr("{name} (asset)", name=name) if name != unit and name in names else unit


def _operations(scenario: Scenario, run: xr.Dataset) -> Iterator[Activity]:
    heats = {heat.name: heat for heat in scenario.heats}
    rows = sorted(columns(run, "op", OPERATION), key=lambda row: (row[3], row[2]))
    for heat, stage, unit, start, end, waited, energy in rows:
        grade = heats[heat].grade
        material = Material(grade.name, grade.mass_t, "t", is_product=True, lot=heat)
        yield Activity(
            "line", unit, stage, heat, heats[heat].order, grade.name, start, end, energy, "MWh", waited, (material,)
        )


def _runs(scenario: Scenario, run: xr.Dataset, materials: bool) -> Iterator[Activity]:
    step = scenario.horizon.step_min
    for unit_run in unit_runs(scenario, run):
        yield Activity(
            "processes", unit_run.unit, unit_run.what, unit_run.mode, unit_run.unit, unit_run.mode,
            unit_run.first * step, unit_run.last * step, unit_run.energy_mwh, "MWh",
            materials=tuple(_moved(scenario, run, unit_run)) if materials else (),
            tonnes=unit_run.tonnes, off_spec_t=unit_run.off_spec_t,
        )  # fmt: skip


def _moved(scenario: Scenario, run: xr.Dataset, unit_run: UnitRun) -> Iterator[Material]:
    """Yield the amounts that a run takes from and delivers to stores and carriers."""
    hours = scenario.horizon.step_h
    for stream in streams(scenario):
        if stream.unit == unit_run.unit:
            rates = run["stream_rate"].sel(stream=stream.label).to_numpy()[unit_run.first : unit_run.last]
            amount = float(np.abs(rates).sum()) * hours
            if amount > SMALL:
                yield Material(stream.place, amount, _over_time(stream.measure), is_product=stream.direction == "out")


def of_site(scenario: Scenario, run: xr.Dataset) -> Iterator[Activity]:
    """Yield the activities of the site's machines and stores."""
    site = scenario.site
    names = _of_line_and_processes(scenario)
    for name, machine in site.cores.items():
        rate = np.abs(flow(run, name, "main"))
        # a machine without switching counts as on while it has a flow
        on = run["asset_on"].sel(machine=name).to_numpy() if machine.switched else rate
        yield from _stretches(scenario, _called(name, names), "on", on, rate, site.carrier[machine.carrier].unit)
    for name, store in site.stores.items():
        for what, key in (("charge", "in"), ("discharge", "out")):
            rate = np.abs(flow(run, name, key))
            yield from _stretches(scenario, _called(name, names), what, rate, rate, site.carrier[store.carrier].unit)
    battery = _battery(scenario)
    for what in ("charge", "discharge"):
        rate = run[f"{what}_mw"].to_numpy()
        yield from _stretches(scenario, battery, what, rate, rate, "MWh")


def _of_line_and_processes(scenario: Scenario) -> set[str]:
    return {*(unit.name for unit in scenario.line.units), *(unit for unit, _ in scenario.process_units)}


def _battery(scenario: Scenario) -> str:
    names = {asset.name for asset in scenario.site.assets} | _of_line_and_processes(scenario)
    return _called(BATTERY, names, "of the site")


def _called(name: str, names: set[str], more: str = "asset") -> str:
    """Return the name of an asset, with a suffix if a unit has the same name."""
    return f"{name} ({more})" if name in names else name


def _stretches(
    scenario: Scenario, name: str, what: str, on: np.ndarray, rate: np.ndarray, unit: str
) -> Iterator[Activity]:
    """Yield an activity for each consecutive run of steps in which an asset is on."""
    step = scenario.horizon.step_min
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on > SMALL, [False]]).astype(int)))
    for first, last in edges.reshape(-1, 2).tolist():
        amount = float(rate[first:last].sum()) * scenario.horizon.step_h
        yield Activity("site", name, what, name, name, name, first * step, last * step, amount, unit)


def _over_time(measure: str) -> str:
    """Return the unit of a rate integrated over time: MWh for MW, t for t/h."""
    return "MWh" if measure == "MW" else measure.removesuffix("/h")


STATES = {RUN: mark("run"), START_UP: mark("start-up"), CHANGE_OVER: mark("change-over"), WAIT: mark("waiting")}
"""Names by state (``planning/accounts/unit_runs.py``)."""
