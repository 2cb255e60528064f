"""The list of one's own drafts: what is in it, whose they are, opened, deleted and taken back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scenario_page import copied, field, of, opened, texts

from emberline.runs.store import drafts
from emberline.ui.oidc import Oidc
from emberline.ui.pages.editor import draft as editing
from emberline.ui.pages.session import sign_in

OIDC = Oidc("https://id.example/x", "c", "s", "https://e.example/oauth2callback", "0" * 32)


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """People sign in; called with a name, somebody else is here from then on."""
    monkeypatch.setattr(sign_in, "_required", OIDC)

    def here(name: str) -> None:
        claims = {"iss": "https://id.example", "sub": name}
        monkeypatch.setattr(sign_in, "st", SimpleNamespace(user=SimpleNamespace(to_dict=lambda: claims)))

    return here


def list_text(app: Any) -> str:
    """All that the page says with the list open."""
    app.session_state[editing.LIST] = True
    app.run()
    assert not app.exception
    return texts(app)


def test_drafts_are_listed_and_opened(home: Path) -> None:
    """Proves: another tab of the local user finds a draft by what it is called and copied from, and opens it."""
    app, draft = copied()
    field(app, draft, "title").set_value("The night shift").run()
    other = opened()
    assert "The night shift" not in texts(other)
    assert "The night shift\nfrom melt-shop-small" in list_text(other)
    other.button(key=f"book.open.{draft.id}").click().run()
    assert not other.exception
    assert of(other).id == draft.id
    assert "1 change" in texts(other)
    assert other.button(key=f"book.open.{draft.id}").disabled


def test_a_draft_is_deleted_and_taken_back(home: Path) -> None:
    """Proves: what is deleted is gone from list and address, and comes back as it was; the bundled scenario is shown
    meanwhile."""
    app, draft = copied()
    field(app, draft, "title").set_value("The night shift").run()
    draft = of(app)
    list_text(app)
    app.button(key=f"book.gone.{draft.id}").click().run()
    assert not app.exception
    assert "The draft The night shift was deleted." in texts(app)
    assert "draft" not in app.query_params
    assert drafts.of_owner(None) == []
    assert any(button.label == "Copy to edit" for button in app.button)
    app.button(key="book.back").click().run()
    assert not app.exception
    assert of(app) == draft
    assert "was deleted" not in texts(app)


def test_who_signs_in_sees_their_own_alone(home: Path, signed_in: Any) -> None:
    """Proves: where people sign in each sees, finds and opens their own drafts only, by list and by address; without
    it all of them are the local user's. Sensitivity: a draft without its owner, or an address that opens any."""
    signed_in("ada")
    _, adas = copied()
    signed_in("eve")
    app, eves = copied()
    assert adas.owner != eves.owner
    assert "ada" not in (adas.folder / "draft.json").read_text()
    assert [draft.id for draft in drafts.of_owner(sign_in.owners())] == [eves.id]
    list_text(app)
    assert [button.key for button in app.button if str(button.key).startswith("book.open")] == [f"book.open.{eves.id}"]
    stranger = opened(adas.id)
    assert "belongs to somebody else" in texts(stranger)
    assert adas.id not in stranger.selectbox(key="scenario").options
    assert "draft" not in stranger.query_params
    signed_in("ada")
    assert of(opened(adas.id)).id == adas.id


def test_without_sign_in_all_are_the_local_users(home: Path, signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: drafts of people who signed in once are the local user's when nobody signs in any more."""
    signed_in("ada")
    _, adas = copied()
    monkeypatch.undo()
    monkeypatch.setenv("EMBERLINE_HOME", str(home))
    app = opened()
    list_text(app)
    assert app.button(key=f"book.open.{adas.id}").label == "Open"


def test_no_list_where_others_may_come(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where the server answers to further names and nobody signs in, a draft is found by its address alone."""
    monkeypatch.setattr(sign_in, "_alone", False)
    app, _ = copied()
    assert "Save this address" in texts(app)
    assert editing.LIST not in app.session_state
    assert "list of your drafts" not in texts(app)


def test_names_are_never_markdown(home: Path) -> None:
    """Proves: what a draft is called and copied from is shown letter by letter."""
    evil = "![x](http://x.invalid/y)"
    drafts.create(f"name: x\ntitle: '{evil}'\n", evil)
    app = opened()
    assert evil in list_text(app)
    for kind in ("markdown", "caption", "subheader", "expander"):
        assert not any("x.invalid" in str(getattr(item, "value", "")) for item in app.get(kind))
