"""Evidence of reports: records chained by hash, the states of a period, verification, an archive for the verifier.

Records are append-only, each holding the hash of the one before::

    folder/records/000001.json   a record and its hash, in one way to write it
           files/<sha256>        evidence, by its hash
           head                  number and hash of the last record
           lock                  empty, while somebody writes

A record counts once its file has its name, which is one step of the file system: evidence is in place before, the head
follows. Whoever dies in between leaves either no record or a whole one. Nothing is ever changed or removed. To verify,
every byte of a record, of its evidence and of the head is compared with its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from pydantic import Field

from emberline.scenarios import whole_file
from emberline.scenarios.records.base import Record

__all__ = ["STEPS", "Chain", "Entry", "EvidenceError", "Finding", "Step", "archive", "leftovers", "verify"]

Step = Literal["draft", "submit", "approve", "lock", "correct"]
STEPS: dict[Step, tuple[str, ...]] = {
    "draft": ("", "draft"),
    "submit": ("draft",),
    "approve": ("submitted",),
    "lock": ("approved",),
    "correct": ("locked",),
}
"""Steps, and the states in which a period may take them; empty: a period without records."""
STATE = dict(zip(STEPS, ("draft", "submitted", "approved", "locked", "draft"), strict=True))
"""State of a period after a step."""
FIRST = "0" * 64
"""Stands for the record before the first one."""


class File(Record):
    """A file of evidence."""

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Entry(Record):
    """A record."""

    number: int = Field(ge=1)
    period: str
    step: Step
    by: str = Field(min_length=1, max_length=80)
    at: str
    """UTC."""
    reason: str = ""
    """Of a correction."""
    version: str = ""
    """Of Emberline."""
    files: tuple[File, ...] = ()
    before: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hash of the record before."""

    @property
    def state(self) -> str:
        """State of the period after this record."""
        return STATE[self.step]

    @property
    def text(self) -> str:
        """The record as it is hashed: one way to write it, byte for byte."""
        return canonical(self.model_dump(mode="json"))

    @property
    def sha256(self) -> str:
        """Hash of the record."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    @property
    def stored(self) -> bytes:
        """The record as it lies in its file: its text and its hash."""
        return f"{self.text}\n{self.sha256}\n".encode()

    def __str__(self) -> str:
        return f"record {self.number} ({self.period}, {self.state})"


def person(name: str) -> str:
    """A name as it is compared: case, spaces, width and invisible letters make no other person."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(letter for letter in folded if not letter.isspace() and unicodedata.category(letter) != "Cf")


def canonical(data: Any) -> str:
    """JSON in one way only."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


DIGITS = 6
LOCK = "lock"
PATIENCE_S = 30.0
NEXT = {"": "draft", "draft": "submit", "submitted": "approve", "approved": "lock", "locked": "correct"}
"""Next step by state of a period."""


class EvidenceError(ValueError):
    """A step that cannot be taken, or records that cannot be read."""


class Chain:
    """The records of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records, self.files, self.head = folder / "records", folder / "files", folder / "head"

    def entries(self) -> list[Entry]:
        """All records in their order.

        Raises:
            EvidenceError: one cannot be read, or has changed.
        """
        result: list[Entry] = []
        before = FIRST
        for number, _, entry in self.read():
            if entry is None or (entry.number, entry.before) != (number, before):
                raise EvidenceError(f"record {number} has changed; see emberline report verify")
            before = entry.sha256
            result.append(entry)
        return result

    def paths(self) -> list[Path]:
        """Files of the records, in their order."""
        return sorted(self.records.glob("*.json")) if self.records.is_dir() else []

    def read(self) -> Iterator[tuple[int, Path, Entry | None]]:
        """Number, file and record of each file; None: it cannot be read, or has changed."""
        for number, path in enumerate(self.paths(), start=1):
            entry = None
            with suppress(OSError, ValueError):
                entry = parse(path.read_bytes())
            yield number, path, entry

    def newest(self, period: str) -> Entry | None:
        """The newest record of a period; None: it has none."""
        return next((entry for entry in reversed(self.entries()) if entry.period == period), None)

    def content(self, file: File) -> bytes:
        """Content of a file of evidence."""
        return (self.files / file.sha256).read_bytes()

    def damage(self, entry: Entry) -> Iterator[str]:
        """Evidence of a record that is missing or has changed."""
        for file in entry.files:
            try:
                content = self.content(file)
            except OSError:
                yield f"evidence {file.name} of {entry.period} is missing"
                continue
            if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
                yield f"evidence {file.name} of {entry.period} has changed"

    def first_damage(self, entries: list[Entry]) -> str | None:
        """The first evidence of some records that is missing or has changed, with its record; None: there is none."""
        return next((f"record {entry.number}: {text}" for entry in entries for text in self.damage(entry)), None)

    def append(
        self,
        period: str,
        step: Step,
        by: str,
        *,
        files: Mapping[str, bytes] | None = None,
        reason: str = "",
        version: str = "",
        since: str = "",
    ) -> Entry:
        """Add a record.

        Args:
            period: reporting period.
            step: what is done.
            by: who does it.
            files: evidence by name; None: that of the period's last record.
            reason: of a correction.
            version: of Emberline.
            since: hash of a record that was handed over; the step is refused where it is not in the chain.

        Raises:
            EvidenceError: the period is not in a state for the step, its evidence has changed, the record that was
                handed over is missing, or who submitted also approves.
        """
        with self._alone():
            entries = self.entries()
            if since and since not in (entry.sha256 for entry in entries):
                raise EvidenceError(f"{lost(since)}; see emberline report verify")
            self._catch_up(entries)
            mine = [entry for entry in entries if entry.period == period]
            self._refuse(period, step, by, reason, mine, files)
            if files is None:
                evidence = mine[-1].files
            else:
                evidence = tuple(self._keep(name, content) for name, content in sorted(files.items()))
            entry = Entry(
                number=len(entries) + 1,
                period=period,
                step=step,
                by=by,
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                reason=reason,
                version=version,
                files=evidence,
                before=entries[-1].sha256 if entries else FIRST,
            )
            self.records.mkdir(parents=True, exist_ok=True)
            _write(self.records / f"{entry.number:0{DIGITS}}.json", entry.stored)
            _write(self.head, head_text(entry))
            return entry

    def _refuse(
        self, period: str, step: Step, by: str, reason: str, mine: list[Entry], files: Mapping[str, bytes] | None
    ) -> None:
        state = mine[-1].state if mine else ""
        if state not in STEPS[step]:
            raise EvidenceError(
                f"period {period} is {state or 'not drafted yet'}: {step} is not possible, next is {NEXT[state]}"
            )
        if step == "correct" and not reason.strip():
            raise EvidenceError("a correction needs its reason")
        if not person(by):
            raise EvidenceError("a name is required: who does it")
        if step == "approve" and person(mine[-1].by) == person(by):
            raise EvidenceError(f"{by} submitted period {period}; somebody else approves it")
        if files is None and not mine:
            raise EvidenceError(f"period {period} has no evidence")
        if files is None:
            damage = self.first_damage(mine)
            if damage:
                raise EvidenceError(
                    f"{damage}: {step} is not possible; put the file back from an archive, see emberline report verify"
                )

    def _catch_up(self, entries: list[Entry]) -> None:
        """Bring the head up to a record whose writer died in between; it may lag by one record, not by more."""
        head = self.head.read_bytes() if self.head.is_file() else b""
        if head == (head_text(entries[-1]) if entries else b""):
            return
        if not entries or head != (head_text(entries[-2]) if len(entries) > 1 else b""):
            raise EvidenceError("the head has changed; see emberline report verify")
        _write(self.head, head_text(entries[-1]))

    def _keep(self, name: str, content: bytes) -> File:
        file = File(name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        path = self.files / file.sha256
        if not path.is_file() or path.read_bytes() != content:
            self.files.mkdir(parents=True, exist_ok=True)
            _write(path, content)
        return file

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / LOCK, timeout=PATIENCE_S):
                yield
        except OSError as error:
            raise EvidenceError(f"{self.folder}: {error.strerror or error}") from error


def parse(content: bytes) -> Entry:
    """A record from its file.

    Raises:
        ValueError: a byte of it has changed.
    """
    text = content.decode("utf-8").split("\n")[0]
    entry = Entry.model_validate(json.loads(text))
    if entry.stored != content:
        raise ValueError("its hash is another one")
    return entry


def lost(sha256: str) -> str:
    """The mistake of a record that was handed over and is not in the chain."""
    return f"no record has the hash {sha256}: the records were cut off, replaced or removed since"


def head_text(entry: Entry) -> bytes:
    """The head after a record."""
    return f"{entry.number} {entry.sha256}\n".encode()


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, on the disk before it has its name."""
    whole_file.write(path, content)
    if os.name == "posix":
        whole_file.sync(path.parent)


RECORD = re.compile(rf"records/(\d{{{DIGITS}}})\.json")
LARGEST_BYTES = 1_000_000_000
"""Of an archive, unpacked."""


def archive(chain: Chain, period: str, path: Path) -> None:
    """Write an archive.

    Raises:
        EvidenceError: the period has no records, or one or its evidence has changed.
    """
    entries = [entry for entry in chain.entries() if entry.period == period]
    if not entries:
        raise EvidenceError(f"period {period} has no records")
    damage = chain.first_damage(entries)
    if damage:
        raise EvidenceError(f"{damage}; see emberline report verify")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for entry in entries:
            book.writestr(_record(entry.number), entry.stored)
            for file in entry.files:
                book.writestr(_evidence(entry, file.name), chain.content(file))
        book.writestr("head", head_text(entries[-1]))


def read_archive(path: Path) -> dict[int, Entry | None]:
    """Records of an archive by number; None: it or its evidence has changed in the archive.

    Raises:
        EvidenceError: the file is no archive of evidence.
    """
    result: dict[int, Entry | None] = {}
    try:
        with zipfile.ZipFile(path) as book:
            if sum(info.file_size for info in book.infolist()) > LARGEST_BYTES:
                raise EvidenceError(f"{path.name} is too large for an archive of evidence")
            for match in filter(None, map(RECORD.fullmatch, book.namelist())):
                result[int(match[1])] = _sound(book, int(match[1]))
    except (OSError, zipfile.BadZipFile) as error:
        raise EvidenceError(f"{path.name} is no archive of evidence: {error}") from None
    if not result:
        raise EvidenceError(f"{path.name} is no archive of evidence: it holds no records")
    return result


def _sound(book: zipfile.ZipFile, number: int) -> Entry | None:
    try:
        entry = parse(book.read(_record(number)))
        for file in entry.files:
            if hashlib.sha256(book.read(_evidence(entry, file.name))).hexdigest() != file.sha256:
                return None
    except (KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None
    return entry if entry.number == number else None


def _record(number: int) -> str:
    return f"records/{number:0{DIGITS}}.json"


def _evidence(entry: Entry, name: str) -> str:
    return f"evidence/{entry.number:0{DIGITS}}/{name}"


@dataclass(frozen=True)
class Finding:
    """Deviation from what was recorded."""

    record: int
    """0: of the whole chain."""
    says: str

    def __str__(self) -> str:
        return f"record {self.record}: {self.says}" if self.record else self.says


def verify(chain: Chain, since: str = "", earlier: Path | None = None) -> list[Finding]:
    """Findings of changes; empty: nothing has changed.

    Args:
        chain: the records.
        since: hash of a record that was handed over. Without it or an archive, a chain that was written afresh, a
            tail that was cut with its head and a folder that is gone look sound.
        earlier: archive that was handed over.

    Raises:
        EvidenceError: the archive cannot be read.
    """
    findings: list[Finding] = []
    entries: list[Entry] = []
    before = FIRST
    for number, path, entry in chain.read():
        if path.stem != f"{number:0{DIGITS}}":
            findings.append(Finding(number, f"is missing; the next file is {path.name}"))
            break
        if entry is None:
            findings.append(Finding(number, f"{path.name} has changed"))
            before = ""
            continue
        if entry.number != number or (before and entry.before != before):
            findings.append(Finding(number, f"does not follow record {number - 1}"))
        before = entry.sha256
        entries.append(entry)
    findings += [Finding(entry.number, text) for entry in entries for text in chain.damage(entry)]
    findings += _head(chain, entries, len(chain.paths()))
    if since and since not in (entry.sha256 for entry in entries):
        findings.append(Finding(0, lost(since)))
    if earlier is not None:
        findings += [Finding(*finding) for finding in _against(read_archive(earlier), {e.number: e for e in entries})]
    return sorted(findings, key=lambda finding: finding.record)


def leftovers(chain: Chain) -> list[Path]:
    """Files in the folder that belong to no record, such as evidence of a writer that died before its record.

    They count for nothing. Evidence of a record that has changed is among them if no other record has it.
    """
    members = {chain.head, chain.folder / LOCK, *chain.paths()}
    members |= {chain.files / file.sha256 for _, _, entry in chain.read() if entry for file in entry.files}
    return sorted(path for path in chain.folder.rglob("*") if path.is_file() and path not in members)


def _against(earlier: Mapping[int, Entry | None], entries: Mapping[int, Entry]) -> Iterator[tuple[int, str]]:
    """Differences to the records of an archive."""
    for number, entry in earlier.items():
        if entry is None:
            yield number, "has changed in the archive"
        elif number not in entries:
            yield number, "is missing or has changed; the archive has it"
        elif entries[number].sha256 != entry.sha256:
            yield number, "is another one than in the archive"


def _head(chain: Chain, entries: list[Entry], count: int) -> list[Finding]:
    """The head is that of the last record, or of the one before where its writer died in between."""
    if not count and not chain.head.exists():
        return []
    try:
        content = chain.head.read_bytes()
    except OSError:
        content = b""
    if content in [head_text(entry) for entry in entries[-2:]]:
        return []
    if not content and count == 1:
        return []
    number = content.split(b" ")[0].decode("ascii", "replace")
    if number.isdigit() and count < int(number) < 10**DIGITS:
        return [Finding(count + 1, f"is missing; the head counts {number} records")]
    if len(entries) < count:
        return []
    return [Finding(max(count, 1), "the head has changed")]
