"""Small works that can be worked out by hand, schedules written down, and random plants of processes between stores."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from hypothesis import strategies as st

from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.datasets import SCHEDULE, check
from emberline.scenarios.flows.process_flows import coordinates, streams

MARKET = {"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 400.0}


def works(processes: list[dict[str, Any]], stores: list[dict[str, Any]], **remaining: Any) -> Case:
    """A scenario of processes from plain data; a day on hours unless said otherwise."""
    horizon = {"start": "2026-03-10T00:00+00:00", "length_h": 24.0, "step_min": 60.0, **remaining.pop("horizon", {})}
    built = resolve(
        Scenario.model_validate(
            {
                "name": "works",
                "horizon": horizon,
                "processes": processes,
                "stores": stores,
                "market": MARKET,
                **remaining,
            }
        )
    )

    assert not list(between_nouns(built)), list(between_nouns(built))
    return built


def schedule(
    scenario: Case,
    runs: dict[str, list[tuple[str, float]]],
    loads: dict[str, list[float]] | None = None,
    fuels: dict[str, list[float]] | None = None,
) -> xr.Dataset:
    """A schedule: mode and rate of each unit in each step, what is loaded of orders [t], streams of fuels.

    Lists that are shorter than the horizon go on as they end.
    """
    n = scenario.horizon.n_steps
    units = [unit for unit, _ in scenario.process_units]
    rows = {unit: _filled(runs.get(unit, [("", 0.0)]), n) for unit in units}
    result = streams(scenario)
    rates = np.zeros((len(result), n))
    for i, stream in enumerate(result):
        if fuels and stream.label in fuels:
            rates[i] = -np.array(_filled(fuels[stream.label], n))
    zeros = np.zeros(n)
    meter = scenario.site.grid.metered_interval_min
    names = [delivery.name for delivery in scenario.deliveries]
    site = ("line_mw", "charge_mw", "discharge_mw", "battery_mwh",
            "import_mw", "export_mw")  # fmt: skip
    data = xr.Dataset(
        {
            "unit": (("heat", "stage"), np.zeros((0, 0), dtype="U1")),
            **{name: (("heat", "stage"), np.zeros((0, 0))) for name in ("start_min", "end_min", "extra_mwh")},
            **dict.fromkeys(site, ("time", zeros)),
            "meter_mw": ("meter", np.zeros(round(n * scenario.horizon.step_min / meter))),
            "process_mode": (("process", "time"), np.array([[mode for mode, _ in rows[u]] for u in units])),
            "process_tph": (("process", "time"), np.array([[rate for _, rate in rows[u]] for u in units])),
            "stream_rate": (("stream", "time"), rates),
            "delivered_t": (
                ("delivery", "time"),
                np.array([_filled((loads or {}).get(name, [0.0]), n) for name in names]).reshape(len(names), n),
            ),
        },
        coords={
            "process": units, "time": scenario.horizon.times, "delivery": np.array(names, dtype=np.str_),
            **coordinates(result),
        },
        attrs={"policy": "schedule"},
    )  # fmt: skip
    return check(data, SCHEDULE)


def _filled(values: list[Any], n: int) -> list[Any]:
    return [*values, *(values[-1] for _ in range(n - len(values)))][:n]


def violations(run: xr.Dataset, kind: str) -> list[Any]:
    """Unit, moment [min] and amount of the violations of a kind."""
    rows = zip(
        run["violation_kind"].values,
        run["violation_unit"].values,
        run["violation_at_min"].values,
        run["violation_amount"].values,
        strict=True,
    )
    return [(str(unit), float(at), float(amount)) for what, unit, at, amount in rows if what == kind]


@st.composite
def plants(draw: Any) -> Case:
    """Two stages of processes between three to five stores, sometimes in a circle; deliveries, arrivals, outages."""

    def pick(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    n_products = pick(1, 2, 3)
    names = ["raw", "middle", *(f"product {i}" for i in range(n_products))]
    stores = []
    for name in names:
        capacity = pick(30.0, 200.0, 1000.0)
        stores.append(
            {"name": name, "capacity_t": capacity, "level_t": capacity * pick(0, 0.3, 0.5, 1),
             "end_level_t": capacity * pick(0, 0.2, 0.5), "loss_per_h": pick(0, 0, 0, 0.01, 0.4, 1)}
        )  # fmt: skip
    first: dict[str, Any] = {
        "name": "first", "count": pick(1, 2), "kwh_per_t": 20.0, "outputs": [{"store": "middle"}],
        "rate": pick(40.0, {"low": 20, "high": 40, "usual": 30}, {"low": 0, "high": 50}),
    }  # fmt: skip
    if pick(True, False):
        first["inputs"] = [{"store": "raw", "per_t": pick(1.0, 1.5)}]
    second: dict[str, Any] = {
        "name": "second", "count": pick(1, 2, 3), "power_mw": 2.0,
        "inputs": [{"store": "middle", "per_t": pick(0.5, 1.0)}],
        "change_over": {"minutes": pick(0, 20, 60), "off_spec_t": pick(0, 3), "energy_mwh": pick(0, 0.4)},
        "min_run_h": 1.0,
        "modes": [{"name": f"grade {i}", "rate": pick(15.0, 25.0, {"low": 10, "high": 25}),
                   "outputs": [{"store": f"product {i}"}]} for i in range(n_products)],
    }  # fmt: skip
    if pick(True, False, False):
        second["modes"][0]["outputs"].append({"store": "raw", "per_t": 0.2})
    for process in (first, second):
        process["start_up"] = {"hours": pick(0, 0.5, 2), "energy_mwh": pick(0, 1.0), "off_spec_t": pick(0, 5)}
        process["start_up"]["cold_after_h"] = pick(0, 4)
        process["min_run_h"] = pick(1, 3)
        process["min_rest_h"] = pick(0, 2)
    if isinstance(first["rate"], dict):
        first["must_run"] = pick(True, False)
        if pick(True, False):
            first["ramp_tph_per_h"] = pick(5.0, 30.0)
    deliveries: list[dict[str, Any]] = [
        {"name": f"trucks {i}", "store": f"product {i}",
         "weekly": [{"weekdays": "mon-sun", "hours": pick("6-18", "0-24"), "rate_tph": pick(5.0, 20.0, 60.0)}]}
        for i in range(n_products)
    ]  # fmt: skip
    if pick(True, False):
        deliveries.append({"name": "ship", "store": "product 0", "amount_t": pick(20.0, 100.0), "release": "5 h",
                           "due": "30 h", "loading_tph": 40.0})  # fmt: skip
    arrivals = [{"name": "pit", "store": "raw", "rate": pick(0.0, 30.0, 80.0)}]
    outages = [
        {"unit": "second" if second["count"] == 1 else "second 1", "start": "10 h", "end": pick("12.25 h", "15 h")}
    ]
    return works(
        [first, second],
        stores,
        deliveries=deliveries,
        arrivals=arrivals,
        horizon={"length_h": 36.0, "step_min": pick(15.0, 30.0, 60.0)},
        state={"outages": outages} if pick(True, False, False) else {},
        disturbances={
            "rate_spread": pick(0, 0.1), "delivery_spread": pick(0, 0.5),
            "breakdowns": [
                {"unit": "first", "mtbf_h": 8, "mttr_min": 90}, {"unit": "second", "mtbf_h": 5, "mttr_min": 40},
            ],
        },
    )  # fmt: skip
