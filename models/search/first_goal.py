"""Minimization of the first goal of a site under a given load of the line; no store wastes a surplus."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from emberline.models.formulations.site.assets.ports import Linear
from emberline.models.formulations.site.objective import Aim
from emberline.models.formulations.whole_site import SiteModel, build
from emberline.models.kernel.highs import Outcome, Program
from emberline.models.problem.site import SiteData
from emberline.models.search.tuning import SITE
from emberline.models.search.warm_start import Study


def minimize_first(
    data: SiteData,
    aim: Aim,
    load: np.ndarray | None,
    remaining: Callable[[], float],
    seconds: dict[str, float],
    line_gives: Mapping[str, Linear] | None = None,
    study: Study | None = None,
    **options: Any,
) -> tuple[SiteModel, Outcome]:
    """Minimize the first goal.

    Binaries that keep a store from wasting a surplus are added only for slots in which one does so without them;
    elsewhere this does not pay anyway. Once half of the time is over, it is forbidden in all slots.
    """
    one_way_slots: set[int] | None = set() if data.hub is not None or data.battery is not None else None
    whole_s, program = remaining(), Program if study is None else partial(study.program, "site")
    for attempt in itertools.count():
        began = time.perf_counter()
        # if only goal and caps differ, the last model of the study is used
        last_model = None if study is None or line_gives else study.site(data, load, one_way_slots)
        if last_model is not None:
            last_model.ask(aim)
        site_model = last_model or build(data, aim, load, one_way_slots, line_gives, program=program)
        if study is not None and last_model is None and not line_gives:
            study.keep_site(site_model, load, one_way_slots)
        seconds["build"] += time.perf_counter() - began
        start_values = site_model.program.start_values if site_model.program.whole else None
        start = False if start_values is None else start_values
        # half of the remaining work is kept for a round after one with waste; the last round has some work in any case
        limit = remaining() / 2 if one_way_slots else remaining()
        least = SITE.one_way_work if attempt and one_way_slots is None else 0.05
        outcome = site_model.program.run(work=max(limit, least), start=start, **options)
        if study is not None:
            study.solved(site_model)
        seconds["first goal"] += outcome.seconds
        more = site_model.simultaneous_slots() if one_way_slots is not None and outcome.has_solution else set()
        if one_way_slots is None or (outcome.has_solution and not more - one_way_slots):
            break
        if not outcome.has_solution and (not one_way_slots or outcome.status in ("infeasible", "unbounded")):
            break
        one_way_slots = (
            None
            if attempt == SITE.one_way_rounds or not outcome.has_solution or remaining() < whole_s / 2
            else one_way_slots | more
        )
    return site_model, outcome
