"""Pages for the crews: one for each unit and shift, as HTML to print. A gap is a line of its own."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from emberline.planning.accounts.bill import import_price
from emberline.reports.exports.crews import unit_lists
from emberline.reports.exports.crews.unit_lists import Line, work
from emberline.reports.exports.texts import clock, moment, tag
from emberline.reports.text.activities import Activity, called
from emberline.reports.text.language import mark, tr
from emberline.reports.text.numbers import duration, number
from emberline.runs.store.run_folder import StoredRun

STYLE = """body { font: 14px/1.5 sans-serif; color: #1c2530; background: #fff; margin: 0 }
section { padding: 18px 24px; break-after: page } section:last-child { break-after: auto }
h1 { font-size: 24px; margin: 0 } p { margin: 2px 0 10px; color: #4a5460 }
table { border-collapse: collapse; width: 100%; margin-bottom: 10px } td:nth-child(-n+2) { white-space: nowrap }
th, td { text-align: left; padding: 6px 8px; border: 1px solid #b9c0c7 }
th { background: #eef1f4 } .gap td { background: #f4f5f6; color: #4a5460; font-style: italic } .free { width: 28% }"""
WITHIN_MIN = 1e-6
"""What ends at midnight touches no other day."""
HEADS = {
    False: (mark("start"), mark("end"), mark("does"), mark("heat"), mark("grade"), mark("remarks of the shift")),
    True: (
        mark("start"), mark("end"), mark("does"), mark("makes"), mark("mean rate [t/h]"), mark("electricity [MWh]"),
        mark("remarks of the shift"),
    ),
}  # fmt: skip
"""Of the table, by whether the unit belongs to a process."""


@dataclass(frozen=True)
class Page:
    """A shift of a unit [min after the start of the horizon]."""

    run: StoredRun
    unit: str
    start_min: float
    end_min: float
    prices: np.ndarray
    """Of a MWh in each step; empty: the market has none."""

    def html(self, rows: list[Line]) -> str:
        """The page.

        Args:
            rows: the unit's whole list.
        """
        run = self.run
        scenario, process = run.plan.scenario, unit_lists.runs_processes(run, self.unit)
        mine = [row for row in rows if row.start_min < self.end_min and row.end_min > self.start_min]
        spans = [(self.start_min, self.end_min), *((row.start_min, row.end_min) for row in mine)]
        dates = [[scenario.horizon.instant(at).date() for at in (start, end - WITHIN_MIN)] for start, end in spans]
        several = len(set(chain.from_iterable(dates))) > 1
        start = moment(scenario.horizon.instant(self.start_min), offset=False)
        title = f"{called(self.unit, scenario)}, {start} – {self._clock(self.end_min, len(set(dates[0])) > 1)}"
        says = tr("{name}, run {run}", name=scenario.title or scenario.name, run=run.id[:8])
        notes = [f"{says}, {scenario.horizon.zone}"]
        if not any(row.activity for row in mine):
            notes.append(
                self._rest(next((row for row in rows if row.activity and row.start_min >= self.end_min), None))
            )
        head = "".join(f"<th>{html.escape(tr(name))}</th>" for name in HEADS[process])
        body = "".join(self._row(row, len(HEADS[process]) - 3, several) for row in mine)
        paragraphs = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
        below = "".join(f"<p>{html.escape(level)}</p>" for level in (self._notes() if process else ()))
        return (
            f"<section><h1>{html.escape(title)}</h1>{paragraphs}"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}</section>"
        )

    def _clock(self, at_min: float, with_day: bool) -> str:
        at = self.run.plan.scenario.horizon.instant(at_min)
        return clock(at) if with_day else f"{at:%H:%M}"

    def _rest(self, after: Line | None) -> str:
        if after is None:
            return tr("Nothing to do in this shift, and nothing more until the plan ends.")
        return tr("Nothing to do in this shift; the next start is {time}.", time=self._clock(after.start_min, True))

    def _row(self, row: Line, width: int, with_day: bool) -> str:
        activity = row.activity
        if activity is None:
            says = tr("free for {duration}", duration=duration(row.minutes))
            cells, kind = [says, *[""] * (width - 1)], ' class="gap"'
        elif activity.tonnes is None:
            cells, kind = [work(activity), activity.name, activity.definition], ""
        else:
            rate = "" if not activity.tonnes else number(activity.tph or 0.0, 1)
            cells = [work(activity), self._makes(row, activity), rate, self._draws(row, activity)]
            kind = ""
        cells = [*(self._clock(at, with_day) for at in (row.start_min, row.end_min)), *cells]
        return f'<tr{kind}>{"".join(f"<td>{html.escape(cell)}</td>" for cell in cells)}<td class="free"></td></tr>'

    def _within(self, row: Line, activity: Activity) -> float:
        """What a run makes in this shift [t]; nan: all of it, or nothing is made."""
        if not activity.tonnes or (row.start_min >= self.start_min and row.end_min <= self.end_min):
            return math.nan
        return unit_lists.makes_within(self.run, row, self.start_min, self.end_min)

    def _draws(self, row: Line, activity: Activity) -> str:
        """Electricity of a run, and in this shift, by what it makes, where it goes on beyond [MWh]."""
        says, tonnes = number(activity.amount, 1), self._within(row, activity)
        if math.isnan(tonnes):
            return says
        share = number(activity.amount * tonnes / (activity.tonnes or 1.0), 1)
        return tr("{all}, {mwh} in this shift", all=says, mwh=share)

    def _makes(self, row: Line, activity: Activity) -> str:
        """What a run makes, and how much of it in this shift where it goes on beyond."""
        says, tonnes = activity.products(), self._within(row, activity)
        if math.isnan(tonnes):
            return says
        return tr("{products}, {tonnes} t in this shift", products=says, tonnes=number(tonnes, 0))

    def _notes(self) -> Iterator[str]:
        """Planned levels of the stores that the unit fills or empties, and what electricity costs."""
        first, last = (unit_lists.levels(self.run, self.unit, at) for at in (self.start_min, self.end_min))
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
            says = mark("Electricity costs {low} {unit} in this shift")
            if low != high:
                says = mark("Electricity costs {low} to {high} {unit} in this shift")
            unit = f"{self.run.plan.scenario.market.currency}/MWh"
            yield tr(says, low=low, high=high, unit=unit)


def unit_pages(run: StoredRun) -> str:
    """The document: a page for each unit and each shift of the horizon."""
    scenario, pages = run.plan.scenario, []
    horizon, market = scenario.horizon, scenario.market
    prices = import_price(scenario) if market.has_spot or scenario.rates is not None else np.zeros(0)
    for unit in unit_lists.crews(run):
        rows = list(unit_lists.lines(run, unit))
        for start, end in unit_lists.shifts(run):
            pages.append(Page(run, unit, horizon.minutes(start), horizon.minutes(end), prices).html(rows))
    return (
        f'<!DOCTYPE html><html lang="{tag()}"><head><meta charset="utf-8"><title>Emberline</title>'
        f"<style>{STYLE}</style></head><body>{''.join(pages)}</body></html>"
    )
