"""Text view of a draft with help during typing, its changes since it was copied, its download, and its doubtful
parts: shortages found by arithmetic, with changes that would help, and figures that are only typical.

The script extends Streamlit's text field, so typing, undo and screen readers work as usual in the browser."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from emberline.reports.text import facts, say, tr, trn
from emberline.runs.store import drafts, snapshots
from emberline.scenarios import Problem, Scenario, ScenarioError
from emberline.scenarios.assets.base import KINDS
from emberline.scenarios.descriptions import documented
from emberline.scenarios.reading.document import Keys, override, parse
from emberline.scenarios.reading.editing import ABSENT, differences, flow, revised
from emberline.scenarios.records.series import Series
from emberline.ui.pages.editor.draft import AT_TOP, DraftState, checked, keep, problem_lines, state, typical
from emberline.ui.pages.editor.fields import SHARE, as_typed, fields, inner, label_of, label_parts, value_at
from emberline.ui.pages.editor.form import BETWEEN, GROUPS, SECTIONS
from emberline.ui.pages.editor.tables import TABLES, record_of
from emberline.ui.pages.session import widgets

HTML = (
    '<div class="lines" aria-hidden="true"><div class="roll"></div></div><ul class="keys" role="listbox" hidden></ul>'
)
FIELD = "source.text"
"""Key of the container with the text field."""


@cache
def keys() -> dict[str, dict[str, list[Any]]]:
    """Description, nested record and choices of each key, by name of the record; for assets, by their kind."""
    table: dict[str, dict[str, list[Any]]] = {}

    def add(record: type[BaseModel], name: str) -> str:
        if name in table:
            return name
        table[name] = {}
        within = {entry.name: entry.record for entry in inner(record) if entry.record is not None}
        visible = {field.name: field for field in fields(record, "EUR")}
        for key in record.model_fields:
            target = Series if key in visible and visible[key].widget == "series" else within.get(key)
            place = add(target, target.__name__) if target is not None else "asset" if key == "assets" else ""
            table[name][key] = [
                documented(record).get(key, ""),
                place,
                list(visible[key].choices) if key in visible else [],
            ]
        return name

    add(Scenario, "")
    for kind, record in KINDS.items():
        add(record, f"kind {kind}")
    table["asset"] = {"kind": ["", "", list(KINDS)], "name": ["", "", []]}
    return table


def draw_help(problems: tuple[Problem, ...], key: str) -> None:
    """Attach the help to the text field.

    Args:
        problems: mistakes in the typed text.
        key: key of the text field.
    """
    marks: dict[str, str] = {}
    for problem in problems:
        number = problem.where.rpartition(":")[2]
        if number.isdigit():
            text = f"{problem.key}: {problem.says}" if problem.key else problem.says
            marks[number] = f"{marks[number]}\n{text}" if number in marks else text
    data = {"keys": keys(), "marks": marks, "field": f".st-key-{FIELD.replace('.', '-')} textarea", "hint": tr("Keys")}
    widgets.component(__file__, "completion", HTML)(data=data, key=f"{key}.help", height="content")


PLACE_TITLES = {
    (groups[-1].path[:1] if groups else ()) or (name,): SECTIONS[name] for name, groups in GROUPS.items()
} | {path: title for title, path in TABLES.values()}
"""Titles of sections and tables by their path."""


def records() -> list[type[BaseModel]]:
    """Records that form and tables show, including nested records."""
    entries: list[type[BaseModel]] = list(dict.fromkeys([Scenario, *KINDS.values()]))
    for record in entries:  # grows during the iteration
        entries += [entry.record for entry in inner(record) if entry.record is not None and entry.record not in entries]
    return entries


def of_place(path: Keys, currency: str, *roots: Any) -> tuple[str, type[BaseModel] | None]:
    """Label of a path with the unit of its value, and the record of the value or of its items.

    Args:
        path: path of the value.
        currency: currency of the draft.
        roots: data in which items of lists are looked up by name.
    """
    record: type[BaseModel] | None = Scenario
    places, words = list(roots), []
    for n, part in enumerate(path, 1):
        places = [inside for place in places if (inside := value_at(place, (part,))) is not ABSENT]
        if isinstance(part, int):
            words.append(_name_in(places) or str(part + 1))
            record = record_of(record, places[0] if places else None)
            continue
        label, record = _part(part, record, currency)
        if path[:n] in PLACE_TITLES:
            label = tr(PLACE_TITLES[path[:n]])
            words = []
        elif n < len(path):
            label = label.partition(" [")[0]
        words.append(label)
    return BETWEEN.join(words), record


def _part(name: str, record: type[BaseModel] | None, currency: str) -> tuple[str, type[BaseModel] | None]:
    """Label of a field of a record, and the record that the field contains."""
    if record is None:
        return name, None
    entry = next((field for field in inner(record) if field.name == name), None)
    field = next((field for field in fields(record, currency) if field.name == name), None)
    words, unit = label_parts(name, currency, record=record.__name__)
    label = field.label if field is not None else label_of(words, unit)
    return (label if name in record.model_fields else name), entry.record if entry is not None else None


def of_value(data: Any, record: type[BaseModel] | None, currency: str, unit: str = "") -> str:
    """Value in words: fields by their labels; numbers without a unit have the unit of their field.

    Args:
        data: plain data; ``ABSENT`` if there is no value.
        record: record of the value or of its items.
        currency: currency of the draft.
        unit: unit of the value.
    """
    if data is ABSENT:
        return "–"
    if isinstance(data, list):
        return "; ".join(of_value(item, record, currency, unit) for item in data)
    if not isinstance(data, dict):
        return (
            f"{as_typed(data)} {unit}" if unit and unit != SHARE and isinstance(data, int | float) else as_typed(data)
        )
    of = record_of(record, data)
    parts = []
    for name, value in data.items():
        if name == "name":
            continue
        label, within = _part(name, of, currency)
        words, _, end = label.removesuffix("]").partition(" [")
        text = of_value(value, within, currency, end)
        parts.append(f"{words} ({text})" if isinstance(value, dict | list) else f"{words} {text}")
    heading = [str(data["name"])] if "name" in data else []
    return ": ".join([*heading, ", ".join(parts)] if parts else heading)


LONGEST_CELL = 300
HEIGHT = 480
MAX_MISTAKES = 40


@dataclass(frozen=True)
class PendingText:
    """Typed text that is not applied yet."""

    text: str
    version: str
    """Version of the draft when the text was typed."""


def unapplied(draft: drafts.Draft, now: DraftState) -> PendingText | None:
    """Typed text that is not applied yet, from any earlier view or page; None if there is none."""
    typed: PendingText | None = st.session_state.get(_place(draft))
    return typed if typed is not None and typed.text != now.text else None


def _place(draft: drafts.Draft) -> str:
    return f"typed.{draft.id}"


def show(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the text field. Typed text is checked before it is saved; text with mistakes can be saved."""
    key, waits = f"text.{draft.id}.{draft.version}", unapplied(draft, now)
    # Streamlit forgets the field when another view or page is drawn
    st.session_state.setdefault(key, now.text if waits is None else waits.text)

    def remember() -> None:
        before = unapplied(draft, now)
        version = draft.version if before is None else before.version
        st.session_state[_place(draft)] = PendingText(str(st.session_state[key]), version)

    def discard() -> None:
        st.session_state.pop(_place(draft), None)
        st.session_state[key] = now.text

    with st.container(key=FIELD):
        st.text_area(
            tr("The scenario as YAML"), height=HEIGHT, key=key, max_chars=drafts.LARGEST_TEXT, on_change=remember,
            help=tr("Keys are offered while you type, and with Ctrl+Space. Numbers may have units."),
        )  # fmt: skip
    first, second, remaining = st.columns([1, 1, 4], vertical_alignment="center")
    kind: Literal["primary", "secondary"] = "secondary" if waits is None else "primary"
    if first.button(tr("Apply"), disabled=waits is None, key=f"{key}.apply", type=kind, width="stretch") and waits:
        if keep(draft, waits.text):
            st.session_state.pop(_place(draft), None)
        st.rerun()
    second.button(tr("Discard"), disabled=waits is None, key=f"{key}.discard", on_click=discard, width="stretch")
    if waits is None:
        remaining.text(tr("Text is checked while you type."))
        draw_help(now.problems, f"text.{draft.id}")
        problem_lines(now, now.problems[AT_TOP:], most=MAX_MISTAKES)
        return
    preview = checked(waits.text, draft.folder)
    remaining.text(tr("Not applied yet.") if preview.problems else tr("Not applied yet. ✓ No mistake found."))
    if waits.version != draft.version:
        st.text(tr("The draft has changed since this was typed: Apply replaces it with this text; Undo reverts."))
    draw_help(preview.problems, f"text.{draft.id}")
    problem_lines(preview, preview.problems, most=MAX_MISTAKES)


def show_changes(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the differences from the original as a table of key, original value and present value."""
    table = changes(draft, now)
    if table is None:
        st.text(tr("The text is not a YAML mapping: its changes cannot be listed."))
        return
    if table.empty:
        st.text(tr("Nothing has changed since it was copied."))
        return
    people = {"what": tr("what"), "before": tr("original"), "after": tr("now")}
    line = {"key": tr("key"), "original": tr("original"), "now": tr("now")}
    with st.container(key="changes"):
        widgets.table(table[list(people)], people, alt=tr("Changes"))
        with st.expander(tr("On the command line")):
            st.caption(tr("--set key=value for each line."))
            st.dataframe(table[list(line)], hide_index=True, alt=tr("On the command line"), column_config=line)


def changes(draft: drafts.Draft, now: DraftState) -> pd.DataFrame | None:
    """Differences from the original, by labels and by keys; None if the text cannot be read."""
    began = state(str(draft.folder / draft.texts[0])).data
    if began is None or now.data is None:
        return None
    rows = []
    for change in differences(began, now.data):
        label, of = of_place(change.path, now.currency, began, now.data)
        words = [of_value(value, of, now.currency) for value in (change.before, change.now)]
        rows.append((label, *words, _path_text(change.path, began, now.data), _cell(change.before), _cell(change.now)))
    return pd.DataFrame(rows, columns=["what", "before", "after", "key", "original", "now"], dtype=str)


def _path_text(path: Keys, *roots: Any) -> str:
    """Path with items identified by name, in the syntax of ``--set``."""
    places, parts = list(roots), []
    for part in path:
        places = [inside for place in places if (inside := value_at(place, (part,))) is not ABSENT]
        parts.append(_name_in(places) or str(part) if isinstance(part, int) else part)
    return ".".join(parts)


def _name_in(items: list[Any]) -> str:
    """Name of the first item with a name; empty if there is none."""
    return next((item["name"] for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)), "")


def _cell(value: Any) -> str:
    if value is ABSENT:
        return "–"
    text = flow(value)
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def download(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the download button for the text and its series.

    The file is created when the button is pressed: the server deletes an earlier file as soon as the page changes,
    and the browser would report an error.
    """
    name = now.scenario.name if now.scenario is not None else "scenario"
    make, kind, text = partial(_packed, draft, now), "zip", tr("Text and series as an archive")
    if not any((draft.folder / "files").iterdir()):
        make, kind, text = partial(str.encode, now.text), "yaml", tr("Text as YAML")
    key = f"download.{draft.version}"
    widgets.download(tr("Download"), make, f"{name}.{kind}", f"application/{kind}", key, width="stretch", help=text)


def _packed(draft: drafts.Draft, now: DraftState) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scenario.yaml", now.text)
        for path in sorted((draft.folder / "files").glob("[a-z0-9]*")):
            if f"files/{path.name}" in now.text or path.suffix == ".yaml":
                archive.write(path, f"files/{path.name}")
    return packed.getvalue()


def read_upload(content: bytes, name: str) -> tuple[str, DraftState] | None:
    """Return text and state of an uploaded scenario. If the upload is refused, draw the reason and return None."""
    if len(content) > drafts.LARGEST_TEXT:
        size, most = round(len(content) / 1e3), drafts.LARGEST_TEXT // 1000
        st.text(f"✕ {name}: {tr('has {size} kB, the limit for a scenario is {most} kB', size=size, most=most)}")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        st.text(f"✕ {name}: {tr('is not UTF-8 text (byte {at})', at=error.start)}")
        return None
    upload = checked(text, snapshots.NOWHERE)
    if upload.data is None or any(_hostile(problem.says) for problem in upload.problems):
        for problem in upload.problems[:1]:
            where = problem.where.replace("scenario.yaml", name)
            st.text(f"✕ {where}: {': '.join(part for part in (problem.key, problem.says) if part)}")
        return None
    return text, upload


def _hostile(text: str) -> bool:
    return "not allowed" in text or "levels deep" in text or "given twice" in text


@st.cache_data(max_entries=64, show_spinner=False)
def lacking(path: str) -> tuple[bool, list[str]]:
    """Whether an immutable text rules out any plan, and its shortages, one sentence each; False and no shortages if the
    text cannot be read."""
    from emberline.studies.why import quick

    try:
        scenario = snapshots.load(Path(path))
        lines = quick.shortages(scenario)
        return bool(lines), lines or quick.without_place(scenario)
    except (ScenarioError, OSError):
        return False, []


@st.cache_data(max_entries=32, show_spinner=False)
def repairs(path: str) -> list[tuple[list[str], list[str]]]:
    """Changes that would help, as sentences and overrides."""
    from emberline.studies.why import quick

    reply = quick.quick(lambda more: snapshots.load(Path(path), list(more)))
    return [(list(repair.says), list(repair.overrides)) for repair in reply.repairs]


def show_doubts(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the shortages. Draw nothing if the draft has mistakes, which must be corrected first."""
    if now.scenario is None:
        return
    path = str(draft.path)
    proven, lines = lacking(path)
    if not lines:
        for line in facts.odd(now.scenario):
            st.caption(f"⚠ {say(line)}")
        return
    with st.container(border=True, key="lacking"):
        for line in lines:
            st.text(f"✕ {tr('No plan is possible:')} {say(line)}" if proven else f"⚠ {say(line)}")
        for i, (sentence, overrides) in enumerate(repairs(path)):
            text, button = st.columns([4, 1], vertical_alignment="center")
            text.text("\n".join(map(say, sentence)))
            if button.button(tr("Change it"), key=f"lacking.{i}", width="stretch"):
                _change(draft, overrides)


def show_typical(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the typical figures that are unchanged, with their sources; draw nothing if there are none."""
    rows = typical(str(draft.path), str(draft.folder / draft.texts[0]))
    if not rows:
        return
    title = trn("{count} typical figure still in use", "{count} typical figures still in use", len(rows))
    with st.expander(title, icon=":material/info:", key=f"typical.{draft.id}"):
        titles = {"where": tr("where"), "value": tr("value"), "source": tr("source")}
        cells = [(of_place(path, now.currency, now.data)[0], as_typed(value), source) for path, value, source in rows]
        widgets.table(pd.DataFrame(cells, columns=list(titles)), titles, 480, alt=title)


def _change(draft: drafts.Draft, overrides: list[str]) -> None:
    document = parse(draft.text)
    for assignment in overrides:
        override(document, assignment)
    keep(draft, revised(draft.text, document.data))
    st.rerun()
