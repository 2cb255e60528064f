"""Calibration, guided: choose a heat log, fit, look at the fit and its checks, use it as a scenario."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.reports.charts import studies
from emberline.reports.text import mark, say, tr
from emberline.reports.text.studies import CALIBRATION_KINDS, check_rows, estimate_rows
from emberline.runs.store import drafts, snapshots
from emberline.runs.work.analyses import StoredAnalysis
from emberline.scenarios import load, whole_file
from emberline.scenarios.home import home
from emberline.ui.pages.analyses.shape import Analysis, Question, scenario_of, table
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.request.sources import SCENARIO_KEY
from emberline.ui.pages.session import chart_cache, navigation, session, sign_in, widgets
from emberline.ui.pages.session.widgets import caption, paragraph, warning

LARGEST_MB = 20
UPLOAD, TWIN = "upload", "twin"
FROM = {UPLOAD: mark("a heat log of the plant"), TWIN: mark("days that the twin generates, to try it")}


def ask(request: Request) -> Question:
    """The form in steps: the log, the meter, the confidence of the intervals."""
    if not scenario_of(request).line.stages:
        return Question(problem=tr("This scenario has no line, so a heat log cannot belong to it."))
    options: dict[str, Any] = {"confidence": 0.95}
    st.markdown(f"**1. {tr('Heat log')}**")
    source = widgets.choose(tr("From"), FROM, UPLOAD, "calibrate.from", label_visibility="collapsed")
    if source == TWIN:
        options["days"] = int(widgets.number(tr("Days"), "calibrate.days", 30, 5, 1000, step=10))
    else:
        caption(
            "A row for each heat and stage: heat, grade, unit, start, end; also energy_mwh, mass_t, order, "
            "planned_start, planned_end, and event (breakdown)."
        )
        options["log"] = _upload(tr("Heat log, at most {most} MB", most=LARGEST_MB), "calibrate.log")
        st.markdown(f"**2. {tr('Meter (optional, for a log without energies)')}**")
        options["meter"] = _upload(
            tr("Columns time and power_mw, at most {most} MB", most=LARGEST_MB), "calibrate.meter"
        )
    share = widgets.number(tr("Confidence of the intervals [%]"), "calibrate.confidence", 95.0, 50.0, 99.9, step=1.0)
    options["confidence"] = round(share / 100, 4)
    if source == UPLOAD and not options["log"]:
        return Question(options, tr("Choose a heat log."))
    return Question(options)


def _upload(label: str, key: str) -> str | None:
    """Draw a field for a file; the name under which its content is stored, None: none is chosen."""
    file = st.file_uploader(label, type=["csv", "parquet"], max_upload_size=LARGEST_MB, key=key)
    if file is None or file.size > LARGEST_MB * 1e6:
        return None
    content = file.getvalue()
    kind = "parquet" if file.name.endswith(".parquet") else "csv"
    name = f"{hashlib.sha256(content).hexdigest()}.{kind}"
    folder = home().absolute() / "analyses" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / name).is_file():
        whole_file.write(folder / name, content)
    return name


def show(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    paragraph("Fitted to {heats} heats; breakdowns: {count}.", heats=result["heats"], count=result["breakdowns"])
    _verdict(result["hold_out"])
    _use(stored)
    if result["comparisons"]:
        st.markdown(f"**{tr('Durations: log and fit')}**")
        words = tr("Mean and 10 to 90 % span of durations by unit and grade, log and fit.")
        chart_cache.chart(("fit", stored.id), lambda: studies.durations(result["comparisons"]), words)
        caption("Point: mean; bar: from 10 % to 90 % of the heats.")
    st.markdown(f"**{tr('Fitted figures')}**")
    table(estimate_rows(result))
    if checks := check_rows(result):
        st.markdown(f"**{tr('Heats that the twin was not fitted to')}**")
        table(checks, "checks")
    _drift(stored)
    with st.expander(tr("What stays as in the scenario, and remarks")):
        for one in result["thin"]:
            st.text(f"{one['unit']} {tr(CALIBRATION_KINDS[one['kind']])} {one['grade']}: {say(one['reason'])}")
        for remark in result["remarks"]:
            st.text(say(remark))


def _verdict(check: dict[str, Any] | None) -> None:
    if check is None:
        return
    if check["passed"] is None:
        paragraph("Not checked against heats that it was not fitted to: {reason}", reason=say(check["reason"]))
    elif check["passed"]:
        st.success(
            tr("✓ The twin reproduces the last {heats} heats, which it was not fitted to.", heats=check["heats"])
        )
    else:
        warning(
            "✕ The twin does not reproduce the last {heats} heats, which it was not fitted to.",
            heats=check["heats"],
        )


def _use(stored: StoredAnalysis) -> None:
    """Take the fit along as a file, or open a copy of the scenario with it."""
    with st.container(horizontal=True):
        name = f"{stored.title}-fitted.yaml"
        widgets.download(
            tr("Download the fit (YAML)"),
            stored.result["yaml"],
            name,
            "application/yaml",
            key="calibrate.download",
            help=tr("For the command line: --set @FILE"),
        )
        if st.button(tr("Open the scenario with this fit"), key="calibrate.draft"):
            _draft(stored)


def _draft(stored: StoredAnalysis) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fit = folder / "fit.yaml"
        fit.write_text(stored.result["yaml"], encoding="utf-8")
        text, files = snapshots.source(load(str(stored.scenario), [*stored.overrides, f"@{fit}"]))
        series = folder / "series"
        (series / "files").mkdir(parents=True)
        for path, content in files.items():
            (series / path).write_text(content, encoding="utf-8")
        draft = drafts.create(text, f"{stored.title}-fitted", series, sign_in.person())
    session.hold(draft.id)
    st.session_state[SCENARIO_KEY] = draft.id
    navigation.go("scenario")


def _drift(stored: StoredAnalysis) -> None:
    curves = stored.result["charts"]
    if not curves:
        return
    st.markdown(f"**{tr('Drift')}**")
    drifting = [i for i, curve in enumerate(curves) if curve["first_beyond"]]
    text = tr("None of {count} charts leaves its limits.", count=len(curves))
    if drifting:
        names = ", ".join(f"{curves[i]['unit']} {say(curves[i]['what'])}" for i in drifting)
        text = tr("Outside the limits: {names}.", names=names)
    st.text(text)
    i = st.selectbox(
        tr("Chart"), range(len(curves)), index=drifting[0] if drifting else 0,
        format_func=lambda i: f"{curves[i]['unit']} {say(curves[i]['what'])}", key=f"calibrate.chart.{stored.id}",
    )  # fmt: skip
    words = tr("Weighted mean of the residuals over time, with the limits of a unit without drift.")
    chart_cache.chart(("drift", stored.id, i), lambda: studies.drift(curves[i]), words)


CALIBRATE = Analysis(
    title=mark("Calibration"),
    says=mark(
        "Do the scenario's durations, energies and breakdowns match the plant? They are fitted to its heat log, and "
        "the twin must reproduce the heats that it was not fitted to."
    ),
    start=mark("Fit"),
    ask=ask,
    show=show,
)
