"""The loop: a draft, replays, more margin where it broke, a plan again; then judged on days that steered nothing."""

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
    """A seed for a purpose, another one than the scenario's and that of any other purpose."""
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
    """Make a plan that keeps every limit, within its tolerances, on a share of disturbed days.

    Args:
        scenario: what is asked; its margins are where the loop begins.
        engine: who replays.
        level: the share; None: the scenario's.
        replications: days by which plans are judged.
        work: for the search from now on; judging comes after it.
        deadline: in its place.
        plain: an acceptable plan of the scenario to begin with and to be compared with; None: one is made.
        baseline: of the scenario; None: it is simulated.
        search: how the draft is searched.
        begin: margins of an earlier plan of the same scenario that held: they are tried first.
        whole: the time is that of draft, search and judgement together, with fewer days where it is short; the
            plan is judged once its share is a little above the level, rather than the lower end of its interval.
        on_progress: called with ``phase`` and what belongs to it (``draft``, ``round``, ``judge``).
        cancel: polled; True takes the best plan so far.

    Raises:
        ScenarioError: nothing is disturbed, or more memory is needed than there is.
        ValueError: the level lies outside 0 … 0.999.
    """
    target = scenario.level if level is None else level
    if not 0 < target <= MAX_LEVEL:
        raise ValueError(f"a level lies between 0 and {MAX_LEVEL:g}, not at {target:g}")
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
    """Refuse what no loop can make hold.

    Raises:
        ScenarioError: as of :func:`hold`.
    """
    if not scenario.disturbed:
        text = "nothing is disturbed, so that every plan that holds once always holds; give spreads or breakdowns"
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
        """Margins that are not raised any more: no plan is left then, or it holds no more often."""
        self.unproven = False
        """Whether a search with larger margins found no plan and did not prove that there is none."""
        self.larger: Case | None = None
        """With the margins that are to be tried next."""
        self.raised: set[Margin] = set()
        """Margins that were raised or should have been."""
        self.training = HOLDING.training if whole else min(replications, HOLDING.training)
        self.replayed: dict[int, list[tuple[xr.Dataset, ViolationAmounts]]] = {}
        """Schedules of processes with the days that steer, by judgement."""
        self.other_kg: float | None = None
        """Cap on what plans between steps emit by the signal that the goal leaves out; None: not known yet."""
        self.broken = BROKEN * scenario.horizon.day_share * abs(goal_metric(scenario).of(self.baseline.figures))
        """Price of a broken day."""
        self.finer = scenario.moment_min < scenario.horizon.step_min
        """Whether starts may lie between steps."""

    @property
    def spent(self) -> float:
        """Work since it began."""
        return self.deadline.spent

    @property
    def remaining(self) -> float:
        """Work that is left to the search."""
        return self.searching - self.spent

    @property
    def _least(self) -> float:
        """Work of a plan that steers at least."""
        return min(HOLDING.least_plan, HOLDING.least_share * self.limit)

    def _over(self) -> bool:
        """Whether there is no time for another plan."""
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
        """Whether the baseline reaches the level too and is better by the goal, or as good, on the same days."""
        if self.scenario.by_step or not (self.baseline.complete and stands(self.scenario, self.baseline)):
            return False
        share = int((judged.data["baseline_violations"] == 0).sum()) / judged.n
        return share >= self.level and float(saved(judged.data, goal_metric(self.scenario).figure).mean()) <= 0

    def _as_baseline(self, plain: Plan) -> Plan:
        """The baseline's list as the plan, with the bound of the draft: no plan with other margins lies below it."""
        reason = Message("No plan was found that holds as often and saves anything, so the baseline is the plan.")
        return substitute(plain, self.baseline.schedule, self.baseline, reason=reason)

    def _show(self, draft: Plan) -> None:
        """Report what the draft comes to, long before the plan that holds is there."""
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
        """Whether a judgement shows that the level is reached; where the time is limited, whether it does not show that
        it is missed."""
        return (judged.chance[2] if self.whole else judged.chance[1]) >= self.level

    def _word(self, judged: Ensemble, status: str, why: str) -> tuple[str, str]:
        """The final status and its reason: the judgement comes before what steered."""
        share = judged.chance[0]
        if (share if self.whole else judged.chance[1]) >= self.level:
            return "holds", ""
        if self._reached(judged) or share >= self.level:
            return "not shown", f"{judged.n} replays are too few to tell: the level lies within the interval"
        return ("cannot" if status == "holds" else status), why

    def _plan(self, scenario: Case, share: float, lists: tuple[xr.Dataset, ...] | None = None) -> Plan:
        """A plan without replays, warm from those before, in a share of the time limit at most.

        Args:
            scenario: with its margins.
            share: of the time limit.
            lists: that keep the margins, to begin with; None: those of the rules are made.
        """
        limit = max(min(share * self.limit, self.remaining), self._least)
        if self.whole:  # a plan that does not hold is better than none, but the limit is the limit
            limit = min(limit, max(self.deadline.remaining, HOLDING.least_search))
        else:
            limit = min(self.scenario.goal.budget, limit)
        silent = scenario.model_copy(
            update={"goal": scenario.goal.model_copy(update={"effort": min(limit, self.limit)})}
        )
        # the baseline has no margins, but it reckons with the quantile that rates are planned by
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
        """Violations of a schedule on the days that steer; fewer where they take too long, but the least number."""
        until, polls = min(self.spent + HOLDING.days_share * self.limit, self.limit), [0]

        def enough() -> bool:
            polls[0] += 1
            return self.stop() or (self.whole and polls[0] > least / PART and self.spent > until)

        seed = seed_of(self.scenario, f"steering {judgement}")
        return violation_amounts(scenario, schedule, self.training, self.engine, seed=seed, cancel=enough)

    def _train(self, candidate: Plan, judgement: int, began: float) -> ViolationAmounts | None:
        """Result of a plan on the days that steer."""
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
        """Days of an earlier plan that was the same: units of processes follow a schedule, whatever its margins."""
        earlier, again = self.replayed.get(judgement, ()), candidate.schedule
        days = next((days for schedule, days in earlier if again is not None and schedule.equals(again)), None)
        return None if days is None else dataclasses.replace(days, scenario=candidate.scenario)

    def _note(self, row: Round) -> None:
        self.rounds.append(row)
        event = {"margins": row.margins, "held": row.successes, "of": row.n, "status": row.status}
        event |= {"elapsed": min(self.spent, self.limit), "limit": self.limit}
        self.tell({"phase": "round", "round": len(self.rounds), **event})

    def _enough(self, days: ViolationAmounts) -> bool:
        """Whether a plan holds often enough on the days that steer to be judged."""
        if not self.whole:
            return interval(days.successes, days.n)[0] >= self.level
        return days.successes >= self.level * days.n

    def _rank(self, plan: Plan, days: ViolationAmounts) -> tuple[bool, float]:
        """The less, the better: what holds often enough first, by the goal; else the goal with a price on each broken
        day, so that a point of reliability is worth no more than that."""
        objective = plan.objective or 0.0
        if self._enough(days):
            return (False, objective)
        return (True, objective + self.broken * float(days.broken_days.mean()))

    def _raise(
        self, start: Plan, judgement: int, begin: Disturbances | None
    ) -> tuple[Plan, ViolationAmounts | None, str, str]:
        """Raise margins from a plan on; the plan that held best, how it did, and what ended it."""
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
                continue  # the margin that answers to most breaks is stuck: the others are tried
            after, after_days, top = later
            if self._rank(after, after_days) < self._rank(best, best_days):
                best, best_days = after, after_days
            helps = after_days.successes / after_days.n > days.successes / days.n
            if not helps and days.successes > HOLDING.far * self.level * days.n:
                self.stuck.add(top)  # near the level a raise that does not help is taken back
                continue
            now, days = after, after_days
        return now, days, "holds", ""

    def _vary(self, best: Plan, days: ViolationAmounts, judgement: int) -> tuple[Plan, str]:
        """Other margins around those of a plan that no raise makes hold: more of one may need less of another."""
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
        """A plan at finer moments than its steps: of what holds often enough the best by the goal, else the best with a
        price on broken days; the plan itself where that is it."""
        if not self.finer or plan.schedule is None or self.stop():
            return plan, days
        same = plan.scenario.disturbances.planning_quantile == self.scenario.disturbances.planning_quantile
        baseline = self.baseline if same else Baseline.of(plan.scenario)
        request = ending_no_lower(plan.scenario, baseline.run)
        listed, plans = plan.schedule, [(plan, days)]

        def starts_of(other_kg: float | None) -> FinerStarts:
            """The list, made ready to be put at other times, with a cap by the signal that the goal leaves out."""
            capped = request
            if other_kg is not None and other_kg < math.inf:
                changes = {"other_signal": OtherSignal.OFF, "other_carbon_kg": other_kg}
                goal = request.goal.model_copy(update={"caps": request.goal.caps.model_copy(update=changes)})
                capped = request.model_copy(update={"goal": goal})
            return FinerStarts(capped, plan.envelope, listed, baseline.start)

        starts = starts_of(self.other_kg)

        def holds(price: float) -> bool:
            """Whether the plan holds often enough at a price of slack."""
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
        """Most that a plan may emit undisturbed by the signal that the goal leaves out, so that it is no worse than the
        baseline in the mean of disturbed days [kg CO2e]; infinite where it is no worse already."""
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
        """The next plan with larger margins that can be had, how it did, and the margin that answers to most breaks.

        None: there is no such plan, and that margin is not raised any more; or the time is over.
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
        """The same margins with the time that is left; kept where it ranks before the plan."""
        mine = margin_values(candidate.scenario)
        ended = any(row.status == "within gap" for row in self.rounds if row.margins == mine)
        as_asked = mine == margin_values(self.scenario) and not self.whole
        if days is None or ended or as_asked or self.remaining <= self._least or self.stop():
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
        """A plan on fresh days, its draft and the baseline on the same."""
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
