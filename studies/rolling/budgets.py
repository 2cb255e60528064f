"""Budgets over the whole roll, and what of them is left for a plan.

Caps on carbon and cost hold for the whole: a plan to the end of the roll may use what is left, exactly; a shorter one
the share that its time has in what is left. Limits of supplies over the horizon are shared alike. The cap on extra cost
is reckoned against what the baseline has paid until then and would pay within the plan.
"""

from __future__ import annotations

import xarray as xr

from emberline.planning.accounts import emissions
from emberline.planning.plan.baseline import Baseline
from emberline.scenarios import Case, Scenario
from emberline.scenarios.metrics import FACTORS
from emberline.scenarios.records.goal import Caps
from emberline.studies.rolling.by_step import carbon_until, cost_until


def share_left(scenario: Scenario, begin_min: float, part: Scenario) -> float:
    """Share that a plan's time has in what is left of the roll."""
    return min(part.horizon.length_min / (scenario.horizon.length_min - begin_min), 1.0)


def with_limits(part: Case, share: float) -> Case:
    """A plan's scenario with its share of what is left of limits over the horizon."""
    if share >= 1:
        return part
    limited = part.site.limited
    assets = tuple(
        asset.model_copy(update={"horizon_limit": (limited[asset.name].horizon_limit or 0.0) * share})
        if asset.name in limited
        else asset
        for asset in part.site.assets
    )
    return part.model_copy(update={"site": part.site.model_copy(update={"assets": assets})})


def with_caps(
    part: Case, scenario: Case, run: xr.Dataset, baseline: xr.Dataset, k: int, share: float, window: Baseline
) -> Case:
    """A plan's scenario with what is left for it of the caps on carbon and cost.

    Args:
        part: the plan's scenario, as it stands.
        scenario: the whole.
        run: what has happened in its first ``k`` steps.
        baseline: what would have happened under the baseline.
        k: steps until the plan begins.
        share: of the plan's time in what is left.
        window: the baseline of the plan's time.
    """
    caps = scenario.goal.caps
    new_caps: dict[str, float | None] = {}
    if caps.carbon_kg is not None:
        new_caps["carbon_kg"] = max((caps.carbon_kg - carbon_until(scenario, run, k)) * share, 0.0)
    for name, row in FACTORS.items():
        cap = getattr(caps, row.cap)
        if cap is not None:
            new_caps[row.cap] = max((cap - float(emissions.by_step(scenario, run, name)[:k].sum())) * share, 0.0)
    # of a line the baseline has made other heats until then than the plan: each plan is measured by its list alone
    by_step = all(producer.by_step for producer in scenario.producers)
    carried = caps.extra_cost_share is not None and k > 0 and by_step
    if caps.cost is not None or carried:
        paid, limits = cost_until(scenario, run, k), []
        if caps.cost is not None:
            limits.append((caps.cost - paid) * share)
        if caps.extra_cost_share is not None and carried and window.complete:
            theirs = cost_until(scenario, baseline, k) + window.figures.cost
            limits.append(theirs + caps.extra_cost_share * abs(theirs) - paid)
            new_caps["extra_cost_share"] = None
        new_caps["cost"] = min(limits) if limits else None
    if not new_caps:
        return part
    fields = caps.model_dump() | new_caps
    return part.model_copy(update={"goal": part.goal.model_copy(update={"caps": Caps(**fields)})})
