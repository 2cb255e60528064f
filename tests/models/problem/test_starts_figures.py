"""What is said and counted of starts of small shops, as it was recorded."""

from __future__ import annotations

import pytest
from figures import PLANTS, figures, recorded


@pytest.mark.parametrize("seed", recorded("starts"))
def test_starts_are_judged_and_counted_as_recorded(seed: int) -> None:
    """Proves: mistakes of starts, their order and what they draw are what they were when ``make figures`` wrote them
    down. Sensitivity: a limit moved by a slot, a check left out, energy in another cell."""
    target = recorded("starts")[seed]
    for run, data in PLANTS["starts"][0](seed):
        assert figures(data) == pytest.approx(target[run], rel=1e-9, abs=1e-9), run
