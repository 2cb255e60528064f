"""What the search of a plan begins with beside the baseline schedule: lists around which it looks too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import xarray as xr

from emberline.scenarios import Scenario

if TYPE_CHECKING:
    from emberline.models import Study

PEAKS = 6
"""How many peaks a baseline that keeps the peak low tries, between what it draws anyway and what is impossible."""


def beginnings(
    scenario: Scenario, envelope: xr.Dataset, dispatched: xr.Dataset, ruled: bool, study: Study | None
) -> Iterator[xr.Dataset]:
    """More lists to look around than the baseline's; of processes its own, where it does not keep all limits."""
    from emberline import twin

    if scenario.processes and not ruled:
        yield dispatched
    if scenario.heats and scenario.disturbances.careful:
        # the last plan, which may lack the margins of this one, knows a good order
        last = study.beginnings(scenario) if study is not None else ()
        careful = twin.dispatch(scenario, envelope, keeping=True, like=last[0] if last else None)
        if careful.attrs["complete"]:
            yield careful
    if scenario.heats and ruled:
        yield from _lower_peaks(scenario, envelope, dispatched)


def _lower_peaks(scenario: Scenario, envelope: xr.Dataset, dispatched: xr.Dataset) -> Iterator[xr.Dataset]:
    """Baseline schedules with lower peaks, where peaks cost: a search by parts could not lower them one by one.

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
