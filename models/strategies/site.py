"""Planning of a site alone, without heats: all assets together, exactly, as one linear or mixed-integer program.

Goals are strictly lexicographic: the first is minimized, then fixed at its optimum while the second is minimized.
The values of the site's limits are in ``models/explain/shadow_prices.py``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.core as pyo
import xarray as xr

from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import columns, held_flows
from emberline.models.formulations.site.objective import Aim
from emberline.models.formulations.whole_site import SiteModel
from emberline.models.kernel.highs import Outcome
from emberline.models.kernel.progress import Progress
from emberline.models.problem import site as sites
from emberline.models.search.first_goal import minimize_first
from emberline.models.search.schedule import empty, stamped, without_plan
from emberline.models.search.tuning import SITE
from emberline.models.search.warm_start import Study
from emberline.scenarios import Case, Scenario, effort
from emberline.scenarios.messages import Message
from emberline.scenarios.metrics import gap as relative_gap
from emberline.scenarios.metrics import sound

TIE_SHARE = 1e-9
"""Share by which the first goal may rise while the second is minimized, because of the solver's tolerance."""


def optimize_site(
    scenario: Case,
    envelope: xr.Dataset,
    start: xr.Dataset | None,
    study: Study | None,
    report: Progress,
    stop: Callable[[], bool],
) -> xr.Dataset:
    """Return the best use of a site without a line; arguments and result as of ``emberline.models.optimize``.

    The baseline ``start`` only sets the cap on extra cost. A linear program ends at its optimum with gap 0; a
    mixed-integer program ends within the goal's gap.
    """
    began, before = time.perf_counter(), effort.now()
    data = sites.read(scenario, envelope)
    aim = aims.of(scenario, envelope, data, start)
    limit, gap = scenario.goal.budget, scenario.goal.gap
    seconds = {"build": 0.0, "first goal": 0.0}

    def on_event(event: dict[str, Any]) -> None:
        low, high = event["bound"], event["incumbent"]
        has_gap = low is not None and high is not None
        share = max(high - low, 0.0) / max(abs(high), 1e-9) if has_gap else None  # while the solver runs
        report({**event, "gap": share})

    def remaining() -> float:
        return limit - (effort.now() - before)

    started = effort.now()
    site_model, first = minimize_first(
        data, aim, None, remaining, seconds, study=study, gap=gap, on_progress=on_event, cancel=stop
    )
    if first.has_solution and remaining() > 0 and not stop():
        values = site_model.program.solution()
        seconds["second goal"] = _second(site_model, aim, started, gap, remaining(), stop)
        if site_model.simultaneous_slots():
            site_model.program.load_values(values)
    return _schedule(scenario, site_model, aim, first, stop(), seconds, began)


def _second(
    site_model: SiteModel, aim: Aim, started: float, gap: float, remaining: float, stop: Callable[[], bool]
) -> float:
    """Minimize the second goal among the optima of the first; if nothing is found in time, those remain."""
    program, total = site_model.program, site_model.model.total
    whole = program.whole
    if whole:
        value = float(pyo.value(total[aim.first]))
        program.restrict([(total[aim.first], -math.inf, value + TIE_SHARE * max(abs(value), 1.0))])
        spent = effort.now() - started
        remaining = min(remaining, SITE.patience * spent + 1.0)
        if spent > SITE.long_work:
            # switches stay fixed: a search over all of them would take as long again, or longer
            program.settle()
            program.aim(total[aim.second])
            return program.run(work=max(remaining, 0.05), relax=True, cancel=stop).seconds
    elif not program.hold():
        return 0.0
    program.aim(total[aim.second])
    return program.run(work=max(remaining, 0.05), gap=gap, start=whole, cancel=stop).seconds


def _schedule(
    scenario: Scenario,
    site_model: SiteModel,
    aim: Aim,
    first: Outcome,
    stopped: bool,
    seconds: dict[str, float],
    began: float,
) -> xr.Dataset:
    data = empty(scenario)
    value = bound = gap = math.nan
    if first.has_solution:
        none = np.zeros(len(site_model.data.base) * site_model.data.cells_per_slot)
        flows = held_flows(site_model.model.site, site_model.data, site_model.ports, none)
        value = aim.value(flows)
        data = data.assign(columns(scenario, site_model.data, flows, np.zeros(len(site_model.data.base))))
        if first.bound is not None:
            bound = first.bound - aim.constant
            if abs(value - bound) <= TIE_SHARE * 10 * max(abs(value), 1e-9):
                bound = value  # solver tolerance: the second goal may end on either side of the bound
            gap, bound = relative_gap(value, bound), sound(bound, value)
    status, reason = _status(site_model, first, gap, scenario, stopped)
    return stamped(
        data, scenario, status, reason, objective=value if first.has_solution else None, bound=bound, gap=gap,
        constant=aim.constant, seconds=seconds | {"search": time.perf_counter() - began},
    )  # fmt: skip


def _status(site_model: SiteModel, first: Outcome, gap: float, scenario: Scenario, stopped: bool) -> tuple[str, str]:
    if first.has_solution:
        return ("within gap" if gap <= scenario.goal.gap + 1e-9 else "cancelled" if stopped else "best found"), ""
    if first.status == "unbounded":
        # HiGHS may report an infeasible problem as unbounded
        site_model.program.aim(None)
        if site_model.program.attempt(work=10.0).status != "infeasible":
            return "infeasible", Message(
                "there is no best plan: something is sold for more than it costs, without any limit"
            )
        first = Outcome("infeasible", None, None, 0.0, 0)
    if first.status == "infeasible":
        return "infeasible", Message(
            "no use of the site keeps all limits: demands, rates, levels, switching times and caps"
        )
    return without_plan(stopped, scenario.goal.budget)
