"""Every course of small plants enumerated: the model finds their optimum, or that there is none."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
from enumerated import assert_followed, best, cheapest, features, optimum, random_works, works

from emberline.scenarios import Case

SEEDS = range(100)
EXACT = 1e-5
"""A solver's tolerance on levels of some hundred tonnes, as money."""


BARE = """
import sys
sys.modules["scipy"] = None
from emberline import models
from emberline.planning.plan.baseline import Baseline
from emberline.scenarios import Scenario, resolve
start = "2026-03-10T00:00+00:00"
mill = resolve(Scenario.model_validate({
    "name": "mill", "horizon": {"start": start, "length_h": 8, "step_min": 60},
    "stores": [{"name": "meal", "capacity_t": 200, "level_t": 50}],
    "processes": [{"name": "mill", "power_mw": 5, "rate": {"low": 10, "high": 20}, "outputs": [{"store": "meal"}]}],
    "deliveries": [{"name": "sale", "store": "meal", "rate": 10}],
    "market": {
        "price_per_mwh": {"values": [80, 20] * 4, "start": start, "interval_min": 60},
        "carbon_intensity_kg_per_mwh": 100,
    },
    "goal": {"minimize": "cost"},
}))
baseline = Baseline.of(mill)
print(models.optimize(mill, baseline.envelope, baseline.start).attrs["status"])
"""


@cache
def plant(seed: int) -> Case:
    return works(**random_works(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_optimum_is_that_of_all_courses(seed: int) -> None:
    """Proves: of all that the units of a random plant may be set to, by the words of the contract, the model's plan is
    the cheapest, its units may do what is planned for them, and rate, off-spec product and power are what comes of it.

    Sensitivity: a change-over from a mode to itself is a pause without a start-up, 10 % cheaper on some seeds; what ran
    first at the start does not end first; a start-up's energy by whole steps."""
    scenario = plant(seed)
    expected, result = cheapest(scenario), optimum(scenario)
    if expected is None:
        assert result.attrs["status"] == "infeasible"
        return
    assert result.attrs["found"]
    assert result.attrs["objective"] + result.attrs["constant"] == pytest.approx(expected, abs=EXACT, rel=1e-7)
    assert_followed(scenario, result)


def test_the_random_plants_have_every_feature() -> None:
    """Proves: each feature of a process is in at least five of the plants above, and some have a plan and some have
    none."""
    count = Counter(name for seed in SEEDS for name in features(plant(seed)))
    assert set(count) == {
        "two units", "range", "half-hours", "raw material", "arrival", "must run", "planned stop", "ramp", "outage",
        "negative price", "start-up energy", "start-up off-spec", "least run", "least rest", "since", "order", "demand",
        "runs at the start", "loss", "stock not credited", "by pairs", "alike", "change-over energy",
        "change-over off-spec", *(f"{kind} of {k} steps" for kind in ("start-up", "change-over") for k in (0, 1, 2)),
    }  # fmt: skip
    assert min(count.values()) >= 5, count.most_common()[-3:]
    possible = sum(cheapest(plant(seed)) is not None for seed in SEEDS[:30])
    assert 5 <= possible <= 25


@pytest.mark.parametrize("seed", range(200, 224))
def test_counting_is_exact(seed: int) -> None:
    """Proves: two or three alike units planned as a count cost what as many processes of one unit cost, whatever their
    states, modes and change-overs; so do they one by one (a ramp that never binds), and what the counts are divided
    into is what each unit may do.

    Sensitivity: units distinguished by name instead of first in first out end runs before their time."""
    rng = np.random.default_rng(seed)
    raw = random_works(seed, (int(rng.integers(2, 4)), int(rng.integers(1, 4)), int(rng.integers(6, 13))))
    (part,) = raw["processes"]
    if rng.random() < 0.4:
        part["ramp_tph_per_h"] = 500.0
    start = {"mode": part["modes"][0]["name"]} if part["must_run"] else {}
    state = part["state"] or [start] * part["count"]
    ones = [part | {"name": f"mill {i + 1}", "count": 1, "state": [state[i]]} for i in range(part["count"])]
    together, apart = works(**raw), works(**(raw | {"processes": ones}))
    expected, result = optimum(apart), optimum(together)
    assert result.attrs["found"] == expected.attrs["found"]
    if not result.attrs["found"]:
        assert {result.attrs["status"], expected.attrs["status"]} == {"infeasible"}
        return
    assert result.attrs["objective"] == pytest.approx(expected.attrs["objective"], abs=EXACT, rel=1e-7)
    assert_followed(together, result)
    assert_followed(apart, expected)


def test_the_counted_plants_have_what_counting_could_miss() -> None:
    """Proves: among them are change-overs by pairs and alike, three modes, and units that began at different times."""
    plants = [random_works(s, (int((r := np.random.default_rng(s)).integers(2, 4)), int(r.integers(1, 4)), 6))
              for s in range(200, 224)]  # fmt: skip
    owns = [raw["processes"][0] for raw in plants]
    assert sum(len(item["modes"]) == 3 for item in owns) >= 3
    assert sum("between" in item.get("change_over", {}) for item in owns) >= 3
    assert sum("between" not in item["change_over"] for item in owns if len(item["modes"]) > 1) >= 3
    assert sum(len({unit["since_h"] for unit in item["state"]}) > 1 for item in owns) >= 3


def grades(*names: str) -> list[dict[str, Any]]:
    return [{"name": n, "rate": 10.0, "power_mw": 1.0, "outputs": [{"store": n}]} for n in names]


def store(name: str, **how: Any) -> dict[str, Any]:
    return {"name": name, "capacity_t": 10.0, "level_t": 0.0, "end_level_t": 0.0, **how}


def order(name: str, hour: int) -> dict[str, Any]:
    return {
        "name": f"{name} {hour}", "store": name, "amount_t": 10.0, "release": f"{hour} h", "due": f"{hour + 1} h"
    }  # fmt: skip


@pytest.mark.parametrize("field", ["min_run_h", "min_rest_h"])
def test_what_began_first_at_the_start_ends_first(field: str) -> None:
    """Proves: of two units, on (or off) for 1 and for 50 of 3 h, the second is the one that is switched at once.

    Sensitivity: distinguished by name it is the first, two hours too early."""
    mode = {"mode": "mill"} if field == "min_run_h" else {}
    mill = {"name": "mill", "count": 2, "rate": 10.0, "power_mw": 1.0, "outputs": [{"store": "a"}], field: 3.0}
    mill["state"] = [{**mode, "since_h": 1.0}, {**mode, "since_h": 50.0}]
    price = [100.0] * 4 if mode else [-100.0, 100.0, 100.0, 100.0]
    result = optimum(works([mill], [store("a", capacity_t=100.0)], price=price, goal={"credit_stock": False}))
    # two hours are left of the first unit's run; only the second may work in the hour that is paid for
    assert result.attrs["objective"] == pytest.approx(200.0 if mode else -100.0)
    text = result["process_mode"].values.tolist()
    assert text == ([["mill", "mill", "", ""], [""] * 4] if mode else [[""] * 4, ["mill", "", "", ""]])


@pytest.mark.parametrize("pair", [[], [{"start": "a", "end": "b", "minutes": 60}]])
def test_a_change_over_leads_to_another_mode(pair: list[dict[str, Any]]) -> None:
    """Proves: a mill that must run in one of two grades, with 20 t of room for one, 5 t/h leaving, and none for the
    other, has no plan for three hours. Sensitivity: a change-over from a grade to itself is a pause of an hour, and
    fits."""
    mill = {
        "name": "mill",
        "modes": grades("a", "b"),
        "must_run": True,
        "change_over": {"minutes": 60, "between": pair},
    }
    stores = [store("a", capacity_t=20.0, level_t=10.0), store("b", capacity_t=1.0)]
    trucks = {"name": "trucks", "store": "a", "rate": 5.0}
    assert best(works([mill], stores, price=[1.0] * 3, deliveries=[trucks])) is None
    roomy = [stores[0], store("b")]
    assert best(works([mill], roomy, price=[1.0] * 3, deliveries=[trucks])) is not None


def test_units_that_change_at_once_are_distinguished() -> None:
    """Proves: one mill goes from b to c and the other from c to a in the same hour, which is paid for: 2 MW in four
    hours and twice 5 MWh, 4 − 10. Each runs on in a grade that is not its own.

    Sensitivity: who is asked first takes a, and for the other nothing is left but the grade it makes."""
    mill = {"name": "mill", "count": 2, "modes": grades("a", "b", "c"), "min_run_h": 2.0, "must_run": True,
            "change_over": {"energy_mwh": 5.0}, "state": [{"mode": "b"}, {"mode": "c"}]}  # fmt: skip
    stores = [store(name, capacity_t=40.0, end_level_t=end) for name, end in (("a", 20.0), ("b", 20.0), ("c", 40.0))]
    scenario = works([mill], stores, price=[1.0, 1.0, -1.0, 1.0], goal={"credit_stock": False})
    result = optimum(scenario)
    assert result.attrs["objective"] == pytest.approx(4 - 10)
    assert result["process_mode"].values.tolist() == [["b", "b", "c", "c"], ["c", "c", "a", "a"]]
    assert_followed(scenario, result)


def test_units_one_by_one_may_start_as_often_as_they_like() -> None:
    """Proves: one mill makes a from the first to the last hour, another b in two of them: 6 + 2 MWh, with a ramp (so
    that units are planned one by one) as without.

    Sensitivity: with a row that the first mill starts at least as often as the second, a change-over of 9 MWh is
    needed."""
    mill = {"name": "mill", "count": 2, "modes": grades("a", "b"), "change_over": {"energy_mwh": 9.0}}
    deliveries = [{"name": "trucks", "store": "a", "rate": 10.0}, *(order("b", hour) for hour in (1, 4))]
    stores = [store("a", capacity_t=1.0), store("b", loss_per_h=0.9)]
    orders = [o | {"amount_t": 3.0} if "amount_t" in o else o for o in deliveries]
    for more in ({}, {"ramp_tph_per_h": 500.0}):
        scenario = works([mill | more], stores, price=[1.0] * 6, deliveries=orders, goal={"credit_stock": False})
        assert best(scenario) == pytest.approx(8.0)


def test_a_small_plan_imports_no_statistics() -> None:
    """Proves: a plant without changes of mode is planned without scipy, whose import takes longer than all the rest
    (Pyomo imports its statistics with any part of it). Sensitivity: scipy's matching in every reading of a plan."""
    code = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=False)
    assert code.stdout.strip() == "within gap", code.stderr
