"""The header of all pages: sections and their pages, the plan in view, jobs, theme, language.

Two rows at the same place on each page: sections above, the pages of a section and the plan below."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.reports.text import current, mark, tr, trn, wording
from emberline.reports.text.language import LANGUAGES
from emberline.runs.jobs import JobStatus, queue
from emberline.runs.store import StoreError
from emberline.ui.pages.session import job_progress, navigation, session, sign_in, stored_runs, widgets

POLL_S = 5.0
KINDS = {
    "plan": mark("plan"),
    "replan": mark("plan around locks"),
    "front": mark("trade-offs"),
    "point": mark("plan of a trade-off"),
    "replay": mark("disturbed replays"),
    "hold": mark("plan that holds"),
    "analysis": mark("analysis"),
}
"""Names of the kinds of jobs (``queue.KINDS``)."""
PAGES = {"front": "pareto", "replay": "robustness", "analysis": "analyses"}
"""Page that shows a kind of job; any other kind is shown by the page Plan."""


@st.fragment(run_every=POLL_S)
def draw_jobs() -> None:
    """Draw the list; it looks for changes by itself."""
    jobs = list(queue.under_way())
    label = trn("{count} job", "{count} jobs", len(jobs)) if jobs else tr("No jobs")
    with st.container(key="header_jobs", width="content"), st.popover(label):
        if not jobs:
            st.text(tr("Nothing is running on this server."))
        for status in jobs:
            _job(status)


def _job(status: JobStatus) -> None:
    asks = queue.request(status.run)
    note = asks.get("note") or {}
    kind = tr(KINDS.get(status.kind, status.kind))
    what = str(note.get("called") or note.get("scenario") or asks.get("scenario") or "")
    parts = [kind, what, tr("by {who}", who=note[job_progress.BY]) if note.get(job_progress.BY) else ""]
    text, button = st.columns([4, 1], vertical_alignment="center")
    text.text(" · ".join(part for part in parts if part))
    text.caption(progress(status))
    if button.button(tr("Open"), key=f"job.{status.run}", type="tertiary"):
        _open(status, asks)


def progress(status: JobStatus) -> str:
    """Progress of a job, in words."""
    if status.state == "queued":
        ahead = trn("{count} job before it.", "{count} jobs before it.", status.ahead) if status.ahead else ""
        return " ".join(part for part in (tr("waiting"), ahead) if part)
    phase = tr(wording.PHASES.get(status.phase, "working"))
    if status.of:
        return tr("{phase}: {done} of {of}", phase=phase, done=status.count, of=status.of)
    if status.since is None:
        return phase
    return tr("{phase}, {seconds} s so far", phase=phase, seconds=job_progress.seconds(status))


def _open(status: JobStatus, asks: dict[str, Any]) -> None:
    module = PAGES.get(status.kind, "plan")
    if module == "pareto":
        st.session_state["front"] = status.run
    elif module == "plan":
        session.choose(status.run)
    else:
        options = asks.get("given") or {}
        if "run" in options:
            session.choose(str(options["run"]))
        if module == "analyses":
            session.look_at(str(options.get("analysis")), status.run)
    try:
        navigation.go(module)
    except StoreError:
        return


def draw_plan_choice() -> None:
    """Draw the choice of the plan; nothing where no plan is stored."""
    now = session.run()
    runs = stored_runs.entries(also=[now] if now else [])
    if not runs:
        return
    ids, labels = list(runs), stored_runs.labels(runs.values())
    with st.container(key="header_plan"):
        choice = st.selectbox(
            tr("Plan in view"), ids, index=ids.index(now) if now in runs else None,
            format_func=labels.__getitem__, placeholder=tr("choose a plan"),
            key=f"picking.{now}.{now in runs}", label_visibility="collapsed",  # another one once it is stored
        )  # fmt: skip
    if choice and choice != now:
        session.choose(choice)
        st.rerun()


HTML = '<button type="button" class="theme"></button>'
# the script of the document hands it to Streamlit before the pages begin (``ui/server/app.py``)


def switch() -> None:
    """Draw the switch."""
    data = {
        "dark": st.context.theme.type == "dark", "light_theme": tr("Light theme"),
        "dark_theme": tr("Dark theme"),
    }  # fmt: skip
    widgets.component(__file__, "theme", HTML)(data=data, key="theme.switch", height="content", width="content")


PRODUCT = "Emberline"


def draw(sections: dict[str, dict[str, Any]], titles: dict[str, str], module: str) -> None:
    """Draw the header.

    Args:
        sections: pages of each section by module.
        titles: title of each page by module, in English.
        module: the page in view; empty for none.
    """
    section = next((name for name, pages in sections.items() if module in pages), "")
    with st.container(key="header", gap=None):
        with st.container(key="header_top", horizontal=True, vertical_alignment="center", gap="small"):
            st.html(f'<span class="product">{PRODUCT}</span>', width="content")
            with st.container(key="header_sections", horizontal=True, gap=None, width="content"):
                for name, pages in sections.items():
                    _link(tr(name), next(iter(pages.values())), "section", name == section)
            with st.container(
                key="header_tools", horizontal=True, vertical_alignment="center", gap="small", width="content"
            ):
                draw_jobs()
                switch()
                language()
                sign_in.who()
        with st.container(key="header_pages", horizontal=True, vertical_alignment="center", gap="small"):
            pages = sections.get(section, {})
            with st.container(key="header_links", horizontal=True, gap=None, width="content"):
                for name, page in pages.items() if len(pages) > 1 else ():
                    _link(tr(titles[name]), page, "page", name == module)
            draw_plan_choice()


def language() -> None:
    """The language switch; each language has its own name."""
    now = current()
    with st.container(key="language"):
        choice = st.selectbox(
            "Language · 语言", list(LANGUAGES), list(LANGUAGES).index(now), format_func=LANGUAGES.__getitem__,
            key=f"language.{now}", label_visibility="collapsed",
        )  # fmt: skip
    if choice != now:
        session.speak(choice)
        st.rerun()


def _link(label: str, page: Any, kind: str, active: bool) -> None:
    with st.container(key=f"{kind}_{'active' if active else 'of'}_{page.url_path or 'start'}", width="content"):
        st.page_link(page, label=label)
