"""Visible part of the horizon in the charts of a plan, which is stored in the address, and the highlighted heats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from emberline.reports.charts.view import View
from emberline.reports.text import numbers
from emberline.scenarios.records.horizon import Horizon

PARAMETER = "range"
"""Query parameter with the first and last minute after the start of the horizon."""
RANGE = re.compile(r"(\d{1,7})-(\d{1,7})\Z")
LONGEST_H = 36
"""Length above which the days of a horizon can be shown separately [h]."""
MAX_DAYS = 14


def days(horizon: Horizon) -> dict[str, tuple[float, float]]:
    """Start and end minute of each day, by name of the day; empty for short and for very long horizons."""
    if not LONGEST_H * 60 < horizon.length_min <= MAX_DAYS * 24 * 60:
        return {}
    first, result = horizon.instant(0), {}
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(MAX_DAYS + 1):
        ends = [(midnight + timedelta(days=number + more)).replace(tzinfo=horizon.tz) for more in (0, 1)]
        begin, end = (min(max(horizon.minutes(at), 0.0), horizon.length_min) for at in ends)
        if end > begin:
            result[f"{numbers.weekday(ends[0].date())} {numbers.day(ends[0])}"] = (begin, end)
    return result


def current(run: str, horizon: Horizon) -> tuple[float, float] | None:
    """Visible range [min]; None for the whole horizon."""
    place = f"range.{run}"
    if place not in st.session_state:
        parts = RANGE.match(str(st.query_params.get(PARAMETER, "")))
        st.session_state[place] = None if parts is None else tuple(map(float, parts.groups()))
    span = st.session_state[place]
    if span is None or not 0 <= span[0] < span[1] <= horizon.length_min:
        st.query_params.pop(PARAMETER, None)
        return None
    st.query_params[PARAMETER] = f"{round(span[0])}-{round(span[1])}"
    return float(span[0]), float(span[1])


def show(run: str, span: tuple[float, float] | None) -> None:
    """Show a range or the whole horizon, and draw the chart again."""
    st.session_state[f"range.{run}"] = span
    st.session_state[f"range.{run}.count"] = count(run) + 1


def count(run: str) -> int:
    """Number of changes of the range, which identifies the chart."""
    return int(st.session_state.get(f"range.{run}.count", 0))


def view(run: str, horizon: Horizon) -> View:
    """View of the visible range."""
    span = current(run, horizon)
    if span is None:
        return View.of(horizon)
    first, end = round(span[0] / horizon.step_min), round(span[1] / horizon.step_min)
    return View.of(horizon, first, max(end, first + 1))


def begins_with(run: str) -> tuple[str, ...]:
    """Heats highlighted on the board: the selected heat or the heats of a sentence."""
    return tuple(st.session_state.get(f"heat.{run}.begins") or ())


def mark_bars(run: str, names: Sequence[str]) -> None:
    """Callback that highlights some heats and shows the first one."""
    st.session_state[f"heat.{run}"] = names[0]
    st.session_state[f"heat.{run}.begins"] = tuple(names)
    st.session_state[f"heat.{run}.stage"] = None
