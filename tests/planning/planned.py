"""A small shop whose plan takes a second, and that plan, made once."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from shops import MARKET, cast, melt_shop, scenario

from emberline.planning import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case


def shop(*, goal: dict[str, Any] | None = None, **remaining: Any) -> Case:
    """One furnace, ladle furnace and caster on a day whose grid has 50 kg/MWh from 10:00 to 16:00 UTC, else 400."""
    table: dict[str, Any] = {
        "market": MARKET,
        "goal": {"effort": 60, **(goal or {})},
        "disturbances": {"replications": 2},
        **remaining,
    }
    line, orders = table.pop("line", melt_shop()), table.pop("orders", [cast("A", 2)])
    built = scenario(line, orders, **table)
    hour = np.arange(built.horizon.n_steps) * built.horizon.step_min / 60
    clean = ("time", np.where((hour >= 10) & (hour < 16), 50.0, 400.0))
    intensity = built.inputs["carbon_intensity_kg_per_mwh"]
    return built.with_inputs(
        built.inputs.assign(carbon_intensity_kg_per_mwh=clean).pipe(
            lambda data: data.assign(carbon_intensity_kg_per_mwh=data[intensity.name].assign_attrs(intensity.attrs))
        )
    )


@cache
def full_plan() -> Plan:
    """A plan with all that a plan can have. Not to be changed."""
    line = melt_shop()
    line["stages"][0]["emissions"] = [{"source": "electrodes", "kg_per_t": 7.5}]
    return make_plan(
        shop(
            name="kept",
            title="=HYPERLINK(1)",
            orders=[cast("A", 2), cast("B", 1)],
            line=line,
            site={"base_load_mw": 2.0, "battery": {"energy_mwh": 4.0, "power_mw": 2.0}},
            goal={"gap": 0.3},
        ),
        PLAIN,
    )


@cache
def unplanned() -> Plan:
    """A run without a schedule: its second heat is to be cast before it can be molten."""
    return make_plan(shop(name="unkept", locks=[{"heat": "A-2", "stage": "casting", "start": "1 h"}]), PLAIN)
