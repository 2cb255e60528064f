"""Price of each lock: a stored plan is planned again with one lock freed at a time, and with none.

Freeing a lock only adds options, so the stored plan stays feasible and is the start of each search, and results are
never worse. The bound of the freed search is an upper limit for the cost of a lock.
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
    """Lock, and the effect of freeing it."""

    also, named = ("brings", "at_most"), {"lock": ""}
    number: int
    """Index of the lock in the scenario, from 0, as in ``--set locks.0``."""
    lock: Lock
    says: str
    freed: Answer
    """Plan without the lock."""

    @property
    def brings(self) -> dict[str, float] | None:
        """Savings of carbon [kg CO2e], cost and peak [MW] from freeing it; None: no plan was found in time."""
        more = self.freed.more
        if more is None:
            return None
        return {"carbon_kg": 0.0 - more.carbon_kg, "cost": 0.0 - more.cost, "peak_mw": 0.0 - more.peak_mw}

    @property
    def at_most(self) -> float | None:
        """Upper limit of the goal's saving without the lock, by the bound; None if no bound is known."""
        return None if self.freed.low is None else max(0.0 - self.freed.low, 0.0)

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"heat": self.lock.heat, "stage": self.lock.stage, **super().summary()}


@dataclass(frozen=True)
class LockPrices(Report):
    """Prices of all locks of a run."""

    named = {"prices": "locks"}
    prices: tuple[LockPrice, ...]
    all_freed: Answer | None
    """Plan without any lock; None: there are fewer than two locks, or the time was over."""
    complete: bool
    """Whether every lock was evaluated within the time."""


def lock_prices(
    plan: Plan,
    *,
    time_limit_s: float = WHY.limit,
    on_progress: Callable[[str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> LockPrices:
    """Compute the cost of each lock of a plan.

    Args:
        plan: plan with a schedule.
        time_limit_s: effort, and seconds, for all locks together.
        on_progress: called with a line for each lock.
        cancel: polled; True stops with the results so far.

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
    """Reject a plan whose locks have no price.

    Raises:
        ScenarioError: as for :func:`lock_prices`.
    """
    refuse_plan(plan, "there is no schedule whose locks could be priced")


def _freed(resolver: Resolver, text: str, locks: list[Lock]) -> Answer:
    answer = resolver.ask("lock", text, with_locks(resolver.scenario, locks))
    if answer.schedule is None:
        return answer
    moves = tuple(moved(resolver.scenario, resolver.schedule, answer.schedule))
    return replace(answer, moves=moves)
