"""Tariff and import limit in the dispatch of a load."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hubs import ENVELOPE, hub

from emberline import models
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.problem import site as sites
from emberline.scenarios import Case
from emberline.scenarios.tariff.record import Tariff

DEMAND = {"demand": [{"name": "peak", "rates": [{"per_mw": 1000.0}]}]}


def test_a_load_above_the_limit_has_flows_under_a_demand_charge() -> None:
    """Proves: 30 MWh in an hour against a limit of 20 MW are 10 MWh too much, and paid: 3,000 for energy, 30,000 for
    the peak. Sensitivity: a peak that the limit bounds leaves no flows at all, and the search no draft to go on from.
    """
    built = hub(price=[100.0, 100.0], grid={"import_limit_mw": 20, "metered_interval_min": 60})
    market = built.market.model_copy(update={"tariff": Tariff.model_validate(DEMAND, context={"currency": "EUR"})})
    battery = {"battery": {"energy_mwh": 0.5, "power_mw": 0.1}}
    site = type(built.site).model_validate({**built.site.model_dump(exclude_unset=True), **battery})
    scenario = built.model_copy(update={"market": market, "site": site})
    data = sites.read(scenario, ENVELOPE)
    aim = aims.read(scenario, data, {}, 0.0)
    flows = Dispatcher(data, aim).flows(np.array([30.0, 0.0]))
    assert flows is not None
    assert flows.over_mwh == pytest.approx(10.0, abs=0.11)
    assert flows.totals["cost"] == pytest.approx(33_000, rel=5e-3)


def sold(tariff: dict[str, Any], **how: Any) -> tuple[Case, Any]:
    """A site with PV that may export, alone under a tariff, at least cost."""
    built = hub(
        {"kind": "pv", "name": "sun", "peak_mw": 30, "capacity_factor": [0.0, 1.0, 1.0, 0.0]}, base=10.0,
        grid={"import_limit_mw": 60, "export_limit_mw": 20, "metered_interval_min": 60}, carriers="", **how,
    )  # fmt: skip
    market = built.market.model_copy(update={"tariff": Tariff.model_validate(tariff, context={"currency": "EUR"})})
    scenario = built.model_copy(update={"market": market})
    return scenario, models.optimize(scenario, ENVELOPE)


def test_a_feed_in_above_the_price_is_no_mint() -> None:
    """Proves: 40 MWh sold at 15: −600, next to 20 MWh of demand without sun, which nothing can change. Sensitivity:
    what goes in a circle through the meter would earn 7 for each MWh without end.
    """
    use, feed = ({"name": name, "rates": [{"per_mwh": rate}]} for name, rate in (("use", 8.0), ("feed", 15.0)))
    _, result = sold({"energy": [use], "export": [feed]}, price=[0.0] * 4)
    assert result.attrs["found"] == 1, result.attrs["reason"]
    assert result.attrs["objective"] == pytest.approx(-40 * 15)
    assert result.attrs["bound"] == pytest.approx(-600, abs=1e-3)
    assert float(result["import_mw"].sum()) == pytest.approx(20.0)


def test_a_negative_levy_is_no_mint() -> None:
    """Proves: each MWh imported earns 60; with sun the site would rather import and let the sun be, 20 MWh: −1,200 next
    to the 20 MWh needed where the sun is away; and nothing is drawn in a circle. Sensitivity: no best plan at all.
    """
    _, result = sold({"levies": [{"name": "bounty", "per_mwh": -60.0}]}, price=[0.0] * 4)
    assert result.attrs["found"] == 1, result.attrs["reason"]
    assert result.attrs["objective"] == pytest.approx(-20 * 60)
    assert float(result["import_mw"].sum()) == pytest.approx(40.0)
    assert float((result["import_mw"] * result["export_mw"]).max()) == pytest.approx(0.0, abs=1e-6)


def test_a_limit_below_the_base_load_has_no_plan() -> None:
    """Proves: 10 MW under a limit of 5 is reported as no plan. Sensitivity: a constraint without a variable stops
    all."""
    data = models.optimize(hub(price=[50.0], base=10.0, grid={"import_limit_mw": 5}), ENVELOPE)
    assert data.attrs["found"] == 0
    assert data.attrs["status"] == "infeasible"
