"""Mistakes of scenarios that were spoilt at random, as they were recorded."""

from __future__ import annotations

import pytest
from spoilt import messages, recorded

RECORDED = recorded()


@pytest.mark.parametrize(
    "seeds", [range(k, k + 20) for k in range(0, len(RECORDED), 20)], ids=lambda seeds: str(seeds[0])
)
def test_mistakes_are_said_as_recorded(seeds: range) -> None:
    """Proves: each mistake is said at its place, and no other. Sensitivity: a limit that has moved, a check that is
    left out, another word (then ``make figures`` writes the table again)."""
    assert {seed: messages(seed) for seed in seeds} == {seed: RECORDED[seed] for seed in seeds}
