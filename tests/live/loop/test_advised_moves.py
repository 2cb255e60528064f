"""Changes of an advice, heat by heat."""

from __future__ import annotations

from emberline import twin
from emberline.live.loop.advised_moves import moves
from emberline.scenarios import load


def test_a_heat_that_goes_to_another_unit_is_listed_once() -> None:
    """Proves: of two heats that move, one to another unit, each is listed once and in its own words.

    Sensitivity: a sentence of the heat before listed again, or none there, fails."""
    scenario = load("melt-shop-small")
    before = twin.dispatch(scenario)
    run, advised = twin.replay(scenario, before), before.copy(deep=True)
    stage, (first, second) = str(before["stage"].values[0]), before["heat"].values[:2].tolist()
    advised["unit"].loc[{"heat": first, "stage": stage}] = "X"
    advised["start_min"].loc[{"heat": second, "stage": stage}] += 30
    texts = [str(message) for message in moves(scenario, run, advised, -1e6) if f"({stage})" in str(message)]
    assert [("on X instead of" in text, "starts later" in text) for text in texts] == [(True, False), (False, True)]
