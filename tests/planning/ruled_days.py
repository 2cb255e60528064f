"""A loop on days that are given by a rule: what a plan misses follows from its margins alone.

Plans are the twin's lists, made in no time; the clock stands still but where a test moves it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np
import planned
import xarray as xr
from shops import cast

from emberline.planning.engine.engine import Engine, Piece
from emberline.planning.engine.progress import Deadline
from emberline.planning.loop.finer_starts import FinerStarts
from emberline.planning.plan.pipeline import Search
from emberline.planning.plan.replay_outcome import Outcome
from emberline.planning.robustness.ensemble import Ensemble, together
from emberline.planning.robustness.holding import Robustness, hold
from emberline.planning.robustness.holding.violation_amounts import Limit
from emberline.scenarios import Case

Day = dict[Limit, float]
GAP, LATE = Limit("cast", "casting", "C"), Limit("due", "casting", "C")
LIMIT_S = 100.0


def shop(**disturbances: Any) -> Case:
    """One heat through furnace, ladle furnace and caster; the ladle's slack may be raised to 15 min."""
    table = {"duration_spread": 0.1, "replications": 2, **disturbances}
    return planned.shop(orders=[cast("A", 1)], disturbances=table, goal={"effort": 60.0})


def slack(case: Case) -> float:
    """Of the ladle furnace [min]."""
    return case.disturbances.slack_min("ladle")


def due(case: Case) -> float:
    """Margin before due times [min]."""
    return case.disturbances.due_margin_min


@dataclass
class Days(Engine):
    """Days by a rule, in the place of replays: a function of the scenario, the number of the day, and its seed."""

    rule: Callable[[Case, int, int], Day]
    baseline: Callable[[int], int] = lambda day: 0
    """Limits that the baseline misses on a day."""
    carbon: float = 900.0
    """Of each day; the baseline's is 1,000 kg."""
    client: Any = None
    local: bool = True
    seeds: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def each(self, work: Any, common: Any, parts: Any, cancel: Any = None) -> Iterator[Piece[Any]]:
        self.seeds.append(common.seed)
        self.sizes.append(len(parts[0]))
        for place, part in enumerate(parts):
            if cancel is not None and cancel():
                return
            if work.__module__.endswith("holding.violation_amounts"):
                rows = [self.rule(common.scenario, day, common.seed) for day in part]
                yield Piece(place, [(row, int(bool(row))) for row in rows])
            else:
                yield Piece(place, [self._outcome(common, day) for day in part])

    def _outcome(self, common: Any, day: int) -> Outcome:
        second = None if common.other is None else self._replay(common.other[0], day, common.seed)
        first = self._replay(common.scenario, day, common.seed)
        return first if second is None else Outcome(**{**vars(first), "other": second})

    def _replay(self, case: Case, day: int, seed: int) -> Outcome:
        rows = self.rule(case, day, seed)
        missed = {(*limit, "min"): (1, amount) for limit, amount in rows.items()}
        places = [(limit, 3) for limit in missed]
        figures = {
            "carbon_kg": self.carbon + slack(case), "cost": 50.0, "peak_mw": 40.0, "tonnes": 100.0, "late_heats": 0,
            "late_t": 0.0, "late_min": 0.0, "missed_deliveries": 0, "short_t": 0.0, "held": int(not rows),
            "violations": len(rows), "recourses": 0, "recourse_cost": 0.0,
            "first_min": 200.0 if rows else math.nan, "first_down_min": 0.0,
            "baseline_carbon_kg": 1000.0, "baseline_cost": 60.0, "baseline_peak_mw": 45.0, "baseline_late_heats": 0,
            "baseline_missed_deliveries": 0, "baseline_violations": self.baseline(day), "baseline_recourses": 0,
            "baseline_recourse_cost": 0.0,
        }  # fmt: skip
        three = (0.0, 0.0, 0.0)
        return Outcome(day, figures, missed, frozenset(places), places[0] if places else None, "", three, three, three)


@dataclass
class Lists:
    """A search that takes the last list that it is given, and says of it what a test wants."""

    say: Callable[[Case, int], dict[str, Any]] = lambda case, call: {}
    requests: list[Case] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def __call__(
        self, case: Case, envelope: xr.Dataset, start: xr.Dataset | None, *, others: Any, **_: Any
    ) -> xr.Dataset:
        self.requests.append(case)
        self.counts.append(len(others))
        attrs = {"found": 1, "status": "best found", "objective": 100.0 + slack(case), "bound": 90.0, "gap": 0.1}
        attrs |= {"constant": 0.0, "reason": "", "goal": "carbon"}
        schedule = others[-1] if others else start
        assert schedule is not None
        return schedule.assign_attrs(attrs | self.say(case, len(self.requests)))

    @property
    def limits(self) -> list[float]:
        """Time that each search was given [s]."""
        return [round(case.goal.budget, 6) for case in self.requests]


@dataclass
class Trial:
    """One run of the loop."""

    result: Robustness
    days: Days
    lists: Lists
    events: list[dict[str, Any]]

    @property
    def rounds(self) -> list[tuple[float, float, int, int]]:
        """Slack, due margin, days that held, and days, by round."""
        return [
            (row.margins.get("ladle.slack_min", 0.0), row.margins.get("due_margin_min", 0.0), row.successes, row.n)
            for row in self.result.rounds
        ]


def trial(
    rule: Callable[[Case, int, int], Day],
    *,
    case: Case | None = None,
    level: float | None = 0.8,
    replications: int = 100,
    lists: Lists | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    baseline: Callable[[int], int] = lambda day: 0,
    carbon: float = 900.0,
    between: Callable[[FinerStarts, float], xr.Dataset | None] = lambda starts, price: None,
    **how: Any,
) -> Trial:
    """Run the loop on days by a rule; ``between``: a list between steps by a price of slack."""
    lists, days, events = lists or Lists(), Days(rule, baseline, carbon), list[dict[str, Any]]()

    def tell(event: dict[str, Any]) -> None:
        events.append(event)
        if on_progress is not None:
            on_progress(event)

    with patch.object(FinerStarts, "at", between):
        result = hold(
            case or shop(), days, level=level, replications=replications, deadline=Deadline(LIMIT_S, clock),
            search=Search(optimize=lists, lists=False), on_progress=tell, **how,
        )  # fmt: skip
    return Trial(result, days, lists, events)


def needs(first: int, minutes: float) -> Callable[[Case, int, int], Day]:
    """The first so many days of each hundred need so much slack."""

    def rule(case: Case, day: int, seed: int) -> Day:
        short = minutes - slack(case)
        return {GAP: short} if day % 100 < first and short > 0 else {}

    return rule


CAST, DUE = (*GAP, "min"), (*LATE, "min")


def outcome(day: int, missed: dict[Any, tuple[int, float]], hours: dict[Any, int], **figures: float) -> Outcome:
    """A day with 10 kg more than the one before; the limits missed with their hours, the first one first."""
    table: dict[str, float] = {
        "carbon_kg": 10.0 * (day + 1), "cost": 5.0, "peak_mw": 40.0, "tonnes": 100.0, "late_heats": 0, "late_t": 0.0,
        "late_min": 0.0, "missed_deliveries": 0, "short_t": 0.0, "held": int(not missed),
        "violations": sum(often for often, _ in missed.values()), "recourses": 0, "recourse_cost": 0.0,
        "first_min": 60.0 * next(iter(hours.values())) if hours else math.nan, "first_down_min": 0.0,
        "baseline_carbon_kg": 100.0, "baseline_cost": 5.0, "baseline_peak_mw": 40.0, "baseline_late_heats": 0,
        "baseline_missed_deliveries": 0, "baseline_violations": 0, "baseline_recourses": 0,
        "baseline_recourse_cost": 0.0, **figures,
    }  # fmt: skip
    first = next(iter(hours.items())) if hours else None
    waits = (0.0, float(day), 2.0 * day)
    return Outcome(
        day, table, missed, frozenset(hours.items()), first, "A-1" if first else "", waits, waits, waits,
        meter_mw=np.full(2, 10.0 * day) if day < 3 else None,
    )  # fmt: skip


FOUR_DAYS = (
    outcome(0, {}, {}, first_down_min=5.0, baseline_recourses=1),
    outcome(1, {CAST: (2, 4.0), DUE: (1, 10.0)}, {CAST: 3, DUE: 5}, baseline_violations=2, baseline_recourses=1),
    outcome(2, {DUE: (1, 30.0)}, {DUE: 5}, first_down_min=20.0, recourses=1, recourse_cost=4.0),
    outcome(3, {}, {}, recourses=2, recourse_cost=8.0, baseline_carbon_kg=50.0),
)
"""Kept; a cast interrupted and a heat late; a heat late after a breakdown; kept by recourse."""


def four() -> Ensemble:
    """The four days, of five that were wanted."""
    return Ensemble(shop(), together(shop(), FOUR_DAYS, 7), 5)
