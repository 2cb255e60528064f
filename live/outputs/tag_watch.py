"""Quality of the tags that set-points rely on: without it no plan is followed automatically."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from emberline.live.tags import Finding, Plant, Quality, Reading, Tag, judge
from emberline.live.tags.loading import SITE
from emberline.scenarios.messages import Message


def relied_on(plant: Plant) -> list[Tag]:
    """The site's power, and levels of the battery or of the assets whose flows are written."""
    points = plant.live.set_points.allow
    stores = {"battery" if point.battery else str(point.flow).partition(".")[0] for point in points}
    return [tag for tag in plant.live.tags if tag.power_of == SITE or tag.level_of in stores]


class TagWatch:
    """The newest good value of each tag that set-points rely on; where there is no such tag, of any."""

    def __init__(self, plant: Plant) -> None:
        """Know no value yet."""
        self._plant = plant
        self._tags, self._rule = relied_on(plant), all
        if not self._tags:
            self._tags, self._rule = list(plant.live.tags), any
        self._good: dict[str, Reading] = {}
        self._begin: datetime | None = None

    @property
    def is_ready(self) -> bool:
        """Whether good values have come since the start."""
        return self._rule(tag.name in self._good for tag in self._tags)

    def loss(self, readings: Mapping[str, Reading | str], now: datetime) -> Message | None:
        """Which tag has no good value any more, and why.

        A single bad value is no loss: the good one before it counts until it is older than the tag allows, or until a
        clock that is off makes it so. At the start a value is waited for as long.
        """
        self._begin = self._begin or now
        losses = [self._of(tag, readings.get(tag.name), now) for tag in self._tags]
        if losses and not self._rule(loss is None for loss in losses):
            return next(filter(None, losses))
        newest = [(tag, readings.get(tag.name)) for tag in self._plant.live.tags]
        ages = [
            (tag, (now - one.at).total_seconds())
            for tag, one in newest
            if isinstance(one, Reading) and one.at is not None
        ]
        if ages and not any(self._is_timely(tag, age) for tag, age in ages):
            return Message("every time of a tag is old or lies in the future: a clock is off")
        return None

    def _of(self, tag: Tag, reading: Reading | str | None, now: datetime) -> Message | None:
        finding: Finding | None = None
        if isinstance(reading, Reading):
            finding = judge(self._plant, tag, reading, now)
            if finding.quality is Quality.OK:
                self._good[tag.name] = reading
                return None
        if tag.name in self._good:
            finding = judge(self._plant, tag, self._good[tag.name], now)
            if finding.quality is Quality.OK:
                return None
        is_waiting = self._begin is not None and (now - self._begin).total_seconds() <= tag.longest_age_s
        age = None if finding is None else finding.age_s
        if is_waiting and (age is None or self._is_timely(tag, age)):
            return None
        says = finding.says if finding is not None else reading or "has no value"
        return Message("{tag} is not measured: {says}", tag=tag.name, says=says)

    def _is_timely(self, tag: Tag, age_s: float) -> bool:
        return -self._plant.live.largest_clock_error_s <= age_s <= tag.longest_age_s
