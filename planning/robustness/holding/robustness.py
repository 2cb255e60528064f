"""Result of robust planning: the rounds, both plans judged on fresh disturbances, the price, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from emberline.planning.plan.holding import Holding
from emberline.planning.plan.proof import proven
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replays import saved as replays_saved
from emberline.planning.robustness.ensemble import Ensemble
from emberline.planning.robustness.holding.margins import margin_values, settings
from emberline.planning.robustness.holding.reasons import frequent_violations, obstacles, remedies
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import figures_of
from emberline.scenarios.messages import Message
from emberline.scenarios.records.disturbances import MARGINS

MORE_TIME = 4
"""Factor by which a larger limit is suggested when the limit was too short."""


@dataclass(frozen=True)
class Round:
    """Plan with given margins and its result on the training days."""

    margins: dict[str, float]
    status: str
    gap: float | None
    successes: int
    n: int
    carbon_kg: float | None = None
    """Emissions of the undisturbed replay."""
    cost: float | None = None
    broke: tuple[str, ...] = ()
    """Margins that address its violations, the most frequent first."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Robustness:
    """Result of robust planning."""

    level: float
    status: str
    """``holds``, ``not shown`` (the interval of its chance contains the level), ``cannot``, ``out of time``,
    ``cancelled`` or ``no plan``."""
    why: str
    rounds: tuple[Round, ...]
    plain: Plan
    """Plan with the scenario's own margins, before any was raised."""
    robust: Plan
    """Plan that is kept."""
    judged: Ensemble | None = None
    """Robust plan and baseline on the same fresh disturbed days."""
    plain_judged: Ensemble | None = None
    """Plain plan on the same disturbed days."""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the lower end of the interval of its chance to hold reaches the level."""
        return self.status == "holds"

    @cached_property
    def price(self) -> dict[str, dict[str, float]]:
        """Price of robustness: robust plan minus plain plan, undisturbed and on average over the same replays.

        By figure: ``nominal``, ``mean``, and ``baseline``, the average saving of the robust plan against the baseline.
        Means include the replays in which a plan did not hold. Final stocks of processes are credited, as in a plan's
        saving.
        """
        one, two = self.robust.replay_figures, self.plain.replay_figures
        if one is None or two is None:
            return {}
        saved, plain_saved = self.robust.saved(), self.plain.saved()
        prices = {}
        for name in (*figures_of(self.plain.scenario), "peak_mw"):
            nominal = getattr(one, name) - getattr(two, name)
            if name in saved and name in plain_saved:
                nominal = plain_saved[name] - saved[name]
            row = {"nominal": nominal}
            if self.judged is not None and self.plain_judged is not None:
                n = min(self.judged.n, self.plain_judged.n)
                mine, plain = (one.data.isel(replication=slice(n)) for one in (self.judged, self.plain_judged))
                row["baseline"] = float(replays_saved(self.judged.data, name).mean())
                if all(f"baseline_{name}" in one for one in (mine, plain)):
                    row["mean"] = float((replays_saved(plain, name) - replays_saved(mine, name)).mean())
                else:
                    row["mean"] = float((mine[name].to_numpy() - plain[name].to_numpy()).mean())
            prices[name] = row
        return prices

    @property
    def most_price(self) -> float | None:
        """Upper limit of the price of robustness by the goal, undisturbed: the robust plan minus the proven bound.

        None: no bound is proven for the plain plan.
        """
        if self.robust.objective is None or self.plain.bound is None:
            return None
        return self.robust.objective - self.plain.bound

    def with_record(self, scenario: Scenario, limit_s: float, larger: Scenario | None = None) -> Robustness:
        """Return the same result with its robustness stored in the record of the plan that is kept.

        Args:
            scenario: scenario with its original margins.
            limit_s: time limit that was given.
            larger: scenario with the margins that would have been tried next.
        """
        if self.judged is None or self.plain_judged is None:
            return self
        share, *bounds = self.judged.chance
        severity, of_baseline = self.judged.severity()
        reached, rows = share >= self.level, frequent_violations(self.judged)
        baseline_share = 1 - of_baseline["broken"] / self.judged.n if of_baseline else None
        draft, sums = self.plain, self.plain.replay_figures
        holding = Holding(
            level=self.level,
            status=self.status,
            reached=reached,
            days=self.judged.n,
            share=share,
            interval=(bounds[0], bounds[1]),
            baseline_share=baseline_share,
            draft_share=self.plain_judged.chance[0],
            severity=severity,
            baseline_severity=of_baseline,
            recourse_cost=float(self.judged.data["recourse_cost"].mean()),
            draft_objective=draft.objective,
            draft_bound=draft.bound,
            draft_gap=draft.gap,
            draft_figures=sums.summary() if sums is not None else {},
            draft_saving=draft.saved(),
            price=self.price,
            most_price=self.most_price,
            margins=margin_values(self.robust.scenario),
            settings=tuple(settings(self.robust.scenario)),
            request=scenario.disturbances.model_dump(mode="json", include=set(MARGINS), exclude_defaults=True),
            misses=rows,
            reasons=() if reached else tuple(self._reasons(scenario, rows, baseline_share, larger)),
            rounds=len(self.rounds),
            limit_s=limit_s,
            seconds=self.seconds,
            margins_bound=self.robust.bound,
            margins_gap=self.robust.gap,
        )
        # the bound under margins does not cover all plans, but that of the draft does
        return replace(self, robust=replace(proven(self.robust, self.plain.bound), holding=holding))

    def _reasons(
        self,
        scenario: Scenario,
        rows: tuple[dict[str, Any], ...],
        baseline_share: float | None,
        larger: Scenario | None,
    ) -> Iterator[str]:
        """Yield obstacles and remedies; if the time ran out, these include more time, the margins to be tried next, and
        the baseline if it reaches the level."""
        assert self.judged is not None
        yield from obstacles(scenario, rows, self.judged.n)
        ways: list[Message] = []
        if self.status == "out of time":
            yield Message("The time was over before all margins were tried.")
            goal, suggested = scenario.goal, math.ceil(MORE_TIME * scenario.goal.budget / 10) * 10
            if goal.budget < goal.time_limit_s:
                ways.append(Message("more effort (goal.effort={effort:g})", effort=suggested))
            else:
                ways.append(Message("a longer time limit (goal.time_limit_s={seconds:g})", seconds=suggested))
            now = settings(self.robust.scenario)
            more = [] if larger is None else [setting for setting in settings(larger) if setting not in now]
            if more:
                ways.append(Message("the margins to be tried next ({settings})", settings=", ".join(more)))
        else:
            ways += remedies(scenario, rows)
        if baseline_share is not None and baseline_share >= self.level:
            share = math.floor(1000 * baseline_share + 1e-9) / 10
            ways.append(Message("the baseline, today's practice, which holds on {share:g} % of the days", share=share))
        if ways:
            yield Message("What would help: {ways}.", ways=tuple(ways))

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        robust = None if self.judged is None else self.judged.summary(self.robust.replay)
        return {
            "level": self.level,
            "status": self.status,
            "why": self.why,
            "holds": self.holds,
            "margins": margin_values(self.robust.scenario),
            "settings": settings(self.robust.scenario),
            "robust": robust,
            "plain": None if self.plain_judged is None else self.plain_judged.summary(self.plain.replay),
            "baseline_held": None if robust is None else robust.get("baseline_held"),
            "price": self.price,
            "most_price": self.most_price,
            "rounds": [
                {
                    "margins": row.margins, "status": row.status, "gap": row.gap, "held": row.successes, "n": row.n,
                    "carbon_kg": row.carbon_kg, "cost": row.cost, "broke": list(row.broke),
                    "seconds": round(row.seconds, 3),
                }
                for row in self.rounds
            ],
            "seconds": round(self.seconds, 3),
        }  # fmt: skip
