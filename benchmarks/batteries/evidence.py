"""Random changes of evidence: each must be found by whoever has the hash of the newest record, and stop its period.

Changes are a byte, the length or the place of a file, two files for each other, whole records with hashes that fit, a
chain written afresh from some record on, a tail with its head, the folder. Periods stand in every state from which
submit, approve or lock is next; a workbook is among the evidence. Records that a change leaves sound in themselves are
found by the hash, or an archive, that was handed over before.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline.reports.compliance.evidence import Chain, Entry, EvidenceError, File, Step, archive, verify

CASES = 1000
PERIODS: dict[str, tuple[tuple[Step, str], ...]] = {
    "2023": (("draft", "Ada"), ("submit", "Ada"), ("approve", "Bo"), ("lock", "Bo"), ("correct", "Cy")),
    "2024": (("draft", "Ada"), ("draft", "Ada"), ("submit", "Ada"), ("approve", "Bo")),
    "2025": (("draft", "Ada"), ("submit", "Ada")),
    "2026": (("draft", "Ada"), ("draft", "Bo")),
}
"""Steps of each period, and who takes them."""
NEXT: dict[str, tuple[Step, str]] = {
    "2023": ("submit", "Cy"),
    "2024": ("lock", "Bo"),
    "2025": ("approve", "Bo"),
    "2026": ("submit", "Bo"),
}


@dataclass(frozen=True)
class Outcome:
    """Outcome of a change."""

    kind: str
    alone: bool
    """Whether the records alone show it; then no hash is needed to stop the period."""
    with_hash: bool
    with_archive: bool
    stopped: bool
    """Whether no period that is concerned goes further."""


def home(folder: Path) -> Chain:
    """A home with four periods; those before the newest share a file, each draft has a workbook of its own."""
    chain, number = Chain(folder), 0
    for period, steps in PERIODS.items():
        for step, by in steps:
            number += 1
            content = random.Random(number).randbytes(400)
            files = {
                "monitoring.yaml": b"plan\n" * 9,
                "activity.csv": content[:200],
                "cbam.xlsx": b"PK\x03\x04" + content,
            }
            evidence = files if step in ("draft", "correct") else None
            chain.append(period, step, by, files=evidence, reason="scale was off" if step == "correct" else "")
    return chain


def owners(chain: Chain, entries: list[Entry], path: Path) -> set[str]:
    """Periods that a file is evidence of; all of them for records and head."""
    mine = {entry.period for entry in entries for file in entry.files if chain.files / file.sha256 == path}
    return mine or set(PERIODS)


def _byte(chain: Chain, rng: random.Random) -> set[str]:
    path = rng.choice([*chain.paths(), *sorted(chain.files.iterdir()), chain.head])
    concerned, content = owners(chain, chain.entries(), path), path.read_bytes()
    place = rng.randrange(len(content))
    path.write_bytes(content[:place] + bytes([content[place] ^ rng.randrange(1, 256)]) + content[place + 1 :])
    return concerned


def _workbook(chain: Chain, rng: random.Random) -> set[str]:
    entries = chain.entries()
    file = rng.choice([file for entry in entries for file in entry.files if file.name == "cbam.xlsx"])
    path = chain.files / file.sha256
    content = bytearray(path.read_bytes())
    content[rng.randrange(4, len(content))] ^= rng.randrange(1, 256)
    concerned = owners(chain, entries, path)
    path.write_bytes(bytes(content))
    return concerned


def _length(chain: Chain, rng: random.Random) -> set[str]:
    path = rng.choice([*chain.paths(), *sorted(chain.files.iterdir())])
    concerned, content = owners(chain, chain.entries(), path), path.read_bytes()
    path.write_bytes(rng.choice([b"", content[: rng.randrange(len(content))], content + rng.randbytes(3), content * 2]))
    return concerned


def _missing(chain: Chain, rng: random.Random) -> set[str]:
    path = rng.choice([*chain.paths(), *sorted(chain.files.iterdir())])
    concerned = owners(chain, chain.entries(), path)
    path.unlink()
    return concerned


def _swapped(chain: Chain, rng: random.Random) -> set[str]:
    entries = chain.entries()
    one, other = rng.sample(rng.choice([chain.paths(), sorted(chain.files.iterdir())]), 2)
    concerned = owners(chain, entries, one) | owners(chain, entries, other)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    return concerned


def _other(entry: Entry, rng: random.Random) -> dict[str, object]:
    """Fields of a record with other values."""
    sizes = [file.model_copy(update={"size": file.size + 1}) for file in entry.files]
    return rng.choice([
        {"by": "Eve"}, {"at": "2020-01-01T00:00:00+00:00"}, {"reason": "none"}, {"version": "0"},
        {"files": entry.files[1:]}, {"files": tuple(sizes)}, {"period": "2022"},
    ])  # fmt: skip


def _record(chain: Chain, rng: random.Random) -> set[str]:
    """One record with other fields and a hash that fits, the head too where it is the last one."""
    entry = rng.choice(chain.entries())
    other = entry.model_copy(update=_other(entry, rng))
    (chain.records / f"{entry.number:06}.json").write_bytes(other.stored)
    if entry.number == len(chain.paths()):
        chain.head.write_bytes(f"{other.number} {other.sha256}\n".encode())
    return set(PERIODS)


def _forged(chain: Chain, rng: random.Random) -> set[str]:
    """All records from one on, with hashes, evidence and head that fit."""
    entries = chain.entries()
    first = rng.randrange(len(entries))
    before = entries[first].before
    for entry in entries[first:]:
        files = entry.files
        if rng.random() < 0.5 or entry.number == first + 1:
            content = rng.randbytes(50)
            sha256 = hashlib.sha256(content).hexdigest()
            (chain.files / sha256).write_bytes(content)
            changed = File(name="activity.csv", sha256=sha256, size=len(content))
            files = (changed, *(file for file in files if file.name != "activity.csv"))
        other = entry.model_copy(update={"files": files, "before": before})
        (chain.records / f"{entry.number:06}.json").write_bytes(other.stored)
        before = other.sha256
    chain.head.write_bytes(f"{len(entries)} {before}\n".encode())
    return set(PERIODS)


def _cut(chain: Chain, rng: random.Random) -> set[str]:
    """The last records, with a head that fits."""
    entries = chain.entries()
    keep = rng.randrange(1, len(entries))
    for path in chain.paths()[keep:]:
        path.unlink()
    chain.head.write_bytes(f"{keep} {entries[keep - 1].sha256}\n".encode())
    return set(PERIODS)


def _regrown(chain: Chain, rng: random.Random) -> set[str]:
    """The last records cut, and others in their place."""
    count = len(chain.paths())
    _cut(chain, rng)
    while len(chain.paths()) < count:
        chain.append(f"20{len(chain.paths()):02}-Q1", "draft", "Eve", files={"activity.csv": rng.randbytes(9)})
    return set(PERIODS)


def _folder(chain: Chain, rng: random.Random) -> set[str]:
    """The folder gone, or begun afresh."""
    shutil.rmtree(rng.choice([chain.folder, chain.folder, chain.records]))
    if not chain.folder.exists() and rng.random() < 0.5:
        home(chain.folder)  # with other times, or the same where the second is
        entry = chain.entries()[-1].model_copy(update={"by": "Eve"})
        chain.paths()[-1].write_bytes(entry.stored)
        chain.head.write_bytes(f"{entry.number} {entry.sha256}\n".encode())
    return set(PERIODS)


KINDS: dict[str, Callable[[Chain, random.Random], set[str]]] = {
    "a byte": _byte, "a byte of the workbook": _workbook, "a length": _length, "a missing file": _missing,
    "swapped files": _swapped, "a record": _record, "a forged chain": _forged, "a cut tail": _cut,
    "a tail in place of another": _regrown, "the folder": _folder,
}  # fmt: skip


def outcome(seed: int, sound: Path, newest: str, earlier: Path, folder: Path) -> Outcome:
    """Outcome of a change that is drawn by seed.

    Args:
        seed: draws kind and place.
        sound: folder of the records as they are.
        newest: hash of their newest record, which was handed over.
        earlier: archive of a period, which was handed over.
        folder: for the copy that is changed.
    """
    rng = random.Random(seed)
    kind = list(KINDS)[seed % len(KINDS)]
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    chain = Chain(folder)
    concerned, stopped = KINDS[kind](chain, rng), True
    alone = bool(verify(chain))
    for period in concerned & NEXT.keys():
        step, by = NEXT[period]
        try:
            chain.append(period, step, by, since="" if alone else newest)
        except EvidenceError:
            continue
        stopped = False
    return Outcome(kind, alone, bool(verify(chain, newest)), bool(verify(chain, earlier=earlier)), stopped)


@bench("evidence", "1,000 random changes of evidence, whole chains and tails too: all found, no period goes further")
def main() -> Findings:
    """Change a home again and again."""
    wrong: list[str] = []
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory(prefix="evidence-") as name:
        folder = Path(name)
        chain = home(folder / "sound")
        newest = chain.entries()[-1].sha256
        archive(chain, "2026", folder / "2026.zip")
        for seed in range(CASES):
            result = outcome(seed, chain.folder, newest, folder / "2026.zip", folder / "copy")
            counts[result.kind, "changes"] += 1
            counts[result.kind, "alone"] += result.alone
            counts[result.kind, "archive"] += result.with_archive
            if not (result.with_hash and result.stopped):
                wrong.append(f"{seed} {result.kind}: {'not found' if not result.with_hash else 'a period goes on'}")
    rows = []
    for kind in KINDS:
        of_kind = counts[kind, "changes"]
        shares = {key: 100 * counts[kind, key] / of_kind for key in ("alone", "archive")}
        text = f"{of_kind} changes; with an archive {shares['archive']:.0f} %"
        rows.append(measured(f"{kind}: found without a hash", [shares["alone"]], "%", says=text))
    rows.append(measured(f"{CASES} changes: not found or not stopped", [float(len(wrong))], "changes", bars=[Bar(0.0)]))
    findings = Findings([Table("Random changes of evidence", rows)])
    if wrong:
        raise Wrong("; ".join(wrong[:20]), findings)
    return findings
