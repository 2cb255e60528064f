"""Charts that are built once: what they show never changes, so that the page is drawn again without building them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import Any

import streamlit as st
from streamlit.elements.vega_charts import _convert_altair_to_vega_lite_spec

from emberline.scenarios import Scenario
from emberline.ui.charts import plan
from emberline.ui.text.language import current, tr


@st.cache_resource(max_entries=96, show_spinner=False)
def _spec(key: tuple[str, ...], _build: Callable[[], Any]) -> dict[str, Any]:
    # as st.altair_chart does it, which has no door for what is kept: no limit of rows, tables as Arrow
    spec: dict[str, Any] = _convert_altair_to_vega_lite_spec(_build())
    return spec


def chart(stands_for: tuple[Hashable, ...], build: Callable[[], Any], says: str, **how: Any) -> None:
    """Draw a chart across the place.

    Args:
        stands_for: the chart's name, and all that it depends on beside the language.
        build: makes the chart.
        says: what it shows, for those who cannot see it.
        how: more of ``st.vega_lite_chart``.
    """
    key = tuple(map(str, (current(), *stands_for)))
    st.vega_lite_chart(_spec(key, build), width="stretch", alt=says, **how)


def market(scenario: Scenario) -> None:
    """Draw what the market offers over the horizon: carbon intensity and price of electricity."""
    content = sha256(f"{scenario.horizon!r}{scenario.market.currency}".encode())
    for name, series in sorted(scenario.inputs.items()):
        content.update(f"{name}{series.attrs}".encode() + series.to_numpy().tobytes())
    with st.container(key="preview"):
        chart(
            ("market", content.hexdigest()), lambda: plan.preview(scenario),
            tr("Carbon intensity and price of electricity over time."),
        )  # fmt: skip
