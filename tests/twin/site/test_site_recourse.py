"""Recourse of battery and engine: what each does on a day worked out by hand, its limit and its cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from site_runs import CHP, GAS, VENT, hub

from emberline.scenarios import Case
from emberline.scenarios.records.disturbances import Recourse
from emberline.twin import dispatch
from emberline.twin.run_variables import Act
from emberline.twin.site.site import Setpoints, SiteGrid, balance

BATTERY = {
    "energy_mwh": 10.0, "power_mw": 6.0, "level_share": 0.5, "charge_efficiency": 1.0,
    "discharge_efficiency": 1.0, "self_loss_per_h": 0.0,
}  # fmt: skip


def followed(case: Case, load: list[float], recourse: dict[str, Any], chp: float = 0.0) -> tuple[list, list, list]:
    """Import [MW], violations and acts where the schedule's set-points are followed under another load."""
    case = case.model_copy(update={"recourse": Recourse.model_validate(recourse)})
    schedule = dispatch(case)
    if "chp" in schedule["machine"].values:
        schedule["asset_rate"].loc[{"flow": "chp.main"}] = chp
        schedule["asset_rate"].loc[{"flow": "chp.outputs.0"}] = chp
        schedule["asset_rate"].loc[{"flow": "gas"}] = chp / 0.4
        schedule["asset_rate"].loc[{"flow": "vent"}] = -chp
        schedule["asset_on"].loc[{"machine": "chp"}] = float(chp > 0)
    schedule["charge_mw"][:] = schedule["discharge_mw"][:] = 0.0
    acts: list[Act] = []
    flows, rows = balance(SiteGrid(case), np.array(load), Setpoints.read(schedule), relieving=True, acts=acts)
    return np.asarray(flows["meter_mw"]).round(6).tolist(), [tuple(row)[:5] for row in rows], acts


@pytest.mark.parametrize(
    ("recourse", "expected", "energy"),
    [
        ({}, [8, 10, 10], []),
        ({"battery_cost_per_mwh": 20}, [8, 10, 10], [2, 1]),
        ({"battery_most_mwh": 2.5, "battery_cost_per_mwh": 20}, [8, 10, 10.5], [2, 0.5]),
        ({"battery_most_mwh": 0}, [8, 12, 11], []),
    ],
)
def test_a_battery_yields_as_far_as_it_may(
    recourse: dict[str, float], expected: list[float], energy: list[float]
) -> None:
    """Proves: 12 and 11 MW under a limit of 10 take 2 and 1 MWh of the battery, at 20 each; with 2.5 MWh in all half a
    MW is missed in the third hour, with none 2 and 1. What has neither limit nor cost is done as ever and not recorded.
    Sensitivity: a limit for each hour, or a cost of energy that was planned."""
    case = hub(carriers="", hours=3.0, grid={"import_limit_mw": 10.0, "metered_interval_min": 60}, battery=BATTERY)
    meter, rows, acts = followed(case, [8.0, 12.0, 11.0], recourse)
    assert meter == expected
    over = [mw - 10 for mw in expected if mw > 10]
    assert [row[4] for row in rows if row[0] == "import"] == pytest.approx(over)
    assert [(act.kind, act.amount, act.cost) for act in acts] == [
        ("battery", pytest.approx(each), pytest.approx(20 * each)) for each in energy
    ]


@pytest.mark.parametrize(
    ("recourse", "on_mw", "expected", "energy"),
    [
        ({}, 1.0, [8, 12, 16], []),
        ({"engine_most_mwh": 9, "engine_cost_per_mwh": 5}, 1.0, [8, 10, 13], [2, 3]),
        ({"engine_most_mwh": 4, "engine_cost_per_mwh": 5}, 1.0, [8, 10, 14], [2, 2]),
        ({"engine_most_mwh": 9}, 0.0, [9, 13, 17], []),
    ],
)
def test_an_engine_that_is_on_steps_in(
    recourse: dict[str, float], on_mw: float, expected: list[float], energy: list[float]
) -> None:
    """Proves: an engine of 4 MW runs at 1; where 12 MW would be drawn of 10 it gives 2 more, where it is 16 the 3 that
    it has, or what its 4 MWh in all leave; its gas follows, its heat is vented, and no set-point is missed. One that is
    off does not start. Sensitivity: a machine beyond its size, a limit for each hour, a deviation that counts."""
    case = hub(
        GAS, CHP | {"min_load": 0.25}, VENT, hours=3.0, grid={"import_limit_mw": 10.0, "metered_interval_min": 60}
    )
    meter, rows, acts = followed(case, [9.0, 13.0, 17.0], recourse, on_mw)
    assert meter == expected
    assert {row[0] for row in rows} == {"import"}
    cost = recourse.get("engine_cost_per_mwh", 0)
    assert [(act.kind, act.unit, act.amount, act.cost) for act in acts] == [
        ("engine", "chp", pytest.approx(each), pytest.approx(cost * each)) for each in energy
    ]
