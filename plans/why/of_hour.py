"""Why an hour: what runs in it and what keeps it there, what a MWh more is worth, what it costs to keep units idle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import xarray as xr

from emberline.models import line
from emberline.plans.difference.moves import moved
from emberline.plans.difference.uses import SIGNALS, shown, signal
from emberline.plans.why.answer import Answer, Worth
from emberline.plans.why.limits import Line
from emberline.plans.why.outages import away
from emberline.plans.why.resolver import Resolver
from emberline.plans.why.shadow_prices import prices
from emberline.scenarios import Problem, Scenario, ScenarioError
from emberline.scenarios.messages import Message, clock
from emberline.scenarios.records.horizon import Horizon, read_moment

MOST_UNITS = 3
"""Units that are tried idle: those that draw most in the hour."""
SMALL_MW = 0.01
"""Who draws less in the hour is not told of."""
EXTRA_MWH = 1.0


@dataclass(frozen=True)
class Hour:
    """What is asked about."""

    begin_min: float
    end_min: float


def hour(horizon: Horizon, text: str) -> Hour:
    """The hour that is asked about, on whole steps.

    Raises:
        ScenarioError: as :func:`minute`.
    """
    begin, step = minute(horizon, "--hour", text), horizon.step_min
    first = np.floor(begin / step + 1e-9) * step
    last = np.ceil((begin + 60) / step - 1e-9) * step
    return Hour(float(first), float(min(last, horizon.length_min)))


def minute(horizon: Horizon, option: str, text: str) -> float:
    """A time in the horizon [min after its start].

    It is told by the plant's clock (``05:00``: its first in the horizon), by day and clock, with its offset, or as a
    span after the start (``14 h``).

    Raises:
        ScenarioError: it is no time, lies outside the horizon, or the clock shows it twice.
    """

    def refuse(says: str) -> ScenarioError:
        return ScenarioError([Problem(option, "", says)])

    told = text.strip()
    clock_time = re.fullmatch(r"(\d{1,2})(?::?(\d{2}))?", told)
    if clock_time:
        wanted = int(clock_time[1]), int(clock_time[2] or 0)
        shown = ((at, horizon.instant(at)) for at in np.arange(0.0, horizon.length_min).tolist())
        hits = [(at, local.date()) for at, local in shown if (local.hour, local.minute) == wanted]
        found = [at for at, day in hits if day == hits[0][1]]
    else:
        try:
            found = [horizon.minutes(read_moment(told))]
        except ValueError:
            found = _local(horizon, told)
            if not found:
                raise refuse(f"{text!r} is no time; write 05:00, 14 h or 2026-06-16T05:00+02:00") from None
    if not found or not 0 <= found[0] < horizon.length_min:
        first, last = (horizon.instant(at).isoformat(timespec="minutes") for at in (0, horizon.length_min))
        raise refuse(f"{text} is no time of the horizon, {first} to {last}")
    if len(found) > 1:
        options = " or ".join(horizon.instant(at).isoformat(timespec="minutes") for at in found)
        raise refuse(f"{text} is shown twice by the clock that day; write {options}")
    return found[0]


def _local(horizon: Horizon, text: str) -> list[float]:
    """A time without offset by the plant's clock: once, twice where clocks go back, never where they go forward."""
    try:
        told = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return []
    both = (horizon.minutes(told.replace(tzinfo=horizon.tz, fold=fold)) for fold in (0, 1))
    return sorted({at for at in both if horizon.instant(at).replace(tzinfo=None) == told})


class OfHour:
    """The answers about one hour."""

    def __init__(self, resolver: Resolver, asked: Hour) -> None:
        self.resolver, self.asked = resolver, asked
        self.scenario, self.schedule = resolver.scenario, resolver.schedule
        step = self.scenario.horizon.step_min
        self.steps = slice(round(asked.begin_min / step), round(asked.end_min / step))
        begin, end = map(self.scenario.horizon.instant, (asked.begin_min, asked.end_min))
        self.name = f"{clock(begin)} to {end:%H:%M}"

    def _mean(self, values: xr.DataArray | np.ndarray) -> float:
        return float(np.asarray(values)[self.steps].mean())

    def facts(self) -> Iterator[str]:
        """Import, signal, and who draws what."""
        schedule, inputs = self.schedule, self.scenario.inputs
        worth, kind, unit = signal(self.resolver.plan)
        taken, given = (self._mean(schedule[name]) for name in ("import_mw", "export_mw"))
        yield f"{self.name}: {taken:.1f} MW imported, {given:.1f} MW exported"
        yield Message(
            "{signal} {here} {unit}, {mean} over the horizon",
            signal=Message(SIGNALS[kind]), here=shown(self._mean(worth)), unit=unit, mean=shown(float(worth.mean())),
        )  # fmt: skip
        sun = inputs["pv_available_mw"]
        if float(sun.max()) > 0:
            yield f"PV could give {self._mean(sun):.1f} MW, {self._mean(schedule['pv_mw']):.1f} is used"
        for name, mw in self.drawing():
            yield f"{name} draws {mw:.1f} MW on average"
        yield from self.kept()

    def drawing(self) -> list[tuple[str, float]]:
        """Units that draw in the hour [MW], those first that draw most."""
        found: dict[str, float] = {}
        if self.scenario.processes:
            for unit, _ in self.scenario.process_units:
                found[unit] = self._mean(self.schedule["process_mw"].sel(process=unit))
        for name, minutes, energy, whole in self._operations():
            found[name] = found.get(name, 0.0) + energy * minutes / whole * 60 / (
                self.asked.end_min - self.asked.begin_min
            )
        found = {name: mw for name, mw in found.items() if mw > SMALL_MW}
        return sorted(found.items(), key=lambda item: -item[1])

    def _operations(self) -> Iterator[tuple[str, float, float, float]]:
        """Unit, minutes in the hour, nominal energy [MWh] and planned minutes of each operation in it."""
        envelope = self.resolver.plan.envelope
        for h, s in self._inside():
            unit = str(self.schedule["unit"].values[h, s])
            begin, end = (float(self.schedule[name].to_numpy()[h, s]) for name in ("start_min", "end_min"))
            minutes = min(end, self.asked.end_min) - max(begin, self.asked.begin_min)
            yield unit, minutes, float(envelope["energy_mwh"].sel(unit=unit).to_numpy()[h]), end - begin

    def _inside(self) -> Iterator[tuple[int, int]]:
        if not self.scenario.heats:
            return
        begin, end = (self.schedule[name].to_numpy() for name in ("start_min", "end_min"))
        for h, s in zip(*np.nonzero((begin < self.asked.end_min) & (end > self.asked.begin_min)), strict=True):
            yield int(h), int(s)

    def kept(self) -> Iterator[str]:
        """What is in the way of each heat of the thirstiest unit just before and just after the hour, all else held."""
        drawing = self.drawing()
        if not self.scenario.heats or not drawing:
            return
        problem = line.from_scenario(self.scenario, self.resolver.plan.envelope)
        found = line.from_schedule(problem, self.schedule)
        if found is None:
            return
        places, step = Line(self.scenario, problem, found), problem.step_min
        for h, s in self._inside():
            if str(self.schedule["unit"].values[h, s]) != drawing[0][0]:
                continue
            own = [i for i, operation in enumerate(problem.heats[h].operations) if operation.stage == s]
            key = (h, own[0]) if own else (-1, places.cast_of[h][0])
            if own and problem.heats[h].operations[own[0]].started_min is not None:
                yield f"heat {problem.heats[h].name} has started already"
                continue
            slot = round(places.begin(key) / step)
            for which, by in (("earlier", -1), ("later", 1)):
                limits = places.in_the_way(key, slot + by)
                says = "; ".join(limits) if limits else "nothing is in the way but the goal"
                yield f"heat {problem.heats[h].name} {which}: {says}"

    def worth(self) -> Worth | None:
        """What a MWh more of load in the hour costs, heats and whole numbers held."""
        held = replace(self.resolver.plan, scenario=self.scenario, baseline_complete=False)
        found = prices(held)
        if found is None:
            return None
        value = self._mean(found["balance_price"].sel(carrier="electricity"))
        what = [name for name, has in (("heats", self.scenario.heats), ("processes", self.scenario.processes)) if has]
        what += ["whole numbers"] if found.attrs["whole_numbers"] == "fixed" else []
        unit = "kg CO2e/MWh" if found.attrs["measure"] == "kg" else f"{found.attrs['measure']}/MWh"
        says = f"{' and '.join(what)} held where they are" if what else "exact: nothing is held"
        return Worth(value, unit, says)

    def questions(self, whole: bool) -> list[tuple[str, str, str]]:
        """Key, words and unit of each thing that could be otherwise.

        Args:
            whole: whether the site decides in whole numbers, so that a MWh more is planned again.
        """
        found = [("idle", f"{name} idle, {self.name}", name) for name, _ in self.drawing()[:MOST_UNITS]]
        if whole and not self.scenario.heats:
            found += [
                ("more", f"{EXTRA_MWH:g} MWh more load, {self.name}", ""),
                ("less", f"{EXTRA_MWH:g} MWh less load, {self.name}", ""),
            ]
        return found

    def answer(self, key: str, says: str, unit: str) -> Answer:
        """Plan again with a unit idle in the hour, or with other load."""
        from emberline import twin

        resolver = self.resolver
        asked = self._load(1.0 if key == "more" else -1.0) if not unit else away(
            self.scenario, (unit,), self.asked.begin_min, self.asked.end_min
        )  # fmt: skip
        envelope = twin.envelope(asked)
        begin = resolver.near(asked, envelope) if asked.heats else []
        held = resolver.judged(asked, begin, envelope)
        found = resolver.ask(key, says, asked, envelope=envelope, begin=begin, held=held)
        if found.schedule is None or not asked.heats:
            return found
        moves = tuple(moved(self.scenario, self.schedule, found.schedule))
        return replace(found, moves=moves, limits=resolver.held_up(held))

    def _load(self, sign: float) -> Scenario:
        """Base load with a MWh more or less in the hour, no less than none."""
        inputs = self.scenario.inputs.copy(deep=True)
        load = inputs["base_load_mw"].to_numpy().copy()
        load[self.steps] += sign * EXTRA_MWH * 60 / (self.asked.end_min - self.asked.begin_min)
        inputs["base_load_mw"] = ("time", np.maximum(load, 0.0), inputs["base_load_mw"].attrs)
        return self.scenario.with_inputs(inputs)
