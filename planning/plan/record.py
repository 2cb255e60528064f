"""The record of a plan: baseline, schedule, replays, accounts and verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from emberline.planning.accounts.figures import Figures, Rule, comparable
from emberline.planning.accounts.ledger import Ledger, broken_grades, ledger
from emberline.planning.accounts.site_stores import higher, site_stores
from emberline.planning.accounts.stock import Difference, difference, rate
from emberline.planning.plan.alternatives.record import AsRun, Choice
from emberline.planning.plan.holding import Holding
from emberline.planning.plan.replays import Replays, in_words, of_days
from emberline.scenarios import Case
from emberline.scenarios.goal_metrics import BoundCovers, figures_of, goal_metric
from emberline.scenarios.line.rounding import rounded, worth_a_try
from emberline.scenarios.messages import Message, mark, sentences
from emberline.scenarios.metrics import FIGURES, sound
from emberline.scenarios.plain import plain
from emberline.scenarios.records.disturbances import MARGINS, Disturbances
from emberline.scenarios.records.replanning import Using

AGREEMENT = 1e-3
"""Schedule and undisturbed replay agree when energy, carbon and cost differ by less than this share, or by less than
this share of a MWh, a kg or a unit of the currency: a plan that costs nothing is known to rounding alone."""
SURE = 1e-6
"""Minutes by which a lateness may lie above its bound and still be proven least."""


@dataclass(frozen=True)
class Plan:
    """Everything about one plan. ``schedule`` and what follows from it are None where no plan was found."""

    scenario: Case
    envelope: xr.Dataset
    baseline: xr.Dataset
    baseline_figures: Figures
    baseline_complete: bool
    status: str
    objective: float | None
    bound: float | None
    gap: float | None
    constant: float = 0.0
    """Part of the goal that no plan can change: not in ``objective`` and ``bound``."""
    reason: str = ""
    """Why there is no plan, or why it is not better than the baseline."""
    schedule: xr.Dataset | None = None
    schedule_figures: Figures | None = None
    replay: xr.Dataset | None = None
    replay_figures: Figures | None = None
    replays: Replays | None = None
    holding: Holding | None = None
    """Result under disturbance, where it was made to hold."""
    seconds: dict[str, float] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    """Simple rules that the plan is compared with; empty where none was tried or none makes the same."""
    omissions: tuple[str, ...] = ()
    """Steps left out for lack of time, one sentence each."""
    again: Replays | None = None
    """Disturbed days on which it is planned again by ``goal.replan``; None: it was not followed so."""
    choices: tuple[Choice, ...] = ()
    """Points of the quick front, the plan's own among them; empty where there is none."""
    as_run: AsRun | None = None
    """The day that was really run, where that is the baseline."""
    repair: tuple[str, ...] = ()
    """Changes of limits without which there was no plan, a sentence each; empty: it is planned as it was asked for."""

    def __post_init__(self) -> None:
        """Refuse a bound above the objective, so that no gap is taken for closed by one.

        Raises:
            ContradictionError: there is one.
        """
        if self.objective is not None and self.bound is not None:
            sound(self.bound, self.objective)

    @property
    def has_schedule(self) -> bool:
        """Whether there is a schedule."""
        return self.schedule is not None

    @property
    def between_steps(self) -> bool:
        """Whether its starts lie on finer moments than the steps, of which bounds speak."""
        return self.schedule is not None and "grid_min" in self.schedule.attrs

    @property
    def ruled_out(self) -> bool:
        """Whether it is proven that there is no plan, or none on its grid."""
        from emberline.models.search import schedule as schedules

        return not self.has_schedule and self.status in schedules.RULED_OUT

    @property
    def violations(self) -> list[dict[str, Any]]:
        """Violations of the undisturbed replay; empty for an acceptable plan."""
        return [] if self.replay is None else violations(self.replay)

    @property
    def agreed(self) -> bool:
        """Whether schedule and undisturbed replay agree on energy, carbon and cost within 0.1 %."""
        if self.schedule_figures is None or self.replay_figures is None:
            return False
        pairs = [
            (getattr(self.schedule_figures, name), getattr(self.replay_figures, name))
            for name in ("energy_mwh", "carbon_kg", "cost")
        ]
        return all(abs(a - b) <= AGREEMENT * max(abs(a), abs(b), 1.0) for a, b in pairs)

    @property
    def acceptable(self) -> bool:
        """A plan that was found, holds undisturbed and agrees with its replay; one of least lateness may be late."""
        return self.has_schedule and not self.missed and self.agreed and not self.broken_grades

    @property
    def broken_grades(self) -> dict[str, tuple[float, float]]:
        """Grades that carry more than their cap by the ledger of the replay, and the cap [kg CO2e/t]."""
        return {} if self.replay is None else broken_grades(self.scenario, self.replay)

    @property
    def late(self) -> list[dict[str, Any]]:
        """Due times that a plan of an earlier release for the goal lateness misses; of other goals they are limits."""
        if self.scenario.goal.minimize != "lateness":
            return []
        return [row for row in self.violations if row["kind"] == "due"]

    @property
    def missed(self) -> list[dict[str, Any]]:
        """Violations that make a plan unacceptable."""
        late = self.late
        return [row for row in self.violations if row not in late]

    @property
    def successes(self) -> tuple[int, int] | None:
        """In how many disturbed replays the plan held, and of how many; None where nothing is disturbed, or where the
        plan is late undisturbed, so that it can hold in none."""
        replays = self.replays
        return None if replays is None or not replays.n or self.late else (replays.successes, replays.n)

    @property
    def requested(self) -> Case:
        """Scenario as requested: with the margins that it had before it was made to hold."""
        if self.holding is None:
            return self.scenario
        remaining = self.scenario.disturbances.model_dump(exclude=set(MARGINS)) | self.holding.request
        disturbances = Disturbances.model_validate(remaining)
        return self.scenario.model_copy(update={"disturbances": disturbances})

    @property
    def bound_covers(self) -> BoundCovers:
        """The plans that the bound is proven for."""
        return BoundCovers.of(self.scenario)

    @property
    def ledger(self) -> Ledger | None:
        """The carbon ledger of the undisturbed replay."""
        return None if self.replay is None else ledger(self.scenario, self.replay)

    @property
    def verdict(self) -> str:
        """One sentence for the planner."""
        if not self.has_schedule:
            why = Message("No plan: {reason}.", reason=self.reason or Message(self.status))
            return sentences(why, self._rounding) if self.status != "infeasible" else why
        if self.missed:
            text = mark("Not acceptable: the twin found {count} violation(s) when it followed the schedule.")
            return Message(text, count=len(self.missed))
        if not self.agreed:
            return Message("Not acceptable: the twin does not agree with the schedule on energy, carbon or cost.")
        for grade, (kg_per_t, cap) in self.broken_grades.items():
            text = mark(
                "Not acceptable: {grade} carries {kg_per_t:.1f} kg CO2e/t by the twin's ledger, its cap is {cap:.1f}."
            )
            return Message(text, grade=grade, kg_per_t=kg_per_t, cap=cap)
        feasible: str = Message("Feasible, and the twin agrees.")
        if self.holding is not None:
            feasible = self._holding(self.holding)
        elif self.successes:
            successes, n = self.successes
            days = in_words(n, self.scenario.horizon.length_min)
            text = mark("Feasible, and the twin agrees; as printed it held in {held} of {days}.")
            feasible = Message(text, held=successes, days=days)
        reasons = () if self.holding is None else self.holding.reasons
        parts: list[str] = [feasible, self._lateness, self.reason, *reasons, *self.omissions]
        goal = goal_metric(self.scenario).figure
        saved = self.saved()
        if saved.get(goal, 0.0) < 0 and saved.get(f"stock_{goal}", 0.0) < 0:
            parts.append(Message("The baseline ends with more stock, which counts at what it took on average to make."))
        return sentences(*parts)

    def _holding(self, holding: Holding) -> str:
        """Share of days on which a plan that was made to hold does, of days that no search has seen."""
        text = mark(
            "Feasible, and the twin agrees; as printed it holds on {share} of {days}, the baseline on {baseline}."
        )
        if not holding.reached and holding.interval[1] >= holding.level:
            text = mark(
                "Feasible, and the twin agrees; as printed it holds on {share} of {days}, too few to tell it from the "
                "{level} that were to be reached, the baseline on {baseline}."
            )
        elif not holding.reached:
            text = mark(
                "Feasible, and the twin agrees; as printed it holds on {share} of {days}, less than the {level} that "
                "were to be reached, the baseline on {baseline}."
            )
        share, baseline, level = (
            of_days(one, holding.days) for one in (holding.share, holding.baseline_share, holding.level)
        )
        days = in_words(holding.days, self.scenario.horizon.length_min)
        return Message(text, share=share, days=days, level=level, baseline=baseline)

    @property
    def _rounding(self) -> str:
        """Time of units lost to steps; empty: none, or no finer steps lose less."""
        losses = rounded(self.scenario)
        if not losses or not worth_a_try(self.scenario):
            return ""
        most = max(losses, key=lambda loss: loss.share)
        text = mark(
            "Steps of {step:g} min round times up: {minutes:g} min of {unit} take {longer:g}. Finer steps "
            "(horizon.step_min) may leave a plan."
        )
        step = self.scenario.horizon.step_min
        return Message(text, step=step, minutes=most.minutes, unit=most.unit, longer=most.steps_min)

    @property
    def _lateness(self) -> str:
        late = self.late
        if not late:
            return ""
        minutes = sum(float(row["amount"]) for row in late)
        proven = self.objective is not None and self.bound is not None and self.objective <= self.bound + SURE
        least = mark("Late: {count} heat(s), {minutes:g} min in all; the least that was found.")
        if proven:
            least = mark("Late: {count} heat(s), {minutes:g} min in all; no schedule is less late.")
        return Message(least, count=len(late), minutes=minutes)

    @property
    def comparable(self) -> bool:
        """Whether the baseline makes and serves what the plan does; else nothing is saved against it."""
        return self.replay_figures is None or comparable(self.baseline_figures, self.replay_figures)

    @property
    def stock(self) -> Difference | None:
        """Additional stock of the undisturbed replay at the end, compared with the baseline; None without stores."""
        sums = self.replay_figures
        return difference(self.baseline_figures, sums) if sums is not None and (sums.stock or sums.levels) else None

    @property
    def no_lower(self) -> dict[str, float]:
        """Levels above those of the scenario that the search kept to, as the baseline leaves them, by store.

        Objective and bound are of plans that keep to them too. Empty where the plan ends lower, as nothing else could.
        """
        if self.schedule is None:
            return {}
        target_levels, plan_levels = (
            higher(self.scenario, *runs) for runs in ((self.baseline,), (self.baseline, self.schedule))
        )
        close = all(level - plan_levels.get(name, 0.0) <= AGREEMENT * level for name, level in target_levels.items())
        return target_levels if close else {}

    @property
    def unlocked(self) -> Rule | None:
        """The baseline without locks, against which savings stand; None: none was run."""
        return next((rule for rule in self.rules if rule.name == "unlocked"), None)

    def saved(self) -> dict[str, float]:
        """Saving of the undisturbed replay against the undisturbed baseline, absolute and as a share.

        What either of them has more in stock is credited to it; ``stock_carbon_kg`` and ``stock_cost``, part of what
        is saved, tell it apart. Empty where there is no plan, or the baseline makes or serves less.
        """
        if self.replay_figures is None or not self.comparable:
            return {}
        more, out = self.stock, {}
        baseline = self.baseline_figures if self.unlocked is None else self.unlocked.figures
        credit = {} if more is None else {name: more.credit(name) for name in FIGURES}
        for name in (*figures_of(self.scenario), "peak_mw"):
            before, after = getattr(baseline, name), getattr(self.replay_figures, name)
            out[name] = before - after + credit.get(name, 0.0)
            out[f"{name}_share"] = out[name] / abs(before) if before else 0.0
        if baseline.demand_cost or self.replay_figures.demand_cost:
            # by the tariff's rates; taxes on them stay with the rest
            out["demand_cost"] = baseline.demand_cost - self.replay_figures.demand_cost
            out["cost_without_demand"] = out["cost"] - out["demand_cost"]
            remaining = abs(baseline.cost - baseline.demand_cost)
            out["cost_without_demand_share"] = out["cost_without_demand"] / remaining if remaining else 0.0
        return out | {f"stock_{name}": value for name, value in credit.items()}

    @property
    def in_use(self) -> Replays | None:
        """Disturbed days on which it is followed as it will be used: planned again, or as printed where it is not."""
        return self.again if self.again is not None and self.again.n else self.replays

    def expected(self) -> dict[str, dict[str, float]]:
        """Saving to be expected, by figure: ``p10``, ``p50`` and ``p90`` over the days of :attr:`in_use`, plan and
        baseline under the same disturbances, and ``share``, the median as a share of the baseline's.

        Empty where nothing is disturbed, or where nothing is saved against the baseline.
        """
        days = self.in_use
        if days is None or not days.n or not self.comparable or self.unlocked is not None:
            return {}
        savings, table = {}, days.quantiles()
        for name in figures_of(self.scenario):
            if f"saved_{name}" not in table:
                continue
            saved, base = table[f"saved_{name}"], abs(float(days.data[f"baseline_{name}"].median()))
            savings[name] = saved | {"share": saved["p50"] / base if base else 0.0}
        return savings

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON: status, objective, bound, gap, figures, violations, replays, seconds."""
        searched = ("status", "objective", "bound", "gap", "bound_covers", "reason")
        verdict = ("again", "holding", "no_lower", "agreed", "acceptable", "verdict")
        alternatives = ("omissions", "rules", "choices", "as_run", "repair")
        return {
            "scenario": self.scenario.name,
            "goal": self.scenario.goal.minimize,
            "signal": self.scenario.goal.signal,
            **{name: plain(getattr(self, name)) for name in searched},
            "baseline": self.baseline_figures.summary() | {"complete": self.baseline_complete},
            "schedule": plain(self.schedule_figures),
            "replay": (
                self.replay_figures.summary() | {"violations": self.violations} if self.replay_figures else None
            ),
            "saved": self.saved(),
            "expected": self.expected(),
            "expected_policy": Using.FOLLOW if self.in_use is self.replays else Using.REPLAN,
            "products": self._products(),
            "stock": self._stock(),
            "replays": (
                self.replays.summary()
                if self.replays is not None and self.replays.n
                else {"n": 0, "held": None, "quantiles": {}}
            ),
            **{name: plain(getattr(self, name)) for name in verdict},
            "filled": filled(self.scenario),
            **{name: plain(getattr(self, name)) for name in alternatives},
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }

    def _products(self) -> dict[str, Any]:
        book = self.ledger if self.scenario.process_units else None
        return book.products.summary(self.scenario.goal.signal) if book is not None and book.products else {}

    def _stock(self) -> dict[str, Any]:
        more, sums, baseline = self.stock, self.replay_figures, self.baseline_figures
        if more is None or sums is None:
            return {}
        stores = {
            name: {
                "start_t": store.start_t,
                "end_t": sums.stock[name],
                "baseline_end_t": baseline.stock[name],
                "kg_per_t": rate(name, "stock_kg_per_t", baseline, sums),
                "cost_per_t": rate(name, "stock_cost_per_t", baseline, sums),
            }
            for name, store in self.scenario.store.items()
        }
        site = {
            store.name: {
                "unit": store.unit,
                "start": store.start,
                "end": sums.levels[store.name],
                "baseline_end": baseline.levels[store.name],
                "kg_per_unit": rate(store.name, "level_kg_per_unit", baseline, sums),
                "cost_per_unit": rate(store.name, "level_cost_per_unit", baseline, sums),
            }
            for store in site_stores(self.scenario)
            if store.name in more.levels
        }
        worth = {"carbon_kg": more.carbon_kg, "cost": more.cost, "unknown": list(more.unknown)}
        return worth | {"stores": stores, "site_stores": site}


def filled(scenario: Case) -> dict[str, dict[str, Any]]:
    """Series with filled gaps: how many, and the place of the first."""
    return {
        str(name): {"count": int(series.attrs["filled"]), "first": series.attrs["first_filled"]}
        for name, series in scenario.inputs.data_vars.items()
        if series.attrs.get("filled")
    }


def violations(run: xr.Dataset) -> list[dict[str, Any]]:
    """The violations of a run as rows."""
    names = ("kind", "heat", "unit", "at_min", "amount", "measure")
    columns = [run[f"violation_{name}"].values.tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def number(schedule: xr.Dataset, name: str) -> float | None:
    """An attribute of a schedule that is a number (``objective``, ``bound``, ``gap``); None: it is not known."""
    value = schedule.attrs.get(name)
    return None if value is None or math.isnan(value) else float(value)
