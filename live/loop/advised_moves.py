"""Changes in an advice: heats and runs that move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import xarray as xr

from emberline.planning.accounts.unit_runs import RUN, unit_runs
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message, mark

MIN_MINUTES = 1.0
MAX_CHANGES = 8


def moves(scenario: Scenario, expected: xr.Dataset, schedule: xr.Dataset, now_min: float) -> list[Message]:
    """Heats and runs of processes that an advice moves, the next ones first.

    Args:
        scenario: scenario of both.
        expected: run expected without the advice.
        schedule: advised schedule (table ``SCHEDULE``).
        now_min: current time [min]; operations that have begun are not changes.
    """
    if scenario.by_step:
        return _of_runs(scenario, expected, schedule, now_min)
    return _of_heats(scenario, expected, schedule, now_min)


def _of_runs(scenario: Scenario, expected: xr.Dataset, schedule: xr.Dataset, now_min: float) -> list[Message]:
    """Runs that are added, removed, or begin or end at another time."""
    before, after = (Counter(_runs(scenario, data, now_min)) for data in (expected, schedule))
    old, new = (sorted((runs - others).elements()) for runs, others in ((before, after), (after, before)))
    rows: list[tuple[float, Message]] = []
    instant = scenario.horizon.instant
    for unit, mode, begin, end in new:
        same = next((run for run in old if run[:2] == (unit, mode) and run[2] < end and begin < run[3]), None)
        names = {"unit": unit, "mode": mode, "new": instant(begin), "new_end": instant(end)}
        if same is None:
            text = Message("{unit} also runs {mode} from {new} to {new_end}.", **names)
        else:
            old.remove(same)
            times = {"old": instant(same[2]), "old_end": instant(same[3])}
            sentence = mark("{unit} runs {mode} from {new} to {new_end} instead of {old} to {old_end}.")
            text = Message(sentence, **names, **times)
        rows.append((begin, text))
    for unit, mode, begin, end in old:
        times = {"old": instant(begin), "old_end": instant(end)}
        rows.append(
            (begin, Message("{unit} does not run {mode} from {old} to {old_end}.", unit=unit, mode=mode, **times))
        )
    rows.sort(key=lambda row: row[0])
    messages = [text for _, text in rows[:MAX_CHANGES]]
    if len(rows) > MAX_CHANGES:
        messages.append(Message("Further runs that move: {count}.", count=len(rows) - MAX_CHANGES))
    return messages or [Message("Runs stay; rates or set-points change.")]


def _runs(scenario: Scenario, data: xr.Dataset, now_min: float) -> Iterator[tuple[str, str, float, float]]:
    """Unit, mode, begin and end of each run from the next step on [min]."""
    step_min = scenario.horizon.step_min
    first = int(now_min // step_min) + 1
    for run in unit_runs(scenario, data):
        if run.what == RUN and run.last > first:
            yield run.unit, run.mode, max(run.first, first) * step_min, run.last * step_min


def _of_heats(scenario: Scenario, expected: xr.Dataset, schedule: xr.Dataset, now_min: float) -> list[Message]:
    """Heats that start at another time or on another unit at their first open stage."""
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
        id = mark("Heats stay; the set-points of the site change.") if rows else mark("The set-points change.")
        messages.append(Message(id))
    return messages
