"""Why not: what is broken is named, and each repair leaves a plan."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from broken import EVERY, KILN, LINE, SHOP, SITE, Broken

from emberline.models.explain import limits
from emberline.models.search.schedule import RULED_OUT
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, loads
from emberline.studies.why.why_not import WhyNot, why_not

QUICK = ("goal.gap=0.9", "goal.effort=10", "disturbances.replications=0")
HOUR_S = 3600
"""Limit on time, for a machine that stands still: what ends a search is counted."""
SEVERAL = (
    Broken(
        "two orders too early at once",
        SHOP,
        ("orders.C1.due=4 h", "orders.C3.due=4.5 h"),
        "orders.C3.due",
    ),
    Broken(
        "a store and a battery too full at once",
        SITE,
        (
            "site.battery.end_level_share=100 %",
            "site.battery.power_mw=0.1",
            "site.assets.accumulator.end_level_share=90 %",
            "site.assets.accumulator.in_rate=0.2",
        ),
        "site.battery.end_level_share",
    ),
    Broken(
        "two stores too full at once",
        KILN,
        ("stores.clinker.end_level_t=1900", "stores.meal.end_level_t=3000", "processes.crusher.rate=90"),
        "stores.meal.end_level_t",
    ),
)


class Turn:
    """Ends a search for repairs after the turn of the limit that was tightened: by counting, on any machine alike.

    Its turn is over with the line of the next limit, or after some scenarios with it loosened: either the first one has
    a plan or the limit does not help, the others only come nearer to the least change.
    """

    def __init__(self, broken: Broken, most: int = 3) -> None:
        self.broken = broken
        self.most = most
        self.waiting = [limit.name for limit in limits(broken.changed()) if limit.key == broken.key]
        self.trials = 0
        self.over = False

    def hear(self, line: str) -> None:
        """Hear a line of the search."""
        self.over = self.over or not self.waiting
        name = line.partition(": ")[2]
        if name in self.waiting:
            self.waiting.remove(name)

    def changed(self, more: Sequence[str]) -> Case:
        """A scenario that is tried."""
        if not self.waiting:
            self.over = self.over or self.trials == self.most
            self.trials += 1
        return self.broken.changed(more)

    def searched(self, work: float = 60) -> WhyNot:
        """What is known when the turn is over."""
        return why_not(
            self.changed, time_limit_s=HOUR_S, work=work, on_progress=self.hear, cancel=lambda: self.over
        )  # fmt: skip


def planned(broken: Broken, repair: tuple[str, ...]) -> None:
    """A plan with a repair is found and acceptable."""
    result = make_plan(broken.changed([*repair, *QUICK]), PLAIN)
    assert result.has_schedule, (broken.says, repair, result.reason)
    assert not result.violations, (broken.says, repair, result.violations)


@pytest.mark.parametrize("broken", EVERY, ids=lambda broken: broken.says)
def test_what_is_broken_is_named_and_the_repair_leaves_a_plan(broken: Broken) -> None:
    """Proves: a scenario broken in one known way is explained by that way, and the smallest repair makes it feasible.

    Sensitivity: without the limit's own entry, or with a repair that is a step too small, it fails.
    """
    result = Turn(broken).searched()
    assert result.status in RULED_OUT, broken.says
    assert result.repairs, broken.says
    named = {*result.keys, *(key for repair in result.repairs for key in repair.keys)}
    assert broken.key in named, (broken.says, named)
    planned(broken, result.repairs[0].overrides)


@pytest.mark.parametrize("broken", SEVERAL, ids=lambda broken: broken.says)
def test_what_is_broken_twice_needs_two_changes(broken: Broken) -> None:
    """Proves: where no single change helps, the least together are found, and they make it feasible."""
    result = why_not(broken.changed, time_limit_s=HOUR_S, work=8)
    assert result.status in RULED_OUT
    best = result.repairs[0]
    assert len(best.keys) > 1
    assert broken.key in best.keys
    planned(broken, best.overrides)


@pytest.mark.parametrize("base", [SHOP, SITE, KILN], ids=["line", "site", "processes"])
def test_a_scenario_with_a_plan_is_left_alone(base: str) -> None:
    """Proves: nothing is called broken that is not."""
    whole = Broken("nothing", base, (), "")
    result = why_not(whole.changed, time_limit_s=HOUR_S, work=60)
    assert (result.status, result.repairs, result.conflict) == ("feasible", (), ())


def test_a_repair_is_no_larger_than_it_must_be() -> None:
    """Proves: one step less than the repair of a due time leaves no plan; the sum is that of the times by hand.

    Three heats of 52 min in the furnace, 8 min to the ladle furnace, 30 min there, 7 min to the caster, 60 min a heat
    without a gap: the last heat is ready for the caster 52 · 3 + 8 + 30 + 7 min after the start at the earliest, the
    first one 97 min, so that the cast ends at 97 + 180 = 277 min: 285 on slots of 15 min.

    Every due time that is tried has a plan or a proof: there is work enough that none of them is skipped.
    """
    result = Turn(LINE[0], most=50).searched(HOUR_S)
    assert result.repairs[0].overrides == ("orders.C1.due=285 min",)
    tighter = why_not(
        lambda more: LINE[0].changed(["orders.C1.due=270 min", *more]), time_limit_s=HOUR_S, cancel=lambda: True
    )
    assert tighter.status == "infeasible"


def test_the_search_can_be_cancelled() -> None:
    """Proves: cancelling keeps what is known, and says that not all was tried."""
    result = why_not(LINE[0].changed, cancel=lambda: True)
    assert result.status == "infeasible"
    assert result.missing
    assert not result.complete
    assert result.attempts == 0


def test_a_lock_is_moved_to_the_nearest_time_that_can_be_kept() -> None:
    """Proves: two heats of 60 min are locked to the first hour of one furnace; the second can be kept an hour later.

    Sensitivity: all that was offered was to drop the lock."""
    text = (
        "name: shop\nhorizon: {start: 2026-03-10, length_h: 6, step_min: 60}\n"
        "market: {price_per_mwh: 50, carbon_intensity_kg_per_mwh: 100}\n"
        "line: {stages: [{name: melt, units: [{name: F, power_mw: 10}]}],\n"
        "  grades: [{name: G, mass_t: 100, duration_min: {melt: 60}}]}\n"
        "orders: [{name: O, heats: [{grade: G, count: 2}]}]\n"
        "locks: [{heat: O-1, stage: melt, start: 0 h}, {heat: O-2, stage: melt, start: 0 h}]\n"
    )
    result = why_not(lambda more: loads(text, overrides=more), time_limit_s=HOUR_S, work=60)
    assert result.status == "infeasible"
    moved = {repair.keys: repair for repair in result.repairs}[("locks.1.latest",)]
    change = "latest start of heat O-2 at melt to Tue 10 Mar 01:00 (now Tue 10 Mar 00:00)"
    assert tuple(map(str, moved.says)) == (change,)
    outcome = make_plan(loads(text, overrides=moved.overrides), PLAIN)
    assert outcome.acceptable
    assert outcome.schedule is not None
    assert outcome.schedule["start_min"].values.ravel().tolist() == [0.0, 60.0]
