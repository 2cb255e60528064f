"""Whether clocks change within a horizon: then an hour stands twice or not at all, and times need their offset."""

from __future__ import annotations

from emberline.scenarios.records.horizon import Horizon

DAY_MIN = 24 * 60


def clocks_change(horizon: Horizon) -> bool:
    """Whether the plant's clocks change within it."""
    days = range(int(horizon.length_min // DAY_MIN) + 1)
    instants = (*(day * DAY_MIN for day in days), horizon.length_min)
    return len({horizon.instant(at).utcoffset() for at in instants}) > 1
