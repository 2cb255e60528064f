"""Work list of a unit for its crew, including idle time, and pages to print for each shift."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from emberline.planning.accounts.bill import import_price
from emberline.reports.exports.worded import clock, moment, tag
from emberline.reports.pages import rendered
from emberline.reports.text import mark, number, tr
from emberline.reports.text.activities import Activity, activities, called, does, replay_of, units
from emberline.reports.text.numbers import duration
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios.flows.process_flows import streams

__all__ = ["Line", "crews", "lines", "unit_pages", "work"]

SHIFT_H, FIRST_SHIFT = 8, 6
"""Length of a shift, and start of the first shift of a day [h]."""
MIN_GAP_MIN = 0.5


@dataclass(frozen=True)
class Line:
    """Line of a unit's work list: an activity, or the idle time before the next one."""

    unit: str
    start_min: float
    end_min: float
    activity: Activity | None
    """Activity of the unit; None if it is idle."""

    @property
    def minutes(self) -> float:
        """Duration [min]."""
        return self.end_min - self.start_min


def work(activity: Activity) -> str:
    """Describe an activity; runs of a process include the mode unless it has the unit's name."""
    text = does(activity.what)
    return text if activity.of != "processes" or activity.name == activity.unit else f"{text} {activity.name}"


def crews(run: StoredRun) -> list[str]:
    """Return the units that have a crew: those of the line and of processes."""
    plan = run.plan
    if plan.replay is None:
        return []
    return [name for name, of in units(plan.scenario, plan.replay).items() if of != "site"]


def lines(run: StoredRun, unit: str) -> Iterator[Line]:
    """Yield the work list of a unit with its gaps, from the start of the horizon to its end."""
    plan = run.plan
    at, end = 0.0, plan.scenario.horizon.length_min
    work = [activity for activity in activities(plan.scenario, replay_of(plan)) if activity.unit == unit]
    for activity in sorted(work, key=lambda one: one.start_min):
        if activity.start_min - at > MIN_GAP_MIN:
            yield Line(unit, at, activity.start_min, None)
        yield Line(unit, activity.start_min, activity.end_min, activity)
        at = max(at, activity.end_min)
    if end - at > MIN_GAP_MIN:
        yield Line(unit, at, end, None)


def runs_processes(run: StoredRun, unit: str) -> bool:
    """Return whether a unit belongs to a process rather than the line."""
    return any(name == unit for name, _ in run.plan.scenario.process_units)


def makes_within(run: StoredRun, line: Line, start_min: float, end_min: float) -> float:
    """Return the output of a run between two times, in its process's product [t]."""
    tph = replay_of(run.plan)["process_tph"].sel(process=line.unit).to_numpy()
    step = run.plan.scenario.horizon.step_min
    sums = np.concatenate([[0.0], np.cumsum(tph) * step / 60])
    span = np.clip([start_min, end_min], line.start_min, line.end_min)
    return float(np.diff(np.interp(span, np.arange(len(sums)) * step, sums))[0])


def levels(run: StoredRun, unit: str, at_min: float) -> dict[str, float]:
    """Return the planned level at a given time of each store that a process unit fills or empties [t]."""
    scenario, replay = run.plan.scenario, replay_of(run.plan)
    names = dict.fromkeys(stream.place for stream in streams(scenario) if stream.unit == unit and stream.material)
    ends = np.arange(scenario.horizon.n_steps + 1) * scenario.horizon.step_min
    table = {name: np.append(scenario.store[name].start_t, replay["stock_t"].sel(stock=name)) for name in names}
    return {name: float(np.interp(at_min, ends, level)) for name, level in table.items()}


def shifts(run: StoredRun) -> list[tuple[datetime, datetime]]:
    """Return the start and end of each shift in the horizon, by the plant's clock."""
    horizon = run.plan.scenario.horizon
    first, last = horizon.instant(0), horizon.instant(horizon.length_min)
    at = first.replace(hour=FIRST_SHIFT, minute=0, second=0, microsecond=0) - timedelta(days=1)
    result = []
    while at < last:
        after = at + timedelta(hours=SHIFT_H)  # in local time, across clock changes
        if after > first:
            result.append((max(at, first), min(after, last)))
        at = after
    return result


TEMPLATE = Path(__file__).with_name("crews.html.j2")
WITHIN_MIN = 1e-6
"""Tolerance for an end at midnight, so that it does not belong to the next day [min]."""
HEADS = {
    False: (mark("start"), mark("end"), mark("does"), mark("heat"), mark("grade"), mark("remarks of the shift")),
    True: (
        mark("start"), mark("end"), mark("does"), mark("makes"), mark("mean rate [t/h]"), mark("electricity [MWh]"),
        mark("remarks of the shift"),
    ),
}  # fmt: skip
"""Column heads of the table, by whether the unit belongs to a process."""


@dataclass(frozen=True)
class Page:
    """Page for one shift of a unit [min after the start of the horizon]."""

    run: StoredRun
    unit: str
    start_min: float
    end_min: float
    prices: np.ndarray
    """Price per MWh at each step; empty if the market has none."""

    def content(self, rows: list[Line]) -> dict[str, Any]:
        """Return the content of the page, by names in the template.

        Args:
            rows: the unit's complete work list.
        """
        run = self.run
        scenario, process = run.plan.scenario, runs_processes(run, self.unit)
        mine = [row for row in rows if row.start_min < self.end_min and row.end_min > self.start_min]
        spans = [(self.start_min, self.end_min), *((row.start_min, row.end_min) for row in mine)]
        dates = [[scenario.horizon.instant(at).date() for at in (start, end - WITHIN_MIN)] for start, end in spans]
        several = len(set(chain.from_iterable(dates))) > 1
        start = moment(scenario.horizon.instant(self.start_min), offset=False)
        title = f"{called(self.unit, scenario)}, {start} – {self._clock(self.end_min, len(set(dates[0])) > 1)}"
        text = tr("{name}, run {run}", name=scenario.title or scenario.name, run=run.id[:8])
        notes = [f"{text}, {scenario.horizon.zone}"]
        if not any(row.activity for row in mine):
            after = (row for row in rows if row.activity and row.start_min >= self.end_min)
            notes.append(self._rest(next(after, None)))
        return {
            "title": title,
            "above": notes,
            "head": map(tr, HEADS[process]),
            "rows": [(self._cells(row, len(HEADS[process]) - 3, several), row.activity) for row in mine],
            "below": self._notes() if process else (),
        }

    def _clock(self, at_min: float, with_day: bool) -> str:
        at = self.run.plan.scenario.horizon.instant(at_min)
        return clock(at) if with_day else f"{at:%H:%M}"

    def _rest(self, after: Line | None) -> str:
        if after is None:
            return tr("Nothing to do in this shift, and nothing more until the plan ends.")
        return tr("Nothing to do in this shift; the next start is {time}.", time=self._clock(after.start_min, True))

    def _cells(self, row: Line, width: int, with_day: bool) -> list[str]:
        activity = row.activity
        if activity is None:
            text = tr("free for {duration}", duration=duration(row.minutes))
            cells = [text, *[""] * (width - 1)]
        elif activity.tonnes is None:
            cells = [work(activity), activity.name, activity.definition]
        else:
            cells = [work(activity), *self._run(row, activity)]
        return [*(self._clock(at, with_day) for at in (row.start_min, row.end_min)), *cells]

    def _run(self, row: Line, activity: Activity) -> list[str]:
        """Return product, rate and electricity [MWh] of a run. A run that extends beyond the shift also has its share
        within the shift, in proportion to its output."""
        makes, draws = activity.products(), number(activity.amount, 1)
        if not activity.tonnes:
            return [makes, "", draws]
        if row.start_min < self.start_min or row.end_min > self.end_min:
            tonnes = makes_within(self.run, row, self.start_min, self.end_min)
            share = number(activity.amount * tonnes / activity.tonnes, 1)
            makes = tr("{products}, {tonnes} t in this shift", products=makes, tonnes=number(tonnes, 0))
            draws = tr("{all}, {mwh} in this shift", all=draws, mwh=share)
        return [makes, number(activity.tph or 0.0, 1), draws]

    def _notes(self) -> Iterator[str]:
        """Yield the planned levels of the stores that the unit fills or empties, and the price of electricity."""
        first, last = (levels(self.run, self.unit, at) for at in (self.start_min, self.end_min))
        for store, level in first.items():
            holds = self.run.plan.scenario.store[store].capacity_t
            start, end, most = (number(tonnes, 0) for tonnes in (level, last[store], holds))
            yield tr(
                "{store}: {start} t at the start of the shift, {end} t at its end, as planned; it holds {most} t",
                store=store, start=start, end=end, most=most,
            )  # fmt: skip
        step = self.run.plan.scenario.horizon.step_min
        prices = self.prices[math.floor(self.start_min / step) : math.ceil(self.end_min / step)]
        if len(prices):
            low, high = (number(float(price), 0) for price in (prices.min(), prices.max()))
            text = mark("Electricity costs {low} {unit} in this shift")
            if low != high:
                text = mark("Electricity costs {low} to {high} {unit} in this shift")
            unit = f"{self.run.plan.scenario.market.currency}/MWh"
            yield tr(text, low=low, high=high, unit=unit)


def unit_pages(run: StoredRun) -> str:
    """Return the HTML document with a page for each unit and each shift in the horizon."""
    scenario, pages = run.plan.scenario, []
    horizon, market = scenario.horizon, scenario.market
    prices = import_price(scenario) if market.has_spot or scenario.rates is not None else np.zeros(0)
    for unit in crews(run):
        rows = list(lines(run, unit))
        for start, end in shifts(run):
            pages.append(Page(run, unit, horizon.minutes(start), horizon.minutes(end), prices).content(rows))
    return rendered(TEMPLATE, language=tag(), pages=pages)
