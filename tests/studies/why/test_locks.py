"""The price of each lock: what freeing it brings is what trying everything finds."""

from __future__ import annotations

import pytest
from enumerated_shops import Allowed, Place, best, shop
from hypothesis import given, settings
from hypothesis import strategies as st

from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import ScenarioError
from emberline.scenarios.records.orders import Lock
from emberline.studies.why.lock_prices import lock_prices


def at_locks(locks: list[Lock]) -> Allowed:
    """Whether a heat lies where all these locks have it."""
    hours = {lock.heat: round(lock.start.total_seconds() / 3600) for lock in locks if lock.start is not None}  # type: ignore[union-attr]
    return lambda heat, place: heat not in hours or place[1] == hours[heat]


@settings(max_examples=6)
@given(
    st.lists(st.integers(1, 9), min_size=5, max_size=8),
    st.permutations(range(5)),
    st.integers(1, 3),
    st.integers(1, 2),
)
def test_prices_agree_with_trying_everything(
    intensity: list[int], hours: list[int], number: int, furnaces: int
) -> None:
    """Proves: each lock freed alone, and all of them, bring what enumeration finds, and no bound lies above it.

    Sensitivity: a search that keeps the other heats where they are, or frees the wrong lock, fails.
    """
    locks = [{"heat": f"H{i + 1}", "stage": "melting", "start": f"{hours[i]} h"} for i in range(number)]
    scenario = shop([100.0 * value for value in intensity], [1, 1, 1], furnaces=furnaces, locks=locks)
    result = make_plan(scenario, PLAIN)
    locked_optimum = best(scenario, at_locks(list(scenario.locks)))
    assert locked_optimum is not None
    assert result.objective == pytest.approx(locked_optimum.kg, rel=1e-5)
    outcome = lock_prices(result, time_limit_s=30)
    assert outcome.complete
    assert [price.number for price in outcome.prices] == list(range(number))
    rows = [
        (price.freed, [lock for i, lock in enumerate(scenario.locks) if i != price.number]) for price in outcome.prices
    ]
    rows += [(outcome.all_freed, [])] if outcome.all_freed is not None else []
    assert len(rows) == number + (number > 1)
    for freed, remaining in rows:
        truth = best(scenario, at_locks(remaining))
        assert truth is not None
        assert freed.more is not None
        assert freed.more.carbon_kg <= 1e-3, "freeing a lock never makes a plan worse"
        assert locked_optimum.kg + freed.more.carbon_kg >= truth.kg - 1e-3
        if freed.status == "within gap":
            assert locked_optimum.kg + freed.more.carbon_kg == pytest.approx(truth.kg, rel=1e-5)
        if freed.low is not None:
            assert freed.low <= truth.kg - locked_optimum.kg + 1e-3


def test_a_lock_by_hand() -> None:
    """Proves: 10 MW locked to 500 kg/MWh instead of 100: freeing it brings 4000 kg, and the other lock nothing."""
    locks = [{"heat": "H1", "stage": "melting", "start": "0 h"}, {"heat": "H2", "stage": "melting", "unit": "F1"}]
    result = lock_prices(make_plan(shop([500.0, 200.0, 100.0], [1, 1], locks=locks), PLAIN))
    first, second = result.prices
    # H2 has the clean hour: freed, H1 takes the one between, 3000 kg less
    assert first.brings is not None
    assert first.brings["carbon_kg"] == pytest.approx(3000)
    assert first.at_most == pytest.approx(3000, rel=1e-4)
    assert second.brings is not None
    assert second.brings["carbon_kg"] == pytest.approx(0)
    assert first.says == "heat H1 at melting at Tue 10 Mar 00:00"
    assert [move.heat for move in first.freed.moves] == ["H1"]


def test_without_locks_there_is_no_price_and_without_a_schedule_none_either() -> None:
    """Proves: no lock, an empty list; a plan that was not found is refused in one line."""
    result = lock_prices(make_plan(shop([500.0, 200.0], [1]), PLAIN))
    assert (result.prices, result.all_freed, result.complete) == ((), None, True)
    broken = make_plan(
        shop([500.0, 200.0], [1, 1], locks=[{"heat": f"H{i}", "stage": "melting", "start": "0 h"} for i in (1, 2)]),
        PLAIN,
    )
    assert not broken.has_schedule
    with pytest.raises(ScenarioError, match="no schedule whose locks"):
        lock_prices(broken)


def test_the_place_of_a_heat_is_a_place() -> None:
    """Proves: the enumeration itself keeps locks: a heat that is locked to an hour lies there."""
    scenario = shop([500.0, 200.0, 100.0], [1, 1])
    result = best(scenario, lambda heat, place: heat != "H1" or place[1] == 0)
    assert result is not None
    place: Place = result.places["H1"]
    assert place[1] == 0
