"""Page Performance: energy against its baseline, by month or week, with CUSUM, alarm and savings."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st

from emberline.plans.compliance.monitoring import Period
from emberline.plans.compliance.reports import Document, write_excel
from emberline.plans.performance import by_period, read_content, review
from emberline.ui.charts import performance as charts
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr

LARGEST_MB = 20
STEPS = {"month": mark("by month"), "week": mark("by week"), "day": mark("by day")}
NO_ALARM = mark("No alarm. An unchanged period of this length raises one in {rate} of cases.")
ALARM = mark(
    "Alarm in {at}: more energy than expected since {since}. An unchanged period of this length raises one in {rate} "
    "of cases."
)


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Energy performance"), anchor=False)
    st.text(
        tr(
            "Energy against what the baseline expects for the same production. A table (CSV) with a column of times, "
            "one of energy, and the variables that explain it."
        )
    )
    file = st.file_uploader(
        tr("File, at most {most} MB", most=LARGEST_MB), type="csv", max_upload_size=LARGEST_MB, key="performance.file"
    )
    if file is None:
        return
    try:
        data = _read(file.getvalue(), file.name)
        show(data, file.name)
    except ValueError as error:
        for line in str(error).splitlines():
            st.warning(line)


@st.cache_data(max_entries=4, show_spinner=False)
def _read(content: bytes, name: str) -> pd.DataFrame:
    return read_content(content, name)


def show(data: pd.DataFrame, name: str) -> None:
    """Ask for columns and periods, and draw the result.

    Args:
        data: numbers by time.
        name: of their file.
    """
    if data.empty or not len(data.columns):
        raise ValueError(f"{name}: there are no numbers")
    years = sorted({int(year) for year in pd.DatetimeIndex(data.index).year})
    with st.container(horizontal=True):
        baseline = st.text_input(tr("Baseline period"), str(years[0]), key="performance.baseline")
        report = st.text_input(tr("Report period"), str(years[-1]), key="performance.report")
        step = st.segmented_control(
            tr("Rows"), list(STEPS), default="month", required=True, format_func=lambda key: tr(STEPS[key]),
            key="performance.step",
        )  # fmt: skip
    rows = [_rows(data, text, step or "month", name) for text in (baseline, report)]
    columns = [str(column) for column in rows[0].columns]
    with st.container(horizontal=True):
        energy = st.selectbox(tr("Energy"), columns, key="performance.energy")
        others = [column for column in columns if column != energy]
        production = st.multiselect(tr("Production"), others, key="performance.production")
        rest = [column for column in others if column not in production]
        variables = st.multiselect(tr("Other variables"), rest, key="performance.variables")
        rest = [column for column in rest if column not in variables]
        uses = st.multiselect(tr("Single energy uses"), rest, key="performance.uses")
    if not production:
        st.caption(tr("Choose the column that measures production."))
        return
    result = review(rows[0], rows[1], str(energy), [*production, *variables], production, uses)
    saved, alarm = result.savings, result.cusum.alarm
    with st.container(horizontal=True, key="cards"):
        st.metric(tr("EnPI, actual over expected"), wording.number(saved.enpi, 4), border=True)
        st.metric(tr("Saving"), wording.percent(saved.share, 1), border=True)
        digits = 0 if saved.predicted >= 10_000 else 2
        interval = f"{wording.number(saved.low, digits)} … {wording.number(saved.high, digits)}"
        st.metric(tr("Saving, 95 % interval [{unit}]", unit=str(energy)), interval, border=True)
    rate = wording.percent(result.cusum.false_alarms, 0)
    if alarm is None:
        st.text(tr(NO_ALARM, rate=rate))
    else:
        st.warning(tr(ALARM, at=str(alarm.at), since=str(alarm.since), rate=rate))
    st.altair_chart(charts.indicator(result.report))
    st.altair_chart(charts.sums(result.cusum, str(energy)))
    if result.uses is not None:
        st.altair_chart(charts.pareto(result.uses, str(energy)))
    for rule in result.rules:
        st.caption(str(rule))
    document = result.document("Energy performance", f"{name}: {report} against {baseline}")
    for part in document.tables[1:]:
        with st.expander(part.title):
            st.dataframe(pd.DataFrame(part.as_dicts()), hide_index=True)
    _downloads(document)


def _rows(data: pd.DataFrame, text: str, step: str, name: str) -> pd.DataFrame:
    span = Period.parse(text)
    part = data.loc[str(span.first) : str(span.last)]
    if part.empty:
        raise ValueError(f"{name} has no rows from {span}")
    return by_period(part, "week" if step == "week" else "day" if step == "day" else "month")


def _downloads(document: Document) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "performance.xlsx"
        write_excel(document, path)
        content = path.read_bytes()
    with st.container(horizontal=True):
        st.download_button(tr("Page for the auditor (HTML)"), document.html(), "performance.html", "text/html")
        st.download_button(tr("Workbook for the auditor (Excel)"), content, "performance.xlsx")
