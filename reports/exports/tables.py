"""The tables that files are made of: heats, runs, machines, hours or days, steps, bill, ledger, figures.

Times are local to the plant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from emberline.planning.accounts.bill import BillLine, bill, hourly_cost, import_price
from emberline.planning.accounts.emissions import INTENSITY
from emberline.planning.accounts.ledger import Entry, ledger
from emberline.planning.accounts.products import Products
from emberline.planning.accounts.unit_runs import unit_runs
from emberline.planning.answer import figure_table
from emberline.planning.answer.causes import Cause
from emberline.planning.answer.record import Headline
from emberline.planning.plan import Plan
from emberline.reports.text import mark, number, tr, works
from emberline.reports.text.activities import OPERATION, columns, of_site, replay_of
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios import Case
from emberline.scenarios.flows.asset_flows import flow, unused_mw
from emberline.scenarios.metrics import METRICS, amount_digits
from emberline.scenarios.records.horizon import clock_hours
from emberline.scenarios.tariff.rates import Rates

__all__ = ["TABLES", "by_name", "cause_table", "heat_list", "plan_runs"]

FIGURE_COLUMNS = ("figure", "unit", "baseline", "plan", "saved", "saved %")
ACTIVITY_COLUMNS = ("unit", "what", "name", "start", "end", "amount", "amount_unit")


def heat_list(plan: Plan) -> pd.DataFrame:
    """One row for each operation, by start: local times, unit, waits, energy, how much later than in the baseline.

    The carbon of a heat stands at its last operation alone, so that the column adds up to what the heats emit."""
    scenario, replay = plan.scenario, replay_of(plan)
    book = ledger(scenario, replay)
    kg = book.of_heat(scenario.goal.signal).to_series().to_dict()
    heats = {heat.name: heat for heat in scenario.heats}
    # in the order of their ends: the last one of each heat stays
    last = {str(replay["op_heat"].values[i]): i for i in replay["op_end_min"].values.argsort(kind="stable").tolist()}
    rows = []
    baseline = {
        (heat, stage): start for heat, stage, start in columns(plan.baseline, "op", ("heat", "stage", "start_min"))
    }
    for i, (heat, stage, unit, start, end, waited, energy) in enumerate(columns(replay, "op", OPERATION)):
        rows.append(
            {
                "heat": heat,
                "order": heats[heat].order,
                "grade": heats[heat].grade.name,
                "mass_t": heats[heat].grade.mass_t,
                "stage": stage,
                "unit": unit,
                "start": scenario.horizon.instant(start),
                "end": scenario.horizon.instant(end),
                "waited_min": waited,
                "energy_mwh": energy,
                "heat_carbon_kg": kg[heat] if i == last[heat] else float("nan"),
                "moved_min": start - baseline.get((heat, stage), float("nan")),
                "due": scenario.horizon.instant(heats[heat].due_min),
            }
        )
    return pd.DataFrame(rows).sort_values(["start", "unit"], ignore_index=True)


def activity_list(plan: Plan) -> pd.DataFrame:
    """One row for each stretch in which a machine, a store or the battery of the site is at work, by start."""
    scenario = plan.scenario
    rows = [
        (a.unit, a.what, a.name, *map(scenario.horizon.instant, (a.start_min, a.end_min)), a.amount, a.amount_unit)
        for a in of_site(scenario, replay_of(plan))
    ]
    return pd.DataFrame(rows, columns=list(ACTIVITY_COLUMNS)).sort_values(["start", "unit"], ignore_index=True)


def steps(plan: Plan) -> pd.DataFrame:
    """One row for each step: local time, flows of the replay, price, carbon intensity, emissions, baseline's power."""
    replay, scenario = replay_of(plan), plan.scenario
    book = ledger(scenario, replay)
    table: dict[str, Any] = {"start": local(scenario, scenario.horizon.times)}
    table |= _over_time(replay) | short_mw(scenario, replay)
    short = [asset.name for asset in scenario.site.short]
    table["baseline_line_mw"] = plan.baseline["line_mw"].to_numpy()
    table["baseline_import_mw"] = plan.baseline["import_mw"].to_numpy()
    table |= {name: values for name, values in _over_time(scenario.inputs).items() if name not in table}
    if scenario.rates is not None:
        table[f"{with_tariff(scenario.rates).replace(' ', '_')}_per_mwh"] = import_price(scenario)
    table |= unit_columns(plan)
    # flows and levels of assets, a column each
    for name, label, unit in (("asset_rate", "flow", "flow_unit"), ("asset_level", "store", "store_unit")):
        if name in replay:
            data = replay[name]
            for key, measure in zip(data[label].values.tolist(), data[unit].values.tolist(), strict=True):
                if key not in short:
                    table[f"{key} [{measure}]"] = data.sel({label: key}).to_numpy()
    table |= _over_time(book.by_step)
    return pd.DataFrame(table)


def _over_time(data: xr.Dataset) -> dict[str, np.ndarray]:
    """Variables with one value for each step, by name."""
    return {str(name): values.to_numpy() for name, values in data.data_vars.items() if values.dims == ("time",)}


def bill_lines(plan: Plan) -> pd.DataFrame:
    """The bill of the undisturbed replay, one row for each line, in the market's currency."""
    assert plan.replay_figures is not None
    lines = bill(plan.scenario, replay_of(plan), plan.replay_figures.direct_kg, plan.schedule).lines
    return pd.DataFrame([asdict(line) for line in lines], columns=[field.name for field in fields(BillLine)])


def ledger_entries(plan: Plan) -> pd.DataFrame:
    """The carbon ledger of the undisturbed replay, one row for each source and scope."""
    entries = ledger(plan.scenario, replay_of(plan)).entries
    return pd.DataFrame([asdict(entry) for entry in entries], columns=[field.name for field in fields(Entry)])


def figures(plan: Plan) -> pd.DataFrame:
    """Figures of baseline and plan, undisturbed, and what is saved by each basis: in all digits, carbon in kg."""
    rows = []
    for row in figure_table.figure_rows(plan):
        tonnes, _, _ = METRICS["carbon"].display
        unit, factor = ("kg CO2e", 1000.0) if row.unit == tonnes else (row.unit, 1.0)
        *values, (share, _) = row.values
        rows.append((row.name, unit, *(None if one is None else one * factor for one, _ in values), share))
    frame = pd.DataFrame(rows, columns=list(FIGURE_COLUMNS))
    return frame.astype(dict.fromkeys(FIGURE_COLUMNS[2:], float))


FLOWS_MW = {
    "import_mw": mark("grid import"),
    "export_mw": mark("grid export"),
    "line_mw": mark("line or processes"),
    "base_load_mw": mark("base load"),
    "pv_mw": mark("PV used or exported"),
    "pv_curtailed_mw": mark("PV not used"),
    "charge_mw": mark("battery charge"),
    "discharge_mw": mark("battery discharge"),
}
PRICE, PRICE_OF_BLOCKS = mark("price with tariff"), mark("price with tariff in the first block")
SCOPES = {
    "direct_kg": mark("scope 1"),
    "bought_kg": mark("scope 2, heat bought"),
    "grid_average_kg": mark("scope 2, average intensity"),
    "grid_marginal_kg": mark("scope 2, marginal intensity"),
    "grid_market_kg": mark("scope 2, market-based"),
}


def hours(plan: Plan, by_day: bool = False, assets: bool = True) -> pd.DataFrame:
    """One row for each hour of the plant's clock: energy, what assets move, emissions, cost; means of the prices.

    Where clocks go back an hour of that name stands twice; a day may have 23 or 25. What a tariff asks for peaks, and
    the carbon price, belong to no hour and are left out of the cost.

    Args:
        plan: what is tabulated.
        by_day: one row for each local day instead.
        assets: whether each flow of each asset has a column.
    """
    scenario, replay, step_h = plan.scenario, replay_of(plan), plan.scenario.horizon.step_h
    times = scenario.horizon.times
    here = local(scenario, times)
    groups = pd.Index(here.date if by_day else clock_hours(times, scenario.horizon.zone))
    money = scenario.market.currency
    powers = {name: replay[name].to_numpy() for name in FLOWS_MW if name in replay} | short_mw(scenario, replay)
    sums = {f"{label} [MWh]": powers[name] * step_h for name, label in FLOWS_MW.items()}
    sums["grid import, baseline [MWh]"] = plan.baseline["import_mw"].to_numpy() * step_h
    if assets:
        data = replay["asset_rate"].drop_sel(flow=[asset.name for asset in scenario.site.short])
        for key, measure in zip(data["flow"].values.tolist(), data["flow_unit"].values.tolist(), strict=True):
            moved = data.sel(flow=key).to_numpy() * step_h
            sums[f"{key} [{'MWh' if measure == 'MW' else measure.removesuffix('/h')}]"] = moved
    book = ledger(scenario, replay)
    sums |= {f"{label} [kg CO2e]": book.by_step[n].to_numpy() for n, label in SCOPES.items() if n in book.by_step}
    sums[f"energy and assets [{money}]"] = hourly_cost(scenario, replay)
    means = {}
    if scenario.market.has_spot:
        means[f"spot price [{money}/MWh]"] = scenario.inputs["price_per_mwh"].to_numpy()
    if scenario.rates is not None:
        means[f"{with_tariff(scenario.rates)} [{money}/MWh]"] = import_price(scenario)
    for signal, name in INTENSITY.items():
        if name in scenario.inputs:
            means[f"{signal} intensity [kg CO2e/MWh]"] = scenario.inputs[name].to_numpy()
    grouped = pd.concat(
        [pd.DataFrame(sums).groupby(groups).sum(), pd.DataFrame(means).groupby(groups).mean()], axis=1
    ).rename_axis(None)
    if by_day:
        grouped.insert(0, "day", [day.isoformat() for day in grouped.index])
        grouped.insert(1, "hours", pd.Series(step_h, index=range(len(here))).groupby(groups).sum())
    else:
        grouped.insert(0, "start", local(scenario, pd.Series(times).groupby(groups).min().to_numpy()))
    return grouped.reset_index(drop=True)


SMALL = 1e-6
"""Smaller numbers are noise of the search."""


def without_zeros(frame: pd.DataFrame, may: Callable[[str], bool] = lambda name: True) -> pd.DataFrame:
    """The table without the columns that are zero throughout.

    Args:
        frame: a table.
        may: whether a column of a name may be left out.
    """
    return frame[[name for name in frame if not may(str(name)) or _says_something(frame[name])]]


def _says_something(column: pd.Series) -> bool:
    return not all(isinstance(value, int | float) and abs(value) < SMALL for value in column)


def with_tariff(rates: Rates) -> str:
    """Label of the import price per MWh under a tariff."""
    return PRICE_OF_BLOCKS if rates.in_blocks else PRICE


def short_mw(scenario: Case, run: xr.Dataset) -> dict[str, np.ndarray]:
    """Base load and PV as they are tabulated [MW], by column."""
    base, sun, none = scenario.site.base_load, scenario.site.sun, np.zeros(scenario.horizon.n_steps)
    return {
        "base_load_mw": -flow(run, base.name),
        "pv_mw": none if sun is None else flow(run, sun.name),
        "pv_curtailed_mw": none if sun is None else unused_mw(scenario, run, sun),
    }


def local(scenario: Case, times: np.ndarray) -> pd.DatetimeIndex:
    """Naive UTC times in the plant's zone."""
    return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(scenario.horizon.zone)


SAVED_BY, IN_ALL = mark("saved by"), mark("in all")
CAUSE_HEADS = {
    "average": mark("carbon, average [t CO2e]"),
    "marginal": mark("carbon, marginal [t CO2e]"),
    "cost": mark("cost [{currency}]"),
}


def cause_table(causes: Sequence[Cause], headline: Headline) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: the cause, carbon by each signal that the market gives, and cost; of goals of money cost first.

    Args:
        causes: of a plan.
        headline: of the plan.
    """
    columns = {"average": [cause.average_kg / 1000 for cause in causes]}
    if all(cause.marginal_kg is not None for cause in causes):
        columns["marginal"] = [(cause.marginal_kg or 0.0) / 1000 for cause in causes]
    cost = {"cost": [cause.cost for cause in causes]}
    columns = cost | columns if headline.of_money else columns | cost
    heads = [tr(SAVED_BY), *(tr(CAUSE_HEADS[name], currency=headline.currency) for name in columns)]
    labels = [*(tr(cause.label) for cause in causes), tr(IN_ALL)]
    rows = [[label] for label in labels]
    for values in columns.values():
        digits = amount_digits(sum(values))  # of the saving in all
        for row, value in zip(rows, [*values, sum(values)], strict=True):
            row.append(number(value, digits))
    return heads, rows


def _rounded(at: Any) -> Any:
    """A time to the second; what is no time stays."""
    return (at + timedelta(milliseconds=500)).replace(microsecond=0) if hasattr(at, "isoformat") else at


def timed(frame: pd.DataFrame) -> list[str]:
    """Names of the columns that hold times."""
    return [str(name) for name in frame if any(hasattr(at, "isoformat") for at in frame[name])]


def plain(frame: pd.DataFrame, *, rounded: bool = False) -> pd.DataFrame:
    """The table with its times as ISO 8601 texts with offset, and numbers that are missing as None.

    Args:
        frame: the table.
        rounded: times to the minute, or to the second where one of them is no whole minute.
    """
    out = frame.copy()
    times = {name: [_rounded(at) if rounded else at for at in frame[name]] for name in timed(frame)}
    minutes = all(not getattr(at, "second", 0) for column in times.values() for at in column)
    timespec = "auto" if not rounded else "minutes" if minutes else "seconds"
    for name, column in times.items():
        out[name] = [at.isoformat(timespec=timespec) if hasattr(at, "isoformat") else at for at in column]
    numbers = out.select_dtypes("number").columns
    lacking = [name for name in numbers if out[name].isna().any()]
    for name in lacking:
        out[name] = out[name].astype(object).where(out[name].notna(), None)
    return out


RUN_COLUMNS = ("unit", "what", "mode", "start", "end", "tonnes", "off_spec_t", "mean_tph", "energy_mwh")
DELIVERY_COLUMNS = ("delivery", "store", "asked_t", "delivered_t", "baseline_t", "first", "last", "carbon_kg")


def plan_runs(plan: Plan) -> pd.DataFrame:
    """One row for each run, start-up and change-over of the undisturbed replay, by start: what the shift follows."""
    horizon = plan.scenario.horizon
    rows = []
    for run in unit_runs(plan.scenario, replay_of(plan)):
        start, end = (horizon.instant(step * horizon.step_min) for step in (run.first, run.last))
        tph = run.tonnes / ((run.last - run.first) * horizon.step_h)
        rows.append((run.unit, run.what, run.mode, start, end, run.tonnes, run.off_spec_t, tph, run.energy_mwh))
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS)).sort_values(["start", "unit"], ignore_index=True)


def levels(plan: Plan) -> pd.DataFrame:
    """One row for each step: its end, and the level of each store then [t], plan and baseline."""
    horizon = plan.scenario.horizon
    table: dict[str, Any] = {"end": [horizon.instant((i + 1) * horizon.step_min) for i in range(horizon.n_steps)]}
    for name in plan.scenario.store:
        for whose, data in (("", replay_of(plan)), ("baseline ", plan.baseline)):
            table[f"{whose}{name} [t]"] = data["stock_t"].sel(stock=name).to_numpy()
    return pd.DataFrame(table)


def deliveries(plan: Plan) -> pd.DataFrame:
    """One row for each delivery: tonnes asked for and made, when, and scope 1 and 2 by the goal's signal."""
    scenario, horizon, runs = plan.scenario, plan.scenario.horizon, (replay_of(plan), plan.baseline)
    kg_per_t = _products(plan).carbon_per_t(scenario.goal.signal).fillna(0.0)
    rows = []
    for delivery in scenario.deliveries:
        by_step, baseline = (data["delivered_t"].sel(delivery=delivery.name) for data in runs)
        demand_t = works.demand_t(scenario, delivery)
        at = np.flatnonzero(by_step.to_numpy() > 0).tolist()
        ends = [horizon.instant(i * horizon.step_min) for i in (at[0], at[-1] + 1)] if len(at) else ["", ""]
        tonnes = float(by_step.sum())
        kg = tonnes * float(kg_per_t.sel(stock=delivery.store))
        rows.append((delivery.name, delivery.store, demand_t, tonnes, float(baseline.sum()), *ends, kg))
    return pd.DataFrame(rows, columns=list(DELIVERY_COLUMNS))


def product_carbon(plan: Plan) -> pd.DataFrame:
    """One row for each store and origin, and one for each column of the ledger: kg CO2e for each tonne, and in all.

    ``kg`` is what comes into the store in the horizon; stores into which nothing came have no row.
    """
    book, rows = _products(plan), []
    for name in book.table["stock"].values.tolist():
        row = book.table.sel(stock=name)
        tonnes = float(row["in_t"])
        if row["kg_per_t"].isnull().any():
            continue
        for column in book.columns:
            rows += [(name, tonnes, *origin, kg, kg * tonnes) for origin, kg in _origins(row, column)]
            whole = float(book.per_t(column).sel(stock=name))
            rows.append((name, tonnes, column, "all", "", whole, whole * tonnes))
    return pd.DataFrame(rows, columns=["store", "in_t", "column", "kind", "source", "kg_per_t", "kg"])


def whereabouts(plan: Plan) -> pd.DataFrame:
    """Destinations of each ledger column [kg]: deliveries, change of stock, losses, by-products sold, the site."""
    book = _products(plan)
    return pd.DataFrame([{"column": column, **book.leaves(column)} for column in book.columns])


def _products(plan: Plan) -> Products:
    book = ledger(plan.scenario, replay_of(plan)).products
    assert book is not None
    return book


def unit_columns(plan: Plan) -> dict[str, Any]:
    """Mode, rate and power of each unit by step, and level of each store at a step's end, a column each."""
    table, replay = dict[str, Any](), replay_of(plan)
    for unit, _ in plan.scenario.process_units:
        mine = replay.sel(process=unit)
        table[f"{unit} mode"] = mine["process_mode"].values.tolist()
        table[f"{unit} [t/h]"] = mine["process_tph"].to_numpy()
        table[f"{unit} [MW]"] = mine["process_mw"].to_numpy()
    for name in plan.scenario.store:
        table[f"{name} [t]"] = replay["stock_t"].sel(stock=name).to_numpy()
    for delivery in plan.scenario.deliveries:
        table[f"{delivery.name} delivered [t]"] = replay["delivered_t"].sel(delivery=delivery.name).to_numpy()
    return table


def _origins(row: xr.Dataset, column: str) -> list[tuple[tuple[str, str, str], float]]:
    origins = columns(row, "origin", ("column", "kind", "source"))
    pairs = zip(origins, row["kg_per_t"].values.tolist(), strict=True)
    return [(names, kg) for names, kg in pairs if names[0] == column]


TABLES: dict[str, Callable[[Plan], pd.DataFrame]] = {
    "heats": heat_list,
    "runs": plan_runs,
    "machines": activity_list,
    "hours": hours,
    "steps": steps,
    "bill": bill_lines,
    "ledger": ledger_entries,
    "figures": figures,
}
"""Tables that a file of one table can hold, by name."""
MAKER = {"heats": "line with orders", "runs": "processes"}
"""Producers whose table it is, for a scenario that lacks them."""
OF_PRODUCERS: dict[str, dict[str, Callable[[Plan], pd.DataFrame]]] = {
    "heats": {"heats": heat_list},
    "runs": {
        "runs": plan_runs,
        "stores": levels,
        "deliveries": deliveries,
        "products": product_carbon,
        "whereabouts": whereabouts,
    },
}
"""Tables of what producers do, by the table of the producer and by name."""


def of_producers(plan: Plan) -> dict[str, pd.DataFrame]:
    """Tables of what each producer of a plan does, by name; none of a site alone."""
    tables = [OF_PRODUCERS[producer.table] for producer in plan.scenario.producers]
    return {name: tabulate(plan) for those in tables for name, tabulate in those.items()}


def by_name(run: StoredRun, name: str | None = None) -> tuple[str, pd.DataFrame]:
    """A table by its name, and the name.

    Args:
        run: what is tabulated.
        name: one of ``TABLES``; None: what the shift follows, heats, runs of units, or the steps of a site alone.

    Raises:
        CannotExport: there is no such table, or nothing that it could tell.
    """
    scenario = run.plan.scenario
    names = [producer.table for producer in scenario.producers]
    name = name or next(iter(names), "steps")
    if name not in TABLES:
        raise CannotExport(f"unknown table {name!r}; tables are {', '.join(TABLES)}")
    if name in MAKER and name not in names:
        raise CannotExport(f"run {run.id} has no {name}: scenario {scenario.name} has no {MAKER[name]}")
    return name, TABLES[name](run.plan)


class CannotExport(ValueError):
    """Error of an export that is not possible. Its message is one line with the reason and the alternatives."""
