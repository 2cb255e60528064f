"""Slack of operations, judged by the twin: so far they may move, and not a minute further."""

from __future__ import annotations

import math
from functools import cache

import pytest
import xarray as xr

from emberline import twin
from emberline.scenarios import Case, load
from emberline.studies.why.slack import Slack, slacks

EXACT = ("line.heat_loss=null",)
"""What waits is not reheated: moving a heat changes nothing else."""


@cache
def day(*overrides: str) -> tuple[Case, xr.Dataset, xr.Dataset]:
    """The baseline schedule and its day in the small melt shop."""
    scenario = load("melt-shop-small", [*EXACT, *overrides])
    listed = twin.dispatch(scenario)
    return scenario, listed, twin.replay(scenario, listed)


def moved(scenario: Case, listed: xr.Dataset, heat: str, stage: str, minutes: float) -> xr.Dataset:
    """What happens when one operation is scheduled at another time, set-points of the site as they were."""
    other = listed.copy(deep=True)
    for name in ("start_min", "end_min"):
        other[name].loc[{"heat": heat, "stage": stage}] += minutes
    return twin.replay(scenario, other)


def holds(scenario: Case, run: xr.Dataset, after: xr.Dataset, heat: str, stage: str, minutes: float) -> bool:
    """Whether the operation starts where it was moved to, all others as before, and no limit is missed."""
    if after.sizes["violation"]:
        return False
    starts = [
        {
            (heat_of, stage_of): start
            for heat_of, stage_of, start in zip(
                *(data[f"op_{name}"].values for name in ("heat", "stage", "start_min")), strict=True
            )
        }
        for data in (run, after)
    ]
    starts[0][heat, stage] += minutes
    return all(math.isclose(starts[0][key], starts[1][key], abs_tol=1e-6) for key in starts[0])


@pytest.mark.parametrize(
    "overrides", [(), ("site.grid.import_limit_mw=70",), ("orders.0.due=6 h", "orders.1.due=9.5 h")]
)
def test_as_far_as_reported_and_no_further(overrides: tuple[str, ...]) -> None:
    """Proves: with all else fixed the twin finds nothing wrong within the slack, and something one minute beyond it."""
    scenario, listed, run = day(*overrides)
    assert not run.sizes["violation"]
    kinds = set()
    for heat in scenario.heats:
        for stage, slack in slacks(scenario, run, heat.name).items():
            for minutes, stop, way in (
                (slack.earlier_min, slack.earlier, -1.0),
                (slack.later_min, slack.later, 1.0),
            ):
                kinds.add(stop.kind)
                after = moved(scenario, listed, heat.name, stage, way * minutes)
                assert holds(scenario, run, after, heat.name, stage, way * minutes), (heat.name, stage, slack)
                if (stop.kind, way) == ("horizon", -1.0):
                    continue  # what starts before the horizon has started
                beyond = way * (minutes + 1)
                after = moved(scenario, listed, heat.name, stage, beyond)
                assert not holds(scenario, run, after, heat.name, stage, beyond), (heat.name, stage, slack)
    assert kinds >= {"cast", "unit", "after"}
    if overrides:
        assert kinds & {"import", "due"}


def test_locks_and_outages_stop() -> None:
    """Proves: what is locked does not move, a window and an outage bound it."""
    _, _, run = day()
    heat, stage = "C3-3", "melting"
    start = float(run["op_start_min"].values[(run["op_heat"].values == heat) & (run["op_stage"].values == stage)][0])

    def slack_with(*overrides: str) -> Slack:
        scenario = load("melt-shop-small", [*EXACT, *overrides])
        return slacks(scenario, run, heat)[stage]

    fixed = slack_with(f"locks=[{{heat: {heat}, stage: {stage}, start: {start:g} min}}]")
    assert (fixed.earlier_min, fixed.later_min, fixed.later.kind) == (0, 0, "lock")
    assert slack_with().earlier_min >= 2
    window = slack_with(f"locks=[{{heat: {heat}, stage: {stage}, earliest: {start - 1:g} min}}]")
    assert (window.earlier_min, window.earlier.kind) == (1, "lock")
    outage = slack_with(f"state.outages=[{{unit: EAF, start: {start - 5:g} min, end: {start - 1:g} min}}]")
    assert (outage.earlier_min, outage.earlier.kind, outage.earlier.at_min) == (1, "outage", start - 1)
