"""Rolling: what is known when, what has happened stays, budgets carry over, and what a roll is measured by."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from planned import shop
from rolled import TARIFF, works
from shops import cast

from emberline import models, twin
from emberline.planning.accounts.bill import bill
from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.sums import figures
from emberline.planning.plan.pipeline import follow
from emberline.reports.text.studies import roll_says as says
from emberline.scenarios import Case, ScenarioError, load
from emberline.studies.rolling import How, compare, refuse, roll
from emberline.studies.rolling.budgets import direct_by_step
from emberline.studies.rolling.laying import interval
from emberline.studies.rolling.roll import broken
from emberline.twin.state import later

HOUR = 60.0


class RecordedOptimizer:
    """In place of ``emberline.models.optimize``: the same, and what was asked and made."""

    def __init__(self) -> None:
        self.requests: list[Case] = []
        self.schedules: list[xr.Dataset] = []

    def __call__(self, scenario: Case, *args: Any, **how: Any) -> xr.Dataset:
        self.requests.append(scenario)
        self.schedules.append(models.optimize(scenario, *args, **how))
        return self.schedules[-1]


def test_budgets_and_bills_carry_over(tmp_path: Path) -> None:
    """Proves: under a tariff, a cap on carbon, a limit on gas and a least run, the parts between two plans, each billed
    from the state that the part before left, add up to the one bill and ledger of the whole; cap and limit are kept
    over the whole, and no run of the engine is cut short. Sensitivity: free, the roll emits and burns more than that;
    a cap that began again with each plan would allow it."""
    more: dict[str, Any] = {"start": "2026-02-28", "hours": 42, "tariff": TARIFF, "goal": "cost"}
    how = How(every_min=6 * HOUR, look_ahead_min=24 * HOUR)
    free = roll(works(tmp_path, **more), how)
    gas = float(free.run["asset_rate"].sel(flow="gas grid").sum())
    cap = 0.97 * free.figures.carbon_kg
    stored = works(tmp_path, gas=0.9 * gas, changes=(f"goal.caps.carbon_kg={cap}",), **more)
    result = roll(stored, how)
    assert not result.violations
    assert result.figures.carbon_kg <= cap * (1 + 1e-6)
    assert float(result.run["asset_rate"].sel(flow="gas grid").sum()) <= 0.9 * gas * (1 + 1e-6)
    on = result.run["asset_on"].sel(machine="engine").to_numpy() > 0.5
    edges = np.flatnonzero(np.diff(on, prepend=False, append=False))
    assert all(last - first >= 4 or last == len(on) for first, last in zip(edges[::2], edges[1::2], strict=True))
    money = kg = 0.0
    for begin, end in pairwise([*(step.begin_min for step in result.steps), stored.horizon.length_min]):
        part = later(stored, result.run, begin, end)
        item = result.run.sel(time=part.horizon.times).drop_dims("meter")
        meters = result.run["meter_mw"].to_numpy()[round(begin / 15) : round(end / 15)]
        item = item.assign(meter_mw=("meter", meters))
        direct_kg = float(direct_by_step(part, item).sum())
        money += bill(part, item, direct_kg).total
        kg += direct_kg + float(item["import_mw"] @ part.inputs["carbon_intensity_kg_per_mwh"])
    assert money == pytest.approx(result.figures.cost, rel=1e-9)
    assert kg == pytest.approx(ledger(stored, result.run).total_kg("average"), rel=1e-9)


def test_every_plan_knows_what_had_been_issued(tmp_path: Path) -> None:
    """Proves: plans are made on the newest forecast issued by then, not on what comes true, and the twin makes of them
    what comes true. Sensitivity: with foresight the plans know the file itself."""
    scenario = works(tmp_path, hours=24, error=0.5)
    how = How(every_min=12 * HOUR, look_ahead_min=24 * HOUR)
    text = np.genfromtxt(tmp_path / "forecasts.csv", delimiter=",", skip_header=1, dtype=None, encoding=None)
    blind, knowing = RecordedOptimizer(), RecordedOptimizer()
    result = roll(scenario, how, optimize=blind)
    roll(scenario, how, foresight=True, optimize=knowing)
    real = scenario.inputs["price_per_mwh"]
    (seeing,) = knowing.requests
    assert (seeing.inputs["price_per_mwh"].values == real.values).all()
    assert len(blind.requests) == 2
    for item in blind.requests:
        now = item.horizon.start_utc
        issue = f"{now.replace(hour=now.hour // 12 * 12):%Y-%m-%dT%H:%MZ}"
        prices = {row[1]: row[2] for row in text if row[0] == issue}
        expected = [prices[f"{str(time)[:16]}Z"] for time in item.horizon.times]
        assert item.inputs["price_per_mwh"].values == pytest.approx(expected)
        assert abs(item.inputs["price_per_mwh"].values - real.sel(time=item.horizon.times).values).max() > 5
    again = twin.replay(scenario, result.schedule)
    assert figures(scenario, again).cost == pytest.approx(result.figures.cost, rel=1e-12)


def test_with_everything_known_to_the_end_nothing_is_changed_and_nothing_regretted(tmp_path: Path) -> None:
    """Proves: plans on unchanged data leave the first one alone, and it is the plan of the whole; the gain is the
    difference of the costs that are printed and what is said of the stock. Sensitivity: a state that loses anything on
    the way makes another plan better or this one break; a credit that is counted and not printed."""
    scenario = works(tmp_path, hours=24, gap=0.0, error=0.0)
    result = compare(scenario, How(every_min=4 * HOUR, look_ahead_min=24 * HOUR))
    assert [step.adopted for step in result.rolled.steps] == [True, *[False] * 5]
    assert sum(step.moved_mwh for step in result.rolled.steps) == 0
    regret, not_knowing, best = result.regret(), result.not_knowing, result.best
    assert best is not None
    assert regret is not None
    assert not_knowing is not None
    assert result.foresight is not None
    assert len(result.foresight.steps) == 1
    assert result.rolled.figures.cost == pytest.approx(best.figures.cost, rel=1e-6)
    assert regret.total >= -1e-6 * abs(result.rolled.figures.cost)
    assert regret.total == pytest.approx(not_knowing.total, abs=1e-3)
    assert regret.interval is None, "one day tells nothing of how days differ"
    # a MWh less in the battery is no gain
    sums = result.rolled.figures
    less = dataclasses.replace(sums, levels={"battery": sums.levels["battery"] - 1.0})
    worth = sums.level_cost_per_unit["battery"]
    assert worth > 0
    more = result.more_than(dataclasses.replace(result.rolled, figures=less), result.rolled)
    assert (more.total, more.stock) == pytest.approx((worth, worth))
    gain, costs = result.gain, (result.baseline.figures.cost, result.rolled.figures.cost)
    assert gain is not None
    assert gain.total == pytest.approx(costs[0] - costs[1] + gain.stock)
    table = result.summary() | {"gain": {"total": 8417.0, "share": 0.16, "stock": -1254.0, "interval_90": None}}
    assert next(says(table)).replace("\u202f", "") == (
        "Gain over the baseline: 8417 EUR (16 %), −1254 EUR of it for what stores hold at the end"
    )


def test_the_frozen_time_stands(tmp_path: Path) -> None:
    """Proves: what a plan says of the time until the next one begins is followed, whatever is learnt meanwhile, and
    each plan begins where the frozen time ends. Sensitivity: without it plans begin at once."""
    scenario = works(tmp_path, hours=24, error=0.5)
    text = RecordedOptimizer()
    how = How(every_min=2 * HOUR, look_ahead_min=24 * HOUR, frozen_min=3 * HOUR, keep_share=0.0)
    result = roll(scenario, how, optimize=text)
    assert [step.begin_min - step.at_min for step in result.steps] == [0.0, *[3 * HOUR] * (len(result.steps) - 1)]
    assert sum(step.adopted for step in result.steps) > 2
    rows = [(s.begin_min, planned) for s, planned in zip(result.steps, text.schedules, strict=True) if s.adopted]
    for (begin, planned), (after, _) in pairwise([*rows, (scenario.horizon.length_min, rows[-1][1])]):
        n, k = round((after - begin) / 60), round(begin / 60)
        followed = result.schedule["charge_mw"].to_numpy()[k : k + n]
        assert followed == pytest.approx(planned["charge_mw"].to_numpy()[:n], abs=1e-12)
    assert not result.violations


def test_without_a_plan_the_baseline_goes_on(tmp_path: Path) -> None:
    """Proves: without a plan the baseline is followed from the state as it is, and reported. Sensitivity: a roll
    that stops planning would follow a list made for another state."""
    scenario = works(tmp_path, hours=24)

    def none(case: Case, *args: Any, **how: Any) -> xr.Dataset:
        from emberline.models.search.schedule import empty

        attrs = {"found": 0, "status": "no plan within the limit", "gap": np.nan}
        return empty(case).assign_attrs(attrs)

    result = roll(scenario, How(every_min=8 * HOUR, look_ahead_min=24 * HOUR), optimize=none)
    assert result.unplanned == len(result.steps) == 3
    baseline = twin.replay(scenario, twin.dispatch(scenario))
    assert result.figures.cost == pytest.approx(figures(scenario, baseline).cost, rel=1e-9)
    assert result.steps[0].status == "baseline"


@pytest.mark.parametrize("replication", [None, 3])
def test_heats_that_have_begun_are_never_touched_and_locks_are_kept(replication: int | None) -> None:
    """Proves: every plan is given the operations that have begun as the twin ran them, all heats are made, and a locked
    heat starts when it is locked to. Sensitivity: a run that looked ahead would move what has begun."""
    scenario = shop(
        orders=[cast("A", 2), cast("B", 2)],
        locks=[{"heat": "B-1", "stage": "casting", "start": "13 h"}],
        disturbances={
            "replications": 0,
            "duration_spread": 0.05,
            "breakdowns": [{"unit": "F", "mtbf_h": 2, "mttr_min": 20}],
        },
        goal={"gap": 0.05, "caps": {"extra_cost_share": None}},
    )
    text = RecordedOptimizer()
    result = roll(scenario, How(every_min=4 * HOUR, look_ahead_min=24 * HOUR), replication=replication, optimize=text)
    run = result.run
    names = ("op_heat", "op_stage", "op_start_min")
    starts = {(h, s): t for h, s, t in zip(*(run[name].values.tolist() for name in names), strict=True)}
    start = 0
    for entry in text.requests:
        for item in entry.state.started:
            start += 1
            minutes = scenario.horizon.minutes(item.start)
            assert starts[item.heat, item.stage] == pytest.approx(minutes, abs=1e-4)
    assert start > 4
    assert (float(run["op_down_min"].sum()) > 0) == (replication is not None)
    assert len(starts) == len(scenario.heats) * len(scenario.line.stages)
    if replication is None:
        assert starts["B-1", "casting"] == pytest.approx(13 * HOUR)
        assert not result.violations
        assert result.figures.tonnes == scenario.tonnes


def test_an_interval_knows_what_is_certain() -> None:
    """Proves: equal days leave no doubt, nor do days that differ only by what stores move between them; of days drawn
    from a known law the interval holds the mean in about nine of ten cases. Sensitivity: without the levels the second
    interval is wide; one from the daily spread alone, not by its sum, would hold the mean in every case."""
    generator = np.random.Generator(np.random.Philox(key=3))
    none = np.zeros((14, 0))
    assert interval(np.full(14, 5.0), none, 1) == pytest.approx((70, 70))
    moved = generator.standard_normal((14, 2))
    moved -= moved.mean(axis=0)
    days = 5.0 + moved @ np.array([30.0, -8.0])
    assert interval(days, moved, 1) == pytest.approx((70, 70))
    wide = interval(days, none, 1)
    assert wide is not None
    assert wide[1] - wide[0] > 50
    assert interval(np.ones(4), np.zeros((4, 0)), 1) is None
    result = 0
    for seed in range(200):
        outcome = interval(2.0 + generator.standard_normal(20), np.zeros((20, 0)), seed)
        assert outcome is not None
        result += outcome[0] <= 40.0 <= outcome[1]
    assert 150 <= result <= 195


@pytest.mark.parametrize(
    ("how", "changes", "says"),
    [
        (How(every_min=50), (), r"--every: is 50 min; it must be a multiple of 60 min"),
        (How(every_min=120, look_ahead_min=60), (), r"--look-ahead: is 1 h; at least 2 h"),
        (How(frozen_min=10), (), r"--frozen: is 10 min"),
        (How(), ("goal.minimize=lateness",), r"goal.minimize: lateness cannot be rolled"),
        (How(), ("market.imbalance={short_spread_per_mwh: 3}",), r"market.imbalance: is not supported yet"),
    ],
)
def test_what_cannot_be_rolled_is_refused_in_one_line(
    tmp_path: Path, how: How, changes: tuple[str, ...], says: str
) -> None:
    """Proves: times off the grid and what no state tells are refused before anything is planned. Sensitivity: without
    the check the roll would end in the middle, or carry nothing over."""
    scenario = works(tmp_path, hours=24)
    if "lateness" in str(changes):
        goal = scenario.goal.model_copy(update={"minimize": "lateness"})
        scenario = scenario.model_copy(update={"goal": goal})
    elif changes:
        scenario = works(tmp_path, hours=24, changes=changes)
    with pytest.raises(ScenarioError, match=says) as error:
        refuse(scenario, how)
    assert len(str(error.value).splitlines()) == 1


def test_a_line_is_planned_order_by_order() -> None:
    """Proves: a plan looks at the orders that are due by its end and not long over; later ones start in no plan before,
    all are made in the end, and nothing is missed. Sensitivity: in the baseline schedule all begin on the first day."""
    scenario = shop(
        horizon={"length_h": 72},
        orders=[cast("A", 2, due="20 h"), cast("B", 1, due="44 h"), cast("C", 2, due="70 h")],
        disturbances={"replications": 0},
        goal={"gap": 0.05, "caps": {"extra_cost_share": None}},
    )
    text = RecordedOptimizer()
    result = roll(scenario, How(every_min=12 * HOUR, look_ahead_min=12 * HOUR), optimize=text)
    looked = [[order.name for order in item.orders] for item in text.requests]
    assert looked == [["A"], ["A"], ["A", "B"], ["A", "B"], ["B", "C"], ["C"]]
    assert not result.violations
    assert result.figures.tonnes == scenario.tonnes
    first = dict.fromkeys(("A", "B", "C"), 1000000000.0)
    for heat, start in zip(result.run["op_heat"].values, result.run["op_start_min"].values, strict=True):
        first[str(heat)[0]] = min(first[str(heat)[0]], float(start))
    assert first["A"] < 24 * HOUR <= first["B"] < 48 * HOUR <= first["C"]
    assert twin.dispatch(scenario)["start_min"].max() < 24 * HOUR


def test_orders_without_a_due_time_are_refused() -> None:
    """Proves: a line whose orders have no due time beyond the look-ahead is refused in one line. Sensitivity: the
    orders all pile up at the end."""
    scenario = shop(horizon={"length_h": 72}, orders=[cast("A", 2, due="20 h"), cast("B", 1)])
    with pytest.raises(ScenarioError, match=r"--look-ahead: is shorter than .* 72 h, but orders without .* \(B\)"):
        refuse(scenario, How())
    refuse(scenario, How(look_ahead_min=72 * HOUR))
    with pytest.raises(ScenarioError, match="--frozen: is not supported with a replication"):
        refuse(scenario, How(look_ahead_min=72 * HOUR, frozen_min=60.0), disturbed=True)


@pytest.mark.shared
def test_two_days_of_real_forecasts(shared: Path, tmp_path: Path) -> None:
    """Proves: on 8 and 9 November 2021, planned every twelve hours on the forecasts as they were issued, the works' hub
    emits less than its baseline and no less than a plan that knew everything; the roll holds in the twin. Sensitivity:
    planned on what comes true, most of the regret is gone."""
    from benchmarks.planning.rolling import hub_days

    scenario = hub_days(shared, tmp_path, days=2)
    result = compare(scenario, How(every_min=12 * HOUR))
    assert set(result.summary()["forecasts"]) == {
        "price_per_mwh", "export_price_per_mwh", "carbon_intensity_kg_per_mwh",
    }  # fmt: skip
    assert not result.rolled.violations
    assert not result.rolled.unplanned
    assert result.gain is not None
    assert result.gain.share > 0.05
    regret, difference = result.regret(), result.regret(result.foresight)
    assert regret is not None
    assert difference is not None
    least = -(result.perfect.gap or 0.0) * abs(result.rolled.figures.carbon_kg) - 1.0
    assert least <= difference.total < regret.total


def test_what_sun_wind_and_load_bring_is_left_to_the_grid(tmp_path: Path) -> None:
    """Proves: where PV, wind and base load come otherwise than forecast, the roll misses nothing: the grid makes it
    good, what was not to be vented is used, and everything else is followed as planned. Sensitivity: a rate of wind
    that is planned as it was forecast cannot be had where less blows."""
    text = "csv: real.csv, column: kg, scale: {0}, forecast: {{csv: forecasts.csv, column: kg, scale: {0}}}"
    wind = f"{{kind: wind, name: mill, peak_mw: 4, capacity_factor: {{{text.format(0.0015)}}}}}"
    scenario = works(
        tmp_path,
        hours=24,
        error=0.6,
        changes=(
            f"site.base_load_mw={{{text.format(0.02)}}}",
            f"site.pv.capacity_factor={{{text.format(0.001)}}}",
            f"site.assets.5={wind}",
        ),
    )
    case = RecordedOptimizer()
    result = roll(scenario, How(every_min=4 * HOUR, look_ahead_min=24 * HOUR), optimize=case)
    assert not result.violations
    could = 4 * scenario.asset_series("mill")["capacity_factor"]
    blown = result.run["asset_rate"].sel(flow="mill").to_numpy()
    assert blown == pytest.approx(result.schedule["asset_rate"].sel(flow="mill").to_numpy())
    assert np.isclose(blown, could).sum() > 18, "what is vented where it is worth nothing"
    visited = 4 * case.requests[0].asset_series("mill")["capacity_factor"]
    assert np.abs(visited - could).max() > 0.1
    assert result.run["battery_mwh"].values == pytest.approx(result.schedule["battery_mwh"].values, abs=1e-6)


def test_a_forecast_that_nobody_answers_to_is_refused(tmp_path: Path) -> None:
    """Proves: a forecast of a heat load is refused by its place. Sensitivity: followed as planned, heat is short."""
    text = "csv: real.csv, column: kg, scale: 0.01, forecast: {csv: forecasts.csv, column: kg, scale: 0.01}"
    scenario = works(tmp_path, hours=24, changes=(f"site.assets.1.rate={{{text}}}",))
    with pytest.raises(ScenarioError, match=r"small-works: site\.assets\.1\.rate\.forecast: is a forecast whose"):
        refuse(scenario, How())


@pytest.mark.parametrize(("tolerance_min", "limits"), [(5, 0), (1, 2)])
def test_a_small_miss_is_no_reason_to_change(tolerance_min: float, limits: int) -> None:
    """Proves: heats that wait 3 min too long break a limit only where less is tolerated, which decides whether a plan
    is given up. Sensitivity: a plan that is replaced for a wait of seconds, or kept with one of an hour."""
    changes = ["line.stages.ladle.longest_wait_min=42", f"tolerances.wait_min={tolerance_min}"]
    listed = twin.dispatch(load("melt-shop-small"))  # the first heat of two casts waits 45 min
    assert broken(follow(load("melt-shop-small", changes), schedule=listed, replications=0)) == limits
