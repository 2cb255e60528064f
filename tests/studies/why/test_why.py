"""Why: the answer about a decision is what trying everything finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from enumerated_shops import Place, best, shop
from hypothesis import given, settings
from hypothesis import strategies as st

from emberline.planning.plan.record import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, ScenarioError, load, loads
from emberline.studies.why import Answer, Why
from emberline.studies.why.question import why

CLOSE = 1e-6


@st.composite
def shops(draw: st.DrawFn) -> Case:
    """Two to four heats on one or two furnaces, with or without a ladle furnace after them, some with a due time."""
    n = draw(st.integers(5, 8))
    hours = draw(st.lists(st.integers(1, 2), min_size=2, max_size=4))
    ladle_h = draw(st.sampled_from([0, 0, 1]))
    furnaces = draw(st.integers(1, 2))
    due = [draw(st.sampled_from([n, n, n - 1])) for _ in hours]
    intensity = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    hours = hours[:3] if ladle_h or furnaces > 1 else hours
    return shop(
        [100.0 * value for value in intensity], hours, furnaces=furnaces, ladle_h=ladle_h,
        wait_h=draw(st.integers(1, 2)), due_h=due[: len(hours)],
    )  # fmt: skip


def agrees(result: Plan, answer: Answer, truth: float | None) -> None:
    """An answer is what trying everything finds: the same plan's worth, or that there is none."""
    part = best(result.scenario)
    assert part is not None
    if truth is None:
        assert not answer.has_plan, answer
        assert answer.status == "infeasible", answer
        return
    assert answer.has_plan, (answer.says, answer.status, answer.reason)
    assert answer.objective is not None
    assert answer.high is not None
    assert answer.more is not None
    assert answer.objective >= truth - CLOSE * truth, "better than the best of all"
    if answer.low is not None:
        assert answer.low <= truth - part.kg + CLOSE * truth, "the bound lies above the best of all"
    assert answer.status != "within gap" or answer.objective <= truth + 2 * CLOSE * truth, (answer, truth)
    assert answer.more.carbon_kg == pytest.approx(answer.high, abs=1e-3), "the twin tells another figure"


def at_start(heat: str, test: object) -> object:
    """Whether a heat starts as asked; all others may lie anywhere."""
    return lambda name, place: name != heat or test(place)  # type: ignore[operator]


@settings(max_examples=6)
@given(shops())
def test_heats_agree_with_trying_everything(scenario: Case) -> None:
    """Proves: earlier, later, the baseline's time, another unit and each single start are what enumeration finds.

    Sensitivity: a pin that is not kept, others that are held where they are, or a price against another plan than the
    stored one fail here; so does a bound above what is possible.
    """
    if best(scenario) is None:
        return
    result = make_plan(scenario, PLAIN)
    assert result.schedule is not None
    part = best(scenario)
    assert part is not None
    assert result.objective == pytest.approx(part.kg, rel=1e-5)
    text = why(result, heat="1", stage="melting", every=True, time_limit_s=60)
    row = result.schedule.sel(heat="H1", stage="melting")
    now, unit = round(float(row["start_min"]) / 60), str(row["unit"].item())
    assert len({answer.key for answer in text.answers}) >= 2
    for answer in text.answers:

        def fits(place: Place, answer: Answer = answer) -> bool:
            if answer.key == "unit":
                return place[0] != unit
            if answer.key in ("earlier", "later"):
                return place[1] < now if answer.key == "earlier" else place[1] > now
            return f"{place[1]:02d}:00" == answer.says[-5:]

        truth = best(scenario, at_start("H1", fits))  # type: ignore[arg-type]
        agrees(result, answer, None if truth is None else truth.kg)
        if answer.start_min is not None:
            assert fits((answer.unit, round(answer.start_min / 60), "", -1)), answer


def test_a_later_stage_can_be_asked_about() -> None:
    """Proves: an hour of melting, an hour at the ladle right after it: it cannot be there earlier, as the melt is not.

    Sensitivity: a moment counted in numpy's whole numbers, of which no time is made."""
    result = make_plan(shop([500.0, 100.0, 300.0, 200.0], [1], ladle_h=1), PLAIN)
    text = why(result, heat="1", stage="ladle", time_limit_s=20)
    limits = [str(limit) for answer in text.answers for limit in answer.limits]
    assert any("heat H1 is there from melting at " in limit for limit in limits), limits


def test_the_start_of_a_heat_by_hand() -> None:
    """Proves: one furnace of 10 MW, an hour each, at 500, 100, 300 and 200 kg/MWh: two heats take the second and the
    fourth hour, 3000 kg. The first one an hour later (third and fourth or second hour for the other) costs
    1000 kg more; to start it in the first hour 2000 kg more than that of the fourth hour, by trying: 5000 + 1000 kg.
    """
    result = make_plan(shop([500.0, 100.0, 300.0, 200.0], [1, 1]), PLAIN)
    assert result.schedule is not None
    starts = {
        str(heat): float(result.schedule["start_min"].sel(heat=heat, stage="melting")) / 60 for heat in ("H1", "H2")
    }
    assert sorted(starts.values()) == [1, 3]
    heat = min(starts, key=lambda name: starts[name])
    table = {answer.key: answer for answer in why(result, heat=heat).answers}
    # the other heat takes the second hour instead: nothing is lost by changing places
    assert table["later"].high == pytest.approx(0.0, abs=1e-6)
    assert table["earlier"].high == pytest.approx(6000 - 3000)
    assert any("F1" in move.says or move.heat != heat for move in table["later"].moves)
    alone = {slot.start_min / 60: slot for slot in why(result, heat=heat).slots}
    assert alone[2].more_of_goal == pytest.approx(2000, rel=0.01)
    assert alone[3].more_of_goal is None
    assert "F1 is busy with heat" in alone[3].limits[0]


def test_limits_are_named_in_the_plants_words() -> None:
    """Proves: longest wait, own next stage, due time and a busy unit are named as what is in the way.

    The first heat, due at 03:00, melts in the second hour and is in the ladle in the third one; the second heat, free
    to wait for clean hours, melts in the fourth one. Sensitivity: with a longer wait the first heat could melt at once.
    """
    result = make_plan(shop([500.0, 400.0, 300.0, 200.0, 100.0], [1, 1], ladle_h=1, wait_h=0.5, due_h=[3, 5]), PLAIN)
    text = why(result, heat="H1", stage="melting")
    answers = {answer.key: answer for answer in text.answers}
    assert answers["earlier"].limits == ("heat H1 may wait 30 min at most after melting",)
    assert answers["later"].status == "infeasible"
    assert any("ladle of this heat starts at Tue 10 Mar 02:00" in limit for limit in answers["later"].limits)
    by_hour = {slot.start_min / 60: " ".join(slot.limits) for slot in text.slots}
    assert "F1 is busy with heat H2 from Tue 10 Mar 03:00 to Tue 10 Mar 04:00" in by_hour[3]
    ladle = {slot.start_min / 60: " ".join(slot.limits) for slot in why(result, heat="H1", stage="ladle").slots}
    assert "is there from melting at Tue 10 Mar 02:00 at the earliest" in ladle[1]


def test_a_locked_heat_is_freed() -> None:
    """Proves: a heat that is locked to a dirty hour gets what freeing it brings: 2000 kg, by hand."""
    lock = {"heat": "H1", "stage": "melting", "start": "0 h"}
    result = make_plan(shop([300.0, 100.0, 200.0], [1], locks=[lock]), PLAIN)
    table = {answer.key: answer for answer in why(result, heat="1").answers}
    assert table["freed"].high == pytest.approx(-2000)
    assert table["freed"].start_min == 60
    assert table["later"].high == pytest.approx(-2000), "a pin takes the place of the lock"
    facts = why(result, hour="00:00").facts
    assert "heat H1 later: the lock of heat H1 at melting" in facts


@settings(max_examples=3)
@given(shops(), st.integers(1, 4))
def test_units_and_hours_agree_with_trying_everything(scenario: Case, at: int) -> None:
    """Proves: a furnace that is not there, and one that is idle for an hour, cost what enumeration finds."""
    part = best(scenario)
    if part is None:
        return
    result = make_plan(scenario, PLAIN)
    (answer,) = why(result, unit="F1", time_limit_s=30).answers
    truth = best(scenario, lambda heat, place: place[0] != "F1")
    agrees(result, answer, None if truth is None else truth.kg)
    lengths = {heat.name: round(heat.grade.duration_min["melting"] / 60) for heat in scenario.heats}
    for answer in why(result, hour=f"{at:02d}:00", time_limit_s=30).answers:
        unit = answer.says.partition(" ")[0]

        def idle(heat: str, place: Place, unit: str = unit) -> bool:
            spans = [(place[0], place[1], lengths[heat]), (place[2], place[3], 1)]
            return not any(name == unit and begin <= at < begin + length for name, begin, length in spans)

        stored = best(scenario, idle)
        agrees(result, answer, None if stored is None else stored.kg)


SITE = """
name: store-house
horizon: {start: 2026-03-10T00:00+00:00, length_h: 4, step_min: 60}
site:
  grid: {metered_interval_min: 60}
  base_load_mw: 5
  battery: {energy_mwh: 2 MWh, power_mw: 2 MW, charge_efficiency: 1, discharge_efficiency: 1, level_share: 0 %}
market: {price_per_mwh: 10, carbon_intensity_kg_per_mwh: {csv: intensity.csv, column: kg}}
goal: {minimize: carbon, gap: 0.0001 %, effort: 10, caps: {extra_cost_share: null}}
disturbances: {replications: 0}
"""


def site(folder: Path) -> Case:
    """A battery of 2 MWh without losses with a load of 5 MW, at 100, 400, 200 and 300 kg/MWh."""
    rows = [f"2026-03-10T0{hour}:00Z,{kg}" for hour, kg in enumerate((100, 400, 200, 300, 300))]
    (folder / "intensity.csv").write_text("\n".join(["time_utc,kg", *rows]), encoding="utf-8")
    return loads(SITE, folder=folder)


def test_an_asset_and_an_hour_of_a_site_by_hand(tmp_path: Path) -> None:
    """Proves: without the battery a site emits what it had saved: 2 MWh · (400 − 100 + 300 − 200) = 800 kg. A MWh more
    in the dirtiest hour costs 400 kg, the shadow price of a linear program.

    Sensitivity: an asset that stays in the model, or a price of another hour, fails.
    """
    result = make_plan(site(tmp_path), PLAIN)
    (answer,) = why(result, unit="battery").answers
    assert answer.high == pytest.approx(800, rel=1e-4)
    text = why(result, hour="01:00")
    assert text.worth is not None
    assert text.worth.value == pytest.approx(400, rel=1e-6)
    assert text.worth.assumption == "exact: nothing is held"
    assert not text.answers


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    """Proves: an unknown heat, stage, unit or hour, and a heat of a site, are refused in one line each."""
    result, alone = make_plan(shop([300.0, 100.0], [1]), PLAIN), make_plan(site(tmp_path), PLAIN)

    def refused(of: Plan, **case: str) -> str:
        with pytest.raises(ScenarioError) as error:
            why(of, **case)  # type: ignore[arg-type]
        assert len(error.value.problems) == 1
        return str(error.value)

    assert "heats are 1 to 1, or H1" in refused(result, heat="H7")
    assert "remaining stages are melting" in refused(result, heat="H1", stage="casting")
    assert "those are F1" in refused(result, unit="F9")
    assert "is outside the horizon" in refused(result, hour="13:00")
    assert "is not a time" in refused(result, hour="teatime")
    assert "between steps" in refused(result, heat="H1", at="30 min")
    assert "no heats" in refused(alone, heat="1")
    assert "--heat, --unit or --hour" in refused(result)
    assert "--heat, --unit or --hour" in refused(result, heat="1", unit="F1")


def test_an_hour_that_the_clock_shows_twice_must_be_named() -> None:
    """Proves: 02:00 on the day on which clocks go back names two hours, and both are offered."""
    from emberline.studies.why.of_hour import hour

    horizon = load("melt-shop-small", ["horizon.start=2026-10-25"]).horizon
    with pytest.raises(ScenarioError) as error:
        hour(horizon, "02:00")
    assert "02:00+02:00 or 2026-10-25T02:00+01:00" in str(error.value)
    assert hour(horizon, "2026-10-25T02:00+01:00").begin_min == 180
    assert hour(horizon, "03:00").begin_min == 240


def test_a_question_can_be_cancelled() -> None:
    """Proves: cancelled before it begins, nothing is tried and that is said."""
    result: Why = why(make_plan(shop([300.0, 100.0], [1]), PLAIN), heat="1", cancel=lambda: True)
    assert not result.complete
    assert not result.answers
