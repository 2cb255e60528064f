"""Limits in the plant's words: how a repair is rounded and written, and what can be counted without a solver."""

from __future__ import annotations

import pytest

from emberline import twin
from emberline.models.explain import limits, missing
from emberline.models.explain.all_limits import Limit, numeric
from emberline.scenarios import Case, bundled, load

SHOP = "melt-shop-small"


def by_key(scenario: Case, key: str) -> Limit:
    return next(limit for limit in limits(scenario) if limit.key == key)


@pytest.mark.parametrize(
    ("value", "loosest", "needed_value", "expected"),
    [(50.0, 600.0, 61.23, 61.3), (50.0, 600.0, 61.3, 61.3), (50.0, 600.0, 700.0, 600.0), (8.0, 0.0, 3.14, 3.1)],
)
def test_a_repair_is_rounded_to_the_loose_side(
    value: float, loosest: float, needed_value: float, expected: float
) -> None:
    """Proves: rounding never takes back what is needed, and never goes beyond the loosest value."""
    limit = numeric("key", "limit", "grid", value, loosest, "MW", step=0.1)
    assert limit.rounded(needed_value) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", bundled())
def test_every_limit_of_a_bundled_scenario_can_be_written(name: str) -> None:
    """Proves: what a limit writes for its own value leaves the scenario as it is: keys lead to what they say.

    Sensitivity: a name with a dot in it, or a rate given as one number, fails without the care that is taken.
    """
    scenario = load(name)
    part = limits(scenario)
    assert part
    assert len({(limit.key, limit.sign) for limit in part}) == len(part)
    rows = [text for limit in part if not limit.dropped for text in limit.write(limit.value)]
    again = load(name, rows)
    assert [heat.due_min for heat in again.heats] == [heat.due_min for heat in scenario.heats]
    for limit, same in zip(part, limits(again), strict=True):
        assert same.key.removesuffix(".scale") == limit.key.removesuffix(".scale")
        assert same.value == pytest.approx(limit.value, rel=1e-6), limit.key


@pytest.mark.parametrize("name", ["melt-shop-small", "cement-week"])
def test_what_is_dropped_is_written_too(name: str) -> None:
    """Proves: overrides that drop a limit are understood."""
    dropped = [limit for limit in limits(load(name)) if limit.dropped and limit.kind not in ("order", "run")]
    for limit in dropped:
        assert load(name, limit.write(1.0)) is not None, limit.key


def test_hours_that_a_stage_lacks_are_counted() -> None:
    """Proves: 9 casts' heats of an hour and two set-ups of 45 min are 10.5 h of the caster, whatever the solver says.

    The first heat reaches the caster 97 min after the start: of 11 hours 9.4 are left.
    """
    scenario = load(SHOP, ["horizon.days=null", "horizon.length_h=11", "orders.C1.due=null"])
    text = " ".join(missing(scenario, twin.envelope(scenario)))
    assert "casting needs 1.1 h more of CC" in text
    assert "9 heats take 10.5 h, 1.5 h of it set-up, there are 9.4 h" in text


def test_what_the_grid_cannot_feed_is_reported() -> None:
    """Proves: 45 MWh in 52 min with full power in the middle draw 64.9 MW in a quarter of an hour within it."""
    scenario = load(SHOP, ["site.grid.import_limit_mw=50"])
    text = " ".join(missing(scenario, twin.envelope(scenario)))
    assert "at melting draws 64.9 MW" in text


def test_nothing_is_missing_where_there_is_a_plan() -> None:
    """Proves: what is counted is a proof: the bundled days lack nothing."""
    for name in (SHOP, "melt-shop-day", "melt-shop-week"):
        scenario = load(name)
        assert missing(scenario, twin.envelope(scenario)) == []


def test_the_price_of_a_change_is_by_its_own_size() -> None:
    """Proves: a third of the larger value counts a third of the kind's price, and a typing error no more."""
    limit = by_key(load(SHOP), "site.grid.import_limit_mw")
    assert limit.price(75 * 1.5) == pytest.approx(1.0)
    assert limit.price(75 * 1000) == pytest.approx(3.0, rel=1e-2)
    assert limit.price(75) == 0
