"""The page Scenario in a session of its own, for its tests."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from emberline.runs.store import drafts
from emberline.runs.store.drafts import Draft


def script() -> None:
    """The page as the app draws it."""
    from emberline.ui.pages import scenario
    from emberline.ui.pages.session import session

    session.begin()
    scenario.page()


def opened(draft: str | None = None) -> AppTest:
    """The page, of a draft or at its beginning."""
    app = AppTest.from_function(script, default_timeout=60)
    if draft is not None:
        app.query_params["draft"] = draft
    app.run()
    assert not app.exception
    return app


def copied() -> tuple[AppTest, Draft]:
    """The page of a new copy of the small melt shop."""
    app = opened()
    app.button(key="copy").click().run()
    assert not app.exception
    return app, of(app)


def of(app: AppTest) -> Draft:
    """The draft that a page shows."""
    named = app.query_params["draft"]
    return drafts.open_draft(named if isinstance(named, str) else named[0])


def texts(app: AppTest) -> str:
    """All that the page says."""
    kinds = ("text", "markdown", "caption", "warning", "subheader")
    return "\n".join(str(getattr(item, "value", "")) for kind in kinds for item in app.get(kind))


def field(app: AppTest, draft: Draft, key: str) -> Any:
    """The form's field of a key."""
    return app.text_input(key=f"form.{draft.id}.{draft.version}.{key}")


def view(app: AppTest, draft: Draft, name: str) -> None:
    """Show the draft as form, tables, series, text or changes."""
    app.segmented_control(key=f"view.{draft.id}").set_value(name).run()
    assert not app.exception


def section(app: AppTest, draft: Draft, name: str) -> None:
    """Show a section of the form."""
    app.pills(key=f"form.section.{draft.id}").set_value(name).run()
    assert not app.exception
