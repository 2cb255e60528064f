"""Works of continuous processes and what they do, written down by hand, for the tests of ledger, stocks and exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from ledgers import flows

from emberline.planning import Plan
from emberline.planning.accounts.sums import figures
from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.assets.base import of
from emberline.scenarios.assets.trade import Supply
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.datasets import RUN, check
from emberline.scenarios.flows.process_flows import coordinates, per_t, streams

COAL = {"kind": "supply", "name": "yard", "carrier": "coal", "price_per_unit": 10.0, "fossil_kg_per_unit": 300.0}
KILN = {
    "name": "kiln",
    "rate": {"low": 50.0, "high": 100.0},
    "kwh_per_t": 50.0,
    "must_run": True,
    "outputs": [{"store": "clinker"}],
    "heat": {"gj_per_t": 3.6, "fuels": [{"carrier": "coal", "share": 1.0}]},
    "emissions": [{"source": "calcination", "kg_per_t": 500.0}],
}
MILL = {
    "name": "mill",
    "rate": 100.0,
    "power_mw": 4.0,
    "inputs": [{"store": "clinker", "per_t": 0.8}],
    "outputs": [{"store": "cement"}],
}
STORES = [
    {"name": "clinker", "capacity_t": 1000.0, "level_t": 400.0},
    {"name": "cement", "capacity_t": 1000.0, "level_t": 200.0},
]
TRUCKS = {"name": "trucks", "store": "cement", "rate": 30.0}
Modes = Sequence[tuple[str, float]]


def works(*processes: dict[str, Any], hours: int = 2, step_min: int = 60, **rest: Any) -> Case:
    """A works on hourly steps, unless given otherwise, whose grid has 300 kg/MWh.

    Carriers are coal, straw, steam and hot gas, which is waste."""
    table = {"price_per_mwh": 100.0, "carbon_intensity_kg_per_mwh": 300.0, **rest.pop("market", {})}
    table = {name: value for name, value in table.items() if value is not None}
    site = {"grid": {"export_limit_mw": 50.0, "metered_interval_min": 60}, "base_load_mw": 1.0, **rest.pop("site", {})}
    carriers = [{"name": "coal"}, {"name": "straw"}, {"name": "steam"}, {"name": "hot_gas", "waste": True}]
    site = {"carriers": carriers, "assets": [COAL], **site}
    rest = {"stores": STORES, "deliveries": [TRUCKS], **rest}
    built = resolve(
        Scenario.model_validate(
            {
                "name": "works",
                "horizon": {"start": "2026-01-05", "length_h": hours, "step_min": step_min},
                "market": table,
                "site": site,
                "processes": list(processes) or [KILN, MILL],
                **rest,
            },
            context={"currency": "EUR"},
        )
    )

    assert not list(between_nouns(built)), list(between_nouns(built))
    return built


def trajectory(
    scenario: Case,
    modes: Mapping[str, Modes],
    *,
    off_spec: Mapping[str, Sequence[float]] | None = None,
    extra_mw: Mapping[str, Sequence[float]] | None = None,
    delivered: Mapping[str, Sequence[float]] | None = None,
    arrived: Mapping[str, Sequence[float]] | None = None,
    moves: Mapping[tuple[str, str], Sequence[float]] | None = None,
    **power: Any,
) -> xr.Dataset:
    """What the units do, as the declared datasets tell it; the grid gives what is drawn.

    Args:
        scenario: whose units they are.
        modes: mode and rate of units by step; those that are not named stand.
        off_spec: part of the rate by step.
        extra_mw: what units draw besides: start-ups, change-overs.
        delivered: tonnes by step of deliveries; else their demand.
        arrived: tonnes by step of arrivals; else what they bring.
        moves: what assets deliver per hour; a supply that is not named gives what the units take of its carrier.
        power: of the site, as ``ledgers.flows``.
    """
    n, hours = scenario.horizon.n_steps, scenario.horizon.step_h
    units = [unit for unit, _ in scenario.process_units]
    mode = np.full((len(units), n), "", dtype="U40")
    rate, bad, result = (np.zeros((len(units), n)) for _ in range(3))
    for u, (unit, process) in enumerate(scenario.process_units):
        for t, (name, tph) in enumerate(modes.get(unit, ())):
            mode[u, t], rate[u, t] = name, tph
            result[u, t] = float(process.mode[name].power_at(tph)) if tph else 0.0
        bad[u] += np.asarray((off_spec or {}).get(unit, 0.0))
        result[u] += np.asarray((extra_mw or {}).get(unit, 0.0))
    outcome = streams(scenario)
    moved = np.zeros((len(outcome), n))
    for i, stream in enumerate(outcome):
        u = units.index(stream.unit)
        for t in np.flatnonzero(rate[u] > 0).tolist():
            recipe = stream.process.mode[str(mode[u, t])]
            each = per_t(recipe, stream.direction, stream.place)
            if stream.direction == "in" and recipe.heat:
                each += sum(f.share for f in recipe.heat.fuels if f.carrier == stream.place) * recipe.heat.mwh_per_t
            moved[i, t] = stream.sign * each * (rate[u, t] - (bad[u, t] if stream.direction == "out" else 0.0))
    rest = {d.name: np.zeros(n) for d in scenario.deliveries}
    for item in scenario.demands:
        rest[item.name] = scenario.inputs["demand_tph"].sel(demand=item.name).to_numpy() * hours
    rest |= {name: np.asarray(tonnes, float) for name, tonnes in (delivered or {}).items()}
    came = {a.name: scenario.inputs["arrival_tph"].sel(arrival=a.name).to_numpy() * hours for a in scenario.arrivals}
    came |= {name: np.asarray(tonnes, float) for name, tonnes in (arrived or {}).items()}
    stock, value, out, lost = (np.zeros((len(scenario.stores), n)) for _ in range(4))
    for s, store in enumerate(scenario.stores):
        mine = [moved[i] for i, stream in enumerate(outcome) if stream.place == store.name]
        value[s] += sum(np.maximum(one, 0.0) for one in mine) * hours if mine else 0.0
        out[s] += sum(np.maximum(-one, 0.0) for one in mine) * hours if mine else 0.0
        out[s] += sum((rest[d.name] for d in scenario.deliveries if d.store == store.name), np.zeros(n))
        value[s] += sum((came[a.name] for a in scenario.arrivals if a.store == store.name), np.zeros(n))
        level = store.start_t
        for t in range(n):
            after = level * store.retention(hours) + (value[s, t] - out[s, t]) / hours * store.effective_hours(hours)
            lost[s, t] = level + value[s, t] - out[s, t] - after
            stock[s, t] = level = after
    line = result.sum(axis=0)
    base = scenario.inputs["base_load_mw"].to_numpy()
    case = dict(moves or {})
    for supply in of(scenario.site.assets, Supply):
        if (supply.name, "") not in case:
            case[supply.name, ""] = [
                -sum(
                    moved[i, t]
                    for i, one in enumerate(outcome)
                    if one.place == supply.carrier and one.direction == "in"
                )
                for t in range(n)
            ]
    power = {"line_mw": line, "base_load_mw": base, "import_mw": line + base, **power}
    data = flows(scenario, case, None, **power).assign_coords(
        {"process": np.array(units), "stock": [s.name for s in scenario.stores], **coordinates(outcome)}
    )
    for name, values in (("process_mode", mode), ("process_tph", rate), ("off_spec_tph", bad), ("process_mw", result)):
        data[name] = (("process", "time"), values)
    data["stream_rate"] = (("stream", "time"), moved)
    for name, values in (("stock_t", stock), ("stock_in_t", value), ("stock_out_t", out), ("stock_lost_t", lost)):
        data[name] = (("stock", "time"), values)
    for name, label, table in (("delivered_t", "delivery", rest), ("arrived_t", "arrival", came)):
        if table:
            data[name] = ((label, "time"), np.array(list(table.values())))
            data = data.assign_coords({label: list(table)})
    return data


def as_run(data: xr.Dataset, *violations: tuple[str, str]) -> xr.Dataset:
    """What is done as a run of the twin, with violations by kind and unit; it has all that table ``RUN`` asks for."""
    data = data.drop_dims(["heat", "stage"])
    if "flow" in data:
        labels = {"flow_asset": data["flow"].values.tolist(), "flow_unit": ["MW"] * data.sizes["flow"]}
        labels["flow_carrier"] = ["electricity"] * data.sizes["flow"]
        data = data.assign_coords({name: ("flow", texts) for name, texts in labels.items()})
    for name, variable in RUN.items():
        if name.startswith("op_"):
            data[name] = ("operation", np.zeros(0, "U1" if variable.text else float))
    kinds, units = [kind for kind, _ in violations], [unit for _, unit in violations]
    texts = {"kind": kinds, "heat": [""] * len(kinds), "unit": units, "measure": ["t"] * len(kinds)}
    for name, values in texts.items():
        data[f"violation_{name}"] = ("violation", np.array(values, dtype=np.str_))
    for name in ("at_min", "amount"):
        data[f"violation_{name}"] = ("violation", np.ones(len(kinds)))
    return check(data, RUN)


def compared(scenario: Case, baseline: xr.Dataset, plan: xr.Dataset) -> Plan:
    """A plan whose replay and baseline are given."""
    sums = [figures(scenario, run) for run in (baseline, plan)]
    return Plan(
        scenario=scenario, envelope=xr.Dataset(), baseline=as_run(baseline), baseline_figures=sums[0],
        baseline_complete=True, status="within gap", objective=1.0, bound=1.0, gap=0.0, schedule=plan,
        schedule_figures=sums[1], replay=as_run(plan), replay_figures=sums[1],
    )  # fmt: skip
