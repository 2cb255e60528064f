"""Records of reporting periods: steps, corrections, changed bytes, writers that die."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from emberline.plans.compliance.evidence import Chain, EvidenceError, archive, leftovers, verify
from emberline.plans.compliance.evidence.entry import Step

FILES = {
    "monitoring.yaml": b"installation: {name: Works}\n",
    "activity.csv": b"name,from,to\n" * 20,
    "ets.json": b"{}\n",
}
WRITER = """
import itertools, sys
from pathlib import Path
from emberline.plans.compliance.evidence import Chain
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
