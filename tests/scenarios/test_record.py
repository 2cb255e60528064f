"""What all nouns have in common."""

from __future__ import annotations

from scenarios import load


def test_nouns_are_compared_by_their_fields() -> None:
    """Proves: two loads of a scenario are equal and hash alike, also after something was worked out of them, and one
    field more or less makes them differ. Sensitivity: pydantic's own comparison also compares what is cached, and two
    arrays are not equal or unequal."""
    one, other = load("melt-shop-small"), load("melt-shop-small")
    assert len(one.horizon.times) == len(other.horizon.times)
    assert one.horizon == other.horizon
    assert hash(one.horizon) == hash(other.horizon)
    assert one == other
    assert one.horizon != load("melt-shop-small", ["horizon.start=2026-06-17"]).horizon
    assert one.horizon != one.market
