"""Tables of a plan of processes: runs of units, levels of stores, deliveries, and the carbon of what is made.

Times are local to the plant, with their offset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.unit_runs import unit_runs

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from emberline.planning.plan.record import Plan

__all__ = ["run_list"]

RUN_COLUMNS = (
    "unit", "what", "mode", "start", "end", "tonnes", "off_spec_t", "mean_tph", "energy_mwh",
)  # fmt: skip
DELIVERY_COLUMNS = ("delivery", "store", "asked_t", "delivered_t", "baseline_t", "first", "last", "carbon_kg")


def run_list(plan: Plan) -> pd.DataFrame:
    """One row for each run, start-up and change-over of the undisturbed replay, by start: what the shift follows."""
    import pandas as pd

    assert plan.replay is not None
    scenario = plan.scenario
    step, hours = scenario.horizon.step_min, scenario.horizon.step_h
    rows = [
        {
            "unit": run.unit,
            "what": run.what,
            "mode": run.mode,
            "start": scenario.horizon.instant(run.first * step),
            "end": scenario.horizon.instant(run.last * step),
            "tonnes": run.tonnes,
            "off_spec_t": run.off_spec_t,
            "mean_tph": run.tonnes / ((run.last - run.first) * hours),
            "energy_mwh": run.energy_mwh,
        }
        for run in unit_runs(scenario, plan.replay)
    ]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS)).sort_values(["start", "unit"], ignore_index=True)


def levels(plan: Plan) -> pd.DataFrame:
    """One row for each step: its end, and the level of each store then [t], plan and baseline."""
    import pandas as pd

    assert plan.replay is not None
    horizon = plan.scenario.horizon
    table: dict[str, Any] = {"end": [horizon.instant((i + 1) * horizon.step_min) for i in range(horizon.n_steps)]}
    for name in plan.scenario.store:
        for whose, data in (("", plan.replay), ("baseline ", plan.baseline)):
            table[f"{whose}{name} [t]"] = data["stock_t"].sel(stock=name).to_numpy()
    return pd.DataFrame(table)


def deliveries(plan: Plan) -> pd.DataFrame:
    """One row for each delivery: tonnes asked for and made, when, and scope 1 and 2 by the goal's signal."""
    import pandas as pd

    assert plan.replay is not None
    scenario, horizon = plan.scenario, plan.scenario.horizon
    book = ledger(scenario, plan.replay).products
    assert book is not None
    kg_per_t = book.carbon_per_t(scenario.goal.signal).fillna(0.0)
    rows = []
    for delivery in scenario.deliveries:
        by_step, baseline = (data["delivered_t"].sel(delivery=delivery.name) for data in (plan.replay, plan.baseline))
        demand_t = delivery.amount_t
        if demand_t is None:
            demand_t = float(scenario.inputs["demand_tph"].sel(demand=delivery.name).sum()) * horizon.step_h
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
    import pandas as pd

    assert plan.replay is not None
    book = ledger(plan.scenario, plan.replay).products
    assert book is not None
    rows = []
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
    """Where each column of the ledger goes [kg]: deliveries, change of stock, losses, what is sold, the site."""
    import pandas as pd

    assert plan.replay is not None
    book = ledger(plan.scenario, plan.replay).products
    assert book is not None
    return pd.DataFrame([{"column": column, **book.leaves(column)} for column in book.columns])


def unit_columns(plan: Plan) -> dict[str, Any]:
    """Mode, rate and power of each unit by step, and level of each store at a step's end, a column each."""
    assert plan.replay is not None
    table: dict[str, Any] = {}
    for unit, _ in plan.scenario.process_units:
        mine = plan.replay.sel(process=unit)
        table[f"{unit} mode"] = mine["process_mode"].values.tolist()
        table[f"{unit} [t/h]"] = mine["process_tph"].to_numpy()
        table[f"{unit} [MW]"] = mine["process_mw"].to_numpy()
    for name in plan.scenario.store:
        table[f"{name} [t]"] = plan.replay["stock_t"].sel(stock=name).to_numpy()
    for delivery in plan.scenario.deliveries:
        table[f"{delivery.name} delivered [t]"] = plan.replay["delivered_t"].sel(delivery=delivery.name).to_numpy()
    return table


def _origins(row: xr.Dataset, column: str) -> list[tuple[tuple[str, str, str], float]]:
    origins = zip(*(row[f"origin_{name}"].values.tolist() for name in ("column", "kind", "source")), strict=True)
    return [
        (names, kg) for names, kg in zip(origins, row["kg_per_t"].values.tolist(), strict=True) if names[0] == column
    ]
