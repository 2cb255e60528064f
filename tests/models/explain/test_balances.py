"""Levels and a day's energy, counted without a solver: each message is a proof, and by hand the same figure."""

from __future__ import annotations

import pytest
from broken import OF_PROCESSES, Broken

from emberline import twin
from emberline.models.explain import impossible, missing
from emberline.scenarios import bundled, load

BY_HAND = {
    # 800 t and 24 h of 100 t/h are 3200 t
    "delivery larger than stock and production": "clinker lacks 300 t by Tue 10 Mar 00:00",
    # 100 t/h of 30 kWh/t are 3 MW
    "daily energy out of reach": "kiln can draw 72 MWh at most on Mon 09 Mar, asked are 100",
    # 800 t, and 80 t/h come while 60 t/h go: 900 t after five hours
    "no room for what must run": "clinker has no room for 20 t by Mon 09 Mar 06:00",
    # 1400 t and two hours of 200 t/h, of which the kiln takes 80 t/h
    "outage longer than what is in store lasts": "meal lacks 40 t by Mon 09 Mar 23:00",
    # 800 t, and 40 t/h more come than go
    "end level beyond production": "clinker holds 1760 t at most at the end, wanted are 1900: 140 t are missing",
}


@pytest.mark.parametrize("broken", OF_PROCESSES, ids=lambda broken: broken.says)
def test_what_is_counted_is_what_is_counted_by_hand(broken: Broken) -> None:
    """Proves: the figure is that of a sheet of paper, and nothing is reported where only switching is in the way."""
    scenario = broken.changed()
    text = missing(scenario, twin.envelope(scenario))
    if broken.says not in BY_HAND:
        assert text == []
        # runs that are whole are not asked for: what a part of a switch can do is not impossible
        proof = impossible(scenario, twin.envelope(scenario), None, work=10)
        assert proof == (broken.says != "least run longer than there is room")
        return
    assert BY_HAND[broken.says] in " ".join(text)
    assert impossible(scenario, twin.envelope(scenario), None, work=10)


@pytest.mark.parametrize("name", bundled())
def test_nothing_is_missing_in_what_is_bundled(name: str) -> None:
    """Proves: what has a plan is never said to lack something."""
    scenario = load(name)
    assert missing(scenario, twin.envelope(scenario)) == []
