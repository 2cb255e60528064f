"""A scenario over the time from one moment to another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from emberline.scenarios import Case, Problem, ScenarioError, load
from emberline.scenarios.loading.loading import find
from emberline.scenarios.reading import document as yaml_document
from emberline.scenarios.records.horizon import DAY, MINUTE, Horizon
from emberline.scenarios.records.instants import read_instant


def load_span(name: str, changes: Sequence[str], start: str | None, end: str | None) -> Case:
    """Load a scenario with another horizon.

    Args:
        name: path of a YAML file, or the name of a bundled scenario.
        changes: overrides, as of ``scenarios.load``.
        start: a date or a time with its offset; None: the scenario's own.
        end: a date, whose day is the last one, or a time with its offset; None: the scenario's own end, where the start
            is its own too, else as long after the start as its horizon is.

    Raises:
        ScenarioError: with every mistake found.
    """
    if start is None and end is None:
        return load(name, changes)
    path = find(name)
    document = yaml_document.read(path)
    for assignment in changes:
        if assignment.startswith("horizon"):
            yaml_document.override(document, assignment)
    raw = document.data.get("horizon")
    try:
        horizon = Horizon.model_validate(raw)
    except ValidationError:
        return load(name, changes)  # tells what is wrong with it
    first = horizon.start_utc if start is None else _moment("--from", start, horizon, last=False)
    if end is not None:
        over = _moment("--to", end, horizon, last=True)
    elif horizon.days is not None:
        day = first.astimezone(horizon.tz).replace(tzinfo=None) + horizon.days * DAY
        over = day.replace(tzinfo=horizon.tz)
    else:
        over = first + horizon.length_min * MINUTE
    hours = (over - first) / MINUTE / 60
    if hours <= 0:
        raise ScenarioError([Problem("--to", "", f"{end or over.isoformat()} does not lie after the beginning")])
    span = [f"horizon.start={first.isoformat()}", "horizon.days=null", f"horizon.length_h={hours!r}"]
    return load(name, [*changes, *span])


def _moment(option: str, text: str, horizon: Horizon, *, last: bool) -> datetime:
    """An instant: of a date its beginning, or as a last day its end, in the plant's zone."""
    entry: Any = text.strip()
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", entry):
            day = date.fromisoformat(entry) + (DAY if last else 0 * DAY)
            return datetime(day.year, day.month, day.day, tzinfo=horizon.tz).astimezone(horizon.start_utc.tzinfo)
        return read_instant(entry)
    except ValueError as error:
        raise ScenarioError([Problem(option, "", f"{error}, or a date as 2024-03-12")]) from None
