"""Page Reports: emissions of a period, reports to submit, and records as evidence."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any, cast

import pandas as pd
import streamlit as st

from emberline.reports.compliance.evidence import STEPS, Chain, Entry, EvidenceError, Step, archive, leftovers, verify
from emberline.reports.compliance.monitoring import Period, example_files, read_activity, read_monitoring_plan
from emberline.reports.compliance.reports import (
    DOCUMENTS,
    AnnualReport,
    annual_report,
    evidence_files,
    read_default_values,
)
from emberline.reports.compliance.workbook import filled
from emberline.reports.text import mark, stamp, tr
from emberline.runs.store import Store
from emberline.ui.pages.session import sign_in, widgets
from emberline.ui.pages.session.widgets import paragraph

LARGEST_MB = 20
ACTIVITY = "activity.csv"
KINDS = {
    "cbam": mark("CBAM: embedded emissions"),
    "ets": mark("EU ETS: source streams"),
    "ghg": mark("GHG Protocol: scope 1 and 2"),
    "china": mark("China: grid factors"),
}
STATES = mark("draft"), mark("submitted"), mark("approved"), mark("locked")
"""Displayed names of the states of a record."""
ACTIONS: dict[Step, str] = {
    "draft": mark("Record a draft"),
    "submit": mark("Submit"),
    "approve": mark("Approve"),
    "lock": mark("Lock"),
    "correct": mark("Record a correction"),
}
WITH_FIGURES: tuple[Step, ...] = ("draft", "correct")
"""Steps that record new figures."""
FOR_APPROVERS: tuple[Step, ...] = ("approve", "lock")


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Emissions reports"), anchor=False)
    paragraph(
        "What the plant emitted in a period, from its monitoring plan and activity data: the reports to hand over, "
        "and records that show that nothing has changed since."
    )
    period = st.text_input(
        tr("Reporting period"), str(datetime.now(UTC).year), key="reports.period",
        help=tr("2026, 2026-Q1, 2026-03 or 2026-01-01..2026-06-30"),
    ).strip()  # fmt: skip
    with suppress(ValueError):  # the figures report what is wrong with the period
        period = Period.parse(period).name
    files = _files()
    report: AnnualReport | None = None
    if "monitoring.yaml" in files and ACTIVITY in files:
        report = _try(lambda: figures(period, files))
    if report is not None:
        _documents(report, files)
    st.divider()
    records(period, report, files)


def _try(work: Callable[[], Any]) -> Any:
    """Return the result of a function. If the function raises an error, draw the reasons and return None."""
    try:
        return work()
    except ValueError as error:  # mistakes in files, and steps that the records do not permit
        for line in str(error).splitlines():
            st.warning(line)
        return None


def _files() -> dict[str, bytes]:
    """Uploaded files, by the file names that the reports use."""
    titles = {
        "monitoring.yaml": (tr("Monitoring plan"), ["yaml", "yml"]),
        ACTIVITY: (tr("Activity data"), ["csv"]),
        "defaults.csv": (tr("Default values of precursors, if you have them"), ["csv"]),
        "template.xlsx": (tr("The Commission's workbook to be filled, if you have it"), ["xlsx"]),
    }
    result: dict[str, bytes] = {}
    for column, (name, (title, kinds)) in zip(st.columns(len(titles)), titles.items(), strict=True):
        several = name == ACTIVITY
        files = column.file_uploader(
            title, type=kinds, max_upload_size=LARGEST_MB, accept_multiple_files=several, key=f"reports.{name}"
        )
        for number, file in enumerate(files if isinstance(files, list) else [files], start=1):
            if file is not None:
                result[name if number == 1 else f"{number}-{name}"] = file.getvalue()
    with st.expander(tr("Example files to begin with")):
        st.caption(tr("Replace names, factors and amounts by yours; figures in them are typical, not measured."))
        for name, content in example_files().items():
            widgets.download(titles[name][0], content, name, key=f"reports.example.{name}")
    return result


def figures(period: str, files: dict[str, bytes]) -> AnnualReport:
    """Annual report of a period from the content of files.

    Raises:
        ValueError: the files have mistakes; the message lists all of them with file and row.
    """
    span = Period.parse(period)
    with widgets.files(files) as paths:
        try:
            table = read_default_values(paths["defaults.csv"]) if "defaults.csv" in files else None
            plan = read_monitoring_plan(paths["monitoring.yaml"])
            activity = [path for name, path in paths.items() if name.endswith(ACTIVITY)]
            return annual_report(plan, read_activity(activity), span, table)
        except ValueError as error:
            raise ValueError(str(error).replace(f"{paths['monitoring.yaml'].parent}/", "")) from error


def _documents(report: AnnualReport, files: dict[str, bytes]) -> None:
    newest = None
    with suppress(EvidenceError):  # shown with the records
        newest = _chain().newest(report.period.name)
    kinds = [name for name in DOCUMENTS if name not in report.undescribed]
    for tab, kind in zip(st.tabs([tr(KINDS[kind]) for kind in kinds]), kinds, strict=True):
        with tab:
            _document(kind, report, newest)
            if kind == "cbam" and "template.xlsx" in files:
                with widgets.files(files) as paths:
                    content = _try(partial(filled, paths["template.xlsx"], report))
                if content is not None:
                    widgets.download(tr("Filled workbook (Excel)"), content, "emberline-cbam.xlsx")


def _document(kind: str, report: AnnualReport, newest: Entry | None) -> None:
    document, stem = DOCUMENTS[kind](report).with_record(kind, newest), f"emberline-{kind}"
    for part in document.tables:
        if part.rows:
            st.markdown(f"**{part.title}**")
            st.dataframe(pd.DataFrame(part.as_dicts()).style.format(cast(Any, part.text), na_rep=""), hide_index=True)
            if part.note:
                st.caption(part.note)
    for remark in document.remarks:
        st.caption(f"• {remark}")
    if document.record:
        st.caption(f"• {document.record}")
    with st.container(horizontal=True):
        widgets.download(tr("Page (HTML)"), document.html(), f"{stem}.html", "text/html")
        widgets.download(tr("Figures (JSON)"), document.json(), f"{stem}.json", "application/json")


def _chain() -> Chain:
    return Chain(Store.default_folder() / "compliance")


def records(period: str, report: AnnualReport | None, files: dict[str, bytes]) -> None:
    """Draw the records of a period, and the buttons for its next steps.

    Args:
        period: period as text.
        report: figures of the period; None if the page has none.
        files: files that the figures are based on.
    """
    chain = _chain()
    entries: list[Entry] | None = _try(chain.entries)
    if entries is None:
        return
    period_entries = [entry for entry in entries if entry.period == period]
    state = period_entries[-1].state if period_entries else ""
    named = tr(state or mark("not recorded"))
    st.markdown(f"**{tr('Records of {period}: {state}', period=period, state=named)}**")
    if period_entries:
        st.dataframe(pd.DataFrame([_row(entry) for entry in period_entries]), hide_index=True)
        st.text(tr("Hash of record {number}, the newest, to be handed over:", number=len(entries)))
        st.code(entries[-1].sha256, language=None)
    damage = [f"record {entry.number}: {text}" for entry in period_entries for text in chain.damage(entry)]
    for line in damage:
        st.error(line)
    name = sign_in.address() or st.text_input(tr("Your name"), key="reports.name", max_chars=80).strip()
    since = st.text_input(
        tr("Hash that was handed to you, if you have it"), key="reports.since",
        help=tr("Only with it records that were written afresh, cut off or removed are found."),
    ).strip().lower()  # fmt: skip
    if since and not re.fullmatch(r"[0-9a-f]{64}", since):
        st.warning(tr("A hash has 64 digits from 0 to f."))
        return
    steps = [step for step, states in STEPS.items() if state in states]
    reason = st.text_input(tr("Reason of the correction"), key="reports.reason") if "correct" in steps else ""

    def record(step: Step) -> Entry:
        evidence = _evidence(report, files) if report is not None and step in WITH_FIGURES else None
        origin = {"reason": reason.strip(), "version": version("emberline"), "since": since}
        return chain.append(period, step, name, files=evidence, **origin)

    with st.container(horizontal=True):
        for step in steps:
            why = _obstacle(step, name, report, reason, damage)
            pressed = st.button(tr(ACTIONS[step]), key=f"reports.{step}", disabled=bool(why), help=why or None)
            if pressed and _try(partial(record, step)) is not None:
                st.rerun()
        if (period_entries or since) and st.button(tr("Compare all records with their hashes"), key="reports.verify"):
            findings = verify(chain, since)
            for finding in findings:
                st.error(str(finding))
            if not findings:
                st.success(tr("{count} records, nothing has changed", count=len(entries)))
            strangers = len(leftovers(chain))
            if strangers:
                st.caption(tr("Files that belong to no record and count for nothing: {count}", count=strangers))
        if period_entries and not damage:
            content = widgets.content_of(partial(archive, chain, period), "archive.zip")
            widgets.download(tr("Archive for the verifier (zip)"), content, f"{period}.zip")


def _row(entry: Entry) -> dict[str, str | int]:
    return {
        tr("record"): entry.number,
        tr("state"): tr(entry.state),
        tr("when"): stamp(datetime.fromisoformat(entry.at)),
        tr("by"): entry.by,
        tr("reason"): entry.reason,
        tr("files"): len(entry.files),
        "SHA-256": entry.sha256[:12],
    }


def _obstacle(step: Step, name: str, report: AnnualReport | None, reason: str, damage: list[str]) -> str:
    """Reason why a step is not possible; empty if it is."""
    if not name:
        return tr("Your name is needed.")
    if step in FOR_APPROVERS and not sign_in.may_approve():
        return tr("Others approve and lock reports here.")
    if damage and step not in WITH_FIGURES:
        return tr("Evidence of this period has changed.")
    if step in WITH_FIGURES and report is None:
        return tr("Monitoring plan and activity data are needed.")
    if step == "correct" and not reason.strip():
        return tr("A correction needs its reason.")
    return ""


def _evidence(report: AnnualReport, files: dict[str, bytes]) -> dict[str, bytes]:
    """Files that prove the figures of a report."""
    sources = {key: content for key, content in files.items() if key != "template.xlsx"}
    with widgets.files(files) as paths:
        return evidence_files(report, sources, paths.get("template.xlsx"))
