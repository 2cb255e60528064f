"""A page drawn by itself, as the app draws it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = """
from importlib import import_module
from emberline.ui.pages.session import session
session.begin()
import_module("emberline.ui.pages.{module}").page()
"""


def page(module: str, run: str = "", **query: str) -> AppTest:
    """The page of a module in a session of its own; with a run that is looked at, and more of the address."""
    app = AppTest.from_string(SCRIPT.format(module=module), default_timeout=60)
    if run:
        app.query_params["run"] = run
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def texts(app: AppTest) -> str:
    """Everything that is said on it."""
    kinds = ("text", "markdown", "caption", "subheader", "warning")
    return "\n".join(str(getattr(item, "value", "")) for kind in kinds for item in app.get(kind))


def with_tab(app: AppTest, name: str, page: str = "result") -> AppTest:
    """The page of a run with another of its tabs open: those of the plan, or of the page Carbon (``carbon``)."""
    run = "".join(app.query_params["run"])  # a text, or a list of one
    app.session_state[f"{page}.{run}.tabs.en"] = name
    return app.run()
