"""The value of a tag as it is shown: measured, or the twin's prediction with a wider band while it is not."""

from __future__ import annotations

from dataclasses import dataclass

from emberline.live.tags import Finding, Plant, Quality, Tag

WIDER = 3.0
"""A predicted value's band is so many times that of a measured one."""
GROWTH_PER_H = 1.0
"""By how much of that band it grows in an hour without a value."""
SHARE = 0.01
"""Standard error of a number whose tag states none, as a share of its range."""
Z90 = 1.645


@dataclass(frozen=True)
class TagValue:
    """A tag as the shift sees it."""

    tag: str
    quality: Quality
    value: float | str | None
    low: float | None
    high: float | None
    """90 % interval of a number."""
    unit: str
    age_s: float | None
    predicted: bool
    """Whether the value is the twin's prediction, as no good one was measured."""
    says: str = ""


def error(plant: Plant, tag: Tag) -> float:
    """Standard error of a tag's values, in Emberline's unit."""
    low, high = tag.range or (0.0, 0.0)
    return (tag.error or SHARE * (high - low)) * tag.factor(plant.unit_of(tag))


def shown(plant: Plant, tag: Tag, finding: Finding, prediction: float | str | None) -> TagValue:
    """A finding as it is shown.

    Args:
        plant: whose tag it is.
        tag: that was read.
        finding: its newest value.
        prediction: of the twin; None: there is none.
    """
    common = (finding.unit, finding.age_s)
    if finding.quality is Quality.OK:
        if not isinstance(finding.value, float):
            return TagValue(tag.name, finding.quality, finding.value, None, None, *common, False)
        band = Z90 * error(plant, tag)
        value = finding.value
        return TagValue(tag.name, finding.quality, value, value - band, value + band, *common, False)
    says = finding.says
    if not isinstance(prediction, float):
        return TagValue(tag.name, finding.quality, prediction, None, None, *common, prediction is not None, says)
    hours = max(finding.age_s or 3600.0, 0.0) / 3600
    band = Z90 * error(plant, tag) * (WIDER + GROWTH_PER_H * hours)
    low, high = prediction - band, prediction + band
    return TagValue(tag.name, finding.quality, prediction, low, high, *common, True, says)
