"""Runs of processes on the planning board: what a move is said to break is what stands in its way."""

from __future__ import annotations

import json
import random
from functools import cache

from emberline import twin
from emberline.planning import Plan
from emberline.planning.accounts.sums import figures
from emberline.planning.accounts.unit_runs import unit_runs
from emberline.planning.plan.replan import as_set, override, read_lock, with_locks
from emberline.scenarios import load
from emberline.studies.board import RunBoard
from emberline.studies.why import run_slack


@cache
def board() -> RunBoard:
    """The bundled cement week as the shift would run it, as a plan."""
    scenario = load("cement-week")
    schedule = twin.dispatch(scenario).assign_attrs(policy="schedule")
    run = twin.replay(scenario, schedule)
    sums = figures(scenario, run)
    plan = Plan(
        scenario=scenario, envelope=twin.envelope(scenario), baseline=run, baseline_figures=sums,
        baseline_complete=True, schedule=schedule, schedule_figures=sums, replay=run, replay_figures=sums,
        status="best found", objective=None, bound=None, gap=None,
    )  # fmt: skip
    return RunBoard(plan)


def test_a_move_breaks_what_stands_in_its_way() -> None:
    """Proves: on the cement week random moves within the slack of a run, which is counted from levels, meter and
    neighbours, break nothing in the twin, and a step more breaks something: a run that is hit, or what is missed.

    Sensitivity: a run that leaves its fuels or its start-up behind, a silo that is not looked at."""
    week, draw, kinds = board(), random.Random(7), set[str]()
    scenario, run = week.plan.scenario, week.plan.replay
    assert run is not None
    every, step = list(unit_runs(scenario, run)), scenario.horizon.step_min

    def broken(moves: dict[int, int]) -> set[str]:
        hits = {"unit" for _ in week.collisions(moves)} | {"horizon" for _ in week.outside(moves)}
        return hits or {str(row["kind"]) for row in week.missed(moves)}

    for number in draw.sample(range(len(week.runs)), 7):
        one = week.runs[number]
        slack = run_slack.slack(scenario, run, one, every)
        for way, minutes in ((-1, slack.earlier_min), (1, slack.later_min)):
            most = round(minutes / step)
            within = {number: one.first + way * draw.randint(0, most)}
            assert not broken(within), (one, within, slack)
            beyond = broken({number: one.first + way * (most + 1)})
            assert beyond, (one, slack)
            kinds |= beyond
    assert {"unit"} < kinds


def test_locks_are_the_moves() -> None:
    """Proves: every move is a lock that the scenario takes, comes back from plain data, and stands for the same run
    where no other one of its mode has that span; a lock without a start of its own is where the run is."""
    week, draw = board(), random.Random(1)
    scenario = week.plan.scenario
    spans = [(run.mode, run.first, run.last) for run in week.runs]
    for number in draw.sample(range(len(week.runs)), 5):
        run = week.runs[number]
        lock = week.lock(number)
        if spans.count(spans[number]) == 1:
            assert week.moves([lock]) == {number: run.first}
        length = run.last - run.first
        first = draw.randint(0, scenario.horizon.n_steps - length)
        moved = week.lock(number, first)
        assert read_lock(as_set(moved)) == moved
        (place,) = week.moves([moved]).items()
        assert place[1] == first
        assert week.runs[place[0]].mode == run.mode
        assert with_locks(scenario, [moved]).run_locks == (moved,)
        assert load("cement-week", [override(scenario, [as_set(moved)])]).run_locks == (moved,)
    assert override(scenario, []) == f"run_locks={json.dumps([])}"
