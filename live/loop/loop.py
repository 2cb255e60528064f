"""Cycle of the loop, which derives the state from readings, and a proposal if the plan should change.

The loop has no clock and no other input: its decisions depend only on readings, times, approvals and the results of its
planner, so the replay of a logged day gives the same decisions.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
import xarray as xr

from emberline import twin
from emberline.live.estimate import Estimator, State
from emberline.live.loop.advised_moves import moves
from emberline.live.tags import Finding, Plant, Quality, Reading
from emberline.runs.decisions import OPEN, Advice
from emberline.scenarios import Case, Scenario
from emberline.scenarios.messages import Message, mark, with_messages
from emberline.studies.rolling import How, Step, onward

Planner = Callable[[Case, How, xr.Dataset, xr.Dataset, xr.Dataset, float], tuple[Step, xr.Dataset]]
PRICES_AHEAD_H = 12
"""Number of hours ahead for which prices are compared."""
BEYOND = 2.0
"""Number of standard errors beyond which a level deviates."""
PRICES = ("price_per_mwh", "carbon_intensity_kg_per_mwh")


class Reason(StrEnum):
    """Reason for a new plan."""

    START = "start"
    DEVIATION = "deviation"
    BREAKDOWN = "breakdown"
    PRICES = "prices"
    CLOCK = "clock"
    REQUEST = "request"


@dataclass(frozen=True)
class Proposal:
    """Better plan for approval by the shift."""

    advice: Advice
    says: str
    """Description of the event that led to the advice."""
    schedule: xr.Dataset


@dataclass(frozen=True)
class Planned:
    """Record of an earlier planning."""

    late: Mapping[str, float]
    down: tuple[str, ...]
    margins: Mapping[str, Any] | None = None
    """Margins that plans have kept since then."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of a cycle."""

    state: State
    findings: list[Finding]
    expected: xr.Dataset
    """Expected run of the plan in force."""
    late: Mapping[str, float]
    """Delays of heats and deviations of stores from the plan [min]."""
    events: tuple[str, ...] = ()
    """Messages on the events of the cycle."""
    reason: Reason | None = None
    """Reason for planning in this cycle; None if nothing was planned."""
    planned: Step | None = None
    proposal: Proposal | None = None

    def decision(self) -> dict[str, Any] | None:
        """Planning of this cycle as plain data for the log; None if nothing was planned."""
        if self.reason is None:
            return None
        return {
            "reason": self.reason.value,
            "step": None if self.planned is None else asdict(replace(self.planned, import_mw=None)),
            "late": {heat: round(minutes, 6) for heat, minutes in self.late.items()},
            "down": list(self.state.down),
            "advice": None if self.proposal is None else self.proposal.advice.id,
            "hash": None if self.proposal is None else self.proposal.advice.hash,
        }


@dataclass
class Loop:
    """Planning loop of one plant."""

    plant: Plant
    planner: Planner = onward
    before_planning: Callable[[Outcome], None] = lambda outcome: None
    """Function called with the state before a search, as a search may take long."""
    schedule: xr.Dataset = field(init=False)
    """Schedule in force."""
    plan_id: str = ""
    """Id of the advice in force; empty for the baseline."""

    def __post_init__(self) -> None:
        """Begin with the baseline in force."""
        self.scenario = self.plant.scenario
        self.baseline = twin.simulate(self.scenario)
        self._settings = self.plant.live.loop
        self._planned_at: datetime | None = None
        self._down: frozenset[str] = frozenset()
        self._lateness: dict[str, float] = {}
        self._known_prices: np.ndarray | None = None
        self._reported: set[str] = set()
        self._margins: Mapping[str, Any] | None = None  # learnt for the first plan and used for all plans
        self.estimator = Estimator(self.plant, self.baseline)
        self._follow(twin.dispatch(self.scenario))

    def _follow(self, schedule: xr.Dataset) -> None:
        self.schedule = schedule
        self.intended = self.estimator.work.intended(schedule)
        self.estimator.expected = self.intended

    def approved(self, number: str, schedule: xr.Dataset) -> None:
        """Put a plan in force."""
        self.plan_id, self._lateness = number, {}
        self._follow(schedule)

    def ended(self) -> None:
        """End the plan in force and follow the baseline."""
        self.plan_id = ""
        self._follow(twin.dispatch(self.scenario))

    def priced(self, scenario: Case) -> None:
        """Use a scenario with new values of its series: prices, intensities or forecasts."""
        self.scenario = scenario

    def step(self, readings: Mapping[str, Reading | str], now: datetime, *, request: bool = False) -> Outcome:
        """Run one cycle.

        Args:
            readings: readings by tag; a text is the reason why the connector gave no value.
            now: time by the plant's clock.
            request: whether a plan was requested.
        """
        view = self.watch(readings, now)
        reason, text = self._reason(view.state, view.late, now, request)
        now_min = self.scenario.horizon.minutes(now)
        if reason is None or not 0 <= now_min < self.scenario.horizon.length_min - self._settings.frozen_min:
            return view
        self._planned_at, self._lateness = now, dict(view.late)
        self._down = frozenset(view.state.down)
        self._known_prices = self._prices(now_min)
        self.before_planning(view)
        planned, proposal = self._plan(view.state, view.expected, now, now_min, reason, text)
        event = Message("Planned: {says} The horizon is over.", says=text)
        if planned is not None:
            event = Message("Planned: {says} Status: {status}.", says=text, status=Message(planned.status))
        return replace(view, events=(*view.events, event), reason=reason, planned=planned, proposal=proposal)

    def watch(self, readings: Mapping[str, Reading | str], now: datetime) -> Outcome:
        """Run a cycle without decisions, such as during a search."""
        findings = self.estimator.observe(readings, now)
        state = self.estimator.state(now)
        now_min = self.scenario.horizon.minutes(now)
        expected = twin.expect(self.scenario, self.schedule, state.actuals, now_min)
        self.estimator.expected = expected
        late = deviations(self.scenario, expected, self.intended, now_min, state.levels)
        return Outcome(state, findings, expected, late, (*state.events, *self._news(state)))

    def _news(self, state: State) -> list[Message]:
        """Messages on tags whose values have become stale or suspect."""
        bad = {value.tag: value for value in state.tags if value.quality is not Quality.OK}
        by_cause: dict[tuple[Quality, str], list[str]] = {}
        for tag, value in bad.items():
            if tag not in self._reported:
                by_cause.setdefault((value.quality, value.says), []).append(tag)
        self._reported = set(bad)
        return [
            Message("Stale: {tags}: {says}", tags=tuple(tags), says=text)
            if quality is Quality.STALE
            else Message("Suspect: {tags}: {says}", tags=tuple(tags), says=text)
            for (quality, text), tags in by_cause.items()
        ]

    def remember(self, planned: Planned, now: datetime) -> None:
        """Restore the record of a planning by an earlier process."""
        self._planned_at, self._lateness, self._down = now, dict(planned.late), frozenset(planned.down)
        self._known_prices = self._prices(self.scenario.horizon.minutes(now))
        self._margins = planned.margins or self._margins

    def _reason(
        self, state: State, late: Mapping[str, float], now: datetime, request: bool
    ) -> tuple[Reason | None, str]:
        if request:
            return Reason.REQUEST, Message("Requested by hand.")
        if self._planned_at is None:
            return (Reason.START, Message("The loop has begun.")) if not state.marks else (None, "")
        since_min = (now - self._planned_at).total_seconds() / 60
        if since_min < self._settings.rest_min:
            return None, ""
        if new := sorted(frozenset(state.down) - self._down):
            return Reason.BREAKDOWN, Message("Broken down: {units}.", units=tuple(new))
        self._down &= frozenset(state.down)
        more = {heat: minutes - self._lateness.get(heat, 0.0) for heat, minutes in late.items()}
        if more and max(more.values()) > self._settings.late_min:
            name = max(more, key=more.__getitem__)
            return Reason.DEVIATION, self._deviation(name, late[name])
        change, by = self._changes(self._prices(self.scenario.horizon.minutes(now)))
        if by > self._settings.intensity_change:
            text = Message("Carbon intensities have changed by {change:.0f} kg/MWh in the mean.", change=by)
            return Reason.PRICES, text
        if change > self._settings.price_change:
            unit = f"{self.scenario.market.currency}/MWh"
            return Reason.PRICES, Message(
                "Prices have changed by {change:.2f} {unit} in the mean.", change=change, unit=unit
            )
        if since_min >= self._settings.plan_every_min:
            return Reason.CLOCK, Message("{hours:.1f} h since the last plan.", hours=since_min / 60)
        return None, ""

    def _deviation(self, name: str, minutes: float) -> Message:
        if name in self.scenario.store:
            text = mark("The level of {store} is {minutes:.0f} min of its largest flow off the plan.")
            return Message(text, store=name, minutes=minutes)
        return Message("Heat {heat} will be {minutes:.0f} min later than planned.", heat=name, minutes=minutes)

    def _prices(self, now_min: float) -> np.ndarray:
        """Prices and carbon intensities of the coming hours, nan at all other times; shape (2, n_steps)."""
        inputs = self.scenario.inputs
        values = np.stack([inputs[name].to_numpy().astype(float) for name in PRICES])
        step = self.scenario.horizon.step_min
        first, last = int(now_min // step), int((now_min + PRICES_AHEAD_H * 60) // step)
        values[:, :first] = math.nan
        values[:, last:] = math.nan
        return values

    def _changes(self, prices: np.ndarray) -> tuple[float, float]:
        """Mean absolute changes of prices and intensities since the last planning."""
        if self._known_prices is None:
            return 0.0, 0.0
        price, intensity = (_changed(*pair) for pair in zip(self._known_prices, prices, strict=True))
        return price, intensity

    def _how(self) -> How:
        grid = self.scenario.site.grid.metered_interval_min
        step = math.lcm(round(grid), round(self.scenario.horizon.step_min))
        frozen = math.ceil(self._settings.frozen_min / step) * step
        look = max(math.ceil(self._settings.look_ahead_h * 60 / step) * step, frozen + step)
        # orders without a due date are planned to the end of the horizon
        if any(order.due is None for order in self.scenario.orders):
            look = max(look, math.ceil(self.scenario.horizon.length_min / step) * step)
        return How(float(step), float(look), float(frozen), self._settings.keep_share, True, self._margins)

    def _plan(
        self, state: State, expected: xr.Dataset, now: datetime, now_min: float, reason: Reason, text: str
    ) -> tuple[Step | None, Proposal | None]:
        how = self._how()
        measured = self._measured(state, expected, now_min)
        try:
            step, schedule = self.planner(self._hurried(), how, self.schedule, measured, self.baseline, now_min)
        except ValueError as error:
            if type(error) is not ValueError:
                raise
            return None, None
        if step.margins is not None:
            self._margins = step.margins
        if not step.adopted or not step.moved_heats + step.moved_mwh:
            return step, None
        changes = moves(self.scenario, expected, schedule, now_min)
        digest = hash_of(schedule)
        numbers = [self.plant.name, digest, now.isoformat()]
        body = {
            "reason": reason.value,
            "says": text,
            "changes": [{"id": change.id, "params": _plain(change.params), "says": str(change)} for change in changes],
            "better": step.better,
            "goal": self.scenario.goal.minimize,
            "status": step.status,
            "gap": step.gap,
            "marks": list(state.marks),
            "moved_heats": step.moved_heats,
            "moved_mwh": round(step.moved_mwh, 3),
            "begins": self.scenario.horizon.instant(step.begin_min).isoformat(),
            "instead_of": self.plan_id,
            "made_for": self.plant.identity,
        }
        advice = Advice(
            id=hashlib.sha256(json.dumps(numbers).encode()).hexdigest()[:32],
            state=OPEN,
            created=now,
            data_at=state.at,
            expires=now + timedelta(minutes=self._settings.expires_min),
            ends=now + timedelta(hours=self._settings.plan_expires_h),
            hash=digest,
            body=with_messages(body),
        )
        return step, Proposal(advice, text, schedule)

    def _hurried(self) -> Case:
        """Scenario with its search effort limited to that of the loop."""
        goal = self.scenario.goal
        work = min(goal.budget, self._settings.search_s)
        return self.scenario.model_copy(update={"goal": goal.model_copy(update={"effort": work})})

    def _measured(self, state: State, expected: xr.Dataset, now_min: float) -> xr.Dataset:
        """Expected run with measured levels and metered means."""
        run = expected.copy(deep=True)
        horizon = self.scenario.horizon
        k = min(int(now_min // horizon.step_min), horizon.n_steps - 1)
        for name, (level, _) in state.levels.items():
            store = self.estimator.stores[name]
            if name not in self.scenario.store:  # the expected run already contains measured levels of materials
                off = level - store.at(expected, horizon.step_min, now_min)
                place = {**store.place, "time": run["time"][k:]}
                run[store.variable].loc[place] = np.clip(store.ends(run).to_numpy()[k:] + off, 0.0, store.capacity)
        for m, mean in self.estimator.meter.means.items():
            if 0 <= m < run.sizes["meter"]:
                run["meter_mw"][m] = mean
        return run


def hash_of(schedule: xr.Dataset) -> str:
    """SHA-256 hash of the heats and set-points of a schedule."""
    digest = hashlib.sha256()
    for name in sorted(map(str, schedule.data_vars)):
        values = schedule[name].to_numpy()
        digest.update(name.encode())
        if np.issubdtype(values.dtype, np.number):
            digest.update(np.round(values.astype(float), 6).tobytes())
        else:
            digest.update(json.dumps(values.astype(str).tolist()).encode())
    return digest.hexdigest()


def deviations(
    scenario: Scenario,
    expected: xr.Dataset,
    intended: xr.Dataset,
    now_min: float,
    measured: Mapping[str, tuple[float, float]],
) -> dict[str, float]:
    """Delays of heats and deviations of stores from a plan [min], if longer than one minute.

    Finished heats are left out. The deviation of a store, beyond the measurement error of its level, is expressed in
    minutes of its largest intended flow.

    Args:
        scenario: scenario of both runs.
        expected: expected run (table ``RUN``).
        intended: run of the plan.
        now_min: current time [min].
        measured: level and standard error of each store.
    """
    ends = [
        dict(zip(run["op_heat"].values.tolist(), run["op_end_min"].values.tolist(), strict=True))
        for run in (expected, intended)
    ]  # the last operation of each heat overwrites the earlier ones
    late = {heat: end - ends[1].get(heat, end) for heat, end in ends[0].items() if end > now_min}
    horizon = scenario.horizon
    k = min(int(now_min // horizon.step_min), horizon.n_steps - 1)
    for name in scenario.store:
        levels = [run["stock_t"].sel(stock=name).to_numpy()[k] for run in (expected, intended)]
        flows = [intended[f"stock_{direction}_t"].sel(stock=name).to_numpy().max() for direction in ("in", "out")]
        off = abs(levels[0] - levels[1]) - BEYOND * measured[name][1]
        late[name] = off / max(*flows, 1e-9) * horizon.step_min
    return {name: minutes for name, minutes in late.items() if minutes > 1.0}


def _changed(before: np.ndarray, now: np.ndarray) -> float:
    both = ~np.isnan(before) & ~np.isnan(now)
    return float(np.abs(before - now)[both].mean()) if both.any() else 0.0


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in params.items()}


def message(change: Mapping[str, Any]) -> Message:
    """Restore the message of a change from the body of an advice."""
    params = dict(change["params"])
    for name in ("old", "new", "old_end", "new_end"):
        if isinstance(params.get(name), str):
            params[name] = datetime.fromisoformat(params[name])
    return Message(change["id"], **params)
