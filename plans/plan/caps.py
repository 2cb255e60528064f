"""The cap on extra cost as an amount: it counts from a baseline, and stays where its list becomes another one."""

from __future__ import annotations

import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.records.goal import Caps


def fixed(scenario: Scenario, envelope: xr.Dataset, listed: xr.Dataset) -> Caps:
    """The caps of a scenario with that on extra cost as the amount that it is above the baseline schedule.

    Args:
        scenario: with its caps.
        envelope: of the scenario.
        listed: the baseline schedule of the scenario; where it is not complete, no cap on extra cost holds.
    """
    from emberline.models import site
    from emberline.scenarios.process.flows import emitted_kg

    caps, price = scenario.goal.caps, scenario.market.carbon_price.on_direct / 1000
    limits = [] if caps.cost is None else [caps.cost]
    if caps.extra_cost_share is not None:
        data = site.read(scenario, envelope)
        paid = site.baseline_cost(scenario, data, listed) if listed.attrs["complete"] else None
        if paid is not None:
            paid += price * float(emitted_kg(scenario, listed).sum()) if scenario.processes else 0.0
            direct = price * site.direct_kg(scenario, envelope) if scenario.heats else 0.0
            limits.append(paid + caps.extra_cost_share * abs(paid) + direct + data.sunk_cost)
    return caps.model_copy(update={"extra_cost_share": None, "cost": min(limits) if limits else None})
