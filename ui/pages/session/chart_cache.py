"""Cached charts: their content is immutable, so a page is redrawn without building them again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st
from streamlit.elements.vega_charts import _convert_altair_to_vega_lite_spec

from emberline.ui.text.language import current
from emberline.ui.text.numbers import symbols


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
    key = tuple(map(str, (current(), *stands_for)))
    st.vega_lite_chart(_spec(key, build), width="stretch", alt=says, **how)
