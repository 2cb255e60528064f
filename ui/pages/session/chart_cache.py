"""Cached charts and tables: their content is immutable, so a page is redrawn without building them again."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st
from streamlit.elements.vega_charts import _convert_altair_to_vega_lite_spec

from emberline.reports.text.language import current
from emberline.reports.text.numbers import symbols

Value = TypeVar("Value")
RECENT_S = 3.0
"""Age of the charts of a search under way [s]."""


@st.cache_resource(max_entries=96, show_spinner=False)
def _spec(key: tuple[str, ...], _build: Callable[[], Any]) -> dict[str, Any]:
    # as in st.altair_chart, which cannot cache: no limit of rows, tables as Arrow
    spec: dict[str, Any] = _convert_altair_to_vega_lite_spec(_build())
    group, decimal, minus = symbols(current())
    numbers = {"decimal": decimal, "thousands": group, "grouping": [3], "currency": ["", ""], "minus": minus}
    return {**spec, "usermeta": {"embedOptions": {"formatLocale": numbers}}}


def chart(stands_for: tuple[Hashable, ...], build: Callable[[], Any], says: str, **how: Any) -> None:
    """Draw a chart with the full width.

    Args:
        stands_for: the chart's name and everything it depends on, other than the language.
        build: makes the chart.
        says: description for readers who cannot see it.
        how: further arguments of ``st.vega_lite_chart``.
    """
    st.vega_lite_chart(_spec(_key(stands_for), build), width="stretch", alt=says, **how)


@st.cache_resource(max_entries=192, show_spinner=False)
def _value(key: tuple[str, ...], _build: Callable[[], Any]) -> Any:
    return _build()


def value(stands_for: tuple[Hashable, ...], build: Callable[[], Value]) -> Value:
    """What a chart or table is drawn from; shared by all tabs, not to be changed.

    Args:
        stands_for: its name and everything it depends on, other than the language.
        build: makes it.
    """
    result: Value = _value(_key(stands_for), build)
    return result


@st.cache_resource(max_entries=64, show_spinner=False)
def _latest(name: str) -> dict[str, Any]:
    return {}


def recent(name: str, now: Value) -> Value:
    """What a chart of something that changes all the time is drawn from: as it was at most ``RECENT_S`` ago, the same
    for all who watch it, so that it is not built again for each of them at each poll.

    Args:
        name: of what is watched.
        now: as it is now.
    """
    latest, at = _latest(name), time.monotonic()
    if at >= latest.get("until", 0.0):
        latest |= {"until": at + RECENT_S, "value": now}
    result: Value = latest["value"]
    return result


def _key(stands_for: tuple[Hashable, ...]) -> tuple[str, ...]:
    return tuple(map(str, (current(), *stands_for)))
