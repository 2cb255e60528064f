"""Files of a run that were cut off, emptied, overwritten or replaced: one line, whatever is in them."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from writers import stored_run

from emberline.runs.store import ensembles, run_folder, run_record
from emberline.runs.store.store import Store, StoredRun, StoreError

OTHER_JSON = (b"[]", b"{}", b"null", b"7", b'"text"', b"[" * 100_000, b'{"format": 1}', b'{"format": "1"}', b"NaN")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    return stored_run(tmp_path_factory.mktemp("torn"))


def corrupted(whole: bytes, seed: int = 1) -> Iterator[bytes]:
    """Other contents of a file."""
    chance = random.Random(seed)
    yield b""
    for _ in range(4):
        yield whole[: chance.randrange(len(whole))]
        at = chance.randrange(len(whole))
        yield whole[:at] + chance.randbytes(16) + whole[at + 16 :]
    yield chance.randbytes(len(whole))
    yield from OTHER_JSON


def test_each_file_of_a_run(stored: StoredRun) -> None:
    """Proves: a run one of whose files is torn or gone is refused in one line that names the run and the file.

    Sensitivity: a record that is a list, or empty, ended as an error of Emberline itself."""
    store = Store(stored.folder.parent.parent)
    for path in sorted(stored.folder.iterdir()):
        whole = path.read_bytes()
        for content in corrupted(whole):
            path.write_bytes(content)
            if path.name == run_record.NAME and _same(content, whole):
                continue
            with pytest.raises(StoreError, match=rf"\Arun {stored.id} is torn: [^\n]*{path.name}[^\n]*\Z"):
                store.open(stored.id)
        path.write_bytes(whole)
    assert store.open(stored.id).meta == stored.meta


def _same(content: bytes, whole: bytes) -> bool:
    """Whether random bytes have hit a text of the record, which then is another but sound one."""
    try:
        return bool(json.loads(content).keys() == json.loads(whole).keys())
    except (ValueError, AttributeError, RecursionError):
        return False


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in plain data."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def test_a_record_with_another_type_anywhere(stored: StoredRun) -> None:
    """Proves: whatever type stands at a place of the record, a run is read or torn, and a scan finds the same."""
    record = stored.folder / run_record.NAME
    whole = record.read_bytes()
    torn: set[Any] = set()
    rows = [("format",), ("created",), ("files_sha256",), ("summary", "baseline", "complete"), ("summary", "replays")]
    other_types: tuple[Any, ...] = (None, [], {"a": 1}, -1.5)
    others = random.Random(1).sample(list(places(stored.meta)), 30)
    for path in (*rows, *others):
        for value in other_types:
            data = copy.deepcopy(stored.meta)
            at = data
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            record.write_text(json.dumps(data), encoding="utf-8")
            is_torn = run_folder.is_torn(stored.folder)
            assert is_torn == (run_folder.columns(stored.folder) is None)
            torn |= {path[-1]} if is_torn else set()
    record.write_bytes(whole)
    assert {path[-1] for path in rows} <= torn


def test_a_torn_run_is_listed_as_broken(tmp_path: Path) -> None:
    """Proves: a run whose record is torn is listed as broken, by every filter, and a scan names its folder; with the
    record back a scan enters it again."""
    stored = stored_run(tmp_path / "home")
    store, record = Store(tmp_path / "home"), stored.folder / run_record.NAME
    whole = record.read_bytes()
    record.write_bytes(whole[:100])
    assert [row.id for row in store.search(state="broken")] == [stored.id]
    assert store.search(state="stored") == []
    assert [row.state for row in store.search()] == ["broken"]
    assert store.rescan().unread == (stored.id,)
    record.write_bytes(whole)
    assert store.rescan().entered == 1
    assert [row.state for row in store.search()] == ["stored"]
    record.write_bytes(b"[]")
    assert store.rescan().unread == (stored.id,)
    assert store.catalogue.scan_rows()[stored.id].state == "broken"


def test_what_is_kept_with_a_run(tmp_path: Path) -> None:
    """Proves: an ensemble or an answer that is torn is one line; labels that are torn are those of the catalogue."""
    stored = stored_run(tmp_path / "home")
    for content in corrupted((stored.folder / "replay.nc").read_bytes()):
        (stored.folder / "ensemble-3.nc").write_bytes(content)
        with pytest.raises(StoreError, match=rf"\Aensemble-3.nc of run {stored.id} is [^\n]*; make it again\Z"):
            ensembles.read(stored, 3)
    assert ensembles.read_holding(stored.folder) is None
    for content in (b"", *OTHER_JSON):
        (stored.folder / ensembles.HOLDING).write_bytes(content)
        with pytest.raises(StoreError, match=rf"\A{ensembles.HOLDING} of run {stored.id} is torn"):
            ensembles.read_holding(stored.folder)
        (stored.folder / "labels.json").write_bytes(content)
        assert run_folder.columns(stored.folder) is not None
    assert Store(tmp_path / "home").rescan().unread == ()
