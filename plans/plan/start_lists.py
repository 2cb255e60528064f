"""Lists of heats that the search of a plan begins with besides the baseline's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import xarray as xr

from emberline.plans.plan.baseline import Baseline
from emberline.scenarios import Scenario

if TYPE_CHECKING:
    from emberline.models import Study

PEAKS = 6
"""Peaks that are tried between that of the baseline and an impossible one."""


def start_lists(scenario: Scenario, baseline: Baseline, study: Study | None, *, around: bool) -> Iterator[xr.Dataset]:
    """Lists to begin with besides the baseline's; of processes the baseline's own where it does not keep all limits.

    Args:
        scenario: what is asked.
        baseline: of the scenario.
        study: of earlier plans of the same plant.
        around: whether to make other lists of heats: with margins, and with lower peaks.
    """
    from emberline import twin

    if scenario.processes and not baseline.complete:
        yield baseline.schedule
    if not around:
        return
    envelope = baseline.envelope
    if scenario.heats and scenario.disturbances.careful:
        # the last plan, which may lack the margins of this one, knows a good order
        last = study.beginnings(scenario) if study is not None else ()
        careful = twin.dispatch(scenario, envelope, keeping=True, like=last[0] if last else None)
        if careful.attrs["complete"]:
            yield careful
    if scenario.heats and baseline.complete:
        yield from _lower_peaks(scenario, envelope, baseline.schedule)


def _lower_peaks(scenario: Scenario, envelope: xr.Dataset, dispatched: xr.Dataset) -> Iterator[xr.Dataset]:
    """Baselines that keep to lower peaks, where peaks cost: a search by parts could not lower them one by one.

    The lowest peak that is possible is found by halving, and every list on the way is given.
    """
    from emberline import twin

    rates = scenario.rates
    if rates is None or not any(peak.per_mw.any() for peak in rates.peaks):
        return
    low, high = float(dispatched["meter_mw"].min()), float(dispatched["meter_mw"].max())
    for _ in range(PEAKS):
        limit = (low + high) / 2
        grid = scenario.site.grid.model_copy(update={"import_limit_mw": limit})
        calmer = scenario.model_copy(update={"site": scenario.site.model_copy(update={"grid": grid})})
        found = twin.dispatch(calmer, envelope, keeping=calmer.disturbances.careful)
        if found.attrs["complete"]:
            high = min(limit, float(found["meter_mw"].max()))
            yield found
        else:
            low = limit
