"""Two rows over every page, at the same place on each: sections above, the pages of a section and the plan below."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.reports.text.language import LANGUAGES, current, tr
from emberline.ui.pages.header import job_list, plan_choice, theme
from emberline.ui.pages.session import session, sign_in

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
                job_list.draw()
                theme.switch()
                language()
                sign_in.who()
        with st.container(key="header_pages", horizontal=True, vertical_alignment="center", gap="small"):
            pages = sections.get(section, {})
            with st.container(key="header_links", horizontal=True, gap=None, width="content"):
                for name, page in pages.items() if len(pages) > 1 else ():
                    _link(tr(titles[name]), page, "page", name == module)
            plan_choice.draw()


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
