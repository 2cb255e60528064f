"""Import of series from files of any layout: detected layout, preview next to the present series, corrections."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from emberline.reports.charts import palette
from emberline.reports.charts.view import View, time_axis
from emberline.reports.text import mark, numbers, say, tr, wording
from emberline.runs.store import drafts
from emberline.scenarios import Case, ScenarioError
from emberline.scenarios.importing import LARGEST_MB, ROLES, Guess, Imported, Mapping, Raw, bring, guess, read
from emberline.scenarios.importing.mapping import checked
from emberline.scenarios.importing.times_of_day import share_of_dates
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.pages.editor.draft import DraftState, set_values
from emberline.ui.pages.session import chart_cache, session, widgets
from emberline.ui.pages.session.widgets import paragraph

MAX_POINTS = 1500
CHART_HEIGHT = 260
FONT = 12
"""Size of labels [px]."""
DAY = timedelta(days=1)


def preview(series: Imported, zone: str, unit: str, scenario: Case | None = None) -> Any:
    """Chart of a series, with the time axis of all charts.

    Args:
        series: the series as read from the file.
        zone: time zone of the axis.
        unit: unit of the values.
        scenario: scenario whose series is drawn in the background, moved by whole days to the start of the file.
    """
    start, end = series.span
    hours = (end - start).total_seconds() / 3600
    # a file may be longer than any horizon, so the limits of a horizon are not checked
    whole = Horizon.model_construct(start=start, zone=zone, days=None, length_h=hours, step_min=1)
    minutes = (series.seconds - series.seconds[0]) / 60
    curves = [(tr("file"), minutes, series.values)]
    before = None if scenario is None else _before(series, scenario, whole)
    if before is not None:
        curves.append(before)
    points = pd.concat([_points(*curve, whole) for curve in curves])
    role = series.mapping.role
    colour = palette.PRICE if "price" in role else palette.CARBON if "int" in role else palette.POWER
    names = [name for name, *_ in curves]
    shades = [colour, palette.BASELINE]
    return (
        alt.Chart(points)
        .mark_line(interpolate="step-after", strokeWidth=1.5)
        .encode(
            x=time_axis(View.of(whole), labels=True, title=True),
            y=alt.Y("value:Q", title=f"[{unit}]", scale=alt.Scale(zero=False), axis=alt.Axis(labelFontSize=FONT)),
            color=alt.Color(
                "what:N", title=None, scale=alt.Scale(domain=names, range=shades[: len(names)]),
                legend=alt.Legend(orient="top", labelFontSize=FONT, labelLimit=400) if len(names) > 1 else None,
            ),
            tooltip=[
                alt.Tooltip("what:N", title=tr("series")),
                alt.Tooltip("when:N", title=tr("time")),
                alt.Tooltip("value:Q", title=unit, format=".5g"),
            ],
        )
        .properties(height=CHART_HEIGHT)
    )  # fmt: skip


def _points(what: str, minutes: np.ndarray, values: np.ndarray, whole: Horizon) -> pd.DataFrame:
    frame = pd.DataFrame({"start": minutes, "value": values})
    every = max(1, len(frame) // MAX_POINTS)
    points = frame.groupby(np.arange(len(frame)) // every).agg({"start": "first", "value": "mean"})
    points["when"] = [numbers.moment(whole.instant(minute)) for minute in points["start"]]
    points["what"] = what
    return points


def _before(series: Imported, scenario: Case, whole: Horizon) -> tuple[str, np.ndarray, np.ndarray] | None:
    """Series that the file replaces: name, minutes after the start of the file, and values; None if there is none."""
    pv = scenario.site.pv
    name, factor = series.role.column, 1.0
    if name == "capacity_factor":
        if pv is None or not pv.peak_mw:
            return None
        name, factor = "pv_available_mw", 1 / pv.peak_mw
    if not series.role.path or name not in scenario.inputs:
        return None
    horizon = scenario.horizon
    days = (midnight(whole.instant(0), horizon) - midnight(horizon.start_utc, horizon)).days
    overlaps = horizon.start_utc < series.span[1] and series.span[0] < horizon.end_utc
    start = horizon.start_utc
    if not overlaps:  # by days in the plant's time zone, so that midnights coincide
        local = horizon.instant(0).replace(tzinfo=None) + days * DAY
        start = local.replace(tzinfo=horizon.tz)
    first = (start - series.span[0]).total_seconds() / 60
    minutes = first + np.arange(horizon.n_steps) * horizon.step_min
    mask = (minutes >= 0) & (minutes < whole.length_min)
    if not mask.any():
        return None
    label = tr("in the scenario now")
    if not overlaps:
        label = tr("in the scenario now, moved by {count} days", count=f"{days:+d}")
    return label, minutes[mask], scenario.inputs[name].to_numpy()[mask] * factor


def midnight(at: datetime, horizon: Horizon) -> datetime:
    """Start of the day that contains a time, in the plant's time zone but without zone information."""
    return at.astimezone(horizon.tz).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)


def moved_horizon(span: tuple[datetime, datetime], horizon: Horizon) -> dict[tuple[str, ...], Any] | None:
    """Draft values that move the horizon to the first whole day of a span; None if the span has no whole day."""
    first, last = span
    day = midnight(first, horizon)
    if day.replace(tzinfo=horizon.tz) < first:
        day += DAY
    days = (midnight(last, horizon) - day).days
    if days < 1:
        return None
    values: dict[tuple[str, ...], Any] = {("horizon", "start"): day.date().isoformat()}
    if horizon.days is not None and days < horizon.days:
        values["horizon", "days"] = days
    elif horizon.days is None and days * 24 < horizon.length_min / 60:
        values["horizon", "length_h"] = days * 24
    return values


TITLES = {"actual": mark("metered power of the plant, for calibration")}
"""Titles of roles that differ on this page."""
ORDERS = {
    "year first": mark("year first (2026-03-10)"),
    "day first": mark("day first (10.03.2026)"),
    "month first": mark("month first (03/10/2026)"),
    "unix seconds": mark("seconds since 1970"),
    "unix milliseconds": mark("milliseconds since 1970"),
}
COUNTS = {"interval": mark("each value belongs to its interval"), "register": mark("a cumulative meter register")}
STAMPS = {"start": mark("start of the interval"), "end": mark("end of the interval")}
GAPS = {
    "refuse": mark("refuse the file"),
    "hold": mark("hold the last value"),
    "interpolate": mark("interpolate"),
    "zero": mark("take zero"),
}
DUPLICATES = {
    "refuse": mark("refuse the file"),
    "first": mark("take the first"),
    "last": mark("take the last"),
    "mean": mark("take the mean"),
}
SHAPES = {
    "column": mark("one column"),
    "long": mark("one of several series below each other"),
    "days": mark("one day per row"),
}
DECIMALS = {"": mark("as guessed"), ".": mark("point (1.5)"), ",": mark("comma (1,5)")}
HEAD = 6


def show(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the series of the draft and the import of another series."""
    if now.scenario is not None:
        _there(now.scenario)
    else:
        st.text(tr("Series are shown once the mistakes above are corrected."))
    st.markdown(f"**{tr('Import series')}**")
    paragraph(
        "An export of a meter, historian or market: CSV, Excel (.xlsx) or Parquet, long or wide, in any time "
        "zone. Emberline guesses how to read it; check the guess, correct it, and use the series."
    )
    file = st.file_uploader(
        tr("File, at most {most} MB", most=LARGEST_MB), key=f"series.{draft.id}.{session_of(draft)}",
        max_upload_size=LARGEST_MB,
    )  # fmt: skip
    if file is not None:
        _bring(draft, now, file.getvalue() if file.size <= LARGEST_MB * 1e6 else b"", file.name, file.size)


def session_of(draft: drafts.Draft) -> int:
    """Number of imported series. The uploader is reset after each import."""
    return int(st.session_state.get(f"series.{draft.id}.taken", 0))


def _there(scenario: Case) -> None:
    rows = []
    for name, _, series, unit in scenario.series():
        if name in scenario.inputs:
            values, source = scenario.inputs[name].to_numpy(), str(scenario.inputs[name].attrs.get("source", ""))
            if source != "none":
                unit = str(scenario.inputs[name].attrs["units"]).format(currency=scenario.market.currency)
                rows.append((name, source, unit, values.min(), values.mean(), values.max()))
        elif origin := series.csv or series.parquet or series.signal or (series.table and f"table {series.table}"):
            rows.append((name, origin, unit, np.nan, np.nan, np.nan))
    number = partial(st.column_config.NumberColumn, format="%.4g")
    titles: dict[str, Any] = {"series": tr("series"), "from": say("from"), "unit": say("unit")}
    titles |= {"lowest": number(tr("lowest")), "mean": number(tr("mean")), "highest": number(tr("highest"))}
    table = pd.DataFrame(rows, columns=list(titles))
    st.dataframe(table, hide_index=True, alt=tr("Series of the scenario"), column_config=titles)
    chart_cache.market(scenario)


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(content: bytes, name: str, sheet: str | None, header: int | None) -> Raw:
    return read(content, name, sheet=sheet, header=header)


def _bring(draft: drafts.Draft, now: DraftState, content: bytes, name: str, size: int) -> None:
    key = f"series.{draft.id}.map"
    try:
        if size > LARGEST_MB * 1e6:
            text = tr("The file has {size} MB, the limit is {most} MB.", size=round(size / 1e6), most=LARGEST_MB)
            widgets.crosses([text])
            return
        raw = _read(content, name, None, None)
        if len(raw.sheets) > 1:
            index = raw.sheets.index(raw.sheet_key) if raw.sheet_key in raw.sheets else 0
            sheet = st.selectbox(tr("Sheet"), raw.sheets, index, key=f"{key}.sheet")
            raw = _read(content, name, sheet, None)
    except ScenarioError as error:
        widgets.crosses(error.problems)
        return
    with st.container(key="upload"):
        st.dataframe(raw.frame.head(HEAD).astype(str), hide_index=True, alt=tr("First rows of the file"))
    kind, mark_of = st.columns([2, 1])
    titles = {name: tr(TITLES.get(name, role.title)) for name, role in ROLES.items()}
    role = kind.selectbox(tr("Kind of series"), list(ROLES), key=f"{key}.role", format_func=titles.__getitem__)
    decimal = mark_of.selectbox(
        tr("Decimal mark"), list(DECIMALS), key=f"{key}.decimal", format_func=lambda option: tr(DECIMALS[option])
    )
    zone = now.value(("horizon", "zone"))
    try:
        settings = {"decimal": decimal} if decimal else None
        first = guess(raw, role, settings, zone=zone if isinstance(zone, str) else "UTC")
        mapping, reasons = _guided(raw, role, first, f"{key}.{raw.name}.{role}{decimal}")
        series = bring(raw, mapping)
    except ScenarioError as error:
        widgets.crosses(error.problems)
        return
    if reasons:
        st.text(tr("Guessed: {what}.", what="; ".join(reasons)))
    _result(draft, series, _horizon(now), now.scenario)


def _horizon(now: DraftState) -> Horizon | None:
    """Horizon of the draft, even if other parts of the draft have mistakes."""
    if now.scenario is not None:
        return now.scenario.horizon
    try:
        return Horizon.model_validate(now.value(("horizon",)))
    except ValueError:
        return None


def _guided(raw: Raw, role: str, first: Guess, key: str) -> tuple[Mapping, tuple[str, ...]]:
    """Draw the mapping. Guessed values apply until the user changes them."""
    had, columns = first.mapping, list(raw.frame.columns)
    answers: dict[str, Any] = {}

    def pick(place: Any, label: str, name: str, options: list[str], names: dict[str, str] | None = None) -> str:
        before = getattr(had, name)
        options = options if before in options or before is None else [before, *options]
        choice = place.selectbox(
            label, options, options.index(before) if before is not None else 0, key=f"{key}.{name}",
            format_func=(lambda option: tr(names.get(str(option), str(option)))) if names else str,
        )  # fmt: skip
        if choice != before:
            answers[name] = choice
        return str(choice)

    def typed(place: Any, label: str, name: str, now: str, **how: Any) -> str:
        return str(place.text_input(label, now, key=f"{key}.{name}", **how)).strip()

    def number(place: Any, label: str, name: str, now: float, **how: Any) -> float:
        return float(place.number_input(label, value=now, key=f"{key}.{name}", format="%g", **how))

    shapes = list(SHAPES)
    a, b, c = st.columns(3, gap="medium")
    pick(a, tr("Times"), "time", columns)
    usual = "days" if had.through else "long" if had.where else "column"
    shape = b.selectbox(
        tr("Layout of values"), shapes, shapes.index(usual), lambda name: tr(SHAPES[name]), key=f"{key}.shape"
    )
    pick(c, tr("Values") if shape != "days" else tr("First of the day's columns"), "value", columns)
    if shape == "days":
        answers["value"] = st.session_state.get(f"{key}.value", had.value)
        after = columns[columns.index(answers["value"]) :]
        last = after.index(had.through) if had.through in after else len(after) - 1
        answers |= {"through": a.selectbox(tr("Last of the day's columns"), after, last, key=f"{key}.through")}
    elif shape == "long":
        answers["where"] = _series_of(raw, had, columns, (a, b), key)
    elif had.where:
        answers["where"] = {}
    if shape != "days" and had.through:
        answers["through"] = None
    time = answers.get("time", had.time)
    if shape != "days" and (had.clock or share_of_dates(raw.frame[time].head(500)) > 0.5):
        places: list[str | None] = [None, *columns]
        answers["clock"] = a.selectbox(
            tr("Times of the day"), places, places.index(had.clock), key=f"{key}.clock",
            format_func=lambda option: tr("included in the dates") if option is None else option,
        )  # fmt: skip
    a, b, c = st.columns(3, gap="medium")
    pick(a, tr("Format of dates"), "order", list(ORDERS), ORDERS)
    label, blank = tr("Zone of times without offset"), tr("the file gives offsets")
    about = tr("A name such as Europe/Berlin, UTC, or an offset that applies all year, such as +01:00")
    answers["zone"] = typed(b, label, "zone", had.zone or "", placeholder=blank, help=about) or None
    if shape != "days":
        pick(c, tr("Times are the"), "stamps", list(STAMPS), STAMPS)
        if ROLES[role].unit == "MW":
            pick(c, tr("Energies"), "counts", list(COUNTS), COUNTS)
    a, b, c, d = st.columns(4, gap="medium")
    blank = ROLES[role].unit.format(currency="EUR") or tr("share")
    answers["unit"] = typed(a, tr("Unit of the values"), "unit", had.unit or "", placeholder=blank) or None
    answers["scale"] = number(b, tr("Factor on all values"), "scale", had.scale)
    minutes = number(c, tr("Interval [min]"), "interval", float(had.interval_min), min_value=0.0)
    answers["interval_min"] = minutes
    pick(d, tr("Missing values"), "gaps", list(GAPS), GAPS)
    pick(d, tr("Duplicate times"), "duplicates", list(DUPLICATES), DUPLICATES)
    before = "; ".join(had.missing)
    words = typed(b, tr("Words for a missing value"), "missing", before, placeholder="Bad; No Data")
    answers["missing"] = tuple(word.strip() for word in words.split(";") if word.strip())
    if role == "pv":
        answers["peak_mw"] = number(a, tr("Peak, for a yield in MW [MW]"), "peak", 0.0, min_value=0.0) or None
    if shape == "days" and "interval_min" in answers and minutes == had.interval_min:
        del answers["interval_min"]
        again = guess(raw, role, {**{name: value for name, value in answers.items() if value is not None}})
        return again.mapping, first.unless(_otherwise(had, answers))
    settings = had.model_dump(by_alias=True) | answers
    return checked(settings, lambda place: raw.name), first.unless(_otherwise(had, answers))


def _otherwise(had: Mapping, answers: dict[str, Any]) -> set[str]:
    """Fields whose value differs from the guess."""
    return {name for name, value in answers.items() if value != getattr(had, name)}


def _series_of(raw: Raw, had: Mapping, columns: list[str], places: tuple[Any, Any], key: str) -> dict[str, str]:
    """Column with the names of the series in a long table, and the series to use."""
    column, name = next(iter(had.where.items()), (columns[0], None))
    key_column = places[0].selectbox(tr("Column with the names"), columns, columns.index(column), key=f"{key}.names")
    names = list(dict.fromkeys(raw.frame[key_column].astype(str).str.strip()))[:2000]
    at = names.index(name) if name in names else 0
    return {key_column: str(places[1].selectbox(tr("Series to use"), names, at, key=f"{key}.name"))}


def _move(draft: drafts.Draft, series: Imported, horizon: Horizon) -> None:
    """Offer to move the horizon of the draft to the days of the file and to use the file."""
    values = moved_horizon(series.span, horizon)
    if values is None or not series.role.path:
        return
    label = tr("Move the horizon to {day} and use the series", day=str(values["horizon", "start"]))
    about = tr("Due times and other dates of the draft stay; check them afterwards")
    if st.button(label, key=f"series.{draft.id}.move", help=about):
        _take(draft, series, values)


def _result(draft: drafts.Draft, series: Imported, horizon: Horizon | None, scenario: Case | None = None) -> None:
    first, last = (f"{at:%Y-%m-%d %H:%M}Z" for at in series.span)
    unit = series.unit or tr("share")
    values, minutes = series.values, f"{series.mapping.interval_min:g}"
    low, high, mean = (wording.number(float(value), 2) for value in (values.min(), values.max(), values.mean()))
    text = tr(
        "{count} values of {minutes} min, {first} to {last}; {low} to {high} {unit}, mean {mean}",
        count=len(values), minutes=minutes, first=first, last=last, low=low, high=high, unit=unit, mean=mean,
    )  # fmt: skip
    st.text(f"✓ {text}")
    for remark in series.remarks:
        st.text(remark)
    if series.missing:
        st.text(tr("{count} values are missing.", count=series.missing))
    if horizon is not None and not series.covers(horizon):
        ends = (*series.span, horizon.start_utc, horizon.end_utc)
        first, last, start, end = (numbers.moment(at.astimezone(horizon.tz), with_offset=False) for at in ends)
        text = tr(
            "The file covers {first} to {last}, but the horizon is {start} to {end}: it cannot be planned. Import "
            "a longer file, or move the horizon.",
            first=first, last=last, start=start, end=end,
        )  # fmt: skip
        with st.container(border=True):
            st.text(f"⚠ {text}")
            _move(draft, series, horizon)
    chart = preview(series, horizon.zone if horizon is not None else "UTC", unit, scenario)
    st.altair_chart(chart, width="stretch", alt=tr("The series over time."))
    if not series.role.path:
        st.text(tr("A meter record is not part of a scenario: download it for 'emberline calibrate --meter'."))
        widgets.download(tr("Download"), series.csv(), "meter.csv", "text/csv", key="series.meter")
    elif st.button(tr("Use in the draft"), type="primary", key=f"series.{draft.id}.take"):
        _take(draft, series)


def _take(draft: drafts.Draft, series: Imported, more: dict[Any, Any] | None = None) -> None:
    try:
        files = {"csv": series.csv(), "yaml": series.mapping.yaml()}
        paths = drafts.add_files(draft, series.mapping.role, files)
    except drafts.DraftError as error:
        widgets.crosses([error])
        return
    values: dict[Any, Any] = series.settings(paths["csv"]) | (more or {})
    if set_values(draft, values):
        session.hold(draft.id)
    st.session_state[f"series.{draft.id}.taken"] = session_of(draft) + 1
    st.rerun()
