"""Explanation of an hour: the units running in it and their limits, the value of a MWh, and the cost of idle units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import xarray as xr

from emberline.models import line
from emberline.planning.answer.uses import SIGNALS, signal, signal_text
from emberline.scenarios import Case, Problem, ScenarioError
from emberline.scenarios.flows.asset_flows import flow, unused_mw
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.records.horizon import Horizon, read_moment
from emberline.studies.difference.moves import moved
from emberline.studies.why.answer import Answer, Worth
from emberline.studies.why.limits import Line
from emberline.studies.why.resolver import Resolver, away
from emberline.studies.why.shadow_prices import prices
from emberline.studies.why.tuning import WHY

EARLIER, LATER = mark("heat {heat} earlier: {limits}"), mark("heat {heat} later: {limits}")


@dataclass(frozen=True)
class Hour:
    """Hour in question."""

    begin_min: float
    end_min: float


def hour(horizon: Horizon, text: str) -> Hour:
    """Parse the requested hour, extended to whole steps.

    Raises:
        ScenarioError: as for :func:`minute`.
    """
    begin, step = minute(horizon, "--hour", text), horizon.step_min
    first = np.floor(begin / step + 1e-9) * step
    last = np.ceil((begin + 60) / step - 1e-9) * step
    return Hour(float(first), float(min(last, horizon.length_min)))


def minute(horizon: Horizon, option: str, text: str) -> float:
    """Parse a time in the horizon [min after its start].

    It is given by the plant's clock (``05:00``: the first in the horizon), by date and clock, with its offset, or as a
    duration after the start (``14 h``).

    Raises:
        ScenarioError: the time is invalid, outside the horizon, or ambiguous.
    """

    def refuse(sentence: str) -> ScenarioError:
        return ScenarioError([Problem(option, "", sentence)])

    entry = text.strip()
    clock_time = re.fullmatch(r"(\d{1,2})(?::?(\d{2}))?", entry)
    if clock_time:
        hour_minute = int(clock_time[1]), int(clock_time[2] or 0)
        times = ((at, horizon.instant(at)) for at in np.arange(0.0, horizon.length_min).tolist())
        hits = [(at, local.date()) for at, local in times if (local.hour, local.minute) == hour_minute]
        minutes = [at for at, day in hits if day == hits[0][1]]
    else:
        try:
            minutes = [horizon.minutes(read_moment(entry))]
        except ValueError:
            minutes = _local(horizon, entry)
            if not minutes:
                raise refuse(f"{text!r} is not a time; write 05:00, 14 h or 2026-06-16T05:00+02:00") from None
    if not minutes or not 0 <= minutes[0] < horizon.length_min:
        first, last = (horizon.instant(at).isoformat(timespec="minutes") for at in (0, horizon.length_min))
        raise refuse(f"{text} is outside the horizon, {first} to {last}")
    if len(minutes) > 1:
        options = " or ".join(horizon.instant(at).isoformat(timespec="minutes") for at in minutes)
        raise refuse(f"{text} occurs twice on that day; write {options}")
    return minutes[0]


def _local(horizon: Horizon, text: str) -> list[float]:
    """Convert a local time without offset: one result, two when clocks go back, none when they go forward."""
    try:
        local_time = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return []
    both = (horizon.minutes(local_time.replace(tzinfo=horizon.tz, fold=fold)) for fold in (0, 1))
    return sorted({at for at in both if horizon.instant(at).replace(tzinfo=None) == local_time})


class OfHour:
    """Answers about one hour."""

    def __init__(self, resolver: Resolver, hour: Hour) -> None:
        self.resolver, self.hour = resolver, hour
        self.scenario, self.schedule = resolver.scenario, resolver.schedule
        step = self.scenario.horizon.step_min
        self.steps = slice(round(hour.begin_min / step), round(hour.end_min / step))
        begin, end = map(self.scenario.horizon.instant, (hour.begin_min, hour.end_min))
        self.name = Message("{begin} to {end}", begin=begin, end=f"{end:%H:%M}")

    def _mean(self, values: xr.DataArray | np.ndarray) -> float:
        return float(np.asarray(values)[self.steps].mean())

    def facts(self) -> Iterator[str]:
        """Import, signal, and power by unit, in words."""
        schedule = self.schedule
        worth, kind, unit = signal(self.resolver.plan)
        import_mw, export_mw = (self._mean(schedule[name]) for name in ("import_mw", "export_mw"))
        text = mark("{hour}: {import_mw:.1f} MW imported, {export_mw:.1f} MW exported")
        yield Message(text, hour=self.name, import_mw=import_mw, export_mw=export_mw)
        here, mean = signal_text(self._mean(worth)), signal_text(float(worth.mean()))
        text = mark("{signal} {here} {unit}, {mean} over the horizon")
        yield Message(text, signal=Message(SIGNALS[kind]), here=here, unit=unit, mean=mean)
        sun = self.scenario.site.sun
        if sun is not None:
            used = flow(schedule, sun.name)
            could = self._mean(used + unused_mw(self.scenario, schedule, sun))
            text = mark("PV could give {could:.1f} MW, {used:.1f} MW is used")
            yield Message(text, could=could, used=self._mean(used))
        for name, mw in self.drawing():
            yield Message("{name} draws {mw:.1f} MW on average", name=name, mw=mw)
        yield from self.obstacles()

    def drawing(self) -> list[tuple[str, float]]:
        """Units that draw power in the hour, with their power [MW], in decreasing order."""
        draws_mw = {
            unit: self._mean(self.schedule["process_mw"].sel(process=unit)) for unit, _ in self.scenario.process_units
        }
        for name, minutes, energy, whole in self._operations():
            draws_mw[name] = draws_mw.get(name, 0.0) + energy * minutes / whole * 60 / (
                self.hour.end_min - self.hour.begin_min
            )
        draws_mw = {name: mw for name, mw in draws_mw.items() if mw > WHY.small_mw}
        return sorted(draws_mw.items(), key=lambda item: -item[1])

    def _operations(self) -> Iterator[tuple[str, float, float, float]]:
        """Unit, minutes in the hour, nominal energy [MWh] and planned minutes of each operation in it."""
        envelope = self.resolver.plan.envelope
        for h, s in self._inside():
            unit = str(self.schedule["unit"].values[h, s])
            begin, end = (float(self.schedule[name].to_numpy()[h, s]) for name in ("start_min", "end_min"))
            minutes = min(end, self.hour.end_min) - max(begin, self.hour.begin_min)
            yield unit, minutes, float(envelope["energy_mwh"].sel(unit=unit).to_numpy()[h]), end - begin

    def _inside(self) -> Iterator[tuple[int, int]]:
        begin, end = (self.schedule[name].to_numpy() for name in ("start_min", "end_min"))
        for h, s in zip(*np.nonzero((begin < self.hour.end_min) & (end > self.hour.begin_min)), strict=True):
            yield int(h), int(s)

    def obstacles(self) -> Iterator[str]:
        """Limits on moving each heat of the unit with the highest power to just before or after the hour, all else
        fixed."""
        thirstiest = next((name for name, _ in self.drawing()), "")
        operations = [(h, s) for h, s in self._inside() if str(self.schedule["unit"].values[h, s]) == thirstiest]
        if not operations:
            return
        problem = line.from_scenario(self.scenario, self.resolver.plan.envelope, like=self.schedule)
        starts = line.from_schedule(problem, self.schedule)
        if starts is None:
            return
        places = Line(self.scenario, problem, starts)
        for h, s in operations:
            key = places.key(h, s)
            if key[0] >= 0 and problem.work(key).started_min is not None:
                yield Message("heat {heat} has started already", heat=problem.heats[h].name)
                continue
            slot = round(places.begin[key])
            for which, by in ((EARLIER, -1), (LATER, 1)):
                limits = places.in_the_way(key, slot + by)
                text = tuple(limits) or Message("no limit prevents this, only the goal")
                yield Message(which, heat=problem.heats[h].name, limits=text)

    def worth(self) -> Worth | None:
        """Cost of an additional MWh of load in the hour, with heats and integer variables fixed."""
        fixed_plan = replace(self.resolver.plan, scenario=self.scenario, baseline_complete=False)
        price_table = prices(fixed_plan)
        if price_table is None:
            return None
        value = self._mean(price_table["balance_price"].sel(carrier="electricity"))
        what = [producer.noun for producer in self.scenario.producers]
        what += ["whole numbers"] if price_table.attrs["whole_numbers"] == "fixed" else []
        unit = "kg CO2e/MWh" if price_table.attrs["measure"] == "kg" else f"{price_table.attrs['measure']}/MWh"
        text = Message("exact: nothing is held")
        if what:
            text = Message("{what} held where they are", what=tuple(map(Message, what)))
        return Worth(value, unit, text)

    def questions(self, whole: bool) -> list[tuple[str, str, str]]:
        """Key, words and unit of each alternative.

        Args:
            whole: whether the site has integer decisions, so that an additional MWh is planned again.
        """
        options: list[tuple[str, str, str]] = [
            ("idle", Message("{name} idle, {hour}", name=name, hour=self.name), name)
            for name, _ in self.drawing()[: WHY.units]
        ]
        if whole and all(producer.by_step for producer in self.scenario.producers):
            options += [
                ("more", Message("{mwh:g} MWh more load, {hour}", mwh=WHY.extra_mwh, hour=self.name), ""),
                ("less", Message("{mwh:g} MWh less load, {hour}", mwh=WHY.extra_mwh, hour=self.name), ""),
            ]
        return options

    def answer(self, key: str, text: str, unit: str) -> Answer:
        """Plan again with a unit idle in the hour, or with another load."""
        from emberline import twin

        resolver = self.resolver
        if unit:
            variant = away(self.scenario, (unit,), self.hour.begin_min, self.hour.end_min)
        else:
            variant = self._load(1.0 if key == "more" else -1.0)
        envelope = twin.envelope(variant)
        reply, dispatches = resolver.ask_near(key, text, variant, envelope)
        if reply.schedule is None:
            return reply
        moves = tuple(moved(self.scenario, self.schedule, reply.schedule))
        return replace(reply, moves=moves, limits=resolver.held_up(dispatches))

    def _load(self, sign: float) -> Case:
        """Scenario with one MWh more or less base load in the hour, at least zero."""
        inputs = self.scenario.inputs.copy(deep=True)
        load = inputs["base_load_mw"].to_numpy().copy()
        load[self.steps] += sign * WHY.extra_mwh * 60 / (self.hour.end_min - self.hour.begin_min)
        inputs["base_load_mw"] = ("time", np.maximum(load, 0.0), inputs["base_load_mw"].attrs)
        return self.scenario.with_inputs(inputs)
