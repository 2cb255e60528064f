"""State estimator, which derives the plant's state from readings, with the quality of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import xarray as xr

from emberline.live.estimate.heats import HeatInProgress, HeatTracker
from emberline.live.estimate.meter import Level, Meter
from emberline.live.estimate.units import UnitTracker
from emberline.live.tags import Finding, Plant, Quality, Reading, Tag, judge
from emberline.live.tags.loading import levels, units
from emberline.scenarios.messages import Message
from emberline.twin import Actuals

WIDER = 3.0
"""Factor by which the interval of a predicted value is wider than that of a measured value."""
GROWTH_PER_H = 1.0
"""Growth of the interval per hour without a value, as a multiple of the interval of a measured value."""
SHARE = 0.01
"""Default standard error of a numeric tag, as a share of its range."""
Z90 = 1.645
LONGEST_MIN = 7 * 1440
"""Longest time before the horizon at which a reported operation may have begun [min]."""
JOB = "job "
"""Prefix of readings that are operations reported by the plant: ``job HEAT/STAGE``."""
FIRST_ERROR = 0.05
"""Standard error of a level without measurements, as a share of the capacity."""


@dataclass(frozen=True)
class TagValue:
    """Value of a tag as shown to the shift."""

    tag: str
    quality: Quality
    value: float | str | None
    low: float | None
    high: float | None
    """Upper end of the 90 % interval of a number, which begins at ``low``."""
    unit: str
    age_s: float | None
    predicted: bool
    """Whether the value is the twin's prediction because no good value was measured."""
    says: str = ""


def error(plant: Plant, tag: Tag) -> float:
    """Standard error of a tag's values, in Emberline's unit."""
    low, high = tag.range or (0.0, 0.0)
    return (tag.error or SHARE * (high - low)) * tag.factor(plant.unit_of(tag))


def tag_value(plant: Plant, tag: Tag, finding: Finding, prediction: float | str | None) -> TagValue:
    """Value of a tag as shown to the shift.

    Args:
        plant: plant with the tag.
        tag: tag that was read.
        finding: newest value of the tag.
        prediction: value predicted by the twin; None if there is none.
    """
    common = (finding.unit, finding.age_s)
    if finding.quality is Quality.OK:
        if not isinstance(finding.value, float):
            return TagValue(tag.name, finding.quality, finding.value, None, None, *common, False)
        band = Z90 * error(plant, tag)
        value = finding.value
        return TagValue(tag.name, finding.quality, value, value - band, value + band, *common, False)
    text = finding.says
    if not isinstance(prediction, float):
        return TagValue(tag.name, finding.quality, prediction, None, None, *common, prediction is not None, text)
    hours = max(finding.age_s or 3600.0, 0.0) / 3600
    band = Z90 * error(plant, tag) * (WIDER + GROWTH_PER_H * hours)
    low, high = prediction - band, prediction + band
    return TagValue(tag.name, finding.quality, prediction, low, high, *common, True, text)


@dataclass(frozen=True)
class State:
    """State of the plant at a moment."""

    at: datetime
    tags: tuple[TagValue, ...]
    heats: tuple[HeatInProgress, ...]
    actuals: Actuals
    """Operations or observations so far, as input for ``twin.expect``."""
    down: tuple[str, ...]
    """Broken-down units."""
    levels: Mapping[str, tuple[float, float]]
    """Level and standard error of each store."""
    site_mw: float | None
    mean_so_far_mw: float | None
    """Mean power of the current metered interval so far."""
    peak_mw: float
    price: float | None
    events: tuple[Message, ...] = ()

    @property
    def marks(self) -> tuple[str, ...]:
        """Tags without a good value, which are recorded with a plan made from this state."""
        return tuple(f"{value.tag}: {value.quality.value}" for value in self.tags if value.quality is not Quality.OK)


class Estimator:
    """Estimator of a plant's state from readings of its tags."""

    def __init__(self, plant: Plant, expected: xr.Dataset) -> None:
        """Begin without readings, with the run that the twin expects for the plan in force."""
        self.plant = plant
        scenario = plant.scenario
        self.work: HeatTracker | UnitTracker = (UnitTracker if scenario.by_step else HeatTracker)(scenario)
        site = plant.tag(power_of="site")
        hold_min = 0.0 if site is None else site.longest_age_s / 60
        peak_mw = float(scenario.state.peak_so_far_mw)
        self.meter = Meter(scenario.horizon, scenario.site.grid.metered_interval_min, hold_min, peak_mw)
        self.expected = expected
        self.stores = levels(scenario)
        self.levels = {
            name: Level(store.capacity, store.start_level, (FIRST_ERROR * store.capacity) ** 2)
            for name, store in self.stores.items()
        }
        self._newest: dict[str, Reading] = {}
        self._away: dict[str, str] = {}
        self._suspect: dict[str, str] = {}
        self._ahead: set[str] = set()
        """Tags whose newest value has a time in the future. Such a value never becomes good."""

    def observe(self, readings: Mapping[str, Reading | str], now: datetime) -> list[Finding]:
        """Process readings, and return the findings for new ones.

        Args:
            readings: readings by tag; a text is the reason why the connector gave no value.
            now: time by the plant's clock.
        """
        news = []
        for name, report in readings.items():
            if name.startswith(JOB) and isinstance(report, Reading) and self._newest.get(name) != report:
                self._newest[name] = report
                self._job(name.removeprefix(JOB), str(report.value), now)
        for tag in self.plant.live.tags:
            reading = readings.get(tag.name)
            if reading is None:
                continue
            if isinstance(reading, str):
                self._away[tag.name] = reading
                continue
            self._away.pop(tag.name, None)
            before = self._newest.get(tag.name)
            is_ahead = tag.name in self._ahead
            if before is not None and (reading == before or (_older(reading, before) and not is_ahead)):
                continue
            finding = judge(self.plant, tag, reading, now)
            if reading.at is not None:
                self._ahead.discard(tag.name)
                if self._is_ahead(reading.at, now):
                    self._ahead.add(tag.name)
                    self._suspect[tag.name] = finding.says
            if finding.quality is not Quality.SUSPECT or before is None or reading.at is not None:
                self._newest[tag.name] = reading
            news.append(finding)
            if finding.quality is Quality.OK and reading.at is not None:
                self._suspect.pop(tag.name, None)
                self._take(tag, finding, self.plant.scenario.horizon.minutes(reading.at))
        return news

    def _is_ahead(self, at: datetime, now: datetime) -> bool:
        return (at - now).total_seconds() > self.plant.live.largest_clock_error_s

    def _job(self, name: str, text: str, now: datetime) -> None:
        """Process an operation reported by the plant, as text with unit (which may contain blanks), start and end."""
        heat, _, stage = name.rpartition("/")
        unit, *texts = text.rsplit(" ", 2)
        times = [datetime.fromisoformat(time) for time in texts if time]
        minutes = [self.plant.scenario.horizon.minutes(time) for time in times]
        if minutes != sorted(minutes) or minutes[0] < -LONGEST_MIN or self._is_ahead(times[-1], now):
            sentence = Message("A job response gives times of {heat} ({stage}) that cannot be.", heat=heat, stage=stage)
            self.work.events.append(sentence)
            return
        self.work.report(heat, stage, unit, minutes[0], minutes[1] if len(minutes) > 1 else None)

    def _take(self, tag: Tag, finding: Finding, at_min: float) -> None:
        value = finding.value
        if tag.heat_of is not None:
            self.work.heat(tag.heat_of, str(value), at_min)
        elif tag.state_of is not None:
            self.work.state(tag.state_of, str(value), at_min)
        elif tag.power_of == "site" and isinstance(value, float):
            self.meter.measure(value, at_min)
        elif tag.level_of in self.levels and isinstance(value, float):
            level = self.levels[tag.level_of]
            self._move(tag.level_of, level, at_min)
            if not level.measure(value, error(self.plant, tag)):
                self._suspect[tag.name] = Message("does not fit what flowed in and out")
            if tag.level_of in self.plant.scenario.store:
                self.work.level(tag.level_of, level.value, at_min)

    def _move(self, name: str, level: Level, at_min: float) -> None:
        if at_min > level.at_min:
            store, step_min = self.stores[name], self.plant.scenario.horizon.step_min
            before, after = (store.at(self.expected, step_min, moment) for moment in (level.at_min, at_min))
            level.move(after - before, at_min)

    def state(self, now: datetime) -> State:
        """Return the state at a moment."""
        now_min = self.plant.scenario.horizon.minutes(now)
        for name, level in self.levels.items():
            self._move(name, level, now_min)
        tags = tuple(self._tag_value(tag, now, now_min) for tag in self.plant.live.tags)
        by_tag = {value.tag: value for value in tags}
        site, price = self.plant.tag(power_of="site"), self.plant.tag(price=True)
        events, self.work.events = tuple(self.work.events), []
        return State(
            at=now,
            tags=tags,
            heats=tuple(self.work.in_progress(now_min)),
            actuals=self.work.actuals(now_min),
            down=tuple(unit for unit in units(self.plant.scenario) if self.work.is_down(unit)),
            levels={name: (level.value, level.error) for name, level in self.levels.items()},
            site_mw=_number(by_tag, site),
            mean_so_far_mw=self.meter.mean_so_far(now_min),
            peak_mw=self.meter.peak_mw(now_min),
            price=_number(by_tag, price),
            events=events,
        )

    def _tag_value(self, tag: Tag, now: datetime, now_min: float) -> TagValue:
        reading = self._newest.get(tag.name, Reading(None, None, "never read"))
        finding = judge(self.plant, tag, reading, now)
        if finding.quality is Quality.OK and tag.name in self._suspect:
            finding = Finding(tag.name, Quality.SUSPECT, None, finding.unit, finding.age_s, self._suspect[tag.name])
        if tag.name in self._away and finding.quality is not Quality.OK:
            text = self._away[tag.name]
            finding = Finding(tag.name, finding.quality, None, finding.unit, finding.age_s, text)
        prediction = None if finding.quality is Quality.OK else self._predicted(tag, now_min)
        return tag_value(self.plant, tag, finding, prediction)

    def _predicted(self, tag: Tag, now_min: float) -> float | str | None:
        run, horizon = self.expected, self.plant.scenario.horizon
        k = min(max(int(now_min // horizon.step_min), 0), horizon.n_steps - 1)
        if tag.level_of is not None:
            return self.levels[tag.level_of].value if tag.level_of in self.levels else None
        if tag.price:
            return float(self.plant.scenario.inputs["price_per_mwh"][k])
        if tag.power_of == "site":
            return float(run["import_mw"][k] - run["export_mw"][k])
        unit = tag.power_of or tag.state_of or tag.heat_of
        if "process_mode" in run and unit in run["process"].values:
            mode = str(run["process_mode"].sel(process=unit).values[k])
            if tag.power_of is not None:
                return float(run["process_mw"].sel(process=unit)[k])
            return mode if tag.heat_of is not None else "on" if mode else "idle"
        start, end = run["op_start_min"].to_numpy(), run["op_end_min"].to_numpy()
        here = np.flatnonzero((run["op_unit"].values == unit) & (start <= now_min) & (now_min < end))
        if tag.heat_of is not None:
            return str(run["op_heat"].values[here[0]]) if len(here) else ""
        if tag.state_of is not None:
            return "on" if len(here) else "idle"
        if not len(here):
            return 0.0
        i = here[0]
        return float(run["op_energy_mwh"][i]) / float(end[i] - start[i]) * 60


def _older(reading: Reading, before: Reading) -> bool:
    return reading.at is not None and before.at is not None and reading.at < before.at


def _number(by_tag: Mapping[str, TagValue], tag: Tag | None) -> float | None:
    value = None if tag is None else by_tag[tag.name].value
    return value if isinstance(value, float) else None
