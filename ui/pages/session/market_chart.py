"""Chart of the market: carbon intensity and electricity price."""

from __future__ import annotations

from hashlib import sha256

import streamlit as st

from emberline.reports.charts import plan
from emberline.reports.text import provenance
from emberline.reports.text.language import tr
from emberline.scenarios import Scenario
from emberline.ui.pages.session import chart_cache


def draw(scenario: Scenario) -> None:
    """Draw carbon intensity and electricity price over the horizon."""
    content = sha256(f"{scenario.horizon!r}{scenario.market.currency}".encode())
    for name, series in sorted(scenario.inputs.items()):
        content.update(f"{name}{series.attrs}".encode() + series.to_numpy().tobytes())
    with st.container(key="preview"):
        chart_cache.chart(
            ("market", content.hexdigest()), lambda: plan.preview(scenario),
            tr("Carbon intensity and price of electricity over time."),
        )  # fmt: skip
    say_sources(scenario)


def say_sources(scenario: Scenario) -> None:
    """Draw a line that names the source of each series; nothing where all are constant."""
    sources = provenance.lines(scenario)
    if sources:
        st.caption(tr("Data: {sources}", sources="; ".join(sources)).replace("$", "\\$"))
