"""Changes by an advice, heat by heat."""

from __future__ import annotations

import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message

MIN_MINUTES = 1.0
MAX_CHANGES = 8


def moves(scenario: Scenario, expected: xr.Dataset, schedule: xr.Dataset, now_min: float) -> list[Message]:
    """Heats that start at another time or on another unit at their first open stage, the next ones first.

    Args:
        scenario: of both.
        expected: run that goes on without the advice.
        schedule: that is advised (table ``SCHEDULE``).
        now_min: the moment; what has begun is no change.
    """
    instant = scenario.horizon.instant
    columns = (expected[f"op_{name}"].values.tolist() for name in ("heat", "stage", "unit", "start_min"))
    rows = sorted(zip(*columns, strict=True), key=lambda row: row[3])
    moved: set[str] = set()
    messages: list[Message] = []
    more = 0
    for heat, stage, unit, start in rows:
        if heat in moved or start <= now_min:
            continue
        place = {"heat": heat, "stage": stage}
        new, on = float(schedule["start_min"].sel(place)), str(schedule["unit"].sel(place).item())
        if abs(new - start) < MIN_MINUTES and on == unit:
            continue
        moved.add(heat)
        if len(messages) == MAX_CHANGES:
            more += 1
            continue
        times = {"heat": heat, "stage": stage, "old": instant(start), "new": instant(new)}
        if on != unit:
            text = Message("Heat {heat} ({stage}) starts at {new} on {unit} instead of {old}.", unit=on, **times)
        elif new > start:
            text = Message("Heat {heat} ({stage}) starts later: {new} instead of {old}.", **times)
        else:
            text = Message("Heat {heat} ({stage}) starts earlier: {new} instead of {old}.", **times)
        messages.append(text)
    if more:
        messages.append(Message("Further heats that move: {count}.", count=more))
    if not messages:
        messages.append(Message("Heats stay; the set-points of the site change."))
    return messages
