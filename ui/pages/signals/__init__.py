"""Page Signals: public prices and carbon intensities, fetched with source, age and licence, and used in a draft."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emberline.live.signals import SourceError, Span, fetch
from emberline.reports.charts import studies
from emberline.reports.charts.view import View
from emberline.reports.text import mark, numbers, say, tr, trn
from emberline.runs.store import drafts
from emberline.scenarios import ScenarioError
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.signals.catalogue import SOURCES, Signal, signal
from emberline.scenarios.signals.forecasts import forecast_of
from emberline.scenarios.signals.issues import NewestValues, newest_values, stored
from emberline.ui.pages.editor import series as editing_series
from emberline.ui.pages.editor.draft import set_values
from emberline.ui.pages.request import sources
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, navigation, sign_in, widgets
from emberline.ui.pages.session.widgets import caption, info, paragraph

QUANTITIES = {
    "price": mark("price of electricity"), "intensity": mark("carbon intensity, average"),
    "marginal": mark("carbon intensity, marginal"), "load": mark("load of the zone"), "pv": mark("PV of the zone"),
    "wind-onshore": mark("wind onshore of the zone"), "wind-offshore": mark("wind offshore of the zone"),
    "gas": mark("gas plants of the zone"), "lignite": mark("lignite plants of the zone"),
    "hard-coal": mark("hard coal plants of the zone"), "load-forecast": mark("load of the zone, forecast"),
    "pv-forecast": mark("PV of the zone, forecast"),
    "wind-onshore-forecast": mark("wind onshore of the zone, forecast"),
    "wind-offshore-forecast": mark("wind offshore of the zone, forecast"),
}  # fmt: skip
PLACES = {
    "price": ("market", "price_per_mwh"), "intensity": ("market", "carbon_intensity_kg_per_mwh"),
    "marginal": ("market", "marginal_carbon_intensity_kg_per_mwh"),
}  # fmt: skip
"""Series of a scenario that a quantity can be."""
LONGEST_DAYS = 31
"""In one request."""
LONGEST_SHOWN_S = 7 * 86400


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Public signals"), anchor=False)
    paragraph(
        "Prices and carbon intensities from their publishers, kept as they were issued. A plan never waits for the "
        "network: it uses the last issue fetched."
    )
    _fetch()
    newest = {str(one): newest for one in stored() if (newest := _newest_values(one)) is not None}
    if not newest:
        info("No signal has been fetched yet. Choose one above and press Fetch.")
        return
    _table(newest)
    name = st.selectbox(tr("Signal"), list(newest), key="signals.shown", format_func=lambda one: _label(signal(one)))
    if name is not None:
        _show(signal(name), newest[name])


def _newest_values(one: Signal) -> NewestValues | None:
    """The newest values; None, with a line, where the file cannot be read."""
    newest = None
    with widgets.refusal(ValueError):
        newest = newest_values(one)
    return newest


def _label(one: Signal) -> str:
    return f"{tr(QUANTITIES[one.quantity])}, {one.zone}: {one.publisher.title}"


def _fetch() -> None:
    """The form that fetches a signal; on a server for several people it needs a sign-in."""
    if not sign_in.lists():
        caption("Signals are fetched here by the operator: emberline signals fetch.")
        return
    titles = {
        f"{source}/{quantity}": f"{one.title}: {tr(QUANTITIES[quantity])}"
        for source, one in SOURCES.items()
        for quantity in one.quantities
    }
    with st.container(border=True):
        which, where, since, until, action = st.columns([4, 2, 2, 2, 2], vertical_alignment="bottom")
        label, at = tr("Source and quantity"), list(titles).index("smard/price")
        name = which.selectbox(label, list(titles), index=at, key="signals.name", format_func=titles.__getitem__)
        source = SOURCES[str(name).split("/")[0]]
        zone = where.text_input(tr("Zone"), source.zone, key=f"signals.zone.{name}", max_chars=40)
        today = datetime.now(UTC).date()
        first = since.date_input(tr("from"), today, key="signals.from", format="YYYY-MM-DD")
        last = until.date_input(tr("until"), today + timedelta(days=1), key="signals.to", format="YYYY-MM-DD")
        lacking = [secret for secret in source.secrets if not os.environ.get(secret)]
        pressed = action.button(tr("Fetch"), type="primary", width="stretch", key="fetch", disabled=bool(lacking))
        st.markdown(tr("Licence: {licence}. {url}", licence=tr(source.licence), url=source.url))
        if lacking:
            secrets = numbers.listed(lacking)
            paragraph("{title} needs an account; set {secrets} for the server.", title=source.title, secrets=secrets)
        if pressed:
            _bring(f"{name}/{zone.strip()}", first, last)


def _bring(name: str, first: date, last: date) -> None:
    """Fetch a signal and report what came."""
    start, end = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    if not timedelta() < end - start <= timedelta(days=LONGEST_DAYS):
        st.text(f"✕ {tr('Choose 1 to {days} days.', days=LONGEST_DAYS)}")
        return
    try:
        one = signal(name)
        with st.spinner(tr("Fetching {name}", name=name)):
            result = fetch(one, Span(start, end))
    except (SourceError, ValueError) as error:
        st.text(f"✕ {name}: {say(str(error))}\n{tr('What was fetched before stays in use.')}")
        return
    st.session_state["signals.shown"] = name
    count, news = result.values, result.news
    st.text(f"✓ {trn('{count} value, {news} new', '{count} values, {news} new', count, news=news)}")
    for remark in result.remarks:
        st.caption(say(remark))


def _table(newest: dict[str, NewestValues]) -> None:
    rows = [
        {
            tr("signal"): name,
            tr("quantity"): tr(QUANTITIES[signal(name).quantity]),
            tr("unit"): signal(name).measure.unit,
            tr("from"): _stamp(int(one.starts[0])),
            tr("until"): _stamp(int(one.starts[-1]) + one.seconds),
            tr("issued"): _stamp(int(one.issued.timestamp())),
            tr("age"): numbers.age(datetime.now(UTC) - one.issued),
            tr("estimated"): f"{int(one.estimated.sum())} / {len(one.values)}",
            tr("licence"): one.licence,
        }
        for name, one in newest.items()
    ]
    draw(pd.DataFrame(rows), {})


def _show(one: Signal, newest: NewestValues) -> None:
    """Chart of a signal, and the button that uses it in a draft."""
    horizon, values = _run(newest)
    title = f"{tr(QUANTITIES[one.quantity])} [{one.measure.unit}]"
    chart_cache.chart(
        ("signal", one, newest.issued, len(newest.values)), lambda: studies.stepped(values, View.of(horizon), title),
        tr("The signal over time."),
    )  # fmt: skip
    if (ahead := forecast_of(one)) is not None:
        caption("Continued until {time} by a forecast: {method}.", time=_stamp(int(ahead.starts[-1]) + ahead.seconds),
               method=say(ahead.text(one.measure.unit)))  # fmt: skip
    place = PLACES.get(one.quantity)
    if place is None:
        caption("No series of a scenario is such a quantity.")
        return
    entries = sources.sources(st.session_state.get(sources.SEED, {}))
    source = entries.get(str(st.session_state.get(sources.SCENARIO_KEY)), entries[sources.FIRST])
    try:
        present = sources.look(source.path).horizon
    except (ScenarioError, OSError):
        present = None
    span = horizon.start_utc, horizon.end_utc
    covers = present is not None and span[0] <= present.start_utc and present.end_utc <= span[1]
    moved = None if present is None or covers else editing_series.moved_horizon(span, present)
    if not covers and moved is None:
        paragraph("⚠ It does not cover a whole day of {name}: fetch more days.", name=source.label)
    elif moved is not None:
        day = str(moved["horizon", "start"])
        paragraph("The horizon of {name} lies elsewhere; it is moved to {day}.", name=source.label, day=day)
    label = tr("Use it in my draft") if source.draft else tr("Use it in a copy of {name}", name=source.label)
    if st.button(label, type="primary", key="signals.use", disabled=not covers and moved is None):
        _use(source, {place: {"signal": str(one)}, **(moved or {})})


def _run(newest: NewestValues) -> tuple[Horizon, np.ndarray]:
    """The last values without a gap, a week at most: their span and values, one for each interval."""
    gaps = np.flatnonzero((np.diff(newest.starts) != newest.seconds) | np.isnan(newest.values[1:]))
    first = max(gaps[-1] + 1 if len(gaps) else 0, len(newest.starts) - LONGEST_SHOWN_S // newest.seconds)
    values = newest.values[first:]
    start = datetime.fromtimestamp(int(newest.starts[first]), UTC)
    minutes = newest.seconds / 60
    return Horizon(start=start, length_h=len(values) * minutes / 60, step_min=minutes), values


def _use(source: sources.ScenarioSource, values: dict[Any, Any]) -> None:
    """Set series of the draft in view, or of a new copy of the scenario in view, and open it."""
    draft = source.draft
    if draft is None:
        try:
            draft = sources.copy_of(source, source.key)
        except (drafts.DraftError, ScenarioError) as error:
            st.text(f"✕ {say(str(error))}")
            return
    set_values(draft, values)
    sources.look_at(draft.id)
    navigation.go("scenario")


def _stamp(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M}Z"
