"""The catalogue, in SQLite and in a real PostgreSQL: the same rows, whoever writes, dies or searches."""

from __future__ import annotations

import json
import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import planned
import pytest
from postgres import Server
from writers import begin, copied_run, end, number, stored_run, writer

from emberline.planning import Plan
from emberline.runs.store.catalogue import VARIABLE, answering, database
from emberline.runs.store.store import Store, StoredRun, StoreError


@pytest.fixture(scope="module")
def full_plan() -> Plan:
    return planned.full_plan()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """A run to be copied."""
    return stored_run(tmp_path_factory.mktemp("source"))


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


def entered(store: Store, run: str, day: int = 1, scenario: str = "mill", **fields: object) -> str:
    """A row without a folder."""
    created = datetime(2026, 6, day)  # noqa: DTZ001
    store.catalogue.enter(run, store.identity(), {"scenario": scenario, "created": created, **fields})
    return run


def test_search_finds_what_is_asked_for(store: Store) -> None:
    """Proves: words, tags, scenario, state, day, limit and offset narrow the list, and ``count`` agrees with it.

    Sensitivity: with ``LIKE``'s own signs taken as such "%" would find all; with the database's case folding
    "größe" would not find "GRÖSSE"."""
    a = entered(store, number("a"), 1, "melt-shop", title="Reference shop", name="Größe 100 %")
    b = entered(store, number("b"), 2, "melt-shop", name="Night shift")
    c = entered(store, number("c"), 3, "kiln")
    store.label(a, add=["Winter", "tariff"])
    store.label(b, add=["winter"])
    store.label(c, name="Spring_line")

    def found_ids(**case: object) -> list[str]:
        runs = [run.id for run in store.search(**case)]  # type: ignore[arg-type]
        assert store.count(**{k: v for k, v in case.items() if k not in ("limit", "offset")}) >= len(runs)  # type: ignore[arg-type]
        return runs

    assert found_ids() == [c, b, a]
    assert found_ids(text="GRÖSSE") == found_ids(text="reference 100") == found_ids(text="%") == [a]
    assert found_ids(text="_") == [c]
    assert found_ids(text="reference winter") == [a]
    assert found_ids(text="winter shop") == [b, a]
    assert found_ids(text="bbbb") == [b]
    assert store.catalogue.beginning_with(b[:4]) == [b]
    assert store.catalogue.beginning_with("_") == store.catalogue.beginning_with("%") == []
    labels: list[object] = []
    store.catalogue.enter(a, store.identity(), {"scenario": "mill"}, keep=lambda *both: labels.append(both))
    assert labels == [("Größe 100 %", ("tariff", "winter"))]
    store.catalogue.enter(a, store.identity(), {"scenario": "melt-shop"})
    assert (
        found_ids(text="\x00\ud800")
        == found_ids(text="nothing")
        == found_ids(scenario="\x00")
        == found_ids(tags=["\x00"])
        == []
    )
    assert found_ids(tags=["WINTER"]) == [b, a]
    assert found_ids(tags=["winter", "tariff"]) == [a]
    assert found_ids(scenario="kiln") == found_ids(since=datetime(2026, 6, 3, tzinfo=UTC)) == [c]
    assert found_ids(state="stored") == [c, b, a]
    assert found_ids(state="working") == found_ids(state="deleted") == []
    assert found_ids(limit=1) == [c]
    assert found_ids(limit=1, offset=1) == found_ids(offset=1)[:1] == [b]
    assert store.count() == 3
    assert store.count(tags=["winter"]) == 2
    with pytest.raises(StoreError, match="working, stored, broken, deleted"):
        store.search(state="lost")
    assert store.catalogue.tags() == {"tariff": 1, "winter": 2}
    assert store.catalogue.scenarios() == ["kiln", "melt-shop"]
    store.catalogue.mark(c, store.identity(), "broken", of=["stored"])
    assert (found_ids(state="broken"), found_ids(state="stored")) == ([c], [b, a])
    assert [store.count(state=state) for state in ("working", "broken", "stored")] == [0, 1, 2]


def test_addresses_that_are_tried_in_turn_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: two addresses of a server have half the time each, a folder of sockets has it whole. Sensitivity: twice
    the time for two."""
    monkeypatch.setattr(answering.Connection, "connect", lambda **named: named)
    limits = [answering.Connection.to(host=host) for host in ("127.0.0.1,127.0.0.2", "/run/postgresql")]
    assert [named["connect_timeout"] for named in limits] == [answering.ANSWER_S // 2, answering.ANSWER_S]  # type: ignore[index]


NO_NAMES = (
    "<b>", "![](http://a.b)", "a\nb", "a\x00b", "a\x7f", "\u202eabc", "\ufeff", "\ud800", "a`b", "a|b", "$x$", "x" * 81,
)  # fmt: skip


def test_what_is_no_name_is_refused(store: Store) -> None:
    """Proves: markup, control characters and what is not seen become no name and no tag; what was there stays."""
    run = entered(store, number("a"), name="kept")
    store.label(run, add=["kept"])
    for text in NO_NAMES:
        with pytest.raises(StoreError, match="a name has at most 80 characters"):
            store.label(run, name=text)
        with pytest.raises(StoreError, match="a tag has 1 to 30 characters"):
            store.label(run, add=[text, "more"])
        with pytest.raises(StoreError, match="not the id of a run"):
            store.label("../" + text, name="name")
    for tag in ("", " ", "a b", "a,b", "x" * 31):
        with pytest.raises(StoreError, match="a tag has 1 to 30 characters"):
            store.label(run, add=[tag])
    with pytest.raises(StoreError, match="more than 20 tags"):
        store.label(run, add=map(str, range(20)))
    assert (store.entry(run).name, store.entry(run).tags) == ("kept", ("kept",))
    with pytest.raises(StoreError, match="not in the catalogue"):
        store.label(number("b"), name="name")


def test_a_run_has_twenty_tags_at_most(store: Store) -> None:
    """Proves: the twentieth tag is taken and one more refused, until another goes. Sensitivity: one too few or many."""
    run = entered(store, number("a"))
    tags = [f"tag-{i}" for i in range(20)]
    store.label(run, add=tags)
    with pytest.raises(StoreError, match="more than 20 tags"):
        store.label(run, add=["more"])
    store.label(run, add=["more"], remove=["tag-0"])


def test_labels_are_kept_with_the_run(store: Store, source: StoredRun, kind: str) -> None:
    """Proves: names and tags outlive the catalogue, for they lie next to the plan; without any there is no file.

    Sensitivity: kept in the catalogue alone they would be lost with it."""
    folder = copied_run(source, store.folder, number("a"))
    assert store.rescan().entered == 1
    store.label(folder.name, name="  Spring tariff, 12:00 – 18:00 (v2)  ")
    store.label(folder.name, add=["Berlin", "étude"])
    store.label(folder.name, add=["last"], remove=["BERLIN", "never"])
    before = store.entry(folder.name)
    assert (before.name, before.tags) == ("Spring tariff, 12:00 – 18:00 (v2)", ("last", "étude"))
    for file in store.folder.glob("catalogue.db*"):
        file.unlink()
    if kind == "postgresql":
        for run in store.catalogue.scan_rows():
            store.catalogue.forget(run)
        store.rescan()
    assert Store(store.folder).search(text="spring étude") == [before]
    store.label(folder.name, remove=before.tags)
    store.label(folder.name, name="")
    assert not (folder / "labels.json").exists()
    store.open(folder.name)


def test_deleted_runs_come_back_for_seven_days(store: Store, source: StoredRun) -> None:
    """Proves: a deleted run is out of every list, comes back as it was, and is gone for good after a week.

    Sensitivity: a trash that is emptied by state alone would take the younger one too."""
    for run in (number("a"), number("b")):
        copied_run(source, store.folder, run)
    store.rescan()
    store.label(number("a"), add=["kept"])
    before = store.entry(number("a"))
    store.delete(number("a"))
    assert [run.id for run in store.search()] == [number("b")]
    assert [(run.id, run.state) for run in store.search(state="deleted", tags=["kept"])] == [(number("a"), "deleted")]
    with pytest.raises(StoreError, match=f"is deleted; 'emberline runs restore {number('a')[:8]}'"):
        store.open(number("a"))
    with pytest.raises(StoreError, match="no runs begin with"):
        store.find("aaaa")
    assert store.find("aaaa", deleted=True) == store.find("last", deleted=True) == number("a")
    store.restore(number("a"))
    assert store.entry(number("a")) == before
    assert store.open(number("a")).plan.replay_figures == source.plan.replay_figures
    with pytest.raises(StoreError, match="is not deleted"):
        store.restore(number("a"))

    store.delete(number("b"))
    store.catalogue.bury(number("a"), store.identity(), datetime.now(UTC) - timedelta(days=7, hours=1))
    assert store.search() == []  # which empties the trash
    assert [run.id for run in store.search(state="deleted")] == [number("b")]
    assert [path.name for path in store.trash_folder.iterdir()] == [number("b")]
    assert not store.path(number("a")).exists()
    with pytest.raises(StoreError, match="not in the catalogue"):
        store.restore(number("a"))
    shutil.rmtree(store.trash_folder)
    with pytest.raises(StoreError, match="its files are gone"):
        store.restore(number("b"))


def test_whoever_dies_while_deleting_leaves_a_deleted_run(store: Store, source: StoredRun) -> None:
    """Proves: between row and folder a deleted run is deleted, and can be restored all the same."""
    run = copied_run(source, store.folder, number("a")).name
    store.rescan()
    store.catalogue.bury(run, store.identity())
    assert store.search() == []
    store.rescan()
    assert not store.path(run).exists()
    store.to_trash(run)  # twice is once
    store.restore(run)
    store.catalogue.bury(run, store.identity())
    store.restore(run)
    assert [(entry.id, entry.state) for entry in store.search()] == [(run, "stored")]
    store.open(run)


def test_a_run_that_was_renamed_and_not_entered_is_the_last(store: Store, source: StoredRun) -> None:
    """Proves: whose maker died between rename and row is found, counted and listed, whatever is asked first.

    Sensitivity: the catalogue asked before it is brought up to date."""
    for letter, ask in (
        ("a", lambda run: store.find("last") == run),
        ("b", lambda run: store.count(state="stored") == 2),
    ):
        run = copied_run(source, store.folder, number(letter)).name
        store.catalogue.announce(run, store.identity(), {"scenario": "kept", "title": "", "goal": "carbon"})
        assert ask(run)


def test_a_deletion_that_fails_leaves_a_whole_run_or_a_deleted_one(
    store: Store, source: StoredRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: where the catalogue cannot be written the run stays stored with its folder; where the folder cannot be
    moved it is deleted all the same.

    Sensitivity: the folder moved first is a stored run without its files."""
    run = copied_run(source, store.folder, number("a")).name
    store.rescan()

    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    for place, name, state in ((store.catalogue, "bury", "stored"), (store, "to_trash", "deleted")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, refuse)
            with pytest.raises(StoreError, match="the disk is full"):
                store.delete(run)
        store.search()
        assert store.entry(run).state == state
        assert (store.path(run) / "plan.json").exists()
    store.restore(run)
    store.open(run)


def test_a_scan_makes_the_catalogue_what_the_folders_are(store: Store, source: StoredRun) -> None:
    """Proves: folders that were copied in are entered with their figures, those taken away are marked as broken and
    come back, and what cannot be read is named."""
    run = copied_run(source, store.folder, number("a")).name
    torn = copied_run(source, store.folder, number("b"))
    (torn / "plan.json").write_text("{", encoding="utf-8")
    (store.runs_folder / "notes").mkdir()
    scan = store.rescan()
    assert (scan.entered, scan.missing, scan.unread) == (1, 0, (torn.name,))
    assert store.rescan().entered == 0
    entry, figures = store.entry(run), source.plan.replay_figures
    assert figures is not None
    assert (entry.carbon_kg, entry.cost, entry.peak_mw) == (figures.carbon_kg, figures.cost, figures.peak_mw)
    assert (entry.currency, entry.status, entry.gap) == (figures.currency, source.plan.status, source.plan.gap)
    assert (entry.title, entry.verdict) == (source.plan.scenario.title, source.plan.verdict)
    assert (entry.version, entry.input_sha256) == (source.meta["versions"]["emberline"], source.meta["input_sha256"])
    assert entry.created == datetime.fromisoformat(source.meta["created"])
    away = store.path(run).rename(store.folder / "away")
    assert (store.rescan().missing, store.entry(run).state) == (1, "broken")
    away.rename(store.path(run))
    assert (store.rescan().entered, store.entry(run).state) == (1, "stored")


def test_a_run_is_saved_though_the_catalogue_fails(
    store: Store, full_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: where the catalogue cannot be written when a plan is stored, that is reported, and the run is not
    lost."""
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise StoreError("catalogue: the disk is full")

        patch.setattr(store.catalogue, "enter", refuse)
        with (
            pytest.raises(StoreError, match=r"disk is full; run [0-9a-f]{32} is complete"),
            store.working(full_plan.scenario) as run,
        ):
            store.save(run, full_plan)
    assert [(entry.id, entry.state) for entry in store.search()] == [(run, "stored")]
    assert store.open(run).plan.status == full_plan.status
    with pytest.raises(StoreError, match="already exists"), store.working(full_plan.scenario, run):
        pass


TOGETHER = """
for run in rest[1:]:
    try:
        with store().working(plan.scenario, run):
            store().save(run, plan)
        print(run, flush=True)
    except StoreError as error:
        assert "being made" in str(error) or "already exists" in str(error), error
for tag in range(6):
    store().label(rest[1], add=[f"{rest[0]}{tag}", "both"], remove=["never"])
    store().label(rest[1], name=f"{rest[0]} {tag}")
"""
"""Claims the same ids as the others do, and labels the first."""


def test_processes_at_once_on_a_new_home(tmp_path: Path, kind: str, source: StoredRun) -> None:
    """Proves: of processes that open a new home at the same moment each succeeds, a run that all want is made by one
    of them, and no tag of any is lost, in the catalogue and next to the plan, while another lists.

    Sensitivity: without the lock in the database a tag read before another's is written would take it away."""
    ids = [number(digit) for digit in "abcde"]
    home = tmp_path / "home"
    processes = [writer(source, home, who, *ids, does=TOGETHER) for who in "xy"]
    begin(*processes)
    reader = Store(home)
    while any(process.poll() is None for process in processes):
        assert all(run.state in ("working", "stored") for run in reader.search())
    won = end(*processes)
    assert sorted(won[0] + won[1]) == ids
    assert sorted((run.id, run.state) for run in reader.search()) == [(run, "stored") for run in ids]
    tags = sorted(["both", *(f"{who}{tag}" for who in "xy" for tag in range(6))])
    entry = reader.entry(ids[0])
    assert list(entry.tags) == tags
    assert entry.name in ("x 5", "y 5")
    labels = json.loads((reader.path(ids[0]) / "labels.json").read_text(encoding="utf-8"))
    assert labels == {"name": entry.name, "tags": tags}
    assert all(reader.open(run).plan.replay_figures == source.plan.replay_figures for run in ids)


def test_kill_9_loses_no_acknowledged_run(store: Store, source: StoredRun) -> None:
    """Proves: what a writer has acknowledged before it is killed is stored and opens; what it was at is whole or
    marked, nothing between.

    Sensitivity: writing into the final folder would leave a stored run that does not open."""
    writers = [writer(source, store.folder, "10000") for _ in range(2)]
    begin(*writers)
    acknowledged: set[str] = set()
    for count, process in enumerate(writers, start=2):
        assert process.stdout is not None
        acknowledged |= {process.stdout.readline().strip() for _ in range(count)}
        process.send_signal(signal.SIGKILL)
        acknowledged |= set(process.communicate()[0].split())
    table = {run.id: run.state for run in store.search()}
    assert len(acknowledged) >= 5
    assert {table.pop(run) for run in acknowledged} == {"stored"}
    assert len(table) <= 2
    for run in acknowledged | {run for run, state in table.items() if state == "stored"}:
        assert store.open(run).plan.replay_figures == source.plan.replay_figures
    assert set(table.values()) <= {"stored", "broken"}
    names = {path.name for path in store.runs_folder.iterdir() if not path.name.endswith(".lock")}
    assert names == acknowledged | {run for run, state in table.items() if state == "stored"}


@pytest.mark.postgresql
def test_a_home_moves_to_postgresql(
    tmp_path: Path, source: StoredRun, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: naming a database is all that is needed; runs, names, tags and the trash are there at once."""
    before = Store(tmp_path)
    for digit in "ab":
        copied_run(source, tmp_path, number(digit))
    before.rescan()
    before.label(number("a"), name="first")
    before.label(number("a"), add=["kept"])
    before.delete(number("b"))
    monkeypatch.setenv(VARIABLE, postgresql.schema())
    after = Store(tmp_path)
    assert after.search() == before.search()
    assert [run.id for run in after.search(state="deleted")] == [number("b")]
    database.forget()


@pytest.mark.postgresql
def test_two_homes_share_a_catalogue(
    tmp_path: Path, source: StoredRun, full_plan: Plan, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: each sees the other's runs, says where they are, and neither marks nor deletes them.

    Sensitivity: a lock file tells nothing in another home: without the home's id the run at work would be marked."""
    monkeypatch.setenv(VARIABLE, postgresql.schema())
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    copied_run(source, here.folder, number("a"))
    here.rescan()
    with there.working(full_plan.scenario, number("b")):
        assert [(run.id, run.state) for run in here.search()] == [(number("b"), "working"), (number("a"), "stored")]
    assert [run.state for run in here.search()] == ["broken", "stored"]
    there.label(number("a"), name="seen from there")
    assert here.search(text="seen")[0].id == there.find("aaaa") == here.find("last") == number("a")
    with pytest.raises(StoreError, match="no stored run yet"):
        there.find("last")
    for use in (there.open, there.delete):
        with pytest.raises(StoreError, match=f"is kept in .*:{here.folder}; (open|delete) it there"):
            use(number("a"))
    here.delete(number("a"))
    with pytest.raises(StoreError, match="restore it there"):
        there.restore(number("a"))
    database.forget()


@pytest.mark.postgresql
def test_a_server_that_was_away_is_found_again(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: connections that the server has ended are replaced; a database that is gone is one line."""
    address = postgresql.database()
    name = address.split("/")[3].split("?")[0]
    monkeypatch.setenv(VARIABLE, address)
    store = Store(tmp_path)
    with postgresql.connect() as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert store.search() == []
        other.execute(f"DROP DATABASE {name} WITH (FORCE)")
    with pytest.raises(StoreError, match=r"\Acatalogue local/test_[^\n]* does not exist\Z"):
        store.search()
    database.forget()
