"""A home that cannot be written to: what is stored is read, and whatever writes says so in one line."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import planned
import pytest
from writers import stored_run

from emberline.runs.store.catalogue import NotKeptError
from emberline.runs.store.store import Store

WRITER = """
import os, sqlite3, sys
kept = sqlite3.connect(sys.argv[1], isolation_level=None)
kept.execute("UPDATE runs SET name = 'in the journal'")
os._exit(0)
"""


def closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a folder and all in it one that the system lets nobody write to, a superuser neither."""
    ask, connect = os.access, sqlite3.connect

    def access(path: Any, mode: int, **more: Any) -> bool:
        inside = Path(path).is_relative_to(folder)
        return not (inside and mode & os.W_OK) and ask(path, mode, **more)

    def opened(file: Any, *inputs: Any, **more: Any) -> sqlite3.Connection:
        assert "mode=ro" in str(file), "it was not opened to be read alone"
        return connect(file, *inputs, **more)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(sqlite3, "connect", opened)


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_stored_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: runs are listed, found and opened, and no file changes. Sensitivity: SQLite wants to make an index of its
    journal before it reads."""
    run = stored_run(tmp_path / "home").id
    before = state(tmp_path / "home")
    closed(tmp_path / "home", monkeypatch)
    store = Store(tmp_path / "home")
    assert [entry.id for entry in store.search()] == [run]
    assert store.find("last") == run
    assert store.open(run).plan.has_schedule
    assert state(tmp_path / "home") == before


def test_a_home_that_was_moved_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: one that is mounted elsewhere is read too, and is not entered at its new place."""
    run = stored_run(tmp_path / "home").id
    (tmp_path / "home").rename(tmp_path / "mounted")
    closed(tmp_path / "mounted", monkeypatch)
    assert [entry.id for entry in Store(tmp_path / "mounted").search()] == [run]


@pytest.mark.skipif(sys.platform == "win32", reason="a journal of SQLite is not left there")
def test_what_a_dead_writer_left_in_the_journal_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a journal with its index is read as well. Sensitivity: an immutable file would be read without it."""
    stored_run(tmp_path / "home")
    catalogue = tmp_path / "home" / "catalogue.db"
    subprocess.run([sys.executable, "-c", WRITER, str(catalogue)], check=True)
    assert catalogue.with_name("catalogue.db-wal").stat().st_size > 0
    closed(tmp_path / "home", monkeypatch)
    assert [entry.name for entry in Store(tmp_path / "home").search()] == ["in the journal"]


def test_whatever_writes_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: one line that names the home or its catalogue, before any work is done."""
    run = stored_run(tmp_path / "home").id
    result = planned.full_plan()
    closed(tmp_path / "home", monkeypatch)
    store = Store(tmp_path / "home")
    text = r"home: it cannot be written to; EMBERLINE_HOME names another folder"
    with pytest.raises(NotKeptError, match=text), store.working(result.scenario):
        pytest.fail("the work began")
    for write in (
        lambda: store.delete(run), lambda: store.restore(run), lambda: store.label(run, name="a"),
        lambda: store.label(run, add=["a"]), lambda: store.rescan(),
    ):  # fmt: skip
        with pytest.raises(NotKeptError, match="cannot be written to"):
            write()


def test_a_home_without_a_catalogue_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a catalogue that would have to be made is refused in one line."""
    stored_run(tmp_path / "home")
    (tmp_path / "home" / "catalogue.db").unlink()
    closed(tmp_path / "home", monkeypatch)
    with pytest.raises(NotKeptError, match=r"catalogue\.db cannot be made: its folder cannot be written to"):
        Store(tmp_path / "home")
