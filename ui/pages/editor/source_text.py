"""A draft as text, what has changed since it was copied, and how it is taken along."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from emberline.plans.store import drafts, snapshots
from emberline.scenarios.reading.editing import ABSENT, differences, flow
from emberline.ui.pages.editor.draft import AT_TOP, State, checked, keep, problem_lines, state
from emberline.ui.text.language import tr

LONGEST_CELL = 300
HEIGHT = 560
MOST_TOLD = 40


@dataclass(frozen=True)
class Typed:
    """A text that was typed and is not applied yet."""

    text: str
    version: str
    """Of the draft that it was typed over."""


def unapplied(draft: drafts.Draft, now: State) -> Typed | None:
    """What was typed and is not applied yet, on whatever page one has been since; None: nothing."""
    typed: Typed | None = st.session_state.get(_place(draft))
    return typed if typed is not None and typed.text != now.text else None


def _place(draft: drafts.Draft) -> str:
    return f"typed.{draft.id}"


def show(draft: drafts.Draft, now: State) -> None:
    """Draw the text; what is typed is checked before it is kept, and kept with its mistakes if that is wanted."""
    key, waits = f"text.{draft.id}.{draft.version}", unapplied(draft, now)
    # the field is forgotten whenever another view or page is drawn
    st.session_state.setdefault(key, now.text if waits is None else waits.text)

    def remember() -> None:
        before = unapplied(draft, now)
        version = draft.version if before is None else before.version
        st.session_state[_place(draft)] = Typed(str(st.session_state[key]), version)

    def discard() -> None:
        st.session_state.pop(_place(draft), None)
        st.session_state[key] = now.text

    st.text_area(
        tr("The scenario as YAML"), height=HEIGHT, key=key, max_chars=drafts.LARGEST_TEXT, on_change=remember,
        help=tr("Every key is described by 'emberline schema'. A number may be written with its unit."),
    )  # fmt: skip
    left, middle, right = st.columns([1, 1, 4], vertical_alignment="center")
    kind: Literal["primary", "secondary"] = "secondary" if waits is None else "primary"
    if left.button(tr("Apply"), disabled=waits is None, key=f"{key}.apply", type=kind, width="stretch") and waits:
        if keep(draft, waits.text):
            st.session_state.pop(_place(draft), None)
        st.rerun()
    middle.button(tr("Discard"), disabled=waits is None, key=f"{key}.discard", on_click=discard, width="stretch")
    if waits is None:
        right.text(tr("What is typed here is checked when the field is left (Ctrl+Enter)."))
        problem_lines(now, now.problems[AT_TOP:], most=MOST_TOLD)
        return
    told = checked(waits.text, draft.folder)
    right.text(tr("Not applied yet.") if told.problems else tr("Not applied yet. ✓ No mistake found."))
    if waits.version != draft.version:
        st.text(
            tr("The draft has changed since this was typed: Apply puts this text in its place; Undo takes it back.")
        )
    problem_lines(told, told.problems, most=MOST_TOLD)


def show_changes(draft: drafts.Draft, now: State) -> None:
    """Draw the difference to the original as a table of key, original, now."""
    table = changes(draft, now)
    if table is None:
        st.text(tr("The text is no YAML mapping: what has changed cannot be told until it is."))
        return
    if table.empty:
        st.text(tr("Nothing has changed since the copy was made."))
        return
    with st.container(key="changes"):
        st.dataframe(
            table, hide_index=True, height=min(35 * (len(table) + 1) + 3, 640), alt=tr("What has changed"),
            column_config={"key": tr("key"), "original": tr("original"), "now": tr("now")},
        )  # fmt: skip
    st.caption(tr("The same on the command line: --set with key=value, for each line."))


def changes(draft: drafts.Draft, now: State) -> pd.DataFrame | None:
    """What differs from the original; None: the text cannot be read."""
    began = state(str(draft.folder / draft.texts[0])).data
    if began is None or now.data is None:
        return None
    found = list(differences(began, now.data))
    return pd.DataFrame(
        {
            "key": [_called(change.path, began, now.data) for change in found],
            "original": [_cell(change.before) for change in found],
            "now": [_cell(change.now) for change in found],
        }
    )


def _called(path: tuple[str | int, ...], *roots: Any) -> str:
    """A path whose items are called by their names, as ``--set`` takes them."""
    places, said = list(roots), []
    for part in path:
        inner = []
        for place in places:
            try:
                inner.append(place[part])
            except (KeyError, IndexError, TypeError):
                continue
        names = [item.get("name") for item in inner if isinstance(part, int) and isinstance(item, dict)]
        said.append(str(next((name for name in names if isinstance(name, str)), part)))
        places = inner
    return ".".join(said)


def _cell(value: Any) -> str:
    if value is ABSENT:
        return "–"
    said = flow(value)
    return said if len(said) <= LONGEST_CELL else f"{said[: LONGEST_CELL - 1]}…"


def download(draft: drafts.Draft, now: State) -> None:
    """Draw the button that takes the draft along: its text, with its series where it has some.

    The file is made when it is asked for: one made beforehand is gone from the server as soon as the page changes, and
    the browser, which looks whether it is there, says so.
    """
    name = now.scenario.name if now.scenario is not None else "scenario"
    if any((draft.folder / "files").iterdir()):
        st.download_button(
            tr("Download"), lambda: _packed(draft, now), f"{name}.zip", "application/zip", on_click="ignore",
            key=f"download.{draft.version}", width="stretch", help=tr("The text and its series, as an archive"),
        )  # fmt: skip
    else:
        st.download_button(
            tr("Download"), lambda: now.text, f"{name}.yaml", "application/yaml", on_click="ignore",
            key=f"download.{draft.version}", width="stretch", help=tr("The text as YAML"),
        )  # fmt: skip


def _packed(draft: drafts.Draft, now: State) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scenario.yaml", now.text)
        for path in sorted((draft.folder / "files").glob("[a-z0-9]*")):
            if f"files/{path.name}" in now.text or path.suffix == ".yaml":
                archive.write(path, f"files/{path.name}")
    return packed.getvalue()


def uploaded(content: bytes, name: str) -> tuple[str, State] | None:
    """The text of an uploaded scenario and its state, or None and one line that says why there is none."""
    if len(content) > drafts.LARGEST_TEXT:
        size, most = round(len(content) / 1e3), drafts.LARGEST_TEXT // 1000
        st.text(f"✕ {name}: {tr('has {size} kB, a scenario has at most {most}', size=size, most=most)}")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        st.text(f"✕ {name}: {tr('is not UTF-8 text (byte {at})', at=error.start)}")
        return None
    found = checked(text, snapshots.NOWHERE)
    if found.data is None or any(_hostile(problem.says) for problem in found.problems):
        for problem in found.problems[:1]:
            where = problem.where.replace("scenario.yaml", name)
            st.text(f"✕ {where}: {': '.join(part for part in (problem.key, problem.says) if part)}")
        return None
    return text, found


def _hostile(says: str) -> bool:
    return "not allowed" in says or "levels deep" in says or "given twice" in says
