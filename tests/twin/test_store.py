"""A store takes what fits, gives what it has, and writes down its level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberline.scenarios.case.site import Battery
from emberline.twin.store import StoreLevel

flows = st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20), st.floats(0.01, 5)), min_size=1, max_size=20)


def test_partial_put_and_take() -> None:
    """Proves: 6 + 3·2 h into 10 takes 2 per hour; 10 − 4·3 h gives 10/3. Sensitivity: all-or-nothing blocks."""
    store = StoreLevel(10.0, 6.0)
    assert store.flow(3.0, 0.0, 2.0) == pytest.approx((2.0, 0.0))
    assert store.flow(0.0, 4.0, 3.0) == pytest.approx((0.0, 10 / 3))
    assert store.levels == pytest.approx([6.0, 10.0, 0.0])


@given(flows, st.floats(0, 10), st.sampled_from([0.0, 0.001, 0.3]))
def test_nothing_appears_or_vanishes(rows: list[tuple[float, float, float]], level: float, loss: float) -> None:
    """Proves: in = out + self-loss + change of level, within the limits. Sensitivity: a clip that is not returned."""
    store = StoreLevel(10.0, level, loss)
    change = 0.0
    for into, out, hours in rows:
        result, given_out = store.flow(into, out, hours)
        assert 0 <= result <= into
        assert 0 <= given_out <= out
        change += (result - given_out) * hours
    assert all(0 <= item <= 10 for item in store.levels)
    assert store.lost >= -1e-9
    assert change == pytest.approx(store.level - level + store.lost, abs=1e-9)


def test_self_loss_is_the_record_s() -> None:
    """Proves: store and ``Storage.after`` share one physics, however the hours are cut. Sensitivity: loss per step."""
    battery = Battery(energy_mwh=8, power_mw=4, self_loss_per_h=0.05).as_store(4.0)
    assert battery is not None
    whole, cut = StoreLevel(8.0, 4.0, 0.05), StoreLevel(8.0, 4.0, 0.05)
    whole.flow(0.5 * battery.in_efficiency, 0.0, 3.0)
    for _ in range(12):
        cut.flow(0.5 * battery.in_efficiency, 0.0, 0.25)
    assert whole.level == pytest.approx(battery.after(4.0, 0.5, 0.0, 3.0))
    assert cut.level == pytest.approx(whole.level)


def test_a_level_outside_is_refused() -> None:
    """Proves: a wrong start is reported. Sensitivity: silent clipping would hide it."""
    with pytest.raises(ValueError, match="lies outside"):
        StoreLevel(10.0, 11.0)
