"""Page Performance: energy compared with its baseline, CUSUM, alarm, savings, and losses by cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from zoneinfo import available_timezones

import pandas as pd
import streamlit as st

from emberline.reports.charts import performance as charts
from emberline.reports.compliance.monitoring import Period
from emberline.reports.compliance.reports import Document, write_excel
from emberline.reports.performance import Losses, Step, joined, losses, read_content, review
from emberline.reports.text import mark, tr, wording
from emberline.scenarios.loading import heat_log
from emberline.scenarios.loading import meter as meters
from emberline.ui.pages.request.sources import choose, look
from emberline.ui.pages.session import widgets
from emberline.ui.pages.session.widgets import caption, info, paragraph, warning

LARGEST_MB = 20
STEPS: dict[Step, str] = {"month": mark("by month"), "week": mark("by week"), "day": mark("by day")}
NO_ALARM = mark("No alarm. A period of this length without any change raises a false alarm in {rate} of cases.")
ALARM = mark(
    "Alarm in {at}: more energy than expected since {since}. A period of this length without any change raises a "
    "false alarm in {rate} of cases."
)
CAUSES = {
    "mix": mark("mix of grades"),
    "idling": mark("idling"),
    "waiting": mark("waits of heats"),
    "drift": mark("drift"),
    "fault": mark("fault"),
}
ENERGY = {"mwh": "MWh", "kwh": "kWh", "gj": "GJ", "tj": "TJ"}
"""Suffixes of the names of energy columns, and their units."""


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Energy performance"), anchor=False)
    paragraph(
        "Actual energy compared with the energy that the baseline expects for the same production. Load CSV tables "
        "with a time column: energy and the variables that explain it, in one file or in two."
    )
    uploads, zones = st.columns([3, 1])
    files = uploads.file_uploader(
        tr("Files, at most {most} MB", most=LARGEST_MB), type="csv", max_upload_size=LARGEST_MB,
        accept_multiple_files=True, key="performance.file",
    )  # fmt: skip
    label, blank = tr("Time zone of the plant"), tr("the file's clock")
    about = tr("Determines where days begin if the times are in UTC, and how long they are when the clocks change.")
    zone = zones.selectbox(label, _zones(), index=None, placeholder=blank, key="performance.zone", help=about)
    if not files:
        return
    try:
        tables = [_read(file.getvalue(), file.name, zone or "") for file in files]
        show(tables, ", ".join(file.name for file in files))
    except ValueError as error:
        for line in str(error).splitlines():
            st.warning(line)


@st.cache_data(show_spinner=False)
def _zones() -> list[str]:
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))


_read = st.cache_data(max_entries=8, show_spinner=False)(read_content)


def _periods(tables: Sequence[pd.DataFrame]) -> tuple[str, str]:
    """Initial baseline and report periods: the first and the last year, or the two halves of a single year."""
    # years with only a few hours of data are ignored
    shares = [pd.DatetimeIndex(table.index).year.value_counts(normalize=True) for table in tables]
    years = sorted({int(year) for of_table in shares for year in of_table[of_table >= 0.01].index.tolist()})
    if len(years) > 1:
        return str(years[0]), str(years[-1])
    return f"{years[0]}-01-01..{years[0]}-06-30", f"{years[0]}-07-01..{years[0]}-12-31"


def show(tables: Sequence[pd.DataFrame], name: str) -> None:
    """Draw the inputs for columns and periods, and the result.

    Args:
        tables: numbers by time.
        name: names of their files.
    """
    if any(table.empty or not len(table.columns) for table in tables):
        raise ValueError(f"{name}: there are no numbers")
    begin = _periods(tables)
    with st.container(horizontal=True):
        # the keys contain the file names, so that new files start with their own years
        baseline = st.text_input(tr("Baseline period"), begin[0], key=f"performance.baseline.{begin[0]}")
        report = st.text_input(tr("Report period"), begin[1], key=f"performance.report.{begin[1]}")
        step = widgets.choose(tr("Rows"), STEPS, "month", "performance.step")
    spans = Period.parse(baseline), Period.parse(report)
    if spans[0].overlaps(spans[1]):
        raise ValueError(
            tr("Baseline {baseline} and report period {report} overlap.", baseline=baseline, report=report)
        )
    rows = [joined(tables, step, span.first, span.last) for span in spans]
    columns = sorted(rows[0].values, key=lambda column: not column.lower().endswith(tuple(ENERGY)))
    blank = tr("choose one")
    with st.container(horizontal=True):
        energy = st.selectbox(tr("Energy"), columns, key="performance.energy")
        others = [column for column in columns if column != energy]
        production = st.multiselect(tr("Production"), others, key="performance.production", placeholder=blank)
        remaining = [column for column in others if column not in production]
        variables = st.multiselect(tr("Other variables"), remaining, key="performance.variables", placeholder=blank)
        remaining = [column for column in remaining if column not in variables]
        uses = st.multiselect(tr("Single energy uses"), remaining, key="performance.uses", placeholder=blank)
    if not production:
        if others:
            info("Choose the column that measures production.")
        else:
            info("There is no production column: add one to the file, or load a second file with production.")
        return
    result = review(rows[0], rows[1], str(energy), [*production, *variables], production, uses)
    saved, alarm = result.savings, result.cusum.alarm
    with st.container(horizontal=True, key="cards"):
        st.metric(tr("EnPI, actual over expected"), wording.number(saved.enpi, 4), border=True)
        st.metric(tr("Saving"), wording.percent(saved.share, 1), border=True)
        digits = 0 if saved.predicted >= 10_000 else 2
        interval = f"{wording.number(saved.low, digits)} … {wording.number(saved.high, digits)}"
        st.metric(tr("Saving, 95 % interval [{unit}]", unit=_unit(str(energy))), interval, border=True)
    rate = wording.percent(result.cusum.false_alarms, 0)
    if alarm is None:
        paragraph(NO_ALARM, rate=rate)
    else:
        warning(ALARM, at=str(alarm.at), since=str(alarm.since), rate=rate)
    for remark in result.remarks:
        st.text(remark)
    for title, chart in (
        (tr("Energy performance indicator (EnPI): actual over expected"), charts.indicator(result.report)),
        (tr("CUSUM: expected less actual energy, added up"), charts.sums(result.cusum, _unit(str(energy)))),
    ):
        st.markdown(f"**{title}**")
        st.altair_chart(chart)
    if result.uses is not None:
        st.markdown(f"**{tr('Significant energy uses')}**")
        st.altair_chart(charts.pareto(result.uses, _unit(str(energy))))
    split = _losses(spans)
    if split is not None:
        result = replace(result, losses=split)
        _show_losses(split)
    for rule in result.rules:
        st.caption(str(rule))
    document = result.document(name)
    for part in document.tables[1:]:
        if part.rows:
            st.expander(tr(part.title)).dataframe(pd.DataFrame(part.as_dicts()).rename(columns=tr), hide_index=True)
    _downloads(document)


def _unit(column: str) -> str:
    """Unit of an energy column from its name; the name itself if it has no unit."""
    return next((unit for end, unit in ENERGY.items() if column.lower().endswith(end)), column)


def _losses(spans: tuple[Period, Period]) -> Losses | None:
    """Draw the inputs for heat log and meter data, and return the losses that the twin finds."""
    st.markdown(f"**{tr('Losses by cause')}**")
    with st.expander(tr("From the plant's heat log and meter")):
        caption(
            "The twin calculates the expected energy of the heats produced. Columns of the heat log: heat, grade, "
            "unit, start, end. Columns of the meter file: time, power_mw. Both files must cover both periods."
        )
        path = choose({}).path
        log, meter = (
            st.file_uploader(title, type=["csv", "parquet"], max_upload_size=LARGEST_MB, key=f"performance.{key}")
            for key, title in (("log", tr("Heat log")), ("meter", tr("Meter")))
        )
    if log is None or meter is None:
        return None
    if not look(path).line.stages:
        info("This scenario has no line, so a heat log cannot belong to it.")
        return None
    return split_of(path, (log.name, log.getvalue()), (meter.name, meter.getvalue()), spans)


@st.cache_data(max_entries=4, show_spinner=False)
def split_of(path: str, log: tuple[str, bytes], meter: tuple[str, bytes], spans: tuple[Period, Period]) -> Losses:
    """Losses by cause.

    Args:
        path: scenario of the plant, as an argument of ``look``.
        log: name and content of the heat log.
        meter: name and content of the file with metered power.
        spans: baseline and report periods.

    Raises:
        ValueError: the files have mistakes; the message lists all of them with their rows.
    """
    scenario = look(path)
    days = [(span.first, span.last) for span in spans]
    # in separate folders, as both files may have the same name
    uploads = {f"{part}/{Path(name).name}": content for part, (name, content) in (("log", log), ("meter", meter))}
    with widgets.files(uploads) as paths:
        heats, power = paths.values()
        return losses(scenario, heat_log.read(heats, scenario), meters.read(power, scenario), days[0], days[1])


def _show_losses(result: Losses) -> None:
    table = result.table
    if table.empty:
        paragraph("No cause took more than in the baseline period.")
    else:
        st.altair_chart(charts.pareto(table.rename(index={key: tr(name) for key, name in CAUSES.items()}), "MWh"))
    rows = [
        {
            tr("cause"): tr(CAUSES[cause]),
            "MWh": wording.number(mwh, 1),
            tr("share of the deviation"): wording.percent(part, 0),
        }
        for cause, mwh, part in result.rows
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _downloads(document: Document) -> None:
    content = widgets.content_of(partial(write_excel, document), "performance.xlsx")()
    with st.container(horizontal=True):
        st.download_button(tr("Page for the auditor (HTML)"), document.html(), "performance.html", "text/html")
        st.download_button(tr("Workbook for the auditor (Excel)"), content, "performance.xlsx")
