"""The page Scenario: pick one, copy it, change the copy as form, table or text, bring series in, plan it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from emberline.plans.store import drafts
from emberline.scenarios import Scenario, ScenarioError, bundled
from emberline.scenarios.importing.reading import shown
from emberline.scenarios.reading.loading import find
from emberline.ui.pages.editor import draft as editing
from emberline.ui.pages.editor import draft_list, form, source_text, tables
from emberline.ui.pages.editor import series as editing_series
from emberline.ui.pages.editor.draft import State
from emberline.ui.pages.request import sources
from emberline.ui.pages.request.sources import CHOSEN, Source
from emberline.ui.pages.session import chart_cache, navigation, session, sign_in
from emberline.ui.text import facts, numbers, wording
from emberline.ui.text.language import mark, tr, trn

VIEWS = {
    "form": mark("Form"),
    "tables": mark("Tables"),
    "series": mark("Series"),
    "text": mark("Text"),
    "changes": mark("Changes"),
}
STYLE = """<style>
.st-key-upload [data-testid="stElementToolbar"], .st-key-changes [data-testid="stElementToolbar"] { display: none; }
[data-testid="stMain"] [data-testid="stTextArea"] textarea { font-family: monospace; font-size: 0.85rem; }
</style>"""
LARGEST_YAML_MB = 1
WANTED = "plan.wanted"
"""In the session: id of the draft that is to be planned once everything typed has been kept."""


def page() -> None:
    """Draw the page."""
    st.html(STYLE)
    _told()
    with st.sidebar:
        source = sources.choose(st.session_state.get(sources.SEED, {}))
        _upload()
    editing.said()
    if source.draft is None:
        _look(source)
    else:
        session.hold(source.draft.id)
        _edit(source.draft)


def _told() -> None:
    """Say so where a draft of the address is not kept any more."""
    kept = sources.own()
    for draft in session.drafts():
        if draft not in kept:
            session.leave(draft)
            st.warning(
                tr(
                    "A draft of this address is not kept here any more, or is somebody else's. Choose a scenario and "
                    "copy it again."
                )
            )


def _begin(text: str, origin: str, series: Path | None = None) -> None:
    """Make a draft and edit it; ``series``: a folder with those that the text names."""
    try:
        made = drafts.create(text, origin, series, sign_in.person())
    except (drafts.DraftError, ScenarioError) as error:
        st.session_state[editing.SAID] = str(error)
        st.rerun()
    session.hold(made.id)
    st.session_state[CHOSEN] = made.id
    st.rerun()


# --- a bundled scenario -----------------------------------------------------------------------------------------------


def _look(source: Source) -> None:
    scenario = sources.look(source.path)
    ours = source.path in bundled()
    file = find(source.path) if ours else Path(source.path)
    text = file.read_text(encoding="utf-8")
    title, button = st.columns([4, 1], vertical_alignment="center")
    title.subheader(tr("Scenario"), anchor=False)
    with button:
        copy = st.button(tr("Copy to edit"), type="primary", width="stretch", key="copy")
    draft_list.show()
    st.text(f"{scenario.name}: {scenario.title}")
    if copy:
        _begin(text, scenario.name, None if ours else file.parent / "files")
    bundled_stay = tr(
        "Bundled scenarios stay as they are. Copy one to edit the copy as form, table or text; it is yours alone."
    )
    planned_stay = tr("What was planned stays as it is. Copy it to edit the copy, which is yours alone.")
    st.text(bundled_stay if ours else planned_stay)
    _facts(scenario)
    with st.expander(tr("As text")):
        st.code(text, language="yaml", line_numbers=True)


def _facts(scenario: Scenario) -> None:
    with st.container(border=True):
        st.text(scenario.description)
        st.text(
            f"{wording.span(scenario.horizon)}\n"
            f"{numbers.clauses([wording.size(scenario), wording.goal(scenario.goal)])}"
        )
    said = [line.partition(": ") for line in facts.lines(scenario)]
    with st.expander(tr("Everything that it says")):
        table = pd.DataFrame([(what, says) for what, _, says in said], columns=["what", "says"])
        st.dataframe(
            table, hide_index=True, height=min(35 * (len(table) + 1) + 3, 480), alt=tr("Everything that it says"),
            column_config={"what": tr("what"), "says": tr("it says")},
        )  # fmt: skip
    chart_cache.market(scenario)


# --- a scenario of one's own ------------------------------------------------------------------------------------------


def _upload() -> None:
    with st.expander(tr("Bring a scenario in")):
        file = st.file_uploader(
            tr("YAML file, at most {most} kB", most=drafts.LARGEST_TEXT // 1000),
            key=f"yaml.{st.session_state.get('yaml.taken', 0)}", max_upload_size=LARGEST_YAML_MB,
        )  # fmt: skip
        if file is None:
            return
        name = shown(file.name)
        found = source_text.uploaded(file.getvalue(), name)
        if found is None:
            return
        text, now = found
        _preview(now)
        if st.button(tr("Edit it"), type="primary", width="stretch", key="yaml.take"):
            st.session_state["yaml.taken"] = int(st.session_state.get("yaml.taken", 0)) + 1
            _begin(text, now.scenario.name if now.scenario is not None else name)


def _preview(now: State) -> None:
    """What an uploaded scenario is, before it is taken."""
    if now.scenario is not None:
        st.text(f"✓ {now.scenario.name}: {now.scenario.title}\n{wording.size(now.scenario)}")
        return
    count = len(now.problems)
    st.text(
        trn(
            "✕ {count} mistake, to be corrected in the draft", "✕ {count} mistakes, to be corrected in the draft", count
        )
    )
    editing.problem_lines(now, now.problems, most=3)


def _edit(draft: drafts.Draft) -> None:
    now = editing.state(str(draft.path))
    st.subheader(tr("Scenario"), anchor=False)
    draft_list.show()
    editing.changed_elsewhere(draft)
    changed = source_text.changes(draft, now)
    count = None if changed is None else len(changed)
    _head(draft, now, count)
    _address(draft)
    if now.problems:
        with st.container(border=True):
            editing.problem_lines(now, now.problems, most=editing.AT_TOP)
    _unapplied(draft, now)

    def called(view: str) -> str:
        return f"{tr(VIEWS[view])} ({count})" if view == "changes" and count else tr(VIEWS[view])

    view = st.segmented_control(
        tr("Edit as"), list(VIEWS), default="form", required=True, format_func=called, key=f"view.{draft.id}",
        label_visibility="collapsed",
    )  # fmt: skip
    if view == "tables":
        tables.show(draft, now)
    elif view == "series":
        editing_series.show(draft, now)
    elif view == "text":
        source_text.show(draft, now)
    elif view == "changes":
        source_text.show_changes(draft, now)
    else:
        form.show(draft, now)
    # a field that was left by pressing the button has been kept by now, or the page is drawn again
    if st.session_state.pop(WANTED, "") == draft.id and not now.problems:
        st.session_state[CHOSEN] = st.session_state[sources.AT_ONCE] = draft.id
        navigation.go("plan")


def _unapplied(draft: drafts.Draft, now: State) -> None:
    """Tell of typed text that is not applied yet; it is not planned silently without it."""
    if source_text.unapplied(draft, now) is None:
        return
    place = f"view.{draft.id}"
    if st.session_state.get(WANTED) == draft.id:
        del st.session_state[WANTED]
        st.session_state[place] = "text"
        st.warning(tr("Nothing is planned yet: apply or discard the text that was typed, then plan."))
    elif st.session_state.get(place) != "text":
        st.text(tr("Typed text is not applied yet: apply or discard it under Text."))


def _address(draft: drafts.Draft) -> None:
    """The address that finds the draft again, beside the list of one's own where there is one."""
    says, address = st.columns([2, 3], vertical_alignment="center")
    if draft_list.there_is_one():
        told = tr("This address opens the draft again, as does the list of your drafts.")
    else:
        told = tr("Keep this address: it is how you find the draft again.")
    until = tr("It is kept for {days} days after its last change.", days=drafts.KEPT_DAYS)
    says.text(f"{told} {until}")
    page = str(st.context.url or "").partition("?")[0]
    address.code(f"{page}?draft={draft.id}", language=None, wrap_lines=True)


def _head(draft: drafts.Draft, now: State, changes: int | None) -> None:
    """Name and state of the draft, and what can be done with it as a whole."""
    mistakes = len(now.problems)
    parts = [
        trn("✕ {count} mistake", "✕ {count} mistakes", mistakes) if mistakes else tr("✓ no mistake found"),
        *([] if changes is None else [trn("{count} change", "{count} changes", changes)]),
    ]
    st.text(f"{sources.called(draft)}: {', '.join(parts)}")
    undo, redo, reset, download, planning, _ = st.columns([2, 2, 2, 3, 3, 4])
    if undo.button(tr("Undo"), disabled=not draft.undoable, width="stretch", key="undo"):
        _step(draft, -1)
    if redo.button(tr("Redo"), disabled=not draft.redoable, width="stretch", key="redo"):
        _step(draft, 1)
    if reset.button(
        tr("Reset"), disabled=not changes and not mistakes, width="stretch", key="reset",
        help=tr("Back to the text that was copied; Undo takes it back"),
    ):  # fmt: skip
        editing.keep(draft, draft.original)
        st.rerun()
    with download:
        source_text.download(draft, now)
    planning.button(
        tr("Plan this"), type="primary", disabled=bool(mistakes), width="stretch", key="plan.this",
        on_click=lambda: st.session_state.update({WANTED: draft.id}),
    )  # fmt: skip


def _step(draft: drafts.Draft, by: int) -> None:
    try:
        editing.seen(drafts.step(draft, by))
    except drafts.DraftError as error:
        st.session_state[editing.SAID] = str(error)
    st.rerun()
