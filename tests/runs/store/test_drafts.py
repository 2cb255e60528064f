"""Drafts: a user's own scenario, whole whenever its writer dies, found by its id alone, reading no file but its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emberline.runs.store import drafts, snapshots
from emberline.runs.store.drafts import DraftError
from emberline.scenarios import ScenarioError
from emberline.scenarios.loading.loading import LIBRARY
from emberline.scenarios.reading import factor_table

ROOT = Path(__file__).resolve().parents[3]
TEXT = (LIBRARY / "melt-shop-small.yaml").read_text(encoding="utf-8")
SERIES = "time_utc,price_per_mwh\n" + "".join(f"2026-06-{15 + h // 24}T{h % 24:02d}:00Z,{h}\n" for h in range(72))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("EMBERLINE_HOME", str(folder))
    return folder


def test_two_users_apart() -> None:
    """Proves: what one changes in a copy, the other's copy of the same scenario does not have."""
    mine, yours = drafts.create(TEXT, "melt-shop-small"), drafts.create(TEXT, "melt-shop-small")
    changed = drafts.write(mine, TEXT.replace("gap: 1 %", "gap: 3 %"))
    assert snapshots.load(changed.path).goal.gap == 0.03
    assert snapshots.load(drafts.open_draft(yours.id).path).goal.gap == 0.01
    assert changed.original == TEXT
    assert changed.text.replace("gap: 3 %", "gap: 1 %") == TEXT
    assert yours.text == yours.original


def test_drafts_have_owners() -> None:
    """Proves: each owner's drafts are listed alone, the last one changed first, an older one without owner as nobody's;
    a text that cannot be read hides none."""
    mine = [drafts.create(TEXT, "x", owner="me") for _ in range(3)]
    yours, old = drafts.create("a: [", "x", owner="you"), drafts.create(TEXT, "x")
    answer = json.loads((old.folder / "draft.json").read_text())
    del answer["owner"]
    (old.folder / "draft.json").write_text(json.dumps(answer))
    for ago, draft in enumerate((mine[1], mine[0], mine[2])):
        os.utime(draft.folder / "draft.json", (time.time() - ago, time.time() - ago))
    assert [draft.id for draft in drafts.of_owner("me")] == [mine[1].id, mine[0].id, mine[2].id]
    assert [draft.id for draft in drafts.of_owner("you")] == [yours.id]
    assert [draft.id for draft in drafts.of_owner("")] == [old.id]
    assert len(drafts.of_owner(None)) == 5
    (mine[2].folder / "draft.json").write_text("{")
    assert len(drafts.of_owner("me")) == 2
    assert drafts.write(drafts.open_draft(mine[0].id), TEXT + "# one\n").owner == "me"


def test_what_was_deleted_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a deleted draft is found by nothing, comes back with its steps for some days, and is gone afterwards."""
    draft = drafts.write(drafts.create(TEXT, "x"), TEXT + "# one\n")
    os.utime(draft.folder / "draft.json", (time.time() - 29 * 86_400,) * 2)
    drafts.delete(draft)
    assert drafts.of_owner(None) == []
    for use in (lambda: drafts.open_draft(draft.id), lambda: drafts.write(draft, TEXT), lambda: drafts.delete(draft)):
        with pytest.raises(DraftError):
            use()
    drafts.create(TEXT, "another takes away what is old")
    assert drafts.restore(draft.id) == draft
    assert drafts.step(draft, -1).text == TEXT
    drafts.delete(draft)
    later = time.time() + (drafts.TRASH_DAYS + 0.5) * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    drafts.create(TEXT, "another takes away what is old")
    for number in (draft.id, "../..", "f" * 32):
        with pytest.raises(DraftError, match="cannot be restored"):
            drafts.restore(number)


def test_undo_and_redo() -> None:
    """Proves: states are gone back and forth to; a new change after undo takes the place of what was undone."""
    draft = drafts.create(TEXT, "x")
    for n in (2, 3, 4):
        draft = drafts.write(draft, TEXT.replace("gap: 1 %", f"gap: {n} %"))
    assert (draft.undoable, draft.redoable) == (True, False)
    draft = drafts.step(drafts.step(draft, -1), -1)
    assert "gap: 2 %" in draft.text
    assert "gap: 3 %" in drafts.step(draft, 1).text
    draft = drafts.write(drafts.step(drafts.open_draft(draft.id), -1), TEXT.replace("gap: 1 %", "gap: 9 %"))
    assert (draft.redoable, len(draft.texts)) == (False, 3)
    assert drafts.step(drafts.step(draft, -1), -1).text == TEXT == draft.original
    assert drafts.write(draft, draft.text) == draft


def test_a_stale_window_does_not_overwrite() -> None:
    """Proves: a change made from an older state is refused and nothing is lost. Sensitivity: last writer wins fails."""
    draft = drafts.create(TEXT, "x")
    drafts.write(draft, TEXT + "\n# one\n")
    with pytest.raises(DraftError, match="another window"):
        drafts.write(draft, TEXT + "\n# two\n")
    assert drafts.open_draft(draft.id).text.endswith("# one\n")


WRITER = """
import sys
from emberline.runs.store import drafts, snapshots
draft = drafts.open_draft(sys.argv[1])
print("ready", flush=True)
for n in range(10_000):
    draft = drafts.write(draft, draft.original + f"# {n}\\n" * 200)
"""


def test_a_kill_in_the_middle_of_a_write_leaves_it_whole() -> None:
    """Proves: after a kill at any moment the draft opens, its text is one that was written whole, and it can be
    changed again. Sensitivity: a text written in place is torn now and then."""
    draft = drafts.create(TEXT, "x")
    for wait in (0.01, 0.08, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, draft.id], cwd=ROOT, stdout=subprocess.PIPE, env=dict(os.environ)
        )
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"ready"
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        result = drafts.open_draft(draft.id)
        tail = result.text.removeprefix(TEXT).splitlines()
        assert result.text.startswith(TEXT)
        assert len(tail) in (0, 200)
        assert len(set(tail)) <= 1
        for name in result.texts:
            assert (result.folder / name).is_file()
        assert drafts.write(result, TEXT + f"# again {wait}\n").undoable


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{table: de_typical_2018, column: price_eur_per_mwh}", "{csv: /etc/hosts, column: a}"),
        ("{table: de_typical_2018, column: price_eur_per_mwh}", "{csv: ../../catalogue.db, column: a}"),
        ("{table: de_typical_2018, column: price_eur_per_mwh}", "{parquet: files/../../x.parquet, column: a}"),
        ("{table: de_typical_2018, column: price_eur_per_mwh}", "{csv: files/price-0.csv, column: a}"),
        ("{table: pv_typical, column: capacity_factor}",
         "{table: pv_typical, column: capacity_factor, forecast: {csv: /etc/hosts, column: a}}"),
        ("\ngoal:", "\nemissions: {table: /etc/hosts}\n\ngoal:"),
    ],
)  # fmt: skip
def test_a_draft_reads_no_file_but_its_own(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a path in a text from the browser is refused before any file is opened, with its line."""
    draft = drafts.create(TEXT.replace(old, new, 1), "x")

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr("emberline.scenarios.reading.series.read_columns", opened)
    factor_table.bundled()
    monkeypatch.setattr("emberline.scenarios.reading.factor_table.read_table", opened)
    for load in (snapshots.load, snapshots.take):
        with pytest.raises(ScenarioError, match=r"scenario|draft|command line") as caught:
            load(draft.path)
        assert len(caught.value.problems) == 1
        assert ".yaml:" in caught.value.problems[0].where


def test_a_snapshot_is_what_was_planned() -> None:
    """Proves: a run keeps the text and the series as they were, whatever becomes of the draft; equal ones are one."""
    draft = drafts.create(TEXT, "x")
    stored = drafts.add_files(draft, "price", {"csv": SERIES, "yaml": "as: price\n"})
    series = f"{{csv: {stored['csv']}, column: price_per_mwh, unit: EUR/MWh}}"
    text = TEXT.replace("{table: de_typical_2018, column: price_eur_per_mwh}", series, 1)
    draft = drafts.write(draft, text)
    name = snapshots.take(draft.path)
    assert snapshots.take(draft.path) == name
    assert draft.id not in name
    drafts.write(draft, TEXT)
    path = snapshots.find(name)
    assert path is not None
    assert snapshots.load(path).inputs["price_per_mwh"].values[0] == 22
    assert snapshots.find("../" + name) is None
    assert snapshots.find("0" * 32) is None


@pytest.mark.parametrize("draft", ["", "f" * 31, "f" * 32, "../../etc", "F" * 32, "f" * 32 + "\n"])
def test_an_id_that_is_none(draft: str, home: Path) -> None:
    """Proves: only an id names a draft, never a path; what is not there is reported."""
    with pytest.raises(DraftError):
        drafts.open_draft(draft)


def test_limits_and_old_drafts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: huge texts and too many series are refused and leave nothing; drafts go after their days, not before."""
    with pytest.raises(ScenarioError, match="200 kB"):
        drafts.create("#" * 200_001, "x")
    assert not (home / "drafts").exists()
    old, new = drafts.create(TEXT, "x"), drafts.create(TEXT, "x")
    with pytest.raises(DraftError, match="at most 100"):
        drafts.add_files(new, "price", {"csv": "0" * 101_000_000})
    with pytest.raises(DraftError, match="not a valid name"):
        drafts.add_files(new, "../x", {"csv": "1"})
    assert list((new.folder / "files").iterdir()) == []
    past = time.time() - 31 * 86_400
    for path in (old.folder, old.folder / "draft.json"):
        os.utime(path, (past, past))
    drafts.create(TEXT, "x")
    assert not old.folder.exists()
    assert json.loads((new.folder / "draft.json").read_text())["texts"] == ["1.yaml"]
    monkeypatch.setattr(drafts, "MAX_DRAFTS", 2)
    with pytest.raises(DraftError, match="2 drafts already"):
        drafts.create(TEXT, "x")
