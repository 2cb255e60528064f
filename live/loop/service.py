"""Service of the loop: reads, estimates, replans and advises, and stores measurements and decisions."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import xarray as xr
from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError

from emberline.live import connectors
from emberline.live.history import Row, of_plant
from emberline.live.loop import snapshot
from emberline.live.loop.log import Log
from emberline.live.loop.loop import Loop, Outcome, Planner, Proposal
from emberline.live.loop.publishing import publish
from emberline.live.loop.replay import restored
from emberline.live.loop.series import SeriesWatch, with_series
from emberline.live.outputs.service import Outputs
from emberline.live.tags import Plant, Quality, Reading
from emberline.runs.decisions import APPROVED, WITHDRAWN, Advice, Decisions
from emberline.runs.store import CatalogueError, StoreError
from emberline.scenarios.messages import Message
from emberline.studies.rolling import Step

MAX_EVENTS = 200
MAX_ROWS = 100_000
"""Largest number of rows kept while the history is unavailable, newest first."""
REQUEST = "request"
"""File in the plant's folder that requests a plan."""
CLEAN_EVERY_H = 24
SHORTEST_PAUSE_S = 0.05


class Service:
    """Loop of one plant with its history, log and decisions."""

    def __init__(self, plant: Plant, environment: Mapping[str, str] = os.environ, now: datetime | None = None) -> None:
        """Continue where an earlier process ended.

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
        with self._alone():
            rows = list(self.log.rows(plant.scenario.horizon.start_utc))
            self.loop: Loop = restored(plant, rows, self.decisions.schedule)
            self.log.mark(now, begin=True, scenario=plant.identity)
        self._cleaned: datetime | None = None
        self._rows: list[Row] = []
        self._history_away = self._catalogue_away = ""
        if self.decisions.in_force() is None and self.loop.plan_id:
            self._end(now)

    def run(self, over: Callable[[], bool] = lambda: False) -> None:
        """Run cycles until the service is stopped or the horizon ends. Readings are taken in the background.

        Raises:
            StoreError: another process runs this plant's loop.
        """
        with self._alone():
            self._run(over)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the plant's lock.

        Raises:
            StoreError: another process does.
        """
        self.decisions.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.decisions.folder / "loop.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            text = f"the loop of plant {self.plant.name} runs already; a plant is named after its file"
            raise StoreError(text) from None
        try:
            yield
        finally:
            lock.release()

    def _run(self, over: Callable[[], bool]) -> None:
        end = self.plant.scenario.horizon.end_utc
        feed, series = connectors.Feed(self.plant, self._environment), SeriesWatch(self.plant)
        outputs = Outputs(self.plant, self.decisions, feed.newest)

        def newest() -> dict[str, Reading | str]:
            return feed.newest() | outputs.readings()

        self.loop.planner = partial(self._search, newest, self.loop.planner)
        with self._catalogue(self.plant.now()):
            self._decided(self.plant.now())
        outputs.start(self._environment)
        try:
            while not over() and self.plant.now() < end:
                news, text = series.news()
                self.priced(news, [*text, *outputs.news()], self.plant.now())
                outcome = self.take(newest(), self.plant.now())
                if outcome.reason is None:  # otherwise the time has advanced
                    threading.Event().wait(self._pause_s(outcome))
            if self.plant.now() >= end:
                with self._catalogue(self.plant.now()):
                    self._close_all(self.decisions.concerning(), Message("the horizon of its scenario is over"), end)
                    self._decided(end)
        finally:
            feed.close()
            series.close()
            outputs.close()

    def _pause_s(self, outcome: Outcome) -> float:
        """Pause until the next cycle, or until a tag becomes stale, so that the change is shown at once [s]."""
        tags = {tag.name: tag.longest_age_s for tag in self.plant.live.tags}
        ages = [
            tags[value.tag] - value.age_s
            for value in outcome.state.tags
            if value.quality is Quality.OK and value.age_s is not None
        ]
        speed = 1.0 if self.plant.live.clock is None else self.plant.live.clock.speed
        soon = min(ages, default=float("inf")) / speed + SHORTEST_PAUSE_S
        return max(min(self.plant.live.loop.read_every_s, soon), SHORTEST_PAUSE_S)

    def _search(
        self, newest: Callable[[], Mapping[str, Reading | str]], planner: Planner, *task: Any
    ) -> tuple[Step, xr.Dataset]:
        """Search in another thread while the plant is watched."""
        result: Future[tuple[Step, xr.Dataset]] = Future()

        def work() -> None:
            try:
                result.set_result(planner(*task))
            except BaseException as error:
                result.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        while not wait([result], self.plant.live.loop.read_every_s).done:
            self.watch(newest(), self.plant.now())
        return result.result()

    def priced(self, news: Mapping[str, list[float]], text: Sequence[Message], now: datetime) -> None:
        """Process new values of series, and messages on failures."""
        for event in text:
            self._event(now, event)
        if news:
            self.loop.priced(with_series(self.loop.scenario, news))
            self.log.mark(now, series=news)

    def watch(self, readings: Mapping[str, Reading | str], now: datetime) -> None:
        """Process readings taken during a search."""
        outcome = self.loop.watch(readings, now)
        self.log.cycle(now, readings, during=True)
        self._keep(outcome, readings, now)
        self._show(outcome)

    def take(self, readings: Mapping[str, Reading | str], now: datetime) -> Outcome:
        """Run a cycle with the newest readings."""
        with self._catalogue(now):
            self._decided(now)
        path = self.decisions.folder / REQUEST
        request, searched = path.is_file(), False

        def before_planning(outcome: Outcome) -> None:
            nonlocal searched
            searched = True
            self.log.cycle(now, readings, request=request, search=True)
            self._show(outcome)

        self.loop.before_planning = before_planning
        outcome = self.loop.step(readings, now, request=request)
        if request:
            path.unlink(missing_ok=True)
        if outcome.proposal is not None:
            with self._catalogue(now):
                self._advise(outcome.proposal)
        if searched:
            self.log.mark(now, planned=outcome.decision())
        else:
            self.log.cycle(now, readings, request=request)
        self._keep(outcome, readings, now)
        if not searched:  # otherwise readings taken during the search are newer
            self._show(outcome)
        return outcome

    def _show(self, outcome: Outcome) -> None:
        snapshot.write(self.decisions.folder, snapshot.snapshot(self.loop, outcome, self.events))

    @contextmanager
    def _catalogue(self, now: datetime) -> Iterator[None]:
        """Handle a missing catalogue: nothing is approved or advised, and the plan in force stays."""
        try:
            yield
            self._catalogue_away = ""
        except CatalogueError as error:
            if str(error) != self._catalogue_away:
                self._catalogue_away = str(error)
                self._event(now, Message("The catalogue is away, the plan in force stays: {error}", error=str(error)))

    def _decided(self, now: datetime) -> None:
        """Follow approvals, and end advice that has expired or was made for another scenario."""
        alive = self.decisions.concerning()
        strangers = [advice for advice in alive if advice.made_for != self.plant.identity]
        self._close_all(strangers, Message("it was made for another scenario than this one"), now)
        if any((advice.ends if advice.state == APPROVED else advice.expires) <= now for advice in alive):
            for number in self.decisions.expire(now):
                self._event(now, Message("Advice {id} has expired.", id=number[:8]))
        in_force = self.decisions.in_force()
        if in_force is None:
            if self.loop.plan_id:
                self._end(now)
        elif in_force.id != self.loop.plan_id:
            self.loop.approved(in_force.id, self.decisions.schedule(in_force.id))
            self.log.mark(now, approved=in_force.id)
            self._event(now, Message("Advice {id} is approved and in force.", id=in_force.id[:8]))

    def _close_all(self, advice: Sequence[Advice], reason: Message, now: datetime) -> None:
        """End advice that cannot be followed."""
        for item in advice:
            self.decisions.close(item, who="loop", reason=str(reason), now=now)
            if item.id != self.loop.plan_id:  # the end of the plan in force is a separate event
                self._event(now, Message("Advice {id} has ended: {reason}.", id=item.id[:8], reason=reason))

    def _end(self, now: datetime) -> None:
        number = self.loop.plan_id
        for row in self.decisions.audit(number)[-1:]:
            if row.act == WITHDRAWN:
                params = {"id": number[:8], "who": row.who, "reason": row.reason}
                self._event(now, Message("Advice {id} is withdrawn by {who}: {reason}", **params))
        self.loop.ended()
        self.log.mark(now, ended=number or True)
        self._event(now, Message("The plan in force has ended; the baseline is followed."))

    def _advise(self, proposal: Proposal) -> None:
        advice = proposal.advice
        self.decisions.advise(advice, proposal.schedule, "loop", proposal.says)
        in_force = self.decisions.in_force()
        if ("" if in_force is None else in_force.id) != self.loop.plan_id:
            reason = "the plan in force has changed during the search"
            self.decisions.decide(advice.id, approve=False, who="loop", reason=reason, now=advice.created)
            return
        for text in publish(self.plant, advice, self._environment):
            self._event(advice.created, text)

    def _event(self, now: datetime, text: str) -> None:
        self.events = [*self.events, {"at": now.isoformat(), "says": text}][-MAX_EVENTS:]

    def _keep(self, outcome: Outcome, readings: Mapping[str, Reading | str], now: datetime) -> None:
        """Add events and measurements to the history."""
        for sentence in outcome.events:
            self._event(now, sentence)
        rows = []
        for finding in outcome.findings:
            reading = readings[finding.tag]
            measured = reading.at if isinstance(reading, Reading) and reading.at is not None else now
            number = finding.value if isinstance(finding.value, float) else None
            text = finding.value if isinstance(finding.value, str) else ""
            quality = finding.quality.value
            rows.append(Row(measured, now, finding.tag, number, text, finding.unit, quality, finding.says))
        rows += [Row(now, now, "", None, sentence, "", "", "") for sentence in outcome.events]
        self._rows = [*self._rows, *rows][-MAX_ROWS:]
        try:
            if self._rows:
                self.history.add(self._rows)
            self._rows, self._history_away = [], ""
            if self._cleaned is None or now - self._cleaned > timedelta(hours=CLEAN_EVERY_H):
                self.history.forget(now - timedelta(days=self.plant.live.history.keep_days))
                self._cleaned = now
        except (OSError, SQLAlchemyError) as error:  # the rows are written when the history is available again
            text = " ".join(str(getattr(error, "orig", None) or error).split())[:120]
            if text != self._history_away:
                self._event(now, Message("The history is not written: {error}", error=text))
            self._history_away = text


def plain(outcome: Outcome) -> dict[str, Any]:
    """Summary of a cycle for the terminal."""
    return {
        "at": outcome.state.at.isoformat(),
        "marks": list(outcome.state.marks),
        "late": dict(outcome.late),
        "events": list(outcome.events),
        "advice": None if outcome.proposal is None else outcome.proposal.advice.id,
    }
