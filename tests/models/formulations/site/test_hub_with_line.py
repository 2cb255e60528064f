"""Line and assets together: the site's dispatch under a line's load, and a search that plans both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hubs import BOILER, ENGINE, ENVELOPE, GAS, amounts, hub, money
from shops import cast, melt_shop, scenario

from emberline import models
from emberline.models.explain.shadow_prices import shadow_prices
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher, columns
from emberline.models.problem import site as sites
from emberline.twin import envelope

NEED = {"kind": "load", "name": "need", "carrier": "heat", "rate": 9.0}


def dispatched(*assets: dict[str, Any], cells: list[float], gives: Any = None, **how: Any) -> tuple[Any, Any]:
    built = hub(*assets, **how)
    data = sites.read(built, ENVELOPE)
    aim = aims.read(built, data, {}, 0.0)
    flows = Dispatcher(data, aim).flows(np.array(cells), line_gives=gives)
    assert flows is not None
    return built, flows


def test_heat_that_the_line_gives_replaces_fuel() -> None:
    """Proves: 4.5 MWh from the line leave 4.5 for the boiler: 150. Sensitivity: given heat not balanced: 300."""
    _, flows = dispatched(GAS, BOILER, NEED, cells=[0.0] * 4, price=[100.0], gives={"heat": np.full(1, 4.5)})
    assert flows.totals["cost"] == pytest.approx(150, rel=1e-4)


def test_more_heat_than_is_wanted_needs_a_way_out() -> None:
    """Proves: 12 MWh of heat against 9: no flows, unless the surplus may be vented. Sensitivity: cost 0 in both."""
    built = hub(GAS, BOILER, NEED, price=[100.0])
    data = sites.read(built, ENVELOPE)
    aim = aims.read(built, data, {}, 0.0)
    gives = {"heat": np.full(1, 12.0)}
    assert Dispatcher(data, aim).flows(np.zeros(4), line_gives=gives) is None
    _, flows = dispatched(
        GAS, BOILER, NEED, cells=[0.0] * 4, price=[100.0], gives=gives, carriers="gas",
        more=[{"name": "heat", "dump": True}],
    )  # fmt: skip
    assert flows.hub.dumped["heat"] == pytest.approx([3.0])


def test_gas_that_the_line_gives_may_be_in_the_way() -> None:
    """Proves: 20 MWh of by-product gas must go; an engine of 50 % at half and 40 % at full load burns 17.5 of them for
    7.5 MW, the flare takes 2.5 at 50 €: 125.

    Sensitivity: gas taken for something that can be left lets the segments fill out of order and burn all 20: 0.
    """
    points = [{"load": 0.5, "electric": 0.5}, {"load": 1, "electric": 0.4}]
    curved = {**ENGINE, "electric_efficiency": None, "by_load": points}
    flare = {"kind": "flare", "name": "flare", "carrier": "gas", "cost_per_unit": 50.0}
    _, flows = dispatched(curved, flare, cells=[0.0] * 4, price=[1000.0], base=7.5, gives={"gas": np.full(1, 20.0)})
    assert flows.totals["cost"] == pytest.approx(125, rel=1e-4)


def test_engine_cuts_the_peak_of_a_quarter_hour() -> None:
    """Proves: the line draws 6 MWh in the first quarter of an hour (24 MW), the limit is 20 MW: the engine, constant in
    its hour, makes 4 MW: 300, and the meter shows exactly 20.

    Sensitivity: the limit on the hour's mean needs no engine; assets left out of the meter show 24.
    """
    built, flows = dispatched(
        GAS, ENGINE, cells=[6.0, 0.0, 0.0, 0.0], price=[50.0], grid={"import_limit_mw": 20, "export_limit_mw": 10}
    )
    assert flows.over_mwh == 0
    assert flows.meter_mw[0] == pytest.approx(20)
    data = columns(built, sites.read(built, ENVELOPE), flows, np.array([6.0]))
    assert amounts(data, "engine", "main") == [pytest.approx(4.0)]
    assert flows.totals["cost"] == pytest.approx(money(built, data))


SITE = {
    "grid": {"import_limit_mw": 38.0},
    "carriers": [{"name": "gas"}],
    "assets": [GAS, {**ENGINE, "electric_mw": 5.0, "min_load": 0.5, "min_up_h": 1.0, "start_cost": 20.0}],
}


def test_line_and_engine_are_planned_together() -> None:
    """Proves: the furnace draws 40 MW and the limit is 38: the engine, dearer than the grid, must run, at its least
    load of 2.5 MW. So both melts follow each other in one run of 1.5 h, and the ladle furnace waits until they are
    over, for 44 MW would be more than the engine can add: 20 + 1.5 × 2.5 × (75 − 50) = 113.75 above the grid's price
    of all energy. The plan's figures are those of its flows; without the engine there is no plan.

    Sensitivity: two runs, as lists planned without the engine in mind would need, cost 165; a free start 93.75.
    """
    goal = {"minimize": "cost", "gap": 0.001, "effort": 20.0, "caps": {"extra_cost_share": None}}
    built = scenario(
        melt_shop(heat_loss=None), [cast("A", 1), cast("B", 1)], site=SITE, goal=goal, horizon={"length_h": 8.0}
    )
    data = models.optimize(built, envelope(built))
    assert data.attrs["found"] == 1
    assert float(data["meter_mw"].max()) <= 38 + 1e-6
    assert data.attrs["objective"] + data.attrs["constant"] == pytest.approx(money(built, data))
    assert data.attrs["bound"] <= data.attrs["objective"] + 1e-6
    energy = 2 * (0.75 * 40 + 0.5 * 4 + 0.75 * 1)
    assert data.attrs["objective"] == pytest.approx(energy * 50 + 113.75, rel=1e-6)
    alone = scenario(
        melt_shop(heat_loss=None), [cast("A", 1), cast("B", 1)], site={"grid": SITE["grid"]}, goal=goal,
        horizon={"length_h": 8.0},
    )  # fmt: skip
    assert models.optimize(alone, envelope(alone)).attrs["found"] == 0


def test_shadow_prices_under_the_load_of_a_line() -> None:
    """Proves: with a line of 8 MW and an import limit of 4, the engine sets the price: 75. Sensitivity: without the
    line's load power is worth 50."""
    built = hub(GAS, ENGINE, price=[50.0], grid={"import_limit_mw": 4})
    data = sites.read(built, ENVELOPE)
    aim = aims.read(built, data, {}, 0.0)
    flows = Dispatcher(data, aim).flows(np.full(4, 2.0))
    assert flows is not None
    result = shadow_prices(built, ENVELOPE, columns(built, data, flows, np.array([8.0])))
    assert result is not None
    assert result["balance_price"].sel(carrier="electricity").values == pytest.approx(75)
