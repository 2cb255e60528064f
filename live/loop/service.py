"""The loop as a service: reads, estimates, plans again, advises, and keeps what it saw and did."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from emberline.live import connectors
from emberline.live.history import Row, of_plant
from emberline.live.loop import snapshot
from emberline.live.loop.log import Log
from emberline.live.loop.loop import Loop, Outcome, Proposal
from emberline.live.loop.publishing import publish
from emberline.live.loop.replay import restored
from emberline.live.tags import Finding, Plant, Reading
from emberline.plans.decisions import Advice, Decisions

MOST_EVENTS = 200
REQUEST = "request"
"""File in the plant's folder by which a plan is requested by hand."""
CLEAN_EVERY_H = 24


class Service:
    """One plant's loop with its history, log and decisions."""

    def __init__(self, plant: Plant, environment: Mapping[str, str] = os.environ, now: datetime | None = None) -> None:
        """Go on where an earlier process ended.

        Raises:
            StoreError: the home cannot be used.
            ScenarioError: the history's database cannot be.
        """
        self.plant = plant
        self._environment = environment
        self.decisions = Decisions(plant.name)
        self.history = of_plant(plant, environment)
        self.log = Log(self.decisions.folder / "log")
        self.events: list[dict[str, str]] = []
        now = now or plant.now()
        rows = list(self.log.rows(plant.scenario.horizon.start_utc))
        self.loop: Loop = restored(plant, rows, self.decisions.schedule)
        self.log.mark(now, begin=True)
        self._cleaned: datetime | None = None
        in_force = self.decisions.in_force()
        self._in_force = self.loop.plan_id
        if in_force is None and self.loop.plan_id:
            self._end(now)

    def run(self, over: Callable[[], bool] = lambda: False) -> None:
        """Cycle until it is over, or the horizon ends."""
        end = self.plant.scenario.horizon.end_utc
        while not over() and self.plant.now() < end:
            began = time.monotonic()
            self.cycle()
            pause = max(self.plant.live.loop.read_every_s - (time.monotonic() - began), 0.05)
            threading.Event().wait(pause)

    def cycle(self) -> Outcome:
        """Read once and act on it."""
        readings = connectors.read(self.plant, self._environment)
        return self.take(readings, self.plant.now())

    def take(self, readings: Mapping[str, Reading | str], now: datetime) -> Outcome:
        """Act on what was read."""
        self._decided(now)
        path = self.decisions.folder / REQUEST
        request = path.is_file()
        self.loop.before_planning = self._show
        outcome = self.loop.step(readings, now, request=request)
        if request:
            path.unlink(missing_ok=True)
        if outcome.proposal is not None:
            self._advise(outcome.proposal)
        self.log.cycle(now, readings, request, outcome.decision())
        for says in outcome.events:
            self._event(now, says)
        self._keep(outcome.findings, readings, now, outcome.events)
        self._show(outcome)
        return outcome

    def _show(self, outcome: Outcome) -> None:
        snapshot.write(self.decisions.folder, snapshot.snapshot(self.loop, outcome, self.events))

    def _decided(self, now: datetime) -> None:
        """Follow approvals, and end what has expired."""
        in_force, over = self.decisions.standing(now)
        if over:
            for number in self.decisions.expire(now):
                self._event(now, f"advice {number[:8]} has expired")
            in_force, _ = self.decisions.standing(now)
        if in_force is None:
            if self._in_force:
                self._end(now)
        elif in_force.id != self._in_force:
            self.loop.approved(in_force.id, self.decisions.schedule(in_force.id))
            self.log.mark(now, approved=in_force.id)
            self._in_force = in_force.id
            self._event(now, f"advice {in_force.id[:8]} is approved and in force")

    def _end(self, now: datetime) -> None:
        self.loop.ended()
        self.log.mark(now, ended=self._in_force or True)
        self._in_force = ""
        self._event(now, "the plan in force has ended; the baseline is followed")

    def _advise(self, proposal: Proposal) -> None:
        advice = Advice(
            proposal.id, "open", proposal.created, proposal.data_at, proposal.expires, proposal.ends, proposal.hash,
            proposal.body,
        )  # fmt: skip
        self.decisions.advise(advice, proposal.schedule, "loop", proposal.says)
        for says in publish(self.plant, advice):
            self._event(proposal.created, says)

    def _event(self, now: datetime, says: str) -> None:
        self.events = [*self.events, {"at": now.isoformat(), "says": says}][-MOST_EVENTS:]

    def _keep(
        self, findings: list[Finding], readings: Mapping[str, Reading | str], now: datetime, events: tuple[str, ...]
    ) -> None:
        rows = []
        for finding in findings:
            reading = readings[finding.tag]
            measured = reading.at if isinstance(reading, Reading) and reading.at is not None else now
            number = finding.value if isinstance(finding.value, float) else None
            text = finding.value if isinstance(finding.value, str) else ""
            quality = finding.quality.value
            rows.append(Row(measured, now, finding.tag, number, text, finding.unit, quality, finding.says))
        rows += [Row(now, now, "", None, says, "", "", "") for says in events]
        if rows:
            self.history.add(rows)
        if self._cleaned is None or now - self._cleaned > timedelta(hours=CLEAN_EVERY_H):
            self.history.forget(now - timedelta(days=self.plant.live.history.keep_days))
            self._cleaned = now


def plain(outcome: Outcome) -> dict[str, Any]:
    """A cycle in short, for the terminal."""
    return {
        "at": outcome.state.at.isoformat(),
        "marks": list(outcome.state.marks),
        "late": dict(outcome.late),
        "events": list(outcome.events),
        "advice": None if outcome.proposal is None else outcome.proposal.id,
    }
