"""Settings of a plan besides the search of its schedule, in one record: lists, front, rules, judgement.

Work is counted in units of ``scenarios/effort.py``. Fields were chosen by hand.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlanTuning:
    """The parts of ``planning/planner.py``, and what they may take of the effort."""

    days: int = 400
    """Fresh disturbed days on which a plan is judged at most; fewer where the effort is small."""
    again_days: int = 100
    """Disturbed days on which a plan is planned again at most."""
    again_weeks: int = 20
    """The same of long horizons."""
    again_least: int = 5
    """The same in any case."""
    again_share: float = 1.0
    """Share of the effort that they may take, on top of it."""
    again_long: float = 10.0
    """Work above which other processes are started for them."""
    least: float = 1.0
    """Work for holding after a search that took all there was."""
    rules_share: float = 0.1
    """Share of the effort that is kept for simple rules."""
    judged_share: float = 0.04
    """Share of the effort, of that, for the judgement of a rule that beats the plan."""
    baseline_least: float = 30.0
    """The baseline tries other sequences for as long as the search may take, and for so much work at least."""
    keep_share: float = 1e-3
    """A schedule that is better by less than this share of what can be decided is not worth a change."""
    earlier_flows: float = 5.0
    """Work for the site's flows under the heats of an earlier schedule."""
    cap_searches: int = 6
    """Searches for a cap on cost after the first one; they share its effort."""

    # lists that a search begins with: plan/start_lists.py
    rests: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0)
    """Hours of rest a day that are tried [h]."""
    rests_work: float = 2.0
    """Work for all of them."""
    leading: float = 0.25
    """Units that draw this share of the most hungry one, or more, lead."""
    peaks: int = 6
    """Peaks that are tried between that of the baseline and an impossible one."""

    # the quick front: answer/choices.py
    front_share: float = 0.12
    """Share of the effort that is kept for the searches of the other two points together."""
    front_most: float = 0.2
    """The same at most, where the plan took less than it may."""
    front_search_share: float = 0.34
    """Share of that for one search."""
    front_between: int = 4
    """Searches between least carbon and least cost."""
    front_least: float = 2.0
    """Work for one of them at least."""

    # simple rules: answer/rules.py
    rule_hours: tuple[float, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 16)
    """Hours of rest a day that are tried [h]."""
    rule_work: float = 10.0
    """Work for all rules of a plan."""
    rule_days: int = 100
    """Disturbed days on which the best rule is followed at most."""
    rule_least_days: int = 20
    """The same in any case."""
    rule_days_work: float = 5.0
    """Work for these days."""
    rule_about: float = 0.05
    """By which a rule may hold less often than a plan on a few days, and yet be judged in its place."""


PLAN = PlanTuning()
