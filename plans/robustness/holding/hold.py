"""The loop: plan, replay, keep more margin where it broke, plan again; then judge with disturbances not used so far."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b

from emberline.plans.jobs.engine import Engine
from emberline.plans.plan.pipeline import Search, plan
from emberline.plans.plan.progress import Progress
from emberline.plans.plan.record import Plan
from emberline.plans.plan.replays import COLUMNS, Replays
from emberline.plans.robustness.ensemble import Ensemble, ensemble, interval
from emberline.plans.robustness.ensemble import refuse as refuse_ensemble
from emberline.plans.robustness.holding.breaks import breaks, steps
from emberline.plans.robustness.holding.knobs import Knob, margins, raised
from emberline.plans.robustness.holding.robustness import Robustness, Round
from emberline.scenarios import Scenario
from emberline.scenarios.metrics import FIGURES
from emberline.scenarios.records.base import Problem, ScenarioError

MOST_LEVEL = 0.999
LEVEL = 0.9
TRAINING = 400
"""Replays that steer, at most."""
JUDGEMENTS = 3
"""How often at most a plan is judged: each time with a random seed of its own, or else the judge would steer."""
ROUNDS = 30
FIRST_SHARE, ROUND_SHARE = 0.2, 0.05
"""Share of the time limit that the plain plan may take, and one that steers: its margins matter then, not its last per
cent. The plan that is kept is searched for again with what is left."""
LEAST_PLAN_S = 5.0
FAR = 0.6
"""Share of the level below which a raise that does not help by itself stays: several margins may be missing at once."""


def seed_of(scenario: Scenario, purpose: str) -> int:
    """A seed for a purpose, another one than the scenario's and that of any other purpose."""
    digest = blake2b(f"{scenario.disturbances.seed} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def hold(
    scenario: Scenario,
    engine: Engine,
    *,
    level: float | None = None,
    replications: int = 1000,
    time_limit_s: float = 300.0,
    plain: Plan | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Robustness:
    """Make a plan that keeps every limit in a share of disturbed replays.

    Args:
        scenario: what is asked; its margins are where the loop begins.
        engine: who replays.
        level: the share; None: the scenario's ``disturbances.hold``, or 0.9.
        replications: by which plans are judged.
        time_limit_s: for the search; judging comes after it.
        plain: an acceptable plan of the scenario to begin with and to be compared with; None: one is made.
        on_progress: called with ``phase`` and what belongs to it (``round``, ``judge``).
        cancel: polled; True takes the best plan so far.

    Raises:
        ScenarioError: nothing is disturbed, or more memory is needed than there is.
        ValueError: the level lies outside 0 … 0.999.
    """
    target_level = level if level is not None else scenario.disturbances.hold or LEVEL
    if not 0 < target_level <= MOST_LEVEL:
        raise ValueError(f"a level lies between 0 and {MOST_LEVEL:g}, not at {target_level:g}")
    refuse(scenario)
    return _Loop(scenario, engine, target_level, replications, time_limit_s, on_progress, cancel).run(plain)


def refuse(scenario: Scenario) -> None:
    """Refuse what no loop can make hold.

    Raises:
        ScenarioError: as of :func:`hold`.
    """
    if not scenario.disturbed:
        says = "nothing is disturbed, so that every plan that holds once always holds; give spreads or breakdowns"
        raise ScenarioError([Problem(scenario.name, "disturbances", says)])


class _Loop:
    def __init__(
        self,
        scenario: Scenario,
        engine: Engine,
        level: float,
        replications: int,
        time_limit_s: float,
        on_progress: Progress | None,
        cancel: Callable[[], bool] | None,
    ) -> None:
        from emberline.models import Study

        self.scenario, self.engine, self.level, self.replications = scenario, engine, level, replications
        self.limit_s, self.began = time_limit_s, time.perf_counter()
        self.tell: Progress = on_progress or (lambda event: None)
        self.stop = cancel or (lambda: False)
        self.study = Study()
        self.rounds: list[Round] = []
        self.stuck: set[Knob] = set()
        """Margins that are not raised any more: no plan is left then, or it holds no more often."""
        self.training = min(replications, TRAINING)

    @property
    def remaining_s(self) -> float:
        """Seconds."""
        return self.limit_s - (time.perf_counter() - self.began)

    def run(self, plain: Plan | None) -> Robustness:
        if plain is None:
            plain = self._plan(self.scenario, FIRST_SHARE)
        elif plain.schedule is not None:
            self.study.keep(plain.scenario, plain.schedule)
        if plain.schedule is None:
            why = plain.reason or plain.status
            return Robustness(self.level, "no plan", why, (), plain, plain, seconds=time.perf_counter() - self.began)
        refuse_ensemble(self.scenario, plain.schedule, self.replications, self.engine.workers)
        best, judged, status, why = plain, None, "", ""
        for judgement in range(JUDGEMENTS):
            best, status, why = self._raise(best, judgement)
            best = self._polish(best, judgement)
            judged = self._judge(best, judgement)
            if judged is None or status != "holds" or judged.chance[1] >= self.level:
                break
            status, why = "cannot", "what held in the replays that steered did not in fresh ones"
        plain_judged = judged if best is plain else self._judge(plain, judgement)
        if judged is not None and plain_judged is not None:
            status, why = self._word(judged, status, why)
            best = dataclasses.replace(best, replays=_replays(judged))
        changes = {"replications": self.scenario.disturbances.replications, "hold": self.level}
        disturbances = best.scenario.disturbances.model_copy(update=changes)
        goal = self.scenario.goal
        best = dataclasses.replace(
            best, scenario=best.scenario.model_copy(update={"disturbances": disturbances, "goal": goal})
        )
        seconds = time.perf_counter() - self.began
        return Robustness(self.level, status, why, tuple(self.rounds), plain, best, judged, plain_judged, seconds)

    def _word(self, judged: Ensemble, status: str, why: str) -> tuple[str, str]:
        """The final status and its reason: the judgement comes before what steered."""
        share, low, _ = judged.chance
        if low >= self.level:
            return "holds", ""
        if share >= self.level:
            return "not shown", f"{judged.n} replays are too few to tell: the level lies within the interval"
        return ("cannot" if status == "holds" else status), why

    def _plan(self, scenario: Scenario, share: float) -> Plan:
        """A plan without replays, warm from those before, in a share of the time limit at most."""
        limit = min(self.scenario.goal.time_limit_s, max(min(share * self.limit_s, self.remaining_s), LEAST_PLAN_S))
        silent = scenario.model_copy(
            update={
                "goal": scenario.goal.model_copy(update={"time_limit_s": limit}),
                "disturbances": scenario.disturbances.model_copy(update={"replications": 0}),
            }
        )
        return plan(silent, search=Search(study=self.study), cancel=self.stop, on_progress=self.tell)

    def _train(self, candidate: Plan, judgement: int, began: float) -> Ensemble | None:
        """How a plan does in the replays that steer."""
        assert candidate.schedule is not None
        replays = ensemble(
            candidate.scenario, candidate.schedule, self.training, self.engine,
            seed=seed_of(self.scenario, f"steering {judgement}"), cancel=self.stop,
        )  # fmt: skip
        if replays is None or replays.n < self.training:
            return None
        figures = candidate.replay_figures
        row = Round(
            margins(candidate.scenario), candidate.status, candidate.gap, replays.successes, replays.n,
            figures.carbon_kg if figures else None, figures.cost if figures else None,
            tuple(each.knob.says for each in breaks(replays)), time.perf_counter() - began,
        )  # fmt: skip
        self._note(row)
        return replays

    def _note(self, row: Round) -> None:
        self.rounds.append(row)
        event = {"margins": row.margins, "held": row.successes, "of": row.n, "status": row.status}
        self.tell({"phase": "round", "round": len(self.rounds), **event})

    def _raise(self, start: Plan, judgement: int) -> tuple[Plan, str, str]:
        """Raise margins from a plan on; the plan that held best, and what ended it."""
        now, began = start, time.perf_counter()
        replays = self._train(now, judgement, began)
        if replays is None:
            return start, "cancelled", "cancelled before the first replays were over"
        best, best_found = now, replays
        while interval(replays.successes, replays.n)[0] < self.level:
            if self.remaining_s <= LEAST_PLAN_S:
                return best, "out of time", f"the time limit of {self.limit_s:g} s was over"
            if len(self.rounds) >= ROUNDS or not steps(replays, self.level, self.stuck):
                return best, "cannot", "no margin that can still be raised makes it hold more often" + self._finer()
            later = self._next(now, replays, judgement)
            if self.stop():
                return best, "cancelled", "cancelled"
            if later is None:
                continue  # the margin that answers to most breaks is stuck: the others are tried
            after, after_found, top = later
            if after_found.successes > best_found.successes:
                best, best_found = after, after_found
            elif best_found.successes > FAR * self.level * best_found.n:
                # near the level a raise that does not help is taken back
                self.stuck.add(top)
                now, replays = best, best_found
                continue
            now, replays = after, after_found
        return now, "holds", ""

    def _finer(self) -> str:
        """What may leave more room."""
        step = self.scenario.horizon.step_min
        if step <= 5 or step % 5 or not self.scenario.heats:
            return ""
        return f"; steps of {step:g} min round every duration up, finer ones leave more room (horizon.step_min=5)"

    def _next(self, now: Plan, replays: Ensemble, judgement: int) -> tuple[Plan, Ensemble, Knob] | None:
        """The next plan with larger margins that can be had, how it did, and the margin that answers to most breaks.

        None: there is no such plan, and that margin is not raised any more; or the time is over.
        """
        every = steps(replays, self.level, self.stuck)
        for raises in _tries(every):
            if self.stop() or self.remaining_s <= LEAST_PLAN_S:
                return None
            began, scenario = time.perf_counter(), now.scenario
            for knob, by in raises:
                scenario = raised(scenario, knob, by) or scenario
            if scenario is now.scenario:
                continue
            candidate = self._plan(scenario, ROUND_SHARE)
            if candidate.schedule is None or not candidate.acceptable:
                self._note(
                    Round(margins(scenario), candidate.status, candidate.gap, 0, 0, seconds=time.perf_counter() - began)
                )
                continue
            trained = self._train(candidate, judgement, began)
            return None if trained is None else (candidate, trained, every[0][0])
        self.stuck.add(every[0][0])
        return None

    def _polish(self, candidate: Plan, judgement: int) -> Plan:
        """The same margins with the time that is left; kept where it is better and holds no less often."""
        is_final = candidate.status == "within gap" or margins(candidate.scenario) == margins(self.scenario)
        if is_final or self.remaining_s <= LEAST_PLAN_S or self.stop():
            return candidate
        before, began = self.rounds, time.perf_counter()
        finer = self._plan(candidate.scenario, 1.0)
        successes = next(row.successes for row in before if row.margins == margins(candidate.scenario) and row.n)
        replays = self._train(finer, judgement, began) if finer.schedule is not None and finer.acceptable else None
        return finer if replays is not None and replays.successes >= min(successes, self.least_successes) else candidate

    @property
    def least_successes(self) -> int:
        """How many of the replays that steer must hold."""
        n = self.training
        return next((successes for successes in range(n) if interval(successes, n)[0] >= self.level), n)

    def _judge(self, candidate: Plan, judgement: int) -> Ensemble | None:
        """A plan with fresh disturbances, and the baseline with the same."""
        from emberline import twin

        assert candidate.schedule is not None
        self.tell({"phase": "judge", "of": self.replications})
        replays = ensemble(
            candidate.scenario, candidate.schedule, self.replications, self.engine,
            seed=seed_of(self.scenario, f"judging {judgement}"),
            dispatched=twin.dispatch(candidate.scenario, candidate.envelope),
        )  # fmt: skip
        return replays


def _tries(raises: list[tuple[Knob, float]]) -> Iterator[list[tuple[Knob, float]]]:
    """Raises to be tried: all; the one that answers to most breaks; half of it."""
    if len(raises) > 1:
        yield raises
    yield raises[:1]
    yield [(knob, by / 2) for knob, by in raises[:1]]


def _replays(judged: Ensemble) -> Replays:
    """The judgement as the plan's replays."""
    names = [name for name in (*COLUMNS, "violations") if name in judged.data]
    names += [f"baseline_{name}" for name in names if f"baseline_{name}" in judged.data]
    names += [name for name in (f"more_{figure}" for figure in FIGURES) if name in judged.data]
    return Replays(judged.n, judged.successes, judged.data[names].reset_coords(drop=True))
