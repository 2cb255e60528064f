"""The lateness goal: tardiness by hand, every rule once, and the published casting cases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.minutes import lateness, lateness_grid
from benchmarks.minutes.lateness import Lateness, minimize_lateness
from benchmarks.minutes.line_in_minutes import shop
from benchmarks.minutes.list_scheduling import search, simple
from benchmarks.published import casting
from emberline import twin
from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns

NOTHING = {"value": 0.0}
START = datetime(2024, 1, 1, tzinfo=UTC)


def scenario(stages: list, grades: list, orders: list, *, transfers: tuple = (), **more: object) -> Case:
    """A scenario in which energy plays no part."""
    result = resolve(
        Scenario.model_validate(
            {
                "name": "small",
                "horizon": {"start": START, "length_h": 24},
                "line": {"stages": stages, "grades": grades, "transfers": transfers},
                "orders": orders,
                "market": {"price_per_mwh": NOTHING, "carbon_intensity_kg_per_mwh": NOTHING},
                "goal": {"minimize": "lateness"},
                **more,
            }
        )
    )

    assert not list(between_nouns(result))
    return result


def minutes(value: float) -> timedelta:
    return timedelta(minutes=value)


def grade(name: str, **duration: float) -> dict:
    return {"name": name, "mass_t": 100, "duration_min": duration}


def stage(name: str, *units: str, setup: float = 0, **more: object) -> dict:
    return {"name": name, "units": [{"name": unit, "setup_min": setup} for unit in units], **more}


def plan(result: Case, **more: object) -> Lateness:
    return minimize_lateness(result, twin.envelope(result), **{"time_limit": 20, **more})  # type: ignore[arg-type]


def keeps_the_rules(result: Case, outcome: Lateness) -> None:
    """Units do not overlap, heats follow their route and transfers, casts have no gap, waits are kept."""
    line, heats = result.line, result.heats
    planned = twin.envelope(result)["planned_min"].values
    units = [unit.name for unit in line.units]
    on: dict[str, list] = {}
    for h, heat in enumerate(heats):
        route = [line.stages.index(part) for part in line.route(heat.grade)]
        assert [k for k in range(len(line.stages)) if outcome.unit[h, k]] == route
        assert outcome.start_min[h, route[0]] >= heat.release_min - 1e-6
        for k in route:
            span = planned[h, units.index(outcome.unit[h, k])]
            assert outcome.end_min[h, k] - outcome.start_min[h, k] == pytest.approx(span)
            on.setdefault(outcome.unit[h, k], []).append((outcome.start_min[h, k], outcome.end_min[h, k], heat, k))
        for k, after in pairwise(route):
            lag = outcome.start_min[h, after] - outcome.end_min[h, k]
            assert lag >= line.transfer_min(outcome.unit[h, k], outcome.unit[h, after]) - 1e-6
            longest = line.stages[k].longest_wait_min
            assert longest is None or lag <= longest + 1e-6
    for unit, spans in on.items():
        spans.sort(key=lambda span: span[0])
        for (_, end, one, k), (start, _, two, _) in pairwise(spans):
            cast = line.stages[k].campaign and one.order == two.order
            if cast:
                assert start == pytest.approx(end)
                assert two.position == one.position + 1
            assert start >= end + (0 if cast else line.unit[unit].setup_min) - 1e-6


def test_one_furnace_takes_the_urgent_heat_first() -> None:
    """Proves: tardiness decides the order: short urgent heat first gives 0 + 10; the other way 20 + 0 … is 30.

    Sensitivity: in file order the total is 20.
    """
    result = scenario(
        [stage("melt", "F")],
        [grade("long", melt=50), grade("short", melt=20)],
        [
            {"name": "a", "heats": [{"grade": "long"}], "due": minutes(60)},
            {"name": "b", "heats": [{"grade": "short"}], "due": minutes(50)},
        ],
    )
    outcome = plan(result)
    assert (outcome.objective, outcome.bound, outcome.makespan_min) == (10, 10, 70)
    assert outcome.status == "within gap"
    assert outcome.tardiness_min.tolist() == [10, 0]


def test_units_differ() -> None:
    """Proves: each heat takes the unit on which it is fast. Sensitivity: the other way round both take 60 min."""
    result = scenario(
        [stage("melt", "F", "G")],
        [grade("x", F=60, G=30), grade("y", F=30, G=60)],
        [{"name": n, "heats": [{"grade": n}], "due": minutes(30)} for n in ("x", "y")],
    )
    outcome = plan(result)
    assert (outcome.objective, outcome.makespan_min) == (0, 30)
    assert outcome.unit[:, 0].tolist() == ["G", "F"]


def test_a_cast_waits_for_all_its_heats() -> None:
    """Proves: no gap in a cast. One furnace of 50 min feeds three heats of 30 min: the third comes at 150, so the cast
    starts at 90 and ends at 180. Sensitivity: started at 50, heats would end at 80, 130, 180 with gaps of 20 min.
    """
    result = scenario(
        [stage("melt", "F"), stage("cast", "C", campaign=True)],
        [grade("x", melt=50, cast=30)],
        [{"name": "c", "heats": [{"grade": "x", "count": 3}], "due": minutes(100)}],
    )
    outcome = plan(result)
    assert outcome.start_min[:, 1].tolist() == [90, 120, 150]
    assert outcome.objective == outcome.bound == 20 + 50 + 80


def test_setup_between_casts_and_transfers() -> None:
    """Proves: 10 min of transfer and 25 min of set-up: casts at 60 and 135, the other heat being ready at 110.

    Sensitivity: without set-up the second cast starts at 110.
    """
    result = scenario(
        [stage("melt", "F", transfer_min=10), stage("cast", "C", setup=25, campaign=True)],
        [grade("x", melt=50, cast=50)],
        [{"name": n, "heats": [{"grade": "x"}]} for n in ("c", "d")],
    )
    outcome = plan(result)
    assert sorted(outcome.start_min[:, 1].tolist()) == [60, 135]


def test_a_longest_wait_moves_the_furnace() -> None:
    """Proves: where a ladle may wait 20 min, the first heat is melted later, the cast is as early as before.

    Sensitivity: as soon as possible it would be melted at 0 and wait 40 min.
    """
    result = scenario(
        [stage("melt", "F", "G", longest_wait_min=20), stage("cast", "C", campaign=True)],
        [grade("quick", F=50, cast=30), grade("slow", G=120, cast=30)],
        [{"name": "c", "heats": [{"grade": "quick"}, {"grade": "slow"}]}],
    )
    outcome = plan(result)
    assert outcome.has_schedule
    assert outcome.start_min[:, 1].tolist() == [90, 120]
    assert outcome.start_min[0, 0] == 20
    keeps_the_rules(result, outcome)


def test_waits_that_nothing_keeps_are_no_schedule() -> None:
    """Proves: what misses a limit is no schedule. One furnace of 100 min cannot feed a cast of 30 min a heat."""
    result = scenario(
        [stage("melt", "F", longest_wait_min=20), stage("cast", "C", campaign=True)],
        [grade("x", melt=100, cast=30)],
        [{"name": "c", "heats": [{"grade": "x", "count": 2}]}],
    )
    outcome = plan(result)
    assert not outcome.has_schedule
    assert np.isnan(outcome.objective)


def test_what_has_begun_goes_on() -> None:
    """Proves: a heat on the caster since 20 min keeps it until 10; its cast goes on there at once; the furnace is free
    at 30. Sensitivity: without the state the furnace starts at 0.
    """
    result = scenario(
        [stage("melt", "F"), stage("cast", "C", "D", setup=15, campaign=True)],
        [grade("x", melt=40, cast=30)],
        [
            {"name": "c", "heats": [{"grade": "x", "count": 2}], "due": minutes(45)},
            {"name": "d", "heats": [{"grade": "x"}], "due": minutes(60)},
        ],
        state={
            "started": [
                {"heat": "c-1", "stage": "cast", "unit": "C", "start": minutes(-20)},
                {"heat": "c-2", "stage": "melt", "unit": "F", "start": minutes(-30)},
            ]
        },
    )
    outcome = plan(result)
    assert outcome.start_min[1, 1] == 10
    assert outcome.unit[1, 1] == "C"
    assert outcome.start_min[2].tolist() == [10, 50]
    assert outcome.unit[2, 1] == "D"
    assert outcome.objective == 80 - 60


def test_a_cast_under_way_that_cannot_go_on_is_no_schedule() -> None:
    """Proves: the caster is free at 10, its next heat leaves the furnace at 20: no schedule has no gap.

    Sensitivity: a heat melted 10 min sooner makes it one.
    """
    for melted, possible in ((-20, False), (-30, True)):
        result = scenario(
            [stage("melt", "F"), stage("cast", "C", campaign=True)],
            [grade("x", melt=40, cast=30)],
            [{"name": "c", "heats": [{"grade": "x", "count": 2}]}],
            state={
                "started": [
                    {"heat": "c-1", "stage": "cast", "unit": "C", "start": minutes(-20)},
                    {"heat": "c-2", "stage": "melt", "unit": "F", "start": minutes(melted)},
                ]
            },
        )
        assert plan(result).has_schedule is possible


def test_release_lock_and_outage() -> None:
    """Proves: nothing starts before its release (20), a lock (at 100 on G) or within an outage (F until 60)."""
    result = scenario(
        [stage("melt", "F", "G")],
        [grade("x", melt=30)],
        [{"name": n, "heats": [{"grade": "x"}], "release": minutes(20)} for n in ("a", "b", "c")],
        locks=[{"heat": "b-1", "stage": "melt", "unit": "G", "start": minutes(100)}],
        state={"outages": [{"unit": "F", "start": minutes(40), "end": minutes(60)}]},
    )
    outcome = plan(result)
    starts = outcome.start_min[:, 0].tolist()
    assert starts[1] == 100
    assert outcome.unit[1, 0] == "G"
    assert sorted([starts[0], starts[2]]) in ([20, 50], [20, 60])
    assert outcome.makespan_min == 130


def test_never_worse_than_the_start() -> None:
    """Proves: the baseline's schedule is taken in; without a single move tried the result is no worse than it."""
    case = casting.PublishedCase(
        "random", {"M": ["M1", "M2"], "C": ["C1"]},
        {f"h{i}": {"M1": 40.0 + i, "M2": 55.0 - i, "C1": 30.0} for i in range(6)},
        {"a": ["h0", "h1"], "b": ["h2", "h3"], "c": ["h4", "h5"]},
        {f"h{i}": 90.0 for i in range(6)},
    )  # fmt: skip
    listed = twin.dispatch(case.scenario(due=False))
    ends = listed["end_min"].max("stage").values
    result = plan(case.scenario(), start=listed)
    assert result.objective <= np.maximum(ends - 90, 0).sum()


cases = st.integers(0, 10_000)


def random_case(seed: int) -> casting.PublishedCase:
    draw = np.random.Generator(np.random.Philox(key=seed))
    n_casts = int(draw.integers(1, 4))
    casts: dict[str, list[str]] = {}
    for c in range(n_casts):
        casts[f"c{c}"] = [f"h{c}{i}" for i in range(int(draw.integers(1, 3)))]
    machines = {"M": ["M1", "M2"], "R": ["R1"], "C": ["C1", "C2"]}
    times: dict[str, dict[str, float]] = {}
    for charges in casts.values():
        for charge in charges:
            used = ["M1", "M2", "C1", "C2"] + (["R1"] if draw.random() < 0.5 else [])
            times[charge] = {unit: float(draw.integers(20, 60)) for unit in used}
    due = {charge: float(draw.integers(60, 200)) for charge in times}
    return casting.PublishedCase(f"random-{seed}", machines, times, casts, due)


@settings(max_examples=12)
@given(cases)
def test_rules_and_bound_hold_for_any_shop(seed: int) -> None:
    """Proves: every rule is kept, the exact model's optimum lies between bound and search, whole minutes are proven."""
    result = random_case(seed).scenario()
    table = shop(result, twin.envelope(result))
    value = search(table, 60, simple(table, 0)).value
    relaxed = lateness_grid.bound(table, value.tardiness_min, value.makespan_min, binaries=500, time_limit=10)
    outcome = plan(result)
    keeps_the_rules(result, outcome)
    assert relaxed.tardiness_min <= outcome.objective <= value.tardiness_min
    assert outcome.status == "within gap"
    assert outcome.objective == outcome.bound


def test_the_bound_is_exact_by_enumeration() -> None:
    """Proves: on one furnace and one caster the optimum of three casts is that of all six orders tried by hand."""
    times = {"a": (30, 40, 90), "b": (20, 50, 100), "c": (45, 20, 80)}
    result = scenario(
        [stage("melt", "F"), stage("cast", "C", setup=5, campaign=True)],
        [grade(name, melt=melt, cast=cast) for name, (melt, cast, _) in times.items()],
        [{"name": n, "heats": [{"grade": n}], "due": minutes(due)} for n, (_, _, due) in times.items()],
    )
    totals = []
    for order in permutations(times):
        melted, free, total = 0.0, -5.0, 0.0
        for name in order:
            melt, cast, due = times[name]
            melted += melt
            free = max(melted, free + 5) + cast
            total += max(free - due, 0)
        totals.append(total)
    outcome = plan(result)
    assert outcome.objective == outcome.bound == min(totals)


def test_the_relaxation_of_two_casters_is_exact_by_enumeration() -> None:
    """Proves: on a grid of minutes four casts on two casters that differ, one cast released late, have the bound that
    all orders on all casters have by hand, and the casting plan behind it; a coarse grid proves no more. What is known
    to be better is no bound above itself.

    Sensitivity: a set-up, a release, a caster, or a weight of the cumulative starts."""
    times = {"a": (40, 60, 50, 0), "b": (50, 55, 60, 0), "c": (20, 30, 45, 30), "d": (35, 35, 40, 0)}
    result = scenario(
        [stage("cast", "C", "D", setup=5, campaign=True)],
        [grade(name, C=quick, D=slow) for name, (quick, slow, *_) in times.items()],
        [
            {"name": n, "heats": [{"grade": n}], "due": minutes(due), "release": minutes(release)}
            for n, (*_, due, release) in times.items()
        ],
    )
    totals = {}
    for order, casters in product(permutations(times), product((0, 1), repeat=4)):
        free, total, begin = [-5.0, -5.0], 0.0, {}
        for name, u in zip(order, casters, strict=True):
            *lengths, due, release = times[name]
            begin[name] = u, max(release, free[u] + 5)
            free[u] = begin[name][1] + lengths[u]
            total += max(free[u] - due, 0)
        totals[tuple(begin[name] for name in "abcd")] = total
    best = min(totals.values())
    line = shop(result, twin.envelope(result))
    exact = lateness_grid.bound(line, best + 20, 200.0, binaries=10_000, time_limit=60)
    assert exact.tardiness_min == best
    assert totals[tuple((exact.unit[g], exact.start[g]) for g in range(4))] == best
    assert 0 <= lateness_grid.bound(line, best + 20, 200.0, binaries=12, time_limit=60).tardiness_min <= best
    for item in (best - 3, 0.0):
        assert lateness_grid.bound(line, item, 200.0, binaries=10_000, time_limit=60).tardiness_min == item


def test_same_answer_each_time() -> None:
    """Proves: the search is deterministic, to the last start."""
    result = random_case(3).scenario()
    one, two = plan(result), plan(result)
    assert np.array_equal(one.start_min, two.start_min, equal_nan=True)
    assert np.array_equal(one.unit, two.unit)


def test_progress_and_cancel() -> None:
    """Proves: bounds rise and incumbents fall as reported; a cancelled search still gives its schedule."""
    events: list[dict] = []
    result = random_case(5).scenario()
    plan(result, on_progress=events.append)
    late = [event["incumbent"] for event in events if event["incumbent"] is not None]
    proven = [event["bound"] for event in events]
    assert late == sorted(late, reverse=True)
    assert proven == sorted(proven)
    assert plan(result, cancel=lambda: True).has_schedule


PUBLISHED = {  # total tardiness [min] that a short search does not exceed, and the bound that it proves
    "sm00": (129, 129),
    "sm10": (129, 129),
    "me00": (30, 30),
    "me10": (520, 410),
    "pr00": (550, 460),
    "pr10": (1600, 700),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_casting_cases(name: str, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: each case has a schedule that the twin replays without violation, and a bound below it."""
    monkeypatch.setattr(lateness, "ROUNDS", ((4, 100), (1, 400)))
    monkeypatch.setattr(lateness, "STEPS", 400)
    monkeypatch.setattr(lateness, "GRIDS", (250,))
    case = casting.read(str(shared / "oracles" / "casting" / name))
    answer = casting.solve(case, case.scenario(), case.scenario(due=False), 40, 0.0)
    most, proven = PUBLISHED[name]
    assert answer["violations"] == []
    assert len(answer["tardiness_min"]) == len(case.due_min)
    assert answer["bound"] <= answer["objective"] <= most
    assert answer["bound"] >= proven


def test_a_bad_case_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Proves: exit code 2 and one line that names the file and what it lacks; nothing on stdout."""
    prefix = tmp_path / "x"
    assert casting.main([str(prefix), "--json"]) == 2
    files = {
        "mc_env.json": {"M": ["M1"], "stage_seq": ["M"]},
        "cast.json": {"c": ["h"], "cast_seq": ["c"]},
        "duedate.json": {},
    }
    for name, content in files.items():
        (tmp_path / f"x_{name}").write_text(json.dumps(content))
    (tmp_path / "x_pt.csv").write_text("ch_id,mc_id,pt\nh,M1,20\n")
    capsys.readouterr()
    assert casting.main([str(prefix), "--json"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "x_duedate.json: no due date in minutes for charge h" in output.err
