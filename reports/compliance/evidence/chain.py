"""Append-only records on the disk, each holding the hash of the one before.

folder/records/000001.json   a record and its hash, in one way to write it
       files/<sha256>        evidence, by its hash
       head                  number and hash of the last record
       lock                  empty, while somebody writes

A record counts once its file has its name, which is one step of the file system: evidence is in place before, the head
follows. Whoever dies in between leaves either no record or a whole one. Nothing is ever changed or removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from pydantic import Field, ValidationError

from emberline.scenarios import whole_file
from emberline.scenarios.records.base import Record

Step = Literal["draft", "submit", "approve", "lock", "correct"]
STEPS: dict[Step, tuple[str, ...]] = {
    "draft": ("", "draft"),
    "submit": ("draft",),
    "approve": ("submitted",),
    "lock": ("approved",),
    "correct": ("locked",),
}
"""Steps, and the states in which a period may take them; empty: a period without records."""
STATE: dict[Step, str] = {
    "draft": "draft",
    "submit": "submitted",
    "approve": "approved",
    "lock": "locked",
    "correct": "draft",
}
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
"""What a period in a state may do next."""


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
        for number, path in enumerate(self.paths(), start=1):
            try:
                entry = parse(path.read_bytes())
            except (OSError, ValueError):
                entry = None
            if entry is None or (entry.number, entry.before) != (number, before):
                raise EvidenceError(f"record {number} has changed; see emberline report verify")
            before = entry.sha256
            result.append(entry)
        return result

    def paths(self) -> list[Path]:
        """Files of the records, in their order."""
        return sorted(self.records.glob("*.json")) if self.records.is_dir() else []

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
            damage = next((f"record {entry.number}: {text}" for entry in mine for text in self.damage(entry)), None)
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
    try:
        entry = Entry.model_validate(json.loads(text))
    except ValidationError as error:
        raise ValueError(str(error)) from None
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
