"""Carbon against cost: hand-solvable fronts, what is kept of them, and that they can be kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import planned
import pytest
import small_works
from shops import cast, melt_shop
from site_oracle import optimum

from emberline.runs.store import fronts
from emberline.runs.store.store import StoreError
from emberline.scenarios import Case, Scenario, load, resolve
from emberline.studies.pareto.front import Front, chord_distance, knee, nondominated, rows
from emberline.studies.pareto.point import Support
from emberline.studies.pareto.search import bisection, pareto

MWH = 32.75
"""Electricity of a heat in the shop: 45 min at 40 MW, 30 at 4, 45 at 1."""
GAP = 1e-4
LONG_S = 300.0
"""A limit that no search reaches, on a busy machine neither: each ends at its gap."""


def two_prices(scenario: Case, clean: tuple[float, float], price: tuple[float, float], hours: float) -> Case:
    """The scenario with intensity and price of its first hours, and those of the rest."""
    early = np.arange(scenario.horizon.n_steps) * scenario.horizon.step_min < 60 * hours
    inputs = scenario.inputs
    columns = {"carbon_intensity_kg_per_mwh": clean, "price_per_mwh": price}
    changed = {
        name: ("time", np.where(early, *both), inputs[name].attrs) for name, both in columns.items() if name in inputs
    }
    return scenario.with_inputs(inputs.assign(changed))


def shop(step_min: float = 30, **remaining: Any) -> Case:
    """Orders of one heat each; for 8 hours power is cheap, 400 kg and 30 EUR, for 8 more clean, 100 kg and 90 EUR.

    The baseline, as soon as possible, is the cheap end."""
    orders = [cast(name, 1) for name in ("A", "B", "C")]
    goal = {"gap": GAP, "effort": LONG_S, "caps": {"extra_cost_share": 0.0}}
    horizon = {"length_h": 16, "step_min": step_min}
    built = planned.shop(
        orders=remaining.pop("orders", orders),
        goal=goal,
        disturbances={"replications": 0},
        horizon=horizon,
        **remaining,
    )
    return two_prices(built, (400.0, 100.0), (30.0, 90.0), 8.0)


def battery(**remaining: Any) -> Case:
    """A load of 10 MW and a battery of 8 MWh that loses nothing: two hours at 100 kg and 90 EUR, two at 400 and 30."""
    raw = {
        "name": "battery",
        "horizon": {"start": "2026-01-05", "length_h": 4, "step_min": 60},
        "market": {"price_per_mwh": 50, "carbon_intensity_kg_per_mwh": 100},
        "site": {
            "base_load_mw": 10,
            "battery": {
                "energy_mwh": 8, "power_mw": 10, "self_loss_per_h": 0, "level_share": 0.5, "end_level_share": 0.5,
                "charge_efficiency": 1.0, "discharge_efficiency": 1.0,
            },
        },
        "goal": {"gap": 0.0, "effort": LONG_S, **remaining},
        "disturbances": {"replications": 0},
    }  # fmt: skip
    return two_prices(resolve(Scenario.model_validate(raw)), (100.0, 400.0), (90.0, 30.0), 2.0)


@pytest.fixture(scope="module")
def traded() -> Front:
    """The front of the shop, which the tests of keeping and showing share."""
    return pareto(shop(), 4)


@pytest.fixture(scope="module")
def battery_front() -> Front:
    """The front of the battery in five points, searched in this process."""
    return pareto(battery(), 5)


def test_a_front_by_hand(traded: Front) -> None:
    """Proves: three heats, each clean (100 kg, 90 EUR/MWh) or cheap (400 kg, 30 EUR/MWh): four points at least, ends as
    worked out, abatement 60 EUR for 300 kg everywhere, so 200 EUR/t.

    Sensitivity: the cap on extra cost, here 0 %, kept in force leaves the cheap end alone."""
    data = traded.data
    carbon, cost = data["carbon_kg"].values, data["cost"].values
    assert (carbon[0], cost[0]) == pytest.approx((3 * MWH * 100, 3 * MWH * 90))
    assert (carbon[-1], cost[-1]) == pytest.approx((3 * MWH * 400, 3 * MWH * 30))
    assert (np.diff(carbon) > 0).all()
    assert (np.diff(cost) < 0).all()
    assert data["difference_per_t"].values[:-1] == pytest.approx(200.0)
    assert data["proven"].values[:-1].all()
    assert traded.n_requested == 4
    assert not traded.failed
    assert (data["cost_bound"].values <= cost * (1 + 1e-6)).all()
    assert (data["carbon_kg"].values[:-1] <= data["carbon_cap_kg"].values[:-1] * (1 + 1e-6)).all()


def test_heats_alone_have_no_dual(traded: Front) -> None:
    """Proves: with the starts fixed and nothing to decide on the site there is no shadow price, and it is said."""
    assert np.isnan(traded.data["dual_per_t"].values).all()
    assert any("only the heats" in note for note in traded.notes)


def test_a_straight_front_has_no_knee(traded: Front) -> None:
    """Proves: all points on the chord: none is marked, and it is said. Sensitivity: rounding taken for a bulge."""
    assert traded.knee is None
    assert traded.data["chord_distance"].values == pytest.approx(0.0, abs=1e-6)
    assert "none of them a knee" in traded.verdict


def test_a_battery_alone_by_hand(battery_front: Front) -> None:
    """Proves: 4 MWh bought early instead of late at most, 4 late instead of early: 60 EUR/MWh over 300 kg/MWh, on the
    dual as between neighbours; the caps are kept to the kilogram.

    Sensitivity: a dual in EUR/kg is 0.2; per slot of another length it would change."""
    result = battery_front.data
    base = 20 * 100 + 20 * 400, 20 * 90 + 20 * 30
    assert result["carbon_kg"].values == pytest.approx(base[0] + 300 * np.array([-4, -2, 0, 2, 4]))
    assert result["cost"].values == pytest.approx(base[1] + 60 * np.array([4, 2, 0, -2, -4]))
    assert result["dual_per_t"].values == pytest.approx(200.0)
    assert result["difference_per_t"].values[:-1] == pytest.approx(200.0)
    assert result["gap"].values == pytest.approx(0.0)
    assert set(result["status"].values) == {"within gap"}


def test_own_caps_end_the_front() -> None:
    """Proves: what the scenario caps itself lies off the front: carbon at most 10,300 kg, cost at most 2,520 EUR.

    Sensitivity: caps replaced by those of the grid end at 11,200 kg and 2,640 EUR."""
    result = pareto(battery(caps={"carbon_kg": 10_300.0, "cost": 2520.0}), 3).data
    assert result["carbon_kg"].values[[0, -1]] == pytest.approx([9400.0, 10_300.0])
    assert result["cost"].values[[0, -1]] == pytest.approx([2520.0, 2340.0])


def test_nothing_to_trade() -> None:
    """Proves: clean hours that are cheap too leave one point, and it is said. Sensitivity: twice the same one."""
    cheap = two_prices(shop(), (100.0, 400.0), (30.0, 90.0), 8.0)
    result = pareto(cheap, 4)
    assert result.data.sizes["point"] == 1
    assert result.same + result.dominated == 3
    assert result.verdict.startswith("Nothing can be traded")
    assert result.data["carbon_kg"].values == pytest.approx([3 * MWH * 100])


def test_no_plan_no_front() -> None:
    """Proves: what cannot be kept gives no point, and the reason is reported. Sensitivity: a point without a
    schedule."""
    locks = [{"heat": "A-2", "stage": "casting", "start": "1 h"}]
    result = pareto(shop(15, orders=[cast("A", 2)], locks=locks), 3)
    assert not result.has_points
    assert result.failed
    assert result.unsearched == 1
    assert result.verdict.startswith("No front")
    assert json.loads(json.dumps(result.summary(), allow_nan=False))["points"] == []


def test_the_small_melt_shop_trades() -> None:
    """Proves: on a real day the front falls, its plans keep their caps in the twin, and both ends are the extremes.

    Sensitivity: an end without its cost free is dearer than the baseline by 2 % at most."""
    day = ["disturbances.replications=0", "goal.effort=1", "goal.gap=5 %"]
    result = pareto(load("melt-shop-small", day), 3)
    carbon, cost = result.data["carbon_kg"].values, result.data["cost"].values
    assert len(carbon) >= 2
    assert (np.diff(carbon) > 0).all()
    assert (np.diff(cost) < 0).all()
    assert carbon[0] < 0.9 * carbon[-1]
    assert cost[0] > 1.05 * cost[-1]
    assert (result.data["cost_bound"].values <= cost * (1 + 1e-6)).all()
    assert not result.failed


@pytest.mark.parametrize("seed", [33, 36, 40])
def test_the_front_of_a_works_is_that_of_its_oracle(seed: int) -> None:
    """Proves: at each point of a front of processes, what it costs and what is proven are the least cost under its
    carbon, by a program of single paths written from the docs.

    Sensitivity: stock credited, so that a bound of the goal is none of the figures."""
    raw = small_works.random_works(seed)
    raw["goal"] = {"minimize": "cost_with_carbon_price"}
    front = pareto(small_works.scenario(raw, LONG_S), 3)
    assert front.data.sizes["point"] > 1
    for point in rows(front.data):
        raw["goal"]["tops"] = {"carbon": point["carbon_kg"]}
        oracle = optimum(raw, LONG_S)
        assert oracle.status == "optimal"
        assert point["cost"] == pytest.approx(oracle.value, rel=small_works.GAP)
        assert point["cost_bound"] <= oracle.value * (1 + GAP)


def test_workers_change_nothing(battery_front: Front) -> None:
    """Proves: two processes find what this one finds, to the last digit. Sensitivity: a start from whichever point is
    ready first."""
    alone, together = battery_front.data, pareto(battery(), 5, workers=2).data
    for name in ("point", "carbon_kg", "cost", "carbon_cap_kg", "dual_per_t", "knee", "status"):
        if alone[name].dtype.kind == "f":
            np.testing.assert_allclose(alone[name].values, together[name].values, rtol=1e-9)
        else:
            assert alone[name].values.tolist() == together[name].values.tolist()


def test_workers_find_the_same_front_of_heats(traded: Front) -> None:
    """Proves: searches for heats in two processes give the same points, and no plan of one front costs less than the
    other front has proven. Sensitivity: caps of other ends, a start that breaks its cap.

    Which of its threads ends a search is the clock's to decide, and with it the status: that is not compared."""
    together = pareto(shop(), 4, workers=2)
    assert not together.failed
    one, other = traded.data, together.data
    for name, close in (("point", 0.0), ("carbon_kg", GAP), ("cost", GAP), ("carbon_cap_kg", GAP)):
        np.testing.assert_allclose(one[name].values, other[name].values, rtol=close)
    for mine, theirs in ((one, other), (other, one)):
        assert not (mine["cost_bound"].values > theirs["cost"].values * (1 + GAP)).any()


def test_what_is_worked_on_is_reported() -> None:
    """Proves: each search is reported as it begins, with its cap where it has one, before its point is; a point with
    what is proven of it. Sensitivity: a page that stands still between two points."""
    items: list[dict[str, Any]] = []
    result = pareto(battery(), 5, on_progress=items.append)
    start = [event["begun"] for event in items if "begun" in event]
    assert sorted(start) == sorted(set(start)) == sorted(e["point"] for e in items if e.get("seconds"))
    for place in start:
        started = next(i for i, event in enumerate(items) if event.get("begun") == place)
        ended = next(i for i, event in enumerate(items) if event.get("point") == place)
        assert started < ended
        assert (items[started]["carbon_cap_kg"] is None) is (place in (0, 4))
    bounds = {event["point"]: event["cost_bound"] for event in items if "point" in event}
    for number in result.data["point"].values.tolist():
        assert bounds[number] == float(result.data["cost_bound"].sel(point=number))


def test_enough_is_enough() -> None:
    """Proves: a cancelled front has the points found so far and says how many are missing."""
    items: list[dict[str, Any]] = []
    result = pareto(battery(), 9, on_progress=items.append, cancel=lambda: any(e.get("done") == 4 for e in items))
    assert result.unsearched == 5
    assert result.data.sizes["point"] == 4
    assert any("5 not searched" in note for note in result.notes)


@pytest.mark.parametrize(("points", "workers"), [(1, 1), (102, 1), (5, 0)])
def test_what_is_no_front_is_refused(points: int, workers: int) -> None:
    """Proves: one point is no front, and somebody must search."""
    with pytest.raises(ValueError, match="a front has 2 to 101 points"):
        pareto(battery(), points, workers=workers)


def test_dominated_points_are_dropped() -> None:
    """Proves: by hand: (2, 9) is beaten by (1, 8), (5, 5) by (4, 5), (3, 7) is there twice, once within rounding."""
    carbon = [3.0, 1.0, 2.0, 4.0, 5.0, 6.0, 3.0 * (1 + 1e-9)]
    cost = [7.0, 8.0, 9.0, 5.0, 5.0, 1.0, 7.0]
    assert nondominated(carbon, cost) == ([1, 0, 3, 5], 2, 1)
    assert nondominated([], []) == ([], 0, 0)


def test_the_knee_lies_farthest_below_the_chord() -> None:
    """Proves: by hand: chord from (0, 10) to (100, 0); (20, 3) is (1 − 0.2 − 0.3)/√2 below it. Sensitivity: axes that
    are not scaled choose (50, 2)."""
    carbon, cost = np.array([0.0, 20.0, 50.0, 70.0, 100.0]), np.array([10.0, 3.0, 2.0, 9.0, 0.0])
    distance = chord_distance(carbon, cost)
    assert distance == pytest.approx(np.array([0.0, 0.5, 0.3, -0.6, 0.0]) / np.sqrt(2))
    assert knee(distance) == 1
    assert knee(chord_distance(np.array([0.0, 1.0]), np.array([1.0, 0.0]))) is None
    assert knee(chord_distance(np.array([0.0, 5.0, 10.0]), np.array([9.0, 8.0, 0.0]))) is None
    assert knee(chord_distance(np.array([1.0]), np.array([1.0]))) is None


def test_the_grid_is_halved() -> None:
    """Proves: each place comes once and after the two that it starts from."""
    for last in (1, 2, 3, 10, 17):
        names = {0, last}
        for place, (low, high) in bisection(0, last).items():
            assert {low, high} <= names
            assert low < place < high
            names.add(place)
        assert names == set(range(last + 1))


def test_a_support_bounds_every_cap() -> None:
    """Proves: by hand: cost + 0.2 EUR/kg × carbon ≥ 3,000 EUR: under 5,000 kg no plan costs less than 2,000 EUR."""
    assert Support(3000.0, 0.2).at(5000.0) == 2000.0


def test_a_front_is_kept(traded: Front, tmp_path: Path) -> None:
    """Proves: saved and read back it is the same, schedules included; an altered file is reported."""
    home = tmp_path / "home"
    with pytest.raises(StoreError, match="no stored front"):
        fronts.read(folder=home)
    stored = fronts.save(traded, home)
    again = fronts.read(stored.id[:6], home)
    assert again.front.summary() == traded.summary()
    assert again.front.verdict == traded.verdict
    assert list(again.front.schedules) == traded.data["point"].values.tolist()
    for number, schedule in traded.schedules.items():
        back = again.front.schedules[number]
        np.testing.assert_allclose(back["start_min"].values, schedule["start_min"].values)
        assert back["unit"].values.tolist() == schedule["unit"].values.tolist()
    assert not list((home / "fronts").glob(".*"))
    assert fronts.read("last", home).id == stored.id
    (stored.folder / "inputs.nc").write_bytes(b"")
    with pytest.raises(StoreError, match="torn"):
        fronts.read(stored.id, home)


@pytest.mark.parametrize("kind", fronts.FORMATS)
def test_the_points_as_a_file(traded: Front, tmp_path: Path, kind: str) -> None:
    """Proves: each format holds every point with its unit of measure."""
    import pandas as pd
    import xarray as xr

    path = fronts.write(traded, tmp_path / f"front.{kind}")
    items = [row["cost"] for row in rows(traded.data)]
    if kind == "csv":
        table = pd.read_csv(path)
        assert table["cost"][0] == "EUR"
        assert table["cost"][1:].astype(float).tolist() == pytest.approx(items)
    elif kind == "json":
        answer = json.loads(path.read_text())
        assert [row["cost"] for row in answer["points"]] == items
        assert answer["units"]["difference_per_t"] == "EUR/t"
    else:
        with xr.open_dataset(path) as data:
            assert data["cost"].values.tolist() == items
            assert data["cost"].attrs["units"] == "EUR"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    with pytest.raises(ValueError, match="unknown format"):
        fronts.write(traded, tmp_path / "front.doc")


def test_heats_with_a_battery_have_a_dual() -> None:
    """Proves: with the heats fixed the battery of the shop still trades: 60 EUR for 300 kg, 200 EUR/t at most places.

    Sensitivity: a cap that the price is not taken at has the price 0."""
    result = pareto(
        shop(
            orders=[cast("A", 1)],
            line=melt_shop(),
            site={
                "base_load_mw": 2.0,
                "battery": {"energy_mwh": 4.0, "power_mw": 2.0, "charge_efficiency": 1.0, "discharge_efficiency": 1.0,
                            "self_loss_per_h": 0, "level_share": 0.5, "end_level_share": 0.5},
            },
        ),
        2,
    )  # fmt: skip
    assert result.data["dual_per_t"].values == pytest.approx(200.0, rel=1e-3)
