"""A PostgreSQL whose processes are stopped: it refuses nothing, and its connections stay open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import planned
import pytest
from postgres import Server

from emberline.runs.store.catalogue import VARIABLE, NotKeptError, StoreError, answering, database
from emberline.runs.store.store import Store

pytestmark = pytest.mark.postgresql
SILENT = r"\Acatalogue local/postgres: the server does not answer\Z"


@pytest.fixture
def store(tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A home whose catalogue is in the server, which has less time to answer than usual."""
    monkeypatch.setenv(VARIABLE, postgresql.schema())
    store = Store(tmp_path / "home")
    for limit in ("SILENCE_S", "PING_S"):
        monkeypatch.setattr(answering, limit, 0.3)
    monkeypatch.setattr(answering, "ANSWER_S", 2)
    yield store
    database.forget()


def test_a_plan_is_stored_and_entered_later(store: Store, postgresql: Server) -> None:
    """Proves: where the server stops while a plan is made, the plan is whole in its folder, the catalogue's line says
    so, and the next listing enters it. Sensitivity: without limits of the client's own it would wait without end."""
    result = planned.full_plan()
    with (
        store.working(result.scenario) as run,
        postgresql.stopped(),
        pytest.raises(NotKeptError, match=rf"the server does not answer; run {run} is complete in [^\n]*\Z"),
    ):
        store.save(run, result)
    assert [(entry.id, entry.state) for entry in store.search()] == [(run, "stored")]


def test_each_request_ends_with_one_line(store: Store, postgresql: Server) -> None:
    """Proves: a server that does not answer is one line, whatever is asked of it, with connections that are kept open
    and without; nothing is changed, and when it goes on all is as before."""
    run = "a" * 32
    store.catalogue.enter(run, store.identity(), {"scenario": "mill", "name": "before"})
    before = store.search()
    requests: list[Callable[[], object]] = [
        store.search,
        lambda: Store(store.folder),
        lambda: store.label(run, name="name"),
        lambda: store.label(run, add=["tag"]),
        lambda: store.delete(run),
    ]
    with postgresql.stopped(), ThreadPoolExecutor() as threads:
        for answer in [threads.submit(request) for request in requests]:
            with pytest.raises(StoreError, match=SILENT):
                answer.result()
    assert store.search() == before


def test_a_transaction_that_has_begun_is_given_up(store: Store, postgresql: Server) -> None:
    """Proves: a server that stops between two statements of a transaction is one line, and nothing of it is kept."""

    def write() -> None:
        with ExitStack() as meanwhile, store.catalogue.writing() as connection:
            connection.exec_driver_sql("INSERT INTO homes (id, place) VALUES ('b', 'elsewhere')")
            meanwhile.enter_context(postgresql.stopped())
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(StoreError, match=SILENT):
        write()
    assert store.catalogue.place("b") == ""


def test_a_lock_that_another_holds_is_reported_by_the_server(
    store: Store, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a server that answers says itself that a lock was not free in time, and the address' own options stay:
    the schema is the test's. Sensitivity: a client that is the first to give up blames the server."""
    monkeypatch.setattr(answering, "SILENCE_S", 30)
    with store.catalogue.writing() as one:
        one.exec_driver_sql("LOCK TABLE homes")
        with pytest.raises(StoreError, match="lock timeout"), store.catalogue.writing() as other:
            other.exec_driver_sql("SELECT * FROM homes")
