"""Shadow prices of a stored plan, in the plant's units."""

from __future__ import annotations

import numpy as np
import pytest
from hubs import GAS, hub
from shops import cast, melt_shop, scenario

from emberline.planning.planner import PLAIN, make_plan
from emberline.studies.why.shadow_prices import prices, summary

BOILER = {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "heat", "heat_mw": 10, "efficiency": 0.9}
RECOVERY = {
    "kind": "waste_heat_recovery", "name": "duct", "source": "hot", "heat": "heat", "heat_mw": 3, "efficiency": 0.6,
}  # fmt: skip
NEED = {"kind": "load", "name": "need", "carrier": "heat", "rate": 8.0}
SOURCE = {"kind": "source", "name": "flue", "carrier": "hot", "rate": 9.0}
WASTE = [{"name": "hot", "waste": True}]


def test_prices_by_hand() -> None:
    """Proves: heat is worth what gas for it costs, 30/0.9; a MW more of recovery saves as much, for waste heat is left
    over and worth nothing; the boiler's own limit binds nowhere and is not listed.

    Sensitivity: prices by step instead of by MWh, limits that do not bind.
    """
    result = make_plan(hub(GAS, BOILER, RECOVERY, NEED, SOURCE, hours=4, more=WASTE), PLAIN)
    outcome = prices(result)
    assert outcome is not None
    table = {(row.kind, row.name): row for row in summary(result, outcome)}
    heat = table["balance_price", "heat"]
    assert (heat.mean, heat.low, heat.high) == pytest.approx((30 / 0.9,) * 3)
    assert heat.unit == "EUR/MWh"
    assert table["balance_price", "hot"].mean == pytest.approx(0, abs=1e-6)
    assert table["rate_limit_price", "duct"].mean == pytest.approx(30 / 0.9)
    assert ("rate_limit_price", "boiler") not in table


def test_what_a_line_gives_has_a_price() -> None:
    """Proves: with the heats of the plan held, off-gas of the line enters the prices: steam costs gas where furnaces
    stand still, and nothing where more is given than can be used. Sensitivity: the line's gas left out.
    """
    line = melt_shop()
    line["stages"][0] = {**line["stages"][0], "gives": [{"carrier": "hot", "per_mwh": 0.5}]}
    site = {
        "carriers": [{"name": "gas"}, {"name": "heat", "dump": True}, {"name": "hot", "waste": True}],
        "assets": [GAS, BOILER, {**RECOVERY, "heat_mw": 12}, {**NEED, "rate": 2.0}],
    }
    result = make_plan(
        scenario(
            line, [cast("A", 2)], site=site, horizon={"length_h": 8.0},
            disturbances={"replications": 0}, goal={"minimize": "cost", "effort": 10, "gap": 0.05},
        ), PLAIN
    )  # fmt: skip
    outcome = prices(result)
    assert outcome is not None
    assert result.schedule is not None
    heat = outcome["balance_price"].sel(carrier="heat").to_numpy()
    inputs = result.schedule["line_rate"].sel(given="hot").to_numpy()
    assert heat[inputs == 0] == pytest.approx(30 / 0.9)
    assert np.abs(heat[inputs > 2.0 / 0.6 + 1e-6]).max() < 1e-6
