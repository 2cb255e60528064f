"""Edits of a draft made of a template: every section can be opened, and what was changed stays changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scenario_page import of, opened, section, view
from streamlit.testing.v1 import AppTest

from emberline.plans.store import drafts
from emberline.plans.store.drafts import Draft
from emberline.scenarios.reading.document import parse
from emberline.scenarios.templates.plants import start
from emberline.ui.pages.editor import form
from emberline.ui.pages.session import navigation


def of_template(name: str) -> tuple[AppTest, Draft]:
    """The page of a new draft of a template."""
    draft = drafts.create(start(name, "ours"), name)
    return opened(draft.id), draft


def deleted(row: int) -> dict[str, Any]:
    """State of a table in which a row was deleted."""
    return {"edited_rows": {}, "added_rows": [], "deleted_rows": [row]}


@pytest.mark.parametrize("name", ["grinding-plant", "melt-shop"])
def test_every_section_can_be_opened(name: str, home: Path) -> None:
    """Proves: no field is drawn twice in any section, with a mistake in the carbon price counted at its section."""
    app, draft = of_template(name)
    for key in form.SECTIONS:
        section(app, draft, key)
    drafts.write(draft, draft.text.replace("\n  currency: EUR", "\n  currency: EUR\n  carbon_price: {per_t: 8 MW}"))
    app.run()
    section(app, draft, "market")
    labels = [option.content for option in app.pills(key=f"form.section.{draft.id}").proto.options]
    assert [label for label in labels if "✕" in label] == [labels[2]]
    assert labels[2].startswith("Market")


def test_a_part_that_fails_stops_no_button(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where a view of the draft fails, that is shown, and Plan this goes to the plan all the same."""
    app, draft = of_template("grinding-plant")
    section(app, draft, "goal")
    monkeypatch.setattr(form, "group", lambda *_, **__: 1 / 0)
    app.run()
    assert len(app.exception) == 1
    assert "My drafts" in [part.label for part in app.expander]
    pages: list[str] = []
    monkeypatch.setattr(navigation, "go", pages.append)
    app.button(key="plan.this").click().run()
    assert (pages, app.session_state["plan.at_once"]) == (["plan"], draft.id)


def test_a_charge_that_was_deleted_stays_deleted(home: Path) -> None:
    """Proves: a row deleted in a table is not there again when the table is drawn after another view or page, nor when
    another value is changed then; undo brings it back for good. Sensitivity: a table that begins with its earlier rows
    but without the edits that were made in it."""
    app, draft = of_template("grinding-plant")
    section(app, draft, "market")
    name = f"table.{draft.id}.market.tariff.demand"
    app.session_state[f"{name}.{draft.version}"] = deleted(0)
    app.run()
    assert not app.exception
    without = of(app).text
    assert "demand" not in parse(without).data["market"]["tariff"]
    view(app, draft, "text")
    view(app, draft, "form")
    section(app, draft, "market")
    assert of(app).text == without
    app.button(key="undo").click().run()
    app.run()
    assert of(app).text == draft.text
