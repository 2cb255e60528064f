"""A plan on quarter-hours is a beginning of a finer search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emberline import models, twin
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.heuristics.line import coarse_grid
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import from_schedule
from emberline.models.search.incumbent import Search
from emberline.scenarios import effort, load


def test_a_fine_day_begins_with_quarter_hours() -> None:
    """Proves: on steps of five minutes a coarse plan comes first, starts lie on the fine steps, and the twin agrees.

    Sensitivity: starts of the coarse plan not brought to the fine steps.
    """
    scenario = load("melt-shop-day", ["horizon.step_min=5", "goal.effort=1.5", "goal.gap=0.005"])
    envelope = twin.envelope(scenario)
    listed = twin.dispatch(scenario, envelope)
    data = models.optimize(scenario, envelope, listed)
    assert data.attrs["seconds coarse plan"] > 0
    starts = data["start_min"].to_numpy()
    assert (np.remainder(starts[np.isfinite(starts)], 5) == 0).all()
    replay = twin.replay(scenario, data)
    assert int(replay.sizes.get("violation", 0)) == 0


@pytest.mark.parametrize(("step", "has_coarser"), [(5, True), (15, False), (30, False), (10, False)])
def test_which_grids_have_a_coarser_one(step: int, has_coarser: bool) -> None:
    """Proves: steps that divide a quarter of an hour have one; the coarse plan is one of the fine grid's."""
    scenario = load("melt-shop-small", [f"horizon.step_min={step}", "goal.effort=10"])
    envelope = twin.envelope(scenario)
    coarser = coarse_grid.coarser(scenario, envelope, None)
    assert (coarser is not None) == has_coarser
    if coarser is None:
        return
    data = sites.read(scenario, envelope)
    fine = Search(
        problem=line_reader.from_scenario(scenario, envelope), data=data, aim=aims.read(scenario, data, {}, 0.0),
        limit=10, gap=0.0, on_progress=lambda event: None, cancel=lambda: False, dispatching=Dispatcher,
    )  # fmt: skip
    inner = coarser(fine)
    assert inner.problem.step_min == 15
    listed = twin.dispatch(load("melt-shop-small", ["horizon.step_min=15"]))
    starts = from_schedule(inner.problem, listed)
    assert starts is not None
    assert inner.offer(starts)
    mapped = coarse_grid.finer(inner, fine)
    assert mapped is not None
    assert fine.offer(mapped)


def test_quarter_hours_are_given_more_time_until_they_have_a_plan() -> None:
    """Proves: past its share the coarse search goes on without a plan and ends with one. Sensitivity: either half."""
    scenario = load("melt-shop-small", ["horizon.step_min=5"])
    envelope = twin.envelope(scenario)
    data = sites.read(scenario, envelope)
    fine = Search(
        problem=line_reader.from_scenario(scenario, envelope), data=data, aim=aims.read(scenario, data, {}, 0.0),
        limit=100, gap=0.0, on_progress=lambda event: None, cancel=lambda: False, dispatching=Dispatcher,
    )  # fmt: skip
    coarser = coarse_grid.coarser(scenario, envelope, None)
    assert coarser is not None
    inner = coarser(fine)
    listed = load("melt-shop-small", ["horizon.step_min=15"])
    plan = from_schedule(inner.problem, twin.dispatch(listed, twin.envelope(listed)))
    assert plan is not None
    for passed, planned, ended in ((10, False, False), (10, True, False), (30, False, False), (30, True, True)):
        inner.began = effort.now() - passed
        inner.draft = plan if planned else None
        assert inner.cancel() == ended
    inner.draft, inner.began = None, effort.now() - 60
    assert inner.phase_over()


def test_without_a_coarse_plan_casts_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where quarter-hours find nothing the baseline schedule is improved all the same. Sensitivity: the way."""
    monkeypatch.setattr(coarse_grid, "finer", lambda coarse, fine: None)
    scenario = load("melt-shop-day", ["horizon.step_min=5", "goal.effort=1.5", "goal.gap=0.005"])
    envelope = twin.envelope(scenario)
    rows: list[float] = []

    def tell(event: dict[str, Any]) -> None:
        if event["incumbent"] is not None:
            rows.append(event["incumbent"])

    data = models.optimize(scenario, envelope, twin.dispatch(scenario, envelope), on_progress=tell)
    assert data.attrs["seconds renew"] > 0
    assert data.attrs["objective"] < rows[0]


def test_a_horizon_that_begins_between_quarters_has_a_coarser_grid() -> None:
    """Proves: quarter-hours count from the horizon's start. Sensitivity: counted from the full hour, none fits."""
    begins = ["horizon.start=2026-06-16T00:10+02:00", "horizon.days=null", "horizon.length_h=23 h"]
    scenario = load("melt-shop-small", [*begins, "horizon.step_min=5", "site.grid.metered_interval_min=10"])
    assert coarse_grid.coarser(scenario, twin.envelope(scenario), None) is not None
