"""Tariffs of tables in the format of the US Utility Rate Database as curated for the library eeco.

One row is one rate: its type, name (or ``period``), block limit, window (months and weekdays inclusive, 0 = Monday;
hours of the local clock, the end exclusive) and charge. Rows of equal name are one charge, as the peak of a demand
charge is that over all its rows; rows without a name form a charge by window.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from emberline.scenarios.tariff import Tariff

WINDOW = ["month_start", "month_end", "weekday_start", "weekday_end", "hour_start", "hour_end"]
PER_MEGA = 1000.0
COLUMNS = {"period": "name", "charge (metric)": "charge", "basic_charge_limit (metric)": "basic_charge_limit"}


def tariff_of(path: Path, tariff: str | None = None) -> Tariff:
    """The tariff of a table, of one of its labels where it has more than one; charges per kW and kWh in US dollars."""
    table = pd.read_csv(path, dtype=dict.fromkeys(("name", "period", "assessed"), str)).rename(columns=COLUMNS)
    table = table[(table["utility"] == "electric") & (True if tariff is None else table["label"] == tariff)]
    assert table["units"].str.startswith("$/").all()
    window = table[WINDOW].apply(lambda row: " ".join(map(str, row)), axis=1)
    table = table.assign(
        name=table["name"].fillna(window), basic_charge_limit=table["basic_charge_limit"].fillna(0.0),
        assessed=table["assessed"].fillna("monthly") if "assessed" in table else "monthly",
    )  # fmt: skip
    charges: dict[str, list[dict[str, Any]]] = {"energy": [], "export": [], "demand": []}
    for (kind, name, assessed), rows in table.groupby(["type", "name", "assessed"], sort=False):
        if kind in charges:
            per, above = ("per_mw", "above_mw") if kind == "demand" else ("per_mwh", "above_mwh")
            label = name if assessed == "monthly" else f"{name} {assessed}"
            charge = {"name": label, "rates": [rate(row, per, above) for row in rows.to_dict("records")]}
            charges[kind].append(charge | ({"assessed": assessed} if kind == "demand" else {}))
    fixed = table[table["type"] == "customer"]["charge"].tolist()
    return Tariff.model_validate({
        "currency": "USD", **charges,
        "fixed": [{"name": f"customer {i}", "per_month": charge} for i, charge in enumerate(fixed)],
    })  # fmt: skip


def rate(row: dict[Any, Any], per: str, above: str) -> dict[str, Any]:
    """One rate of a charge."""
    months, weekdays = (range(int(row[f"{of}_start"]), int(row[f"{of}_end"]) + 1) for of in ("month", "weekday"))
    return {
        "months": list(months), "weekdays": list(weekdays), "hours": [(row["hour_start"], row["hour_end"])],
        per: row["charge"] * PER_MEGA, above: row["basic_charge_limit"] / PER_MEGA,
    }  # fmt: skip
