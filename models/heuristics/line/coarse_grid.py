"""First plan on quarter-hours for a finer grid, on which counts are slow to solve but corridors are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import xarray as xr

from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line import Rounding
from emberline.models.problem.line_reader import with_floors
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import Case


def coarser(scenario: Case, envelope: xr.Dataset, rounding: Rounding | None) -> Callable[[Search], Search] | None:
    """Return the builder of the search on quarter-hours for a finer search; None if the grid is not finer.

    Args:
        scenario: scenario on the finer grid.
        envelope: as for ``emberline.models.optimize``.
        rounding: conversion of minutes to slots.
    """
    horizon = scenario.horizon
    ratio = round(LINE.coarse_min / horizon.step_min)
    even = ratio * horizon.step_min == LINE.coarse_min and horizon.n_steps % ratio == 0
    if ratio < 2 or not even:
        return None

    def search(fine: Search) -> Search:
        rough = horizon.model_copy(update={"step_min": LINE.coarse_min})
        inputs = scenario.inputs.coarsen(time=ratio).mean().assign_coords(time=rough.times)
        inputs.attrs = scenario.inputs.attrs
        rough_scenario = scenario.with_inputs(inputs, horizon=rough)
        rough_envelope = envelope.coarsen(time=ratio).mean().assign_coords(time=rough.times)
        for name in envelope.data_vars:
            if "time" not in envelope[name].dims:
                rough_envelope[name] = envelope[name]
        data = sites.read(rough_scenario, rough_envelope)
        remaining = max(fine.remaining, 0.0)

        def over() -> bool:
            return fine.phase_over() or (
                rough_search.draft is not None
                and rough_search.remaining < (LINE.coarse_most - LINE.coarse_share) * remaining
            )

        rough_search = fine.inner(
            with_floors(line_reader.from_scenario(rough_scenario, rough_envelope, rounding)),
            LINE.coarse_most * remaining, fine.gap, data=replace(data, whole=fine.data.whole), cancel=over,
        )  # fmt: skip
        return rough_search

    return search


def finer(coarse: Search, fine: Search) -> Starts | None:
    """Return the best plan on quarter-hours, on the finer slots."""
    best = coarse.best or coarse.draft
    if best is None:
        return None
    ratio = round(coarse.problem.step_min / fine.problem.step_min)
    return Starts.of(fine.problem, {key: (u, t * ratio) for key, _, u, t, _ in best.placed(coarse.problem)})
