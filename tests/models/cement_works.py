"""A small cement works, and its plan by parts or at once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from enumerated import envelope, works

from emberline import models
from emberline.models.heuristics.processes import relax_and_fix as searching
from emberline.models.search.tuning import PROCESSES
from emberline.scenarios import Case

GAP = 0.01

KILN: dict[str, Any] = {
    "name": "kiln", "rate": {"low": 80.0, "high": 110.0, "usual": 100.0}, "kwh_per_t": 26.0, "must_run": True,
    "ramp_tph_per_h": 8.0, "inputs": [{"store": "meal", "per_t": 1.5}], "outputs": [{"store": "clinker"}],
    "heat": {"gj_per_t": 3.4, "fuels": [{"carrier": "coal", "share": 0.6, "least": 0.3},
                                        {"carrier": "rdf", "share": 0.4}]},
    "emissions": [{"source": "calcination", "kg_per_t": 525.0}],
}  # fmt: skip


RAW_MILLS: dict[str, Any] = {
    "name": "raw mill", "count": 2, "rate": 130.0, "power_mw": 2.2, "outputs": [{"store": "meal"}], "min_run_h": 2.0,
    "min_rest_h": 1.0, "start_up": {"energy_mwh": 0.4},
}  # fmt: skip


CEMENT_MILLS: dict[str, Any] = {
    "name": "cement mill", "count": 2, "min_run_h": 2.0, "change_over": {"minutes": 30, "off_spec_t": 8.0},
    "start_up": {"off_spec_t": 4.0, "energy_mwh": 0.2},
    "modes": [
        {"name": "I", "rate": 90.0, "power_mw": 3.6, "inputs": [{"store": "clinker", "per_t": 0.95}],
         "outputs": [{"store": "CEM I"}]},
        {"name": "II", "rate": 110.0, "power_mw": 3.6, "inputs": [{"store": "clinker", "per_t": 0.75}],
         "outputs": [{"store": "CEM II"}]},
    ],
}  # fmt: skip


STORES: list[dict[str, Any]] = [
    {"name": "meal", "capacity_t": 2500.0, "level_t": 1200.0},
    {"name": "clinker", "capacity_t": 9000.0, "level_t": 4000.0, "end_level_t": 3900.0},
    {"name": "CEM I", "capacity_t": 1200.0, "level_t": 500.0},
    {"name": "CEM II", "capacity_t": 1200.0, "level_t": 500.0},
]


DELIVERIES: list[dict[str, Any]] = [
    {"name": "trucks I", "store": "CEM I", "weekly": [{"weekdays": "mon-fri", "hours": "6-18", "rate_tph": 60.0}]},
    {"name": "ship", "store": "CEM II", "amount_t": 700.0, "release": "8 h", "due": "22 h", "loading_tph": 150.0},
]


SITE: dict[str, Any] = {
    "base_load_mw": 1.0, "grid": {"metered_interval_min": 15, "import_limit_mw": 14.0},
    "carriers": [{"name": "coal"}, {"name": "rdf"}],
    "assets": [
        {"kind": "supply", "name": "coal yard", "carrier": "coal", "price_per_unit": 14.0, "fossil_kg_per_unit": 340.0},
        {"kind": "supply", "name": "rdf hall", "carrier": "rdf", "price_per_unit": 5.0, "fossil_kg_per_unit": 165.0,
         "horizon_limit": 700.0},
    ],
}  # fmt: skip


@cache
def cement(minimize: str = "cost", step_min: float = 60.0, hours: float = 24.0, **goal: Any) -> Case:
    """A day of a small cement works; prices and intensity are high by day and low by night, and not quite in step."""
    n = round(hours * 60 / step_min)
    hour = np.arange(n) * step_min / 60
    rng = np.random.default_rng(3)
    price = np.round(60 + 35 * np.sin((hour - 5) / 12 * np.pi) + rng.normal(0, 8, n), 2)
    intensity = np.round(350 + 150 * np.sin((hour - 10) / 12 * np.pi) + rng.normal(0, 20, n), 1)
    return works(
        [KILN, RAW_MILLS, CEMENT_MILLS], STORES, price=price.tolist(), intensity=intensity.tolist(), hours=hours,
        step_min=step_min, minimize=minimize, site=SITE, deliveries=DELIVERIES, goal={"gap": GAP, **goal},
        market={"carbon_price": {"per_t": 70.0, "covers": "direct"}},
    )  # fmt: skip


def solve(scenario: Case, small: int, tuning: dict[str, Any] | None = None, **how: Any) -> xr.Dataset:
    """A plan by parts (``small`` 0), or at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "PROCESSES", replace(PROCESSES, small=small, **(tuning or {})))
        return models.optimize(scenario, envelope(scenario), **how)


PARTS, WHOLE = 0, 10**9
