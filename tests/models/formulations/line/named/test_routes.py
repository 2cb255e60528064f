"""Heats by their routes: the same optimum as starts by stage have, on lines with casts, alike heats, sun and peaks."""

from __future__ import annotations

import pytest
from cast_shops import search
from random_shops import built, sited

from emberline.models.formulations.line.named.routes import Routed
from emberline.models.search.incumbent import Search
from emberline.models.strategies import exact_named


def solved(seed: int) -> Search:
    """A shop after its program has come to its end."""
    every = search(built(sited(seed)))
    every.gap, every.limit = 1e-6, 600.0
    assert exact_named.solve(every, 600.0)
    return every


@pytest.mark.parametrize("seed", [7, 9, 15, 26, 27, 35])
def test_routes_and_starts_have_the_same_optimum(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: both programs end with the same value, a bound that meets it, and say alike that there is no plan.

    Sensitivity: an alike heat that is counted once, a cast that its heats do not reach."""
    every = solved(seed)
    assert isinstance(exact_named._model(every), Routed)
    monkeypatch.setattr(exact_named, "by_routes", lambda problem: False)
    other = solved(seed)
    assert not isinstance(exact_named._model(other), Routed)
    assert (every.value is None, every.infeasible) == (other.value is None, other.infeasible)
    if other.value is not None:
        assert every.value == pytest.approx(other.value, rel=1e-5, abs=1e-3)
        assert every.bound == pytest.approx(other.value, rel=1e-5, abs=1e-3)
