"""A plan with everything that its first answer says: made to hold, next to simple rules, with its quick front."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from emberline.plans.answer.choices import MOST_SHARE, SHARE, own_point, with_choices
from emberline.plans.answer.rules import with_rules
from emberline.plans.plan.baseline import Baseline
from emberline.plans.plan.progress import Progress
from emberline.plans.plan.record import Plan
from emberline.plans.robustness.making import plan_that_holds
from emberline.scenarios import Scenario

if TYPE_CHECKING:
    from emberline.models import Study
    from emberline.plans.store.store import Store


def answered(
    scenario: Scenario,
    *,
    store: Store | None = None,
    study: Study | None = None,
    baseline: Baseline | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """Make the plan of a scenario, with its time limit for the plan and its quick front together.

    Args:
        scenario: what is asked.
        store: whose plans of the same orders are where the search begins.
        study: what earlier plans in this process have left.
        baseline: what the plan is compared with; None: it is simulated.
        on_progress, cancel: as of :func:`plan_that_holds`.
    """
    from emberline.models import Study

    study, began = study or Study(), time.perf_counter()
    made = plan_that_holds(
        scenario, store=store, study=study, baseline=baseline, share=1.0 if own_point(scenario) is None else 1 - SHARE,
        on_progress=on_progress, cancel=cancel,
    )  # fmt: skip
    if baseline is not None and made.baseline is not baseline.run:  # a stored plan was better
        made = dataclasses.replace(
            made, baseline=baseline.run, baseline_figures=baseline.figures, baseline_complete=baseline.complete,
            replays=None,
        )  # fmt: skip
    limit_s = scenario.goal.time_limit_s
    left = min(limit_s - (time.perf_counter() - began), MOST_SHARE * limit_s)
    made = with_choices(
        made, limit_s=max(left, SHARE * limit_s), baseline=baseline, study=study, on_progress=on_progress, cancel=cancel
    )
    return with_rules(made)
