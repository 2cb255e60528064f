"""A site as heats see it while they are planned: assets stay as they are, what they save or cost at the margin stays.

A site with many assets makes every program of heats large, and most of it hardly depends on them. So heats are planned
against the site with its assets held where the best plan so far has them, import priced as ever and what the line
gives priced at what it is worth there. Then the assets are planned against the heats (``Search.flows``), and so on in
turn. Bounds are proven on the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from emberline.models.formulations.site.objective import Aim
from emberline.models.problem.flows import Flows
from emberline.models.problem.site import SiteData
from emberline.scenarios.assets import ELECTRICITY
from emberline.scenarios.metrics import CARBON, METRICS


@dataclass(frozen=True)
class Guide:
    """The site and the aim that heats are planned with."""

    data: SiteData
    aim: Aim


def guide_around(
    data: SiteData, aim: Aim, flows: Flows, worth: dict[str, np.ndarray], gives: dict[str, np.ndarray]
) -> Guide:
    """The guide around what a site does.

    Args:
        data: the site.
        aim: of the search.
        flows: what the site does now.
        worth: what a unit more of a carrier is worth in each slot, by both goals as one.
        gives: what the line gives of a carrier by slot now.
    """
    supply = np.zeros(len(data.base)) if flows.hub is None else flows.hub.delivered(ELECTRICITY)
    base, pv = data.base + flows.charge - flows.discharge - supply, data.pv
    if not data.curtails_within:
        base, pv = base - flows.pv, np.zeros(len(base))
    prices = {carrier: worth[carrier] for carrier in gives if carrier in worth and np.abs(worth[carrier]).any()}
    site = replace(data, base=base, pv=pv, battery=None, hub=None, whole=True, given_worth=(aim.first, prices))
    # what the assets cost and emit is left out of what the guide's ports tell
    meter = flows.meter_mw * data.meter_min / 60
    more = 0.0 if data.purchase is None else data.purchase.cost(flows.imported, meter)
    more -= float(flows.exported @ data.export_price)
    totals = {
        name: float(flows.imported @ weight) + (more if METRICS[name].money else 0.0)
        for name, weight in data.per_mwh.items()
    }
    totals[aim.first] -= sum(float(amount @ gives[carrier]) for carrier, amount in prices.items())
    tops = {name: top - (flows.totals[name] - totals[name]) for name, top in aim.tops.items()}
    more_kg = flows.totals[CARBON] - totals[CARBON]
    grades = tuple(replace(cap, top_kg=cap.top_kg - cap.mass_share * more_kg) for cap in aim.grades)
    return Guide(site, replace(aim, tops=tops, grades=grades))
