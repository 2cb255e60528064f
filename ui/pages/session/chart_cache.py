"""Cached charts and tables: their content is immutable, so a page is redrawn without building them again.

Also the chart of the market and the button that plays a replay, which several pages have."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

import streamlit as st
from streamlit.elements.vega_charts import _convert_altair_to_vega_lite_spec

from emberline.reports.charts import plan
from emberline.reports.charts.view import View, weeks
from emberline.reports.text import current, facts, tr
from emberline.reports.text.numbers import symbols
from emberline.scenarios import Case
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.pages.session import widgets

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


def chart(stands_for: tuple[Hashable, ...], build: Callable[[], Any], text: str, within: str = "", **how: Any) -> None:
    """Draw a chart with the full width.

    Args:
        stands_for: the chart's name and everything it depends on, other than the language.
        build: makes the chart.
        says: description for readers who cannot see it.
        within: key of a container around it, for its style; empty: none.
        how: further arguments of ``st.vega_lite_chart``.
    """
    place = st.container(key=within) if within else st
    place.vega_lite_chart(_spec(_key(stands_for), build), width="stretch", alt=text, **how)


@st.cache_resource(max_entries=192, show_spinner=False)
def _value(key: tuple[str, ...], _build: Callable[[], Any]) -> Any:
    return _build()


def value(stands_for: tuple[Hashable, ...], build: Callable[[], Value]) -> Value:
    """Data of a chart or table; shared by all tabs, not to be changed.

    Args:
        stands_for: its name and everything it depends on, other than the language.
        build: makes it.
    """
    return _value(_key(stands_for), build)


@st.cache_resource(max_entries=64, show_spinner=False)
def _latest(name: str) -> dict[str, Any]:
    return {}


def recent(name: str, now: Value) -> Value:
    """Data of a chart of something that changes all the time: as it was at most ``RECENT_S`` ago, the same
    for all who watch it, so that it is not built again for each of them at each poll.

    Args:
        name: of what is watched.
        now: as it is now.
    """
    latest, at = _latest(name), time.monotonic()
    if at >= latest.get("until", 0.0):
        latest |= {"until": at + RECENT_S, "value": now}
    return latest["value"]


def _key(stands_for: tuple[Hashable, ...]) -> tuple[str, ...]:
    return tuple(map(str, (current(), *stands_for)))


def part(horizon: Horizon, key: str, whole: bool = True) -> View:
    """Draw the choice of a part of a long horizon; what charts show of it.

    Args:
        horizon: of the plan.
        key: of the choice.
        whole: whether all of it may be chosen, and is at first.
    """
    views = weeks(horizon)
    names = list(views)
    if len(views) > 1:
        return views[st.selectbox(tr("Part of the horizon"), names if whole else names[1:], key=key)]
    return views[names[0]]


def market(scenario: Case) -> None:
    """Draw carbon intensity and electricity price over the horizon."""
    content = sha256(f"{scenario.horizon!r}{scenario.market.currency}".encode())
    for name, series in sorted(scenario.inputs.items()):
        content.update(f"{name}{series.attrs}".encode() + series.to_numpy().tobytes())
    text, build = tr("Carbon intensity and price of electricity over time."), partial(plan.preview, scenario)
    chart(("market", content.hexdigest()), build, text, "preview")
    say_sources(scenario)


def say_sources(scenario: Case) -> None:
    """Draw a line that names the source of each series; nothing where all are constant."""
    sources = facts.sources(scenario)
    if sources:
        st.caption(tr("Data: {sources}", sources="; ".join(sources)).replace("$", "\\$"))


WHOLE_S = 40.0
"""Duration of a whole replay [s]."""
FASTEST_MS, SLOWEST_MS = 40.0, 400.0
HTML = '<button type="button" class="play"></button>'


def play_button(view: View) -> None:
    """Draw the button.

    Args:
        view: the range of the slider.
    """
    every = min(max(1000 * WHOLE_S / len(view.starts), FASTEST_MS), SLOWEST_MS)
    widgets.component(__file__, "player", HTML)(
        data={"play": tr("Play"), "pause": tr("Pause"), "every": every}, key="twin.player", height="content"
    )
