"""Detect the format of a file's times: order of dates, time zone, and intervals."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd

from emberline.scenarios.importing.mapping import LONGEST_MIN, Mapping, Order
from emberline.scenarios.importing.mapping_draft import MappingDraft
from emberline.scenarios.importing.times import OFFSET, TIMESTAMP, cleaned, on_the_wall, utc_seconds
from emberline.scenarios.importing.times_of_day import ENDS, day_columns


def order(draft: MappingDraft) -> Order | None:
    """Detect the order of day, month and year; None if the file has typed times."""
    stamps = draft.stamps()
    if pd.api.types.is_datetime64_any_dtype(stamps):
        return None
    text = cleaned(stamps)
    text = text[text != ""]
    digits = text.str.fullmatch(r"\d{9,10}|\d{12,13}")
    if len(text) and digits.all():
        return "unix milliseconds" if text.str.len().max() > 10 else "unix seconds"
    parts = text.str.extract(rf"^(?:{TIMESTAMP.pattern})$")
    first, second = (pd.to_numeric(parts[name], errors="coerce") for name in ("a", "b"))
    if (parts["a"].str.len() == 4).any():
        return "year first"
    if (first > 12).any() or (second > 12).any():
        choice: Order = "day first" if (first > 12).any() else "month first"
        draft.note(f"dates with the {choice}")
        return choice
    choice = _even(text) or ("month first" if text.str.contains("/").any() else "day first")
    other = "month first" if choice == "day first" else "day first"
    draft.note(f"dates with the {choice}, as they might have the {other}: look at the first and last time")
    return choice


def _even(text: pd.Series) -> Order | None:
    """Return the only order that gives evenly spaced times; None if both or neither do."""
    even: list[Order] = []
    orders: tuple[Order, ...] = ("month first", "day first")
    for order in orders:
        trial = Mapping.model_validate({"as": "load", "time": "t", "value": "v", "order": order})
        seconds = utc_seconds(text.head(500), trial, lambda good, sentence: None, local=True)
        steps = np.diff(seconds)
        if len(steps) > 2 and (steps == steps[0]).all() and 0 < steps[0] <= 86_400:
            even.append(order)
    return even[0] if len(even) == 1 else None


def zone(draft: MappingDraft) -> str | None:
    """Detect the time zone of times without offset; None if they have offsets."""
    stamps = draft.stamps()
    if pd.api.types.is_datetime64_any_dtype(stamps):
        if pd.DatetimeIndex(stamps).tz is not None:
            return None
    elif str(draft.fields.get("order", "")).startswith("unix"):
        return None
    else:
        text = cleaned(stamps)
        text = text[text != ""]
        clock = text.str.contains(":") & text.str.contains(OFFSET, regex=True)
        if len(text) and clock.all():
            return None
    if re.search(r"\b(?:utc|gmt)\b|_utc", str(draft.fields["time"]).lower()):
        draft.note("times in UTC, by the column's name")
        return "UTC"
    if draft.zone is not None:
        draft.note(f"times without offset, taken in {draft.zone}")
    return draft.zone


def position(draft: MappingDraft) -> str | None:
    """Return ``end`` if times mark the ends of intervals; None if they mark the starts."""
    if draft.fields.get("through"):
        return None
    if ENDS.search(str(draft.fields.get("clock") or draft.fields["time"]).lower()):
        draft.note("times are the ends of intervals, by the column's name")
        return "end"
    # prices and intensities are stamped at the start; only meters use the end
    if draft.role is None or not draft.role.metered:
        return None
    width = float(draft.fields.get("interval_min", LONGEST_MIN)) * 60
    stamps = draft.times(draft.matching_rows(draft.raw.frame))
    if not len(stamps):
        return None
    stamps = stamps.iloc[[0, -1]]
    day, trial = 86_400, draft.mapping()
    # try the time zone of the file first; if its days are complete, times are starts
    for zone in dict.fromkeys([draft.fields.get("zone"), draft.zone]):
        first, last = sorted(on_the_wall(stamps, trial.model_copy(update={"zone": zone})).tolist())
        if not 0 < first < last or width >= day or (first % day == 0 and last % day == day - width):
            return None
        if first % day == width and last % day == 0:
            clock = f"{int(width // 3600):02d}:{int(width // 60 % 60):02d}"
            draft.note(f"times are the ends of intervals, as the first is {clock} and the last 00:00")
            return "end"
    return None


def interval(draft: MappingDraft) -> float | None:
    """Detect the length of the intervals [min]."""
    if draft.fields.get("through"):
        columns = list(draft.raw.frame.columns)
        try:
            first, last = columns.index(draft.fields["value"]), columns.index(draft.fields["through"])
        except ValueError:
            return None
        day, count = day_columns(columns[first : last + 1]), last - first + 1
        if day is not None:
            return day.interval_min
        return LONGEST_MIN / count if count > 0 else None
    stamps = draft.stamps()
    trial = draft.mapping().model_copy(update={"zone": draft.fields.get("zone") or "UTC"})
    seconds = np.unique(utc_seconds(stamps, trial, lambda good, text: None))
    seconds = seconds[seconds != 0]
    steps = [b - a for a, b in pairwise(seconds.tolist())]
    if not steps:
        return None
    lengths, times = np.unique(steps, return_counts=True)
    minutes = float(lengths[int(np.argmax(times))]) / 60
    if minutes > LONGEST_MIN:
        return None
    draft.note(f"intervals of {minutes:g} min")
    return minutes
