"""The price of each lock: a stored plan is planned again with one lock freed at a time, and with none.

Freeing a lock takes nothing away from what can be done, so the stored plan stays possible and is where each search
begins: what is found is never worse. The bound of the freed search says what a lock costs at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from emberline.planning.plan.record import Plan
from emberline.planning.plan.replan import with_locks
from emberline.scenarios.messages import Message
from emberline.scenarios.plain import Plain
from emberline.scenarios.records.orders import Lock
from emberline.studies.difference.moves import moved
from emberline.studies.why.answer import Answer, Report
from emberline.studies.why.of_heat import in_words
from emberline.studies.why.resolver import Resolver, refuse_plan
from emberline.studies.why.tuning import WHY

__all__ = ["LockPrices", "lock_prices", "refuse"]


@dataclass(frozen=True)
class LockPrice(Plain):
    """One lock and what freeing it brings."""

    also, named = ("brings", "at_most"), {"lock": ""}
    number: int
    """Its place among the scenario's locks, from 0, as ``--set locks.0`` names it."""
    lock: Lock
    says: str
    freed: Answer
    """The plan without it."""

    @property
    def brings(self) -> dict[str, float] | None:
        """Carbon [kg CO2e], cost and peak [MW] that freeing it saves; None: no plan was found in time."""
        more = self.freed.more
        if more is None:
            return None
        return {"carbon_kg": 0.0 - more.carbon_kg, "cost": 0.0 - more.cost, "peak_mw": 0.0 - more.peak_mw}

    @property
    def at_most(self) -> float | None:
        """Upper limit of the goal's saving without the lock, by the bound. None if no bound is known."""
        return None if self.freed.low is None else max(0.0 - self.freed.low, 0.0)

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"heat": self.lock.heat, "stage": self.lock.stage, **super().summary()}


@dataclass(frozen=True)
class LockPrices(Report):
    """All locks of a run."""

    named = {"prices": "locks"}
    prices: tuple[LockPrice, ...]
    all_freed: Answer | None
    """The plan without any lock; None: there are none, or only one, or the time was over."""
    complete: bool
    """Whether every lock was freed before the time was over."""


def lock_prices(
    plan: Plan,
    *,
    time_limit_s: float = WHY.limit,
    on_progress: Callable[[str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> LockPrices:
    """Cost of each lock of a plan.

    Args:
        plan: with a schedule.
        time_limit_s: effort, and seconds, for all locks together.
        on_progress: called with a line for each lock.
        cancel: polled; True ends it with what has been found.

    Raises:
        ScenarioError: there is no schedule, or the goal is lateness.
    """
    refuse(plan)
    locks = plan.scenario.locks
    resolver = Resolver.of(plan, time_limit_s, on_progress, cancel)
    resolver.asks = len(locks) + (len(locks) > 1)
    prices = []
    for number, lock in enumerate(locks):
        if resolver.over:
            break
        text = in_words(plan.scenario, lock)
        others = [other for i, other in enumerate(locks) if i != number]
        freed = _freed(resolver, Message("without the lock of {lock}", lock=text), others)
        prices.append(LockPrice(number, lock, text, freed))
    every = _freed(resolver, Message("without any lock"), []) if len(locks) > 1 and not resolver.over else None
    return LockPrices(**resolver.head, prices=tuple(prices), all_freed=every, complete=not resolver.hurried)


def refuse(plan: Plan) -> None:
    """Refuse a plan whose locks have no price.

    Raises:
        ScenarioError: as :func:`lock_prices`.
    """
    refuse_plan(plan, "there is no schedule whose locks could be weighed")


def _freed(resolver: Resolver, text: str, locks: list[Lock]) -> Answer:
    answer = resolver.ask("lock", text, with_locks(resolver.scenario, locks))
    if answer.schedule is None:
        return answer
    moves = tuple(moved(resolver.scenario, resolver.schedule, answer.schedule))
    return replace(answer, moves=moves)
