"""Records of reporting periods: steps, corrections, changed bytes, writers that die."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import cast

import pytest

from emberline.reports.compliance.evidence import Chain, EvidenceError, Step, archive, leftovers, verify

FILES = {
    "monitoring.yaml": b"installation: {name: Works}\n",
    "activity.csv": b"name,from,to\n" * 20,
    "ets.json": b"{}\n",
}
WRITER = """
import itertools, sys
from pathlib import Path
from emberline.reports.compliance.evidence import Chain
chain = Chain(Path(sys.argv[1]))
print("ready", flush=True)
for number in itertools.count():
    period = f"{sys.argv[2]}-{number}"
    chain.append(period, "draft", "Ada", files={"activity.csv": b"x" * 50_000 + period.encode()})
    chain.append(period, "submit", "Ada")
"""


def locked(folder: Path) -> Chain:
    """A chain with a locked period and its correction."""
    chain = Chain(folder)
    chain.append("2025", "draft", "Ada", files=FILES)
    chain.append("2025", "submit", "Ada")
    chain.append("2025", "approve", "Bo")
    chain.append("2025", "lock", "Bo")
    chain.append("2025", "correct", "Ada", files={**FILES, "activity.csv": b"other\n"}, reason="scale was off")
    return chain


def test_steps_in_their_order_only(tmp_path: Path) -> None:
    """Proves: draft, submitted, approved by another, locked, corrected with a reason. Sensitivity: a short cut."""
    chain = Chain(tmp_path)
    with pytest.raises(EvidenceError, match="period 2025 is not drafted yet: submit is not possible, next is draft"):
        chain.append("2025", "submit", "Ada")
    chain.append("2025", "draft", "Ada", files=FILES)
    chain.append("2025", "submit", "Ada")
    with pytest.raises(EvidenceError, match="somebody else approves"):
        chain.append("2025", "approve", "Ada")
    chain.append("2025", "approve", "Bo")
    chain.append("2025", "lock", "Bo")
    with pytest.raises(EvidenceError, match="is locked: draft is not possible, next is correct"):
        chain.append("2025", "draft", "Ada", files=FILES)
    with pytest.raises(EvidenceError, match="needs its reason"):
        chain.append("2025", "correct", "Ada", files=FILES)
    entry = chain.append("2025", "correct", "Ada", files={"activity.csv": b"new"}, reason="scale was off")
    assert (entry.number, entry.state, entry.reason) == (5, "draft", "scale was off")
    first = chain.entries()[0]
    assert {file.name: chain.content(file) for file in first.files} == FILES
    assert verify(chain) == []


def test_every_changed_byte_is_found_and_its_record_named(tmp_path: Path) -> None:
    """Proves: 300 random changes of a byte of records, evidence and head are found, and the record is named.

    Sensitivity: a field that the hash leaves out, white space around a record, a head that nobody compares."""
    chain = locked(tmp_path)
    rng = random.Random(20)
    paths = [*chain.paths(), *chain.files.iterdir(), chain.head]
    owners = {file.sha256: entry.number for entry in reversed(chain.entries()) for file in entry.files}
    for _ in range(300):
        path = rng.choice(paths)
        content = path.read_bytes()
        place = rng.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ rng.randrange(1, 256)]) + content[place + 1 :])
        numbers = [finding.record for finding in verify(chain)]
        path.write_bytes(content)
        expected = int(path.stem) if path.suffix == ".json" else owners.get(path.name, 5)
        assert expected in numbers, (path.name, place)
    assert verify(chain) == []


def test_records_that_are_gone_or_exchanged_are_named(tmp_path: Path) -> None:
    """Proves: a record taken out, the last one too, and two exchanged. Sensitivity: a chain that is merely shorter."""
    chain = locked(tmp_path)
    texts = {path: path.read_bytes() for path in chain.paths()}
    paths = list(texts)
    for gone in (paths[1], paths[4]):
        gone.unlink()
        assert [finding.record for finding in verify(chain)][:1] == [int(gone.stem)]
        gone.write_bytes(texts[gone])
    paths[1].write_bytes(texts[paths[2]])
    assert 2 in [finding.record for finding in verify(chain)]
    with pytest.raises(EvidenceError, match="record 2 has changed"):
        chain.append("2025", "submit", "Ada")


def test_a_head_that_lags_by_a_record_catches_up(tmp_path: Path) -> None:
    """Proves: writers that die one after another between record and head leave a sound chain; a head that is further
    behind is a finding, and nothing is added to it. Sensitivity: a head that lags by two and is taken for changed."""
    chain = locked(tmp_path)
    heads = [f"{entry.number} {entry.sha256}\n".encode() for entry in chain.entries()]
    steps: list[tuple[Step, bytes]] = [("submit", heads[3]), ("approve", heads[4])]
    for step, behind in steps:
        chain.head.write_bytes(behind)
        assert verify(chain) == []
        chain.append("2025", step, "Ada" if step == "submit" else "Bo")
        assert verify(chain) == []
    chain.head.write_bytes(heads[0])
    assert [finding.says for finding in verify(chain)] == ["the head has changed"]
    with pytest.raises(EvidenceError, match="the head has changed"):
        chain.append("2025", "lock", "Bo")


def test_files_that_belong_to_no_record_are_named(tmp_path: Path) -> None:
    """Proves: evidence without a record, half a file and a stranger among the records are named, nothing else is.

    Sensitivity: evidence of the killed writers, which nobody looked at; the lock or the head taken for strangers."""
    chain = locked(tmp_path)
    assert leftovers(chain) == []
    strangers = [chain.files / ("0" * 64), chain.files / ".x.partial", chain.records / "000002.json.old"]
    for path in strangers:
        path.write_bytes(b"x")
    assert leftovers(chain) == sorted(strangers)
    assert verify(chain) == []


def test_a_record_replaced_by_a_sound_one_breaks_the_link_of_the_next(tmp_path: Path) -> None:
    """Proves: a record with another name and a hash that fits it is found by the link of the next record, alone of all
    checks: number, hash, evidence and head are right. Sensitivity: the link to the record before not compared."""
    chain = locked(tmp_path)
    entry = chain.entries()[1]
    (chain.records / "000002.json").write_bytes(entry.model_copy(update={"by": "Eve"}).stored)
    assert [str(finding) for finding in verify(chain)] == ["record 3: does not follow record 2"]
    with pytest.raises(EvidenceError, match="record 3 has changed"):
        chain.append("2025", "submit", "Ada")


@pytest.mark.parametrize("harm", ["changed", "missing", "changed in an earlier draft"])
def test_a_period_whose_evidence_has_changed_goes_no_further(harm: str, tmp_path: Path) -> None:
    """Proves: submit, approve, lock and archive are refused by record and file, another period goes on, a draft with
    the right file mends it. Sensitivity: the state of the period alone, the newest draft alone."""
    chain = Chain(tmp_path)
    steps: list[Step] = ["submit", "approve", "lock"]
    for period in ("2024", "2025"):
        chain.append(period, "draft", "Ada", files={**FILES, "activity.csv": b"first " + period.encode()})
        chain.append(period, "draft", "Ada", files={**FILES, "activity.csv": period.encode()})
    first, second = (entry for entry in chain.entries() if entry.period == "2025")
    entry = first if "earlier" in harm else second
    path = chain.files / next(file.sha256 for file in entry.files if file.name == "activity.csv")
    sound = path.read_bytes()
    for step in steps:
        path.unlink()
        if harm != "missing":
            path.write_bytes(b"x" + sound[1:])
        words = f"record {entry.number}: evidence activity.csv of 2025 .*: {step} is not possible"
        with pytest.raises(EvidenceError, match=words):
            chain.append("2025", step, "Bo" if step == "approve" else "Ada")
        with pytest.raises(EvidenceError, match=f"record {entry.number}: evidence activity.csv of 2025 "):
            archive(chain, "2025", tmp_path / "2025.zip")
        chain.append("2024", step, "Bo" if step == "approve" else "Ada")
        path.write_bytes(sound)
        chain.append("2025", step, "Bo" if step == "approve" else "Ada")
    assert not (tmp_path / "2025.zip").exists()


def test_names_that_look_alike_are_one_person(tmp_path: Path) -> None:
    """Proves: case, spaces, width, composed letters and invisible ones make no second pair of eyes; another name does.

    Sensitivity: names compared as they are written."""
    chain = Chain(tmp_path)
    chain.append("2025", "draft", "Zoë Groß", files=FILES)
    chain.append("2025", "submit", "Zoë Groß")
    for alias in ("zoë groß", "ZOË  GROSS", " Zoe\u0308 Gro\u00df ", "\uff3aoë\u00a0Groß", "Zoë\u200b Groß", "ZoëGroß"):
        with pytest.raises(EvidenceError, match="somebody else approves"):
            chain.append("2025", "approve", alias)
    with pytest.raises(EvidenceError, match="a name is required"):
        chain.append("2025", "approve", " \u200b")
    assert chain.append("2025", "approve", "Zoë Grau").state == "approved"


def test_what_was_handed_over_finds_forged_chains_cut_tails_and_missing_folders(tmp_path: Path) -> None:
    """Proves: a chain that is sound in itself is not the one whose hash or archive was handed over, and no step is
    taken on it; a chain that went on since is. Sensitivity: a comparison with the chain's own hashes alone."""
    chain = locked(tmp_path / "chain")
    newest = chain.entries()[-1].sha256
    archive(chain, "2025", tmp_path / "2025.zip")
    assert verify(chain, newest, tmp_path / "2025.zip") == []
    # a whole chain afresh, with one other figure
    forged = Chain(tmp_path / "forged")
    for entry in chain.entries():
        files = {file.name: chain.content(file).replace(b"other", b"lower") for file in entry.files}
        forged.append(entry.period, entry.step, entry.by, files=files, reason=entry.reason)
    # the tail cut, with its head
    cut = Chain(tmp_path / "cut")
    shutil.copytree(chain.folder, cut.folder)
    cut.paths()[-1].unlink()
    cut.head.write_bytes(f"4 {chain.entries()[3].sha256}\n".encode())
    for other, step in ((forged, "submit"), (cut, "correct"), (Chain(tmp_path / "gone"), "draft")):
        assert verify(other) == []
        assert [str(finding) for finding in verify(other, newest)] == [
            f"no record has the hash {newest}: the records were cut off, replaced or removed since"
        ]
        assert verify(other, earlier=tmp_path / "2025.zip")[-1].record == 5
        with pytest.raises(EvidenceError, match=f"no record has the hash {newest}"):
            other.append("2025", cast(Step, step), "Ada", files=FILES, reason="x", since=newest)
    chain.append("2025", "submit", "Ada", since=newest)
    assert verify(chain, newest, tmp_path / "2025.zip") == []


def test_records_that_are_gone_but_for_their_head_begin_no_chain(tmp_path: Path) -> None:
    """Proves: a folder without records whose head counts five takes no first record. Sensitivity: a head that is
    looked at only where there are records."""
    chain = locked(tmp_path)
    for path in chain.paths():
        path.unlink()
    with pytest.raises(EvidenceError, match="the head has changed"):
        chain.append("2025", "draft", "Ada", files=FILES)


def test_an_archive_is_compared_byte_for_byte(tmp_path: Path) -> None:
    """Proves: changed evidence in an archive is named, what is no archive is refused.

    Sensitivity: the records alone."""
    chain = locked(tmp_path / "chain")
    archive(chain, "2025", tmp_path / "2025.zip")
    with zipfile.ZipFile(tmp_path / "2025.zip") as book:
        members = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as book:
        for name, content in members.items():
            book.writestr(name, content + b"x" * (name == "evidence/000001/activity.csv"))
    assert [str(finding) for finding in verify(chain, earlier=tmp_path / "other.zip")] == [
        "record 1: has changed in the archive"
    ]
    (tmp_path / "text.zip").write_bytes(b"no archive")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as book:
        book.writestr("readme", "x")
    for name in ("text.zip", "empty.zip", "none.zip"):
        with pytest.raises(EvidenceError, match=f"{name} is no archive of evidence"):
            verify(chain, earlier=tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_writer_that_is_killed_leaves_whole_records(tmp_path: Path) -> None:
    """Proves: after kill -9 in the midst of writing nothing is half there, and the next writer goes on.

    Sensitivity: a record written before its evidence, or in place."""
    rng = random.Random(3)
    for number in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(number)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.005, 0.06))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert verify(Chain(tmp_path)) == []
    assert Chain(tmp_path).append("end", "draft", "Ada", files=FILES).number == len(Chain(tmp_path).paths())


def test_the_archive_holds_records_and_evidence(tmp_path: Path) -> None:
    """Proves: what a verifier needs, under its names, each version. Sensitivity: the corrected data alone."""
    chain = locked(tmp_path / "chain")
    archive(chain, "2025", tmp_path / "2025.zip")
    with zipfile.ZipFile(tmp_path / "2025.zip") as book:
        assert book.read("evidence/000001/activity.csv") == FILES["activity.csv"]
        assert book.read("evidence/000005/activity.csv") == b"other\n"
        assert len([name for name in book.namelist() if name.startswith("records/")]) == 5
    with pytest.raises(EvidenceError, match="period 2024 has no records"):
        archive(chain, "2024", tmp_path / "2024.zip")
