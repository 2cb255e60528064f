"""The baseline of processes over random small works: it keeps what the twin checks, or says that it does not."""

from __future__ import annotations

import pytest
from small_works import random_works, scenario

from emberline import models, twin

LIMITS = {"process", "delivery", "run", "rest", "ramp", "level"}


@pytest.mark.parametrize("seed", range(24))
def test_a_baseline_that_is_complete_keeps_every_limit(seed: int) -> None:
    """Proves: where the baseline says that it is complete, the twin that follows it finds no least run or rest, ramp,
    delivery or level missed, in works with outages, planned stops and change-overs; where it is not, it names who.

    Sensitivity: least runs that two mills leave no room for, and stops at the edge of an outage."""
    built = scenario(random_works(seed))
    listed = twin.dispatch(built)
    run = twin.replay(built, listed.assign_attrs(policy="schedule"))
    missed = LIMITS & set(run["violation_kind"].values.tolist())
    assert bool(listed.attrs["complete"]) == (not listed.attrs["unplaced"])
    if listed.attrs["complete"]:
        assert not missed


@pytest.mark.parametrize("seed", [85, 97, 2, 3])
def test_a_complete_baseline_begins_the_search(seed: int) -> None:
    """Proves: such a baseline is a plan of the model: a search that is cancelled at once has it. Sensitivity: a unit
    that runs at a rate of zero taken for one that stands."""
    built = scenario(random_works(seed), 60.0)
    envelope = twin.envelope(built)
    listed = twin.dispatch(built, envelope)
    assert listed.attrs["complete"]
    assert models.optimize(built, envelope, listed, cancel=lambda: True).attrs["found"]
