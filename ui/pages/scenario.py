"""Page Scenario: choose and copy a scenario; edit the copy as form, table or text; import series; plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from emberline.reports.text import facts, mark, numbers, tr, trn, wording
from emberline.runs.store import drafts
from emberline.scenarios import Case, ScenarioError
from emberline.scenarios.importing.reading import display_name
from emberline.ui.pages.editor import draft as editing
from emberline.ui.pages.editor import form, new_plant, source_text, tables
from emberline.ui.pages.editor import series as editing_series
from emberline.ui.pages.editor.draft import DraftState
from emberline.ui.pages.editor.drawing import sheet
from emberline.ui.pages.request import sources
from emberline.ui.pages.request.sources import SCENARIO_KEY, ScenarioSource
from emberline.ui.pages.session import chart_cache, navigation, session, sign_in, widgets
from emberline.ui.pages.session.widgets import warning

STYLE = Path(__file__).with_name("scenario.css")
LARGEST_YAML_MB = 1
PLAN_NEXT = "plan.wanted"
"""Session key of the draft to plan after all typed values are saved."""


def page() -> None:
    """Draw the page."""
    st.html(STYLE)
    _check_address()
    with st.sidebar:
        source = sources.choose(st.session_state.get(sources.SEED, {}))
        new_plant.button(key="new.side")
        _upload()
    editing.show_refusal()
    if new_plant.open_now():
        new_plant.show(_begin)
        return
    if source.draft is None:
        _look(source)
    else:
        session.hold(source.draft.id)
        _edit(source.draft)


def _check_address() -> None:
    """Warn if a draft in the address no longer exists."""
    mine = sources.my_drafts()
    for draft in session.drafts():
        if draft not in mine:
            session.leave(draft)
            warning(
                "A draft in this address no longer exists here, or belongs to somebody else. Choose a scenario and "
                "copy it again."
            )


def _begin(text: str, origin: str, series: Path | None = None, load: dict[str, str] | None = None) -> None:
    """Create a draft and edit it.

    Args:
        text: text of the draft.
        origin: name of the scenario or file with the original text.
        series: folder with the series that the text refers to.
        load: content of a referenced meter file, by suffix of its name.
    """
    try:
        draft = drafts.create(text, origin, series, sign_in.person())
        if load:
            drafts.add_files(draft, new_plant.LOAD, load)
    except (drafts.DraftError, ScenarioError) as error:
        st.session_state[editing.REFUSAL] = str(error)
        st.rerun()
    sources.look_at(draft.id)
    if load is not None:
        st.session_state[f"view.{draft.id}"] = "sheet"
    st.rerun()


# --- a bundled scenario -----------------------------------------------------------------------------------------------


def _look(source: ScenarioSource) -> None:
    scenario = sources.look(source.path)
    ours, text = source.series is None, source.file.read_text(encoding="utf-8")
    title, new, button = st.columns([4, 1, 1], vertical_alignment="center")
    title.subheader(tr("Scenario"), anchor=False)
    with new:
        new_plant.button(key="new.main")
    copy = button.button(tr("Copy to edit"), type="primary", width="stretch", key="copy")
    editing.show_list()
    st.text(f"{scenario.name}: {scenario.title}")
    if copy:
        _begin(text, scenario.name, source.series)
    bundled_stay = tr(
        "Bundled scenarios cannot be changed. Copy one to edit the copy as form, table or text; it is yours alone."
    )
    planned_stay = tr("A planned scenario cannot be changed. Copy it to edit the copy, which is yours alone.")
    st.text(bundled_stay if ours else planned_stay)
    _facts(scenario)
    st.expander(tr("As text")).code(text, language="yaml", line_numbers=True)


def _facts(scenario: Case) -> None:
    with st.container(border=True):
        st.text(scenario.description)
        st.text(
            f"{wording.span(scenario.horizon)}\n"
            f"{numbers.clauses([wording.size(scenario), wording.goal(scenario.goal, scenario.market.currency)])}"
        )
    lines = [line.partition(": ") for line in facts.lines(scenario)]
    with st.expander(tr("Summary")):
        table = pd.DataFrame([(what, text) for what, _, text in lines], columns=["what", "says"])
        widgets.table(table, {"what": tr("what"), "says": tr("value")}, 480, alt=tr("Summary"))
    chart_cache.market(scenario)


# --- a draft ----------------------------------------------------------------------------------------------------------


def _upload() -> None:
    with st.expander(tr("Import scenario")):
        file = st.file_uploader(
            tr("YAML file, at most {most} kB", most=drafts.LARGEST_TEXT // 1000),
            key=f"yaml.{st.session_state.get('yaml.taken', 0)}", max_upload_size=LARGEST_YAML_MB,
        )  # fmt: skip
        if file is None:
            return
        name = display_name(file.name)
        upload = source_text.read_upload(file.getvalue(), name)
        if upload is None:
            return
        text, now = upload
        _preview(now)
        if st.button(tr("Edit"), type="primary", width="stretch", key="yaml.take"):
            st.session_state["yaml.taken"] = int(st.session_state.get("yaml.taken", 0)) + 1
            _begin(text, now.scenario.name if now.scenario is not None else name)


def _preview(now: DraftState) -> None:
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
    editing.changed_elsewhere(draft)
    changed = source_text.changes(draft, now)
    count = None if changed is None else len(changed)
    _head(draft, now, count)
    if now.problems:
        with st.container(border=True):
            editing.problem_lines(now, now.problems, most=editing.AT_TOP)
    source_text.show_doubts(draft, now)
    source_text.show_typical(draft, now)
    _unapplied(draft, now)

    def label(view: str) -> str:
        title = tr(VIEWS[view][0])
        return f"{title} ({count})" if view == "changes" and count else title

    last = navigation.view_key(draft.id)
    st.session_state.setdefault(f"view.{draft.id}", st.session_state.get(last, "form"))
    view = st.segmented_control(
        tr("Edit as"), list(VIEWS), required=True, format_func=label, key=f"view.{draft.id}",
        label_visibility="collapsed",
    )  # fmt: skip
    st.session_state[last] = view
    failure: Exception | None = None
    try:
        VIEWS[str(view)][1](draft, now)
    except Exception as error:  # the button pressed above takes effect nevertheless
        failure = error
    editing.show_list()
    # pressing the button saves the focused field first, or the page is drawn again
    if st.session_state.pop(PLAN_NEXT, "") == draft.id and not now.problems:
        st.session_state[SCENARIO_KEY] = st.session_state[sources.AT_ONCE] = draft.id
        navigation.go("plan")
    if failure is not None:
        raise failure


def _form(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the draft as a form, including the nested fields of the section."""
    section = form.show(draft, now)
    if section in form.WITHIN:
        tables.draw_within(draft, now, (section,))


VIEWS: dict[str, tuple[str, Callable[[drafts.Draft, DraftState], None]]] = {
    "sheet": (mark("Flow sheet"), sheet.show),
    "form": (mark("Form"), _form),
    "tables": (mark("Tables"), tables.show),
    "series": (mark("Series"), editing_series.show),
    "text": (mark("Text"), source_text.show),
    "changes": (mark("Changes"), source_text.show_changes),
}
"""Views of a draft: titles and drawing functions."""


def _unapplied(draft: drafts.Draft, now: DraftState) -> None:
    """Show a note about typed text that is not applied yet, so that no plan omits it silently."""
    if source_text.unapplied(draft, now) is None:
        return
    place = f"view.{draft.id}"
    if st.session_state.get(PLAN_NEXT) == draft.id:
        del st.session_state[PLAN_NEXT]
        st.session_state[place] = "text"
        st.warning(tr("Nothing is planned yet: apply or discard the typed text, then plan."))
    elif st.session_state.get(place) != "text":
        st.text(tr("Typed text is not applied yet: apply or discard it under Text."))


def _address(draft: drafts.Draft) -> None:
    """Draw the address of the draft and a note on how to reopen the draft."""
    if sign_in.lists():
        text = tr("This address opens the draft again; it is also in the list of your drafts.")
    else:
        text = tr("Save this address: it is the only way back to the draft.")
    until = tr("It is kept for {days} days after its last change.", days=drafts.KEPT_DAYS)
    st.text(f"{text} {until}")
    page = str(st.context.url or "").partition("?")[0]
    st.code(f"{page}?draft={draft.id}", language=None, wrap_lines=True)


def _head(draft: drafts.Draft, now: DraftState, changes: int | None) -> None:
    """Draw name, state and actions of the draft."""
    mistakes = len(now.problems)
    parts = [
        trn("✕ {count} mistake", "✕ {count} mistakes", mistakes) if mistakes else tr("✓ no mistake found"),
        *([] if changes is None else [trn("{count} change", "{count} changes", changes)]),
    ]
    st.subheader(_plain_title(draft, now), anchor=False)
    st.text(", ".join(parts))
    undo, redo, reset, download, address, planning, _ = st.columns([2, 2, 2, 3, 3, 3, 1])
    if undo.button(tr("Undo"), disabled=not draft.undoable, width="stretch", key="undo"):
        _step(draft, -1)
    if redo.button(tr("Redo"), disabled=not draft.redoable, width="stretch", key="redo"):
        _step(draft, 1)
    same, about = not changes and not mistakes, tr("Back to the copied text; Undo reverts")
    if reset.button(tr("Reset"), disabled=same, width="stretch", key="reset", help=about):
        editing.keep(draft, draft.original)
        st.rerun()
    with download:
        source_text.download(draft, now)
    with address.popover(tr("Address"), width="stretch", key="address"):
        _address(draft)
    planning.button(
        tr("Plan this"), type="primary", disabled=bool(mistakes), width="stretch", key="plan.this",
        on_click=lambda: st.session_state.update({PLAN_NEXT: draft.id}),
    )  # fmt: skip


def _plain_title(draft: drafts.Draft, now: DraftState) -> str:
    """Title of the draft's scenario, without characters that a heading would interpret as format or link."""
    title = str((now.data or {}).get("title") or "") or sources.name_of(str(draft.path), draft.origin)
    title = re.sub(r"[^\w .,:;%/+()-]", " ", title)
    return re.sub(r"//+|:(?=[^\W\d]|/)|(?<!\d)\.(?=\w)|\.(?=[^\W\d])", " ", title)[:120]


def _step(draft: drafts.Draft, by: int) -> None:
    try:
        after = drafts.step(draft, by)
        session.versions()[after.id] = after.version
    except drafts.DraftError as error:
        st.session_state[editing.REFUSAL] = str(error)
    st.rerun()
