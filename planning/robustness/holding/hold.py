"""Robust planning loop: draft, replay, raise margins, plan again, then evaluate on separate disturbed days."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from hashlib import blake2b
from itertools import chain

import numpy as np
import xarray as xr

from emberline.planning.accounts.site_stores import ending_no_lower
from emberline.planning.engine.engine import Engine
from emberline.planning.engine.progress import Deadline, Progress
from emberline.planning.loop.finer_starts import BETWEEN, FinerStarts
from emberline.planning.loop.risks import BROKEN
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, draft, stands, substitute
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replays import saved
from emberline.planning.robustness.ensemble import PART as ENSEMBLE_PART
from emberline.planning.robustness.ensemble import Ensemble, ensemble, interval
from emberline.planning.robustness.ensemble import refuse as refuse_ensemble
from emberline.planning.robustness.holding.margin_steps import candidates, larger, listed
from emberline.planning.robustness.holding.margin_updates import amounts, causes, steps
from emberline.planning.robustness.holding.margins import Margin, margin_values, varied
from emberline.planning.robustness.holding.robustness import Robustness, Round
from emberline.planning.robustness.holding.tuning import HOLDING
from emberline.planning.robustness.holding.violation_amounts import PART, ViolationAmounts, violation_amounts
from emberline.planning.robustness.planned_again import most_days
from emberline.scenarios import Case, Scenario
from emberline.scenarios.goal_metrics import goal_metric, no_worse
from emberline.scenarios.messages import Message
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.disturbances import Disturbances
from emberline.scenarios.records.goal import OtherSignal

MAX_LEVEL = 0.999


def seed_of(scenario: Scenario, purpose: str) -> int:
    """Return a seed for a purpose, distinct from the scenario's seed and from that of any other purpose."""
    digest = blake2b(f"{scenario.disturbances.seed} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def hold(
    scenario: Case,
    engine: Engine,
    *,
    level: float | None = None,
    replications: int = 1000,
    work: float = 300.0,
    deadline: Deadline | None = None,
    plain: Plan | None = None,
    baseline: Baseline | None = None,
    search: Search | None = None,
    begin: Disturbances | None = None,
    whole: bool = False,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Robustness:
    """Make a plan that keeps every limit, within its tolerances, on a given share of disturbed days.

    Args:
        scenario: scenario to plan; the loop starts from its margins.
        engine: engine that runs the replays.
        level: required share of days; None: the scenario's.
        replications: number of days on which plans are judged.
        work: work budget of the search from now on; judging is extra.
        deadline: replaces ``work``.
        plain: acceptable plan of the scenario to start from and to compare with; None: one is made.
        baseline: baseline of the scenario; None: it is simulated.
        search: search settings of the draft.
        begin: margins of an earlier plan of the same scenario that held; they are tried first.
        whole: the budget covers draft, search and judging together, with fewer days if it is short; a plan is judged
            once its share slightly exceeds the level, instead of the lower end of its interval.
        on_progress: called with ``phase`` (``draft``, ``round``, ``judge``) and its data.
        cancel: polled; True returns the best plan so far.

    Raises:
        ScenarioError: the scenario has no disturbances, or the memory does not suffice.
        ValueError: the level lies outside 0 … 0.999.
    """
    target = scenario.level if level is None else level
    if not 0 < target <= MAX_LEVEL:
        raise ValueError(f"the level must lie between 0 and {MAX_LEVEL:g}, not at {target:g}")
    refuse(scenario)
    deadline = deadline or Deadline(work)
    loop = _Loop(scenario, engine, target, replications, deadline, whole, on_progress, cancel, baseline)
    answer = loop.run(plain, search or Search(), begin)
    if level is None:
        return answer
    goal = scenario.goal.model_copy(update={"hold": level})
    robust = answer.robust
    robust = dataclasses.replace(robust, scenario=robust.scenario.model_copy(update={"goal": goal}))
    return dataclasses.replace(answer, robust=robust)


def refuse(scenario: Scenario) -> None:
    """Reject a scenario for which the loop is meaningless.

    Raises:
        ScenarioError: as for :func:`hold`.
    """
    if not scenario.disturbed:
        text = "nothing is disturbed, so a plan that holds once always holds; add spreads or breakdowns"
        raise ScenarioError([Problem(scenario.name, "disturbances", text)])


class _Loop:
    def __init__(
        self,
        scenario: Case,
        engine: Engine,
        level: float,
        replications: int,
        deadline: Deadline,
        whole: bool,
        on_progress: Progress | None,
        cancel: Callable[[], bool] | None,
        baseline: Baseline | None,
    ) -> None:
        self.baseline = baseline or Baseline.of(scenario)
        self.scenario, self.engine, self.level, self.replications = scenario, engine, level, replications
        self.deadline, self.limit, self.whole = deadline, deadline.limit, whole
        self.searching = (1 - HOLDING.judged_share) * self.limit if whole else self.limit
        self.tell: Progress = on_progress or (lambda event: None)
        self.stop = cancel or (lambda: False)
        self.search = Search()
        self.rounds: list[Round] = []
        self.stuck: set[Margin] = set()
        """Margins that are no longer raised, because no plan is left or the plan does not hold more often."""
        self.unproven = False
        """Whether a search with larger margins found no plan without proving infeasibility."""
        self.larger: Case | None = None
        """Scenario with the margins to try next."""
        self.raised: set[Margin] = set()
        """Margins that were raised or proposed for raising."""
        self.training = HOLDING.training if whole else min(replications, HOLDING.training)
        self.replayed: dict[int, list[tuple[xr.Dataset, ViolationAmounts]]] = {}
        """Process schedules with the results of their training days, by judgement."""
        self.other_kg: float | None = None
        """Cap on a plan's emissions between steps by the signal outside the goal; None: not yet computed."""
        self.broken = BROKEN * scenario.horizon.day_share * abs(goal_metric(scenario).of(self.baseline.figures))
        """Penalty per broken day."""
        self.finer = scenario.moment_min < scenario.horizon.step_min
        """Whether starts may lie between steps."""

    @property
    def spent(self) -> float:
        """Work spent so far."""
        return self.deadline.spent

    @property
    def remaining(self) -> float:
        """Work left for the search."""
        return self.searching - self.spent

    @property
    def _least(self) -> float:
        """Minimum work for a plan in a training round."""
        return min(HOLDING.least_plan, HOLDING.least_share * self.limit)

    def _over(self) -> bool:
        """Return whether no time is left for another plan."""
        return self.stop() or self.remaining <= self._least

    def run(self, plain: Plan | None, search: Search, begin: Disturbances | None) -> Robustness:
        from emberline.models import Study

        self.search = dataclasses.replace(search, study=search.study or Study(), keep=None)
        if plain is None:
            plain = self._plan(self.scenario, HOLDING.draft_share)
            if plain.schedule is None and not plain.ruled_out and self.whole and self.remaining > self._least:
                plain = self._plan(self.scenario, 1.0)  # a plan that does not hold is better than none
        elif plain.schedule is not None:
            assert self.search.study is not None
            self.search.study.keep(plain.scenario, plain.schedule)
        if plain.schedule is None or not plain.acceptable:
            why = plain.reason or plain.status
            return Robustness(self.level, "no plan", why, (), plain, plain, seconds=self.deadline.seconds)
        self._show(plain)
        refuse_ensemble(self.scenario, plain.schedule, self.replications, self.engine.workers)
        best, judged, status, why = plain, None, "", ""
        for judgement in range(HOLDING.judgements):
            best, days, status, why = self._raise(best, judgement, begin)
            if days is not None and status == "cannot" and self.whole:
                best, status = self._vary(best, days, judgement)
            best = self._polish(best, days, judgement)
            judged = self._judge(best, plain, judgement)
            if judged is None or status != "holds" or self._reached(judged):
                break
            status, why, begin = "cannot", "what held in the replays that steered did not in fresh ones", None
            if self.remaining <= self._least:
                status = "out of time"
                break
        if judged is not None and self._gains_nothing(judged):
            best = self._as_baseline(plain)
            judged = self._judge(best, plain, judgement)
        plain_judged = None if judged is None else judged.other or judged
        if judged is not None and plain_judged is not None:
            status, why = self._word(judged, status, why)
            best = dataclasses.replace(best, replays=judged.replays)
        answer = Robustness(
            self.level, status, why, tuple(self.rounds), plain, best, judged, plain_judged, self.deadline.seconds
        )
        return answer.with_record(self.scenario, self.limit, self.larger if status == "out of time" else None)

    def _gains_nothing(self, judged: Ensemble) -> bool:
        """Return whether the baseline also reaches the level and is at least as good by the goal on the same days."""
        if self.scenario.by_step or not (self.baseline.complete and stands(self.scenario, self.baseline)):
            return False
        share = int((judged.data["baseline_violations"] == 0).sum()) / judged.n
        return share >= self.level and float(saved(judged.data, goal_metric(self.scenario).figure).mean()) <= 0

    def _as_baseline(self, plain: Plan) -> Plan:
        """Return the baseline as the plan, with the bound of the draft, which holds for any margins."""
        reason = Message("No plan was found that holds as often and saves anything, so the baseline is the plan.")
        return substitute(plain, self.baseline.schedule, self.baseline, reason=reason)

    def _show(self, draft: Plan) -> None:
        """Report the figures of the draft, long before a robust plan is available."""
        assert draft.replay_figures is not None
        figures = draft.replay_figures
        self.tell(
            {
                "phase": "draft", "status": draft.status, "objective": draft.objective, "bound": draft.bound,
                "gap": draft.gap, "carbon_kg": figures.carbon_kg, "cost": figures.cost, "saved": draft.saved(),
                "elapsed": min(self.spent, self.limit), "limit": self.limit,
            }
        )  # fmt: skip

    def _reached(self, judged: Ensemble) -> bool:
        """Return whether a judgement shows that the level is reached or, with a limited budget, does not show that it
        is missed."""
        return (judged.chance[2] if self.whole else judged.chance[1]) >= self.level

    def _word(self, judged: Ensemble, status: str, why: str) -> tuple[str, str]:
        """Return the final status and reason; the judgement takes precedence over the training days."""
        share = judged.chance[0]
        if (share if self.whole else judged.chance[1]) >= self.level:
            return "holds", ""
        if self._reached(judged) or share >= self.level:
            return "not shown", f"{judged.n} replays are too few to tell: the level lies within the interval"
        return ("cannot" if status == "holds" else status), why

    def _plan(self, scenario: Case, share: float, lists: tuple[xr.Dataset, ...] | None = None) -> Plan:
        """Make a plan without replays, warm-started from earlier plans, within a share of the budget.

        Args:
            scenario: scenario with its margins.
            share: maximum share of the budget.
            lists: initial schedules that keep the margins; None: the dispatch rules make them.
        """
        limit = max(min(share * self.limit, self.remaining), self._least)
        if self.whole:  # a plan that does not hold is better than none, but the limit is strict
            limit = min(limit, max(self.deadline.remaining, HOLDING.least_search))
        else:
            limit = min(self.scenario.goal.budget, limit)
        silent = scenario.model_copy(
            update={"goal": scenario.goal.model_copy(update={"effort": min(limit, self.limit)})}
        )
        # the baseline ignores margins but uses the planning quantile of rates
        same = scenario.disturbances.planning_quantile == self.scenario.disturbances.planning_quantile
        search = self.search
        if lists is not None:
            search = dataclasses.replace(search, others=[*search.others, *lists], lists=False)
        candidate = draft(
            silent, baseline=self.baseline if same else None, search=search, replications=0, cancel=self.stop,
            on_progress=lambda event: self.tell({**event, "elapsed": min(self.spent, self.limit), "limit": self.limit}),
        )  # fmt: skip
        return dataclasses.replace(candidate, scenario=scenario)

    def _days(
        self, scenario: Case, schedule: xr.Dataset, judgement: int, least: int = HOLDING.least_days
    ) -> ViolationAmounts | None:
        """Violations of a schedule on the training days; at least ``least`` of them if the replays are slow."""
        until, polls = min(self.spent + HOLDING.days_share * self.limit, self.limit), [0]

        def enough() -> bool:
            polls[0] += 1
            return self.stop() or (self.whole and polls[0] > least / PART and self.spent > until)

        seed = seed_of(self.scenario, f"steering {judgement}")
        return violation_amounts(scenario, schedule, self.training, self.engine, seed=seed, cancel=enough)

    def _train(self, candidate: Plan, judgement: int, began: float) -> ViolationAmounts | None:
        """Result of a plan on the training days."""
        assert candidate.schedule is not None
        days = self._same_days(candidate, judgement) or self._days(candidate.scenario, candidate.schedule, judgement)
        if days is None or (days.n < self.training and (self.stop() or not self.whole)):
            return None
        figures = candidate.replay_figures
        row = Round(
            margin_values(candidate.scenario), candidate.status, candidate.gap, days.successes, days.n,
            figures.carbon_kg if figures else None, figures.cost if figures else None,
            causes(days), self.deadline.seconds - began,
        )  # fmt: skip
        self._note(row)
        if self.scenario.by_step:
            self.replayed.setdefault(judgement, []).append((candidate.schedule, days))
        return days

    def _same_days(self, candidate: Plan, judgement: int) -> ViolationAmounts | None:
        """Days of an earlier identical schedule: units of processes follow the schedule whatever its margins."""
        earlier, again = self.replayed.get(judgement, ()), candidate.schedule
        days = next((days for schedule, days in earlier if again is not None and schedule.equals(again)), None)
        return None if days is None else dataclasses.replace(days, scenario=candidate.scenario)

    def _note(self, row: Round) -> None:
        self.rounds.append(row)
        event = {"margins": row.margins, "held": row.successes, "of": row.n, "status": row.status}
        event |= {"elapsed": min(self.spent, self.limit), "limit": self.limit}
        self.tell({"phase": "round", "round": len(self.rounds), **event})

    def _enough(self, days: ViolationAmounts) -> bool:
        """Return whether a plan holds often enough on the training days to be judged."""
        if not self.whole:
            return interval(days.successes, days.n)[0] >= self.level
        return days.successes >= self.level * days.n

    def _rank(self, plan: Plan, days: ViolationAmounts) -> tuple[bool, float]:
        """Rank of a plan, lower is better: plans that hold often enough first, by the goal; others by the goal plus a
        penalty per broken day, which limits the value of additional reliability."""
        objective = plan.objective or 0.0
        if self._enough(days):
            return (False, objective)
        return (True, objective + self.broken * float(days.broken_days.mean()))

    def _raise(
        self, start: Plan, judgement: int, begin: Disturbances | None
    ) -> tuple[Plan, ViolationAmounts | None, str, str]:
        """Raise margins starting from a plan; return the best plan, its training days, the status and the reason."""
        now, began = start, self.deadline.seconds
        days = self._train(now, judgement, began)
        if days is None:
            return start, None, "cancelled", "cancelled before the first replays were over"
        now, days = self._finer(now, days, judgement)
        best, best_days = now, days
        while not self._enough(days):
            self.larger = next(candidates(now.scenario, steps(days, self.level, self.stuck), far=True), None)
            if self.remaining <= self._least:
                return best, best_days, "out of time", f"the effort of {self.limit:g} was over"
            if len(self.rounds) >= HOLDING.rounds or not steps(days, self.level, self.stuck):
                why = "no margin that can still be raised makes it hold more often"
                return best, best_days, "out of time" if self.unproven else "cannot", why
            later = self._next(now, days, judgement, begin)
            begin = None
            if self.stop():
                return best, best_days, "cancelled", "cancelled"
            if later is None:
                continue  # the margin for the most frequent violation is stuck: try the others
            after, after_days, top = later
            if self._rank(after, after_days) < self._rank(best, best_days):
                best, best_days = after, after_days
            helps = after_days.successes / after_days.n > days.successes / days.n
            if not helps and days.successes > HOLDING.far * self.level * days.n:
                self.stuck.add(top)  # near the level a raise that does not help is reverted
                continue
            now, days = after, after_days
        return now, days, "holds", ""

    def _vary(self, best: Plan, days: ViolationAmounts, judgement: int) -> tuple[Plan, str]:
        """Vary the margins around a plan for which raising alone fails: more of one may need less of another."""
        chance = np.random.default_rng(seed_of(self.scenario, f"varying {judgement}"))
        for _ in range(HOLDING.variations):
            if self._enough(days) or self._over() or len(self.rounds) >= HOLDING.rounds:
                break
            margins = sorted({margin for margin in (*amounts(days)[0], *self.raised) if not margin.fixed})
            scenario, began = varied(best.scenario, margins, chance), self.deadline.seconds
            if margin_values(scenario) in (row.margins for row in self.rounds):
                continue
            assert best.schedule is not None
            lists = listed(scenario, best.schedule, self._over)
            if not lists:
                continue
            candidate = self._plan(scenario, HOLDING.round_share, lists)
            if candidate.schedule is None or not candidate.acceptable:
                continue
            after = self._train(candidate, judgement, began)
            if after is None:
                continue
            candidate, after = self._finer(candidate, after, judgement)
            if self._rank(candidate, after) < self._rank(best, days):
                best, days = candidate, after
        return best, "holds" if self._enough(days) else "cannot"

    def _finer(self, plan: Plan, days: ViolationAmounts, judgement: int) -> tuple[Plan, ViolationAmounts]:
        """Move a plan's starts off the step grid; return the best plan that holds often enough, else the best by the
        goal with a penalty on broken days. This may be the original plan."""
        if not self.finer or plan.schedule is None or self.stop():
            return plan, days
        same = plan.scenario.disturbances.planning_quantile == self.scenario.disturbances.planning_quantile
        baseline = self.baseline if same else Baseline.of(plan.scenario)
        request = ending_no_lower(plan.scenario, baseline.run)
        listed, plans = plan.schedule, [(plan, days)]

        def starts_of(other_kg: float | None) -> FinerStarts:
            """Return the retiming problem of the list, with a cap by the signal outside the goal."""
            capped = request
            if other_kg is not None and other_kg < math.inf:
                changes = {"other_signal": OtherSignal.OFF, "other_carbon_kg": other_kg}
                goal = request.goal.model_copy(update={"caps": request.goal.caps.model_copy(update=changes)})
                capped = request.model_copy(update={"goal": goal})
            return FinerStarts(capped, plan.envelope, listed, baseline.start)

        starts = starts_of(self.other_kg)

        def holds(price: float) -> bool:
            """Return whether the plan holds often enough at a given price of slack."""
            began = self.deadline.seconds
            schedule = starts.at(price)
            if schedule is None:
                return False
            candidate = substitute(plan, schedule, baseline, reason=BETWEEN)
            after = self._train(candidate, judgement, began) if candidate.acceptable else None
            if after is None:
                return False
            plans.append((candidate, after))
            return self._enough(after)

        price, *lower = HOLDING.slack_prices
        going_down = holds(price)
        if len(plans) > 1 and self.other_kg is None and no_worse(plan.scenario):
            self.other_kg = self._other_cap(plans[-1][0], judgement)
            if self.other_kg < math.inf:
                plans.pop()
                starts = starts_of(self.other_kg)
                going_down = holds(price)
        for less in lower if going_down else ():
            if self._over() or not holds(less):
                break
        return min(plans, key=lambda each: self._rank(*each))

    def _other_cap(self, candidate: Plan, judgement: int) -> float:
        """Cap on undisturbed emissions by the signal outside the goal that keeps the plan no worse than the baseline on
        average over disturbed days [kg CO2e]; infinite if it is no worse already."""
        assert candidate.schedule is not None
        assert candidate.replay_figures is not None
        by_day = ensemble(
            candidate.scenario, candidate.schedule, HOLDING.other_days, self.engine, part=PART, cancel=self.stop,
            seed=seed_of(self.scenario, f"steering {judgement}"), dispatched=self.baseline.schedule,
        )  # fmt: skip
        if by_day is None or by_day.n < 2:
            return math.inf
        signal, data = candidate.scenario.goal.signal, by_day.data
        plans, bases = (
            data[f"{of}carbon_kg"] - data[f"{of}grid_{signal}_kg"] + data[f"{of}grid_{signal.other}_kg"]
            for of in ("", "baseline_")
        )
        more = (plans - bases).to_numpy()
        lacking = float(more.mean() + more.std(ddof=1) / math.sqrt(by_day.n))
        emitted = candidate.replay_figures.other_carbon_kg
        return math.inf if lacking <= 0 or emitted is None else emitted - lacking

    def _next(
        self, now: Plan, days: ViolationAmounts, judgement: int, begin: Disturbances | None
    ) -> tuple[Plan, ViolationAmounts, Margin] | None:
        """Find the next feasible plan with larger margins; return it, its training days and the margin raised first.

        None: there is no such plan, and the margin is no longer raised; or the time is over.
        """
        every = steps(days, self.level, self.stuck)
        self.raised |= {margin for margin, _ in every}
        assert now.schedule is not None
        far = days.successes < HOLDING.far * self.level * days.n
        earlier: list[tuple[Case, tuple[xr.Dataset, ...] | None]] = []
        if begin is not None:
            earlier.append((now.scenario.model_copy(update={"disturbances": begin}), None))
        for scenario, lists in chain(earlier, larger(now.scenario, every, now.schedule, far=far, over=self._over)):
            if self._over():
                return None
            began = self.deadline.seconds
            candidate = self._plan(scenario, HOLDING.round_share, lists)
            if candidate.schedule is None or not candidate.acceptable:
                self.unproven |= candidate.schedule is None and not candidate.ruled_out
                seconds = self.deadline.seconds - began
                self._note(Round(margin_values(scenario), candidate.status, candidate.gap, 0, 0, seconds=seconds))
                continue
            trained = self._train(candidate, judgement, began)
            return None if trained is None else (*self._finer(candidate, trained, judgement), every[0][0])
        self.stuck.add(every[0][0])
        return None

    def _polish(self, candidate: Plan, days: ViolationAmounts | None, judgement: int) -> Plan:
        """Search again with the same margins in the remaining time; return the better of the two plans."""
        mine = margin_values(candidate.scenario)
        ended = any(row.status == "within gap" for row in self.rounds if row.margins == mine)
        unchanged = mine == margin_values(self.scenario) and not self.whole
        if days is None or ended or unchanged or self.remaining <= self._least or self.stop():
            return candidate
        began = self.deadline.seconds
        after = self._plan(candidate.scenario, 1.0)
        if after.schedule is None or not after.acceptable:
            return candidate
        again = self._train(after, judgement, began)
        if again is None:
            return candidate
        after, again = self._finer(after, again, judgement)
        return after if self._rank(after, again) < self._rank(candidate, days) else candidate

    def _judge(self, candidate: Plan, plain: Plan, judgement: int) -> Ensemble | None:
        """Evaluate a plan on fresh days, and its draft and the baseline on the same days."""
        assert candidate.schedule is not None
        assert plain.schedule is not None
        self.tell(
            {"phase": "judge", "of": self.replications, "elapsed": min(self.spent, self.limit), "limit": self.limit}
        )
        polls, least = [0], most_days(self.scenario)

        def enough() -> bool:
            polls[0] += 1
            return self.whole and polls[0] * PART > least and self.spent > self.limit

        return ensemble(
            candidate.scenario, candidate.schedule, self.replications, self.engine,
            seed=seed_of(self.scenario, f"judging {judgement}"),
            dispatched=self.baseline.schedule,
            other=None if candidate is plain else (plain.scenario, plain.schedule),
            part=PART if self.whole else ENSEMBLE_PART,
            cancel=enough,
        )  # fmt: skip
