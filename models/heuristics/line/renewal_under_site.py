"""Casts taken out and put back on a site that decides: battery, assets, demand charge.

What a plan is worth does not follow from the line's load there, so the casts are renewed on a site that decides
nothing: energy has its price by the slot, and loads above a level count something for each MWh, as if the demand charge
were spread over the intervals at the peak. The level lies above the demand that is billed in any case, by what the
battery and the assets took off the peak of the best plan. Each renewed plan then gets the site's best use, and is
judged by that.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np

from emberline.models.bounds import cast_pricing
from emberline.models.heuristics.line import ruin_and_recreate
from emberline.models.heuristics.line.ruin_and_recreate import Peak
from emberline.models.problem.assignment import Starts
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE_AND_SITE, SiteView
from emberline.scenarios import effort
from emberline.scenarios.metrics import METRICS


def useful(search: Search) -> bool:
    """Whether there is a plan of casts that can be placed by themselves, and a site that decides."""
    return search.best is not None and not search.by_load and cast_pricing.useful(search.problem)


def pays_peaks(search: Search) -> bool:
    """Whether the goal counts what the highest import costs."""
    purchase = search.data.purchase
    peaks = purchase is not None and purchase.rates is not None and bool(purchase.rates.peaks)
    return peaks and METRICS[search.aim.first].money


def run(search: Search, seconds: float) -> None:
    """Improve the best plan, one run of renewal after the other.

    Args:
        search: has a plan.
        seconds: most time.
    """
    began, began_s, size = (
        effort.now(),
        time.perf_counter(),
        min(LINE_AND_SITE.run_work, max(seconds / len(LINE_AND_SITE.views), LINE_AND_SITE.run_least)),
    )
    plan = search.best
    for number in itertools.count():
        rest = seconds - (effort.now() - began)
        if search.phase_over() or rest < LINE_AND_SITE.run_least:
            break
        how = LINE_AND_SITE.views[number % len(LINE_AND_SITE.views)]
        if number % len(LINE_AND_SITE.views) == 0:
            plan = search.best
        assert plan is not None
        plan = _renewed(search, plan, how, min(size, rest), number)
    search.clock("renew", began_s)


def _renewed(search: Search, plan: Starts, how: SiteView, seconds: float, number: int) -> Starts:
    """The plan after one run of renewal; the search is offered it."""
    problem, data, aim = search.problem, search.data, search.aim
    flows = search.best_flows
    assert flows is not None
    assert search.best is not None
    base = np.maximum(data.base - data.pv, 0.0)
    base_cells = np.repeat(base / data.cells_per_slot, data.cells_per_slot)
    to_mwh = data.meter_min / 60
    load, metered = search.cells(search.best) + base_cells, (search.cells(plan) + base_cells)
    relief = float(load.reshape(data.n_meters, -1).sum(axis=1).max() - flows.meter_mw.max() * to_mwh)
    highest = float(metered.reshape(data.n_meters, -1).sum(axis=1).max())
    limit = None
    if data.import_limit_mw is not None:
        limit = max(data.import_limit_mw * to_mwh + max(relief, 0.0), highest + 1e-6) / to_mwh
    price = np.asarray(data.guide_price)
    if how.shared and search.load_worth is not None:
        price = price + (problem.on_steps(search.load_worth) / data.cells_per_slot - aim.weight(data)) / 2
    site = replace(
        data, base=base, pv=np.zeros(len(base)), price=price, battery=None, hub=None,
        purchase=None, curtails=False, whole=True, import_limit_mw=limit,
    )  # fmt: skip
    slots = problem.on_steps(load)
    tops = {
        name: top - (flows.totals[name] - float(site.guide_per_mwh[name] @ slots)) for name, top in aim.tops.items()
    }
    inner = Search(
        problem=problem, data=site, aim=replace(aim, tops=tops, constant=0.0), limit=2 * seconds, gap=0.0,
        on_progress=lambda event: None, cancel=search.phase_over, dispatching=search.dispatching, proving=False,
    )  # fmt: skip
    inner.best = plan
    peak = _peak(search, relief - how.level * to_mwh, how.spread)
    renewed = ruin_and_recreate.run(inner, seconds, peak=peak, stream=number)
    search.offer(renewed)
    return renewed


def _peak(search: Search, relief: float, spread: int) -> Peak | None:
    """What high loads count; None where no peak is paid for by the goal."""
    purchase = search.data.purchase
    if purchase is None or purchase.rates is None or not pays_peaks(search):
        return None
    hours = purchase.rates.hours
    rate = sum(float(peak.per_mw.max()) for peak in purchase.rates.peaks) * purchase.rates.with_tax("demand")
    assert search.best_flows is not None
    floor, now = min(peak.floor_mw for peak in purchase.rates.peaks), float(search.best_flows.meter_mw.max())
    level = max(floor, (1 - LINE_AND_SITE.level_drop) * now) * hours + relief
    return Peak(level, rate / hours / spread)
