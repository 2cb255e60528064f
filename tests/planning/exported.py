"""Stored runs for the tests of files: a line, works, a site, days on which clocks change, names no file expects."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import planned
import xarray as xr
from ledgers import ENGINE, GAS, site
from python_calamine import CalamineWorkbook
from shops import cast
from watched_plans import unwatched
from works import KILN, MILL, compared, trajectory, works

from emberline import twin
from emberline.planning import Plan
from emberline.planning.accounts.sums import figures
from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.store import Store, StoredRun
from emberline.scenarios import Case

SHORT = "=cmd()"
HOSTILE = {
    "A-1": SHORT,  # heats
    "A-2": '<b>bold</b> & "more"\'',
    "B-1": "Ö 漢字 🔥\nzwei\x07",
    "A": "@SUM(A1)",  # orders
    "B": "x" * 40_000,
    "F": "=F|0",  # a unit
    "melting": "+melting",
}
TITLE = "</title><script>alert(1)</script>\n=1+1"


@cache
def of_site() -> Plan:
    """Six hours of a site with an engine and a battery, planned; electricity is dear from the third hour on."""
    supply = {"kind": "load", "name": "users", "carrier": "steam", "rate": 2.0}
    boiler = {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "steam", "heat_mw": 5.0, "efficiency": 0.9}
    engine = {**ENGINE, "min_load": 0.5, "start_cost": 10.0, "electric_mw": 2.0}
    case = site(
        GAS, supply, boiler, engine,
        hours=6,
        site={"base_load_mw": 3.0, "battery": {"energy_mwh": 2.0, "power_mw": 1.0}},
        market={"price_per_mwh": 60.0},
        goal={"minimize": "cost", "gap": 0.01},
    )  # fmt: skip
    price = case.inputs["price_per_mwh"]
    dear = price.copy(data=[20.0, 20.0, 200.0, 200.0, 20.0, 20.0])
    return make_plan(case.with_inputs(case.inputs.assign(price_per_mwh=dear)), PLAIN)


@cache
def of_works() -> Plan:
    """Six hours of a kiln that runs through and a mill that stands for two of them."""
    case = works(KILN, MILL, hours=6, title="=1+1")
    baseline = trajectory(case, {"kiln": [("kiln", 100.0)] * 6, "mill": [("mill", 100.0)] * 4 + [("", 0.0)] * 2})
    on = [("mill", 100.0)] * 2 + [("", 0.0)] * 2 + [("mill", 100.0)] * 2
    return compared(case, baseline, trajectory(case, {"kiln": [("kiln", 100.0)] * 6, "mill": on}))


@cache
def of_mill() -> Plan:
    """Two days of a mill with a price by day and one by night: it runs 0 to 6, 22 to 34, and from 46 h on."""
    rates = [{"hours": "6-22", "per_mwh": 135.0}, {"hours": "22-6", "per_mwh": 72.0}]
    market = {"price_per_mwh": None, "tariff": {"energy": [{"name": "energy", "rates": rates}]}}
    stores = [
        {"name": "clinker", "capacity_t": 5000.0, "level_t": 2500.0},
        {"name": "cement", "capacity_t": 4000.0, "level_t": 900.0},
    ]
    case = works(MILL, hours=48, market=market, stores=stores, goal={"minimize": "cost"})
    on, off = ("mill", 100.0), ("", 0.0)
    baseline = trajectory(case, {"mill": [on] * 20 + [off] * 28}, line_mw=[4.0] * 20 + [3.55e-15] * 28)
    runs = {"mill": [*[on] * 6, *[off] * 16, *[on] * 12, *[off] * 12, *[on] * 2]}
    return compared(case, baseline, trajectory(case, runs))


@cache
def of_crusher() -> Plan:
    """Half a day of a process without stores, which runs slower than its baseline does."""
    crusher = {"name": "crusher", "rate": {"low": 50.0, "high": 100.0}, "kwh_per_t": 40.0, "must_run": True}
    case = works({**crusher, "emissions": [{"source": "fuel", "kg_per_t": 5.0}]}, hours=12, stores=[], deliveries=[])
    high, low = [("crusher", 100.0)] * 12, [("crusher", 50.0)] * 12
    return compared(case, trajectory(case, {"crusher": high}), trajectory(case, {"crusher": low}))


PLANS = {"line": planned.full_plan, "works": of_works, "crusher": of_crusher, "site": of_site}
MORE = {"mill": of_mill}
"""Of one test each."""


def simulated(scenario: Case) -> Plan:
    """The baseline run as a plan: what it does is the schedule."""
    envelope = twin.envelope(scenario)
    schedule = twin.dispatch(scenario, envelope)
    run = twin.replay(scenario, schedule)
    sums = figures(scenario, run)
    return Plan(
        scenario=scenario, envelope=envelope, baseline=run, baseline_figures=sums, baseline_complete=True,
        status="best found", objective=2.0, bound=1.0, gap=0.5, schedule=schedule, schedule_figures=sums, replay=run,
        replay_figures=sums,
    )  # fmt: skip


def clock_change(day: str) -> Plan:
    """A cast of six heats from midnight on, in Berlin: in autumn the hour from two to three comes twice."""
    horizon = {"start": day, "zone": "Europe/Berlin", "days": 1, "length_h": None}
    return simulated(planned.shop(name="clocks", horizon=horizon, orders=[cast("A", 6)]))


HOME = tempfile.TemporaryDirectory(prefix="exported-")
"""Holds the runs of this process as long as it lives."""


@cache
def stored_run(plant: str) -> StoredRun:
    """The run of a line, works, a site, a mill, or of a day on which clocks change, named by its date; stored once."""
    table = PLANS | MORE
    return keep(table[plant]() if plant in table else clock_change(plant))


def keep(result: Plan) -> StoredRun:
    """The plan, stored and opened again."""
    store = Store(Path(HOME.name))
    with store.working(result.scenario) as run:
        store.save(run, result)
    return store.open(run)


def renamed(run: StoredRun, longest: int = 40_000) -> StoredRun:
    """The run of the line with names that no scenario may carry: as if the patterns had let them through.

    Args:
        run: of the line.
        longest: letters of a name; a chart measures one after the other.
    """

    def called(name: str) -> str:
        return HOSTILE.get(name, name)[:longest]

    scenario = run.plan.scenario
    stages = tuple(
        stage.model_copy(
            update={
                "name": called(stage.name),
                "units": tuple(unit.model_copy(update={"name": called(unit.name)}) for unit in stage.units),
            }
        )
        for stage in scenario.line.stages
    )
    grades = tuple(
        grade.model_copy(update={"duration_min": {called(name): mins for name, mins in grade.duration_min.items()}})
        for grade in scenario.line.grades
    )
    line = bare(scenario.line, stages=stages, grades=grades)
    orders = tuple(order.model_copy(update={"name": called(order.name)}) for order in scenario.orders)
    replaced = bare(scenario, line=line, orders=orders, title=TITLE)
    replaced._inputs = scenario.inputs
    replaced.__dict__["heats"] = tuple(
        dataclasses.replace(heat, name=called(heat.name), order=called(heat.order)) for heat in scenario.heats
    )
    data: dict[str, Any] = {}
    for name in ("envelope", "baseline", "schedule", "replay"):
        data[name] = translated(getattr(run.plan, name), called)
    with unwatched():
        return dataclasses.replace(run, plan=dataclasses.replace(run.plan, scenario=replaced, **data))


def bare(record: Any, **update: Any) -> Any:
    """A copy with other fields, without what was worked out from the old ones."""
    copy = record.model_copy(update=update)
    for name in set(copy.__dict__) - set(type(copy).model_fields):
        del copy.__dict__[name]
    return copy


def translated(data: xr.Dataset, called: Callable[[str], str]) -> xr.Dataset:
    """The dataset with hostile names in its texts and labels."""
    table = {
        name: (variable.dims, np.vectorize(lambda text: called(str(text)), otypes=[object])(variable.values))
        for name, variable in data.variables.items()
        if variable.dtype.kind in "UO" and variable.size
    }
    labels = {name: texts for name, texts in table.items() if name in data.coords}
    return data.assign_coords(labels).assign({name: texts for name, texts in table.items() if name not in labels})


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    """An Excel file read by another library than wrote it: cells by sheet."""
    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def records(table: list[list[Any]]) -> list[dict[str, Any]]:
    """The rows of a table by the names in its first row."""
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]
