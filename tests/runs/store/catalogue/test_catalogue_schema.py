"""The catalogue's schema: earlier ones are migrated, once and whole; later ones and other databases are refused."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from postgres import Server
from sqlalchemy import inspect, text
from writers import begin, copied_run, end, number, stored_run, writer

from emberline.runs.store.catalogue import VARIABLE, StoreError, database, schema
from emberline.runs.store.catalogue.tables import METADATA
from emberline.runs.store.store import Store, StoredRun
from emberline.ui.cli.main import main

EARLIEST = """
CREATE TABLE runs (
    id VARCHAR(32) NOT NULL, scenario VARCHAR(60) NOT NULL, state VARCHAR(12) NOT NULL, status VARCHAR(40) NOT NULL,
    created DATETIME NOT NULL, goal VARCHAR(30) NOT NULL, gap FLOAT, saved_carbon_kg FLOAT, saved_cost FLOAT,
    verdict TEXT NOT NULL, PRIMARY KEY (id)
);
CREATE INDEX ix_runs_scenario ON runs (scenario);
"""
"""As the first releases made it, without a version."""
ROW = (
    "INSERT INTO runs (id, scenario, state, status, created, goal, verdict) "
    "VALUES ('{}', 'kept', '{}', 'within gap', '2026-06-01 06:00:00', 'carbon', 'It holds.')"
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """A run to be copied."""
    return stored_run(tmp_path_factory.mktemp("source"))


@pytest.fixture
def earlier(kind: str, tmp_path: Path, source: StoredRun) -> Path:
    """A home as an earlier release has left it: a run that is stored, one that broke, one whose maker has died."""
    home = tmp_path / "home"
    home.mkdir()
    copied_run(source, home, number("a"))
    rows = [
        ROW.format(number(digit), state) for digit, state in zip("abc", ("stored", "broken", "working"), strict=True)
    ]
    if kind == "sqlite":
        with closing(sqlite3.connect(home / "catalogue.db")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(EARLIEST + ";".join(rows))
    else:  # which the first releases could not use
        with database.writer(database.engine(database.address(home))).begin() as result:
            schema.migrate(result, "0001")
            for row in rows:
                result.execute(text(row))
    return home


def emberline(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["emberline", *args])
    with pytest.raises(SystemExit) as remaining:
        main()
    return int(remaining.value.code or 0)


def tables(home: Path) -> dict[str, object]:
    """Columns, keys and indexes of every table, as the database tells them."""
    with database.engine(database.address(home)).begin() as connection:
        case = inspect(connection)
        return {
            name: (
                {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in case.get_columns(name)},
                case.get_pk_constraint(name)["constrained_columns"],
                [
                    (key["constrained_columns"], key["referred_table"], key["options"])
                    for key in case.get_foreign_keys(name)
                ],
                sorted((str(index["name"]), index["column_names"]) for index in case.get_indexes(name)),
            )
            for name in case.get_table_names()
        }


def test_migrations_lead_to_the_tables(
    earlier: Path, tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a migrated catalogue has the very tables of a new one, and the code names every migration.

    Sensitivity: a column that the code knows and no migration adds is named here."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == schema.VERSIONS
    assert list(tables(earlier)) == ["runs"] if kind == "sqlite" else ["emberline_schema", "runs"]
    migrated = tables(Store(earlier).folder)
    if kind == "postgresql":
        monkeypatch.setenv(VARIABLE, request.getfixturevalue("postgresql").schema())
    assert migrated == tables(Store(tmp_path / "new").folder)
    assert set(migrated) == {*METADATA.tables, schema.TABLE}


def test_what_a_crash_left_of_a_new_catalogue_goes(tmp_path: Path, kind: str) -> None:
    """Proves: a home whose first catalogue was never finished gets a whole one. Sensitivity: half a file taken up."""
    if kind == "sqlite":
        for end_ in ("", "-wal", "-shm"):
            (tmp_path / f".catalogue.db.partial{end_}").write_bytes(b"half a file")
    assert Store(tmp_path).count() == 0
    assert not list(tmp_path.glob(".catalogue.db.partial*"))


def test_an_earlier_catalogue_opens(earlier: Path, kind: str, source: StoredRun) -> None:
    """Proves: every run is still there with what was known of it; what was not known is read from its folder; names
    and tags can be given; the file as it was lies next to it.

    Sensitivity: rows that know no home would never be brought up to date."""
    store = Store(earlier)
    states = {run.id: run.state for run in store.search()}
    assert states == {number("a"): "stored", number("b"): "broken", number("c"): "broken"}
    entry = store.entry(number("a"))
    figures = source.plan.replay_figures
    assert figures is not None
    assert (entry.carbon_kg, entry.input_sha256) == (figures.carbon_kg, source.meta["input_sha256"])
    assert entry.created.isoformat() == "2026-06-01T06:00:00+00:00"
    assert {run.home for run in store.search()} == {store.identity()}
    store.label(number("b"), name="broken one")
    assert [run.id for run in Store(earlier).search(text="broken one")] == [number("b")]
    store.open(number("a"))
    if kind == "sqlite":
        with closing(sqlite3.connect(earlier / "catalogue-0001.db")) as copy:
            assert copy.execute("SELECT count(*), max(state) FROM runs").fetchone() == (3, "working")
            assert len(copy.execute("SELECT * FROM runs").fetchone()) == 10


def test_an_earlier_release_may_still_be_at_work(earlier: Path, kind: str, source: StoredRun) -> None:
    """Proves: rows that an earlier release writes into a migrated catalogue are accepted and completed."""
    store = Store(earlier)
    copied_run(source, earlier, number("d"))
    with store.catalogue.writing() as connection:
        connection.execute(text(ROW.format(number("d"), "stored")))
    (entry,) = store.search(text="dddd")
    assert (entry.home, entry.input_sha256) == (store.identity(), source.meta["input_sha256"])


DIES = """
import os, signal
from alembic import op
op.create_table = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
"""
"""When columns are added, and tables are not yet made."""
OPENS = "print(len(store().search()), flush=True)"


def test_migration_is_whole_and_done_once(earlier: Path, kind: str) -> None:
    """Proves: whoever is killed in the midst of a migration leaves the earlier catalogue; of several that open it at
    the same moment one migrates it and all succeed.

    Sensitivity: columns added outside of a transaction would stay, and adding them again fails."""
    dies, *opened = [writer(None, earlier, does=OPENS, prelude=prelude) for prelude in (DIES, "", "")]
    begin(dies)
    assert dies.wait(timeout=60) == -signal.SIGKILL, dies.communicate()
    dies.communicate()
    with database.engine(database.address(earlier)).begin() as connection:
        assert schema.version(connection) == "0001"
        assert connection.execute(text("SELECT * FROM runs")).keys() == METADATA.tables["runs"].c.keys()[:10]
    begin(*opened)
    assert end(*opened) == [["3"]] * 2
    assert set(tables(earlier)) == {*METADATA.tables, schema.TABLE}


def test_a_later_catalogue_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Proves: a schema of a later release is left alone, and one line says what to do; exit code 2."""
    store = Store(tmp_path)
    with store.catalogue.writing() as connection:
        connection.execute(text(f"UPDATE {schema.TABLE} SET version_num = '0099'"))
    with pytest.raises(StoreError, match="newer Emberline"):
        Store(tmp_path)
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    assert emberline(monkeypatch, "runs") == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "schema 0099, this one knows" in output.err
    assert "install that release" in output.err
    with store.catalogue.reading() as connection:
        assert schema.version(connection) == "0099"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nonsense", "is no address of a database; write postgresql://USER@HOST/DATABASE"),
        ("postgresql://u:secret@host:port/x", "is no address of a database"),
        ("mysql://u:secret@host/x", "names 'mysql', which the catalogue cannot use"),
        ("sqlite:///runs.db", "does not name a file by its absolute path"),
        ("sqlite:////no/such/folder/runs.db", "is no folder; make it first"),
        ("postgresql://u:secret@127.0.0.1:1/x", "catalogue 127.0.0.1/x: connection failed"),
        ("postgresql://u:secret@127.0.0.1/x?colour=red", "colour"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str, sentence: str
) -> None:
    """Proves: exit code 2 and one line, without a password; no run is begun."""
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, address)
    for command in (["runs"], ["show"], ["plan", "melt-shop-small"]):
        assert emberline(monkeypatch, *command) == 2
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.count("\n") == 1, output.err
        assert sentence in output.err
        assert "secret" not in output.err
    assert list((tmp_path / "runs").iterdir()) == []
    database.forget()


def test_a_missing_driver_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Proves: without the driver a line says what to install."""
    database.forget()
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "postgresql://u@host/x")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert emberline(monkeypatch, "runs") == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "install 'emberline[postgresql]'" in message


@pytest.mark.postgresql
def test_a_database_of_others_is_left_alone(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a table of the same name that Emberline has not made is not touched."""
    monkeypatch.setenv(VARIABLE, postgresql.schema())
    with database.writer(database.engine(database.address(tmp_path))).begin() as connection:
        connection.execute(text("CREATE TABLE runs (horse TEXT)"))
    with pytest.raises(StoreError, match="a table 'runs' that is not Emberline's"):
        Store(tmp_path)
    with database.engine(database.address(tmp_path)).begin() as connection:
        assert list(connection.execute(text("SELECT * FROM runs")).keys()) == ["horse"]
    database.forget()


def test_a_file_that_is_no_catalogue_is_reported(tmp_path: Path, source: StoredRun) -> None:
    """Proves: a torn file is reported and left alone; without it the catalogue is made again from the folders."""
    home = tmp_path / "home"
    copied_run(source, home, number("a"))
    file = home / "catalogue.db"
    file.write_text("no database" * 100, encoding="utf-8")
    with pytest.raises(StoreError, match="file is not a database; move the file away, and it is rebuilt"):
        Store(home)
    shutil.move(file, tmp_path / "away.db")
    assert [run.id for run in Store(home).search()] == [number("a")]


def test_the_command_names_tags_deletes_and_restores(
    kind: str, tmp_path: Path, source: StoredRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Proves: what the command enters is what it lists afterwards, and mistakes are one line with exit code 2."""
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    run = copied_run(source, tmp_path, number("a")).name
    copied_run(source, tmp_path, number("b"))

    def ask(*args: str, code: int = 0) -> str:
        assert emberline(monkeypatch, "runs", *args) == code, capsys.readouterr()
        output = capsys.readouterr()
        assert code == 0 or (output.out == "" and output.err.count("\n") == 1), output
        return output.out or output.err

    def warned(*args: str) -> str:
        assert emberline(monkeypatch, "runs", *args) == 0
        return capsys.readouterr().err

    assert {item["id"] for item in json.loads(ask("--json"))} == {run, number("b")}
    assert "is named Spring: base case" in ask("name", "aaaa", "Spring: base case")
    assert "has the tags low, winter" in ask("tag", "aaaa", "Winter", "low")
    assert "has the tags winter" in ask("tag", "aaaa", "--remove", "low")
    (result,) = json.loads(
        ask("--search", "SPRING", "--tag", "winter", "--scenario", "kept", "--since", "2026-01-01", "--json")
    )
    assert (result["id"], result["name"], result["tags"], result["deleted"]) == (
        run,
        "Spring: base case",
        ["winter"],
        None,
    )
    listed = ask()
    assert "Spring: base case" in listed
    assert "winter" in listed
    assert "and 1 more; --limit 2 lists them all" in warned("--limit", "1", "--search", "kept")
    assert "confirm with --yes" in ask("delete", "aaaa", code=2)
    assert "emberline runs restore aaaaaaaa" in ask("delete", "aaaa", "--yes")
    assert [item["id"] for item in json.loads(ask("--state", "deleted", "--json"))] == [run]
    assert "no run matches" in ask("--tag", "winter")
    assert "restored" in ask("restore", "last")
    shutil.rmtree(tmp_path / "runs" / number("b"))
    assert "0 runs added, 1 run without a folder" in warned("--rescan")
    for args, sentence in [
        (("name", "aaaa", "<b>"), "a name has at most 80 characters"),
        (("tag", "aaaa", "a b"), "a tag has 1 to 30 characters"),
        (("tag", "aaaa"), "--remove"),
        (("restore", "aaaa"), "no deleted runs begin with"),
        (("--state", "lost"), "states are working, stored, broken, deleted"),
        (("--since", "monday"), "--since monday: write a date"),
        (("--limit", "0"), "--limit"),
    ]:
        assert sentence in ask(*args, code=2)
