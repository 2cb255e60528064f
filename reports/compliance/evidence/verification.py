"""Verification of the records, and the archive of a period for the verifier.

Every byte of a record, of its evidence and of the head is compared with its hash.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from emberline.reports.compliance.evidence.chain import (
    DIGITS,
    FIRST,
    LOCK,
    Chain,
    Entry,
    EvidenceError,
    head_text,
    lost,
    parse,
)

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
    damage = next((f"record {entry.number}: {text}" for entry in entries for text in chain.damage(entry)), None)
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
    """Something that is not as it was recorded."""

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
    for number, path in enumerate(chain.paths(), start=1):
        if path.stem != f"{number:0{DIGITS}}":
            findings.append(Finding(number, f"is missing; the next file is {path.name}"))
            break
        try:
            entry = parse(path.read_bytes())
        except (OSError, ValueError):
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
    for path in chain.paths():
        with suppress(OSError, ValueError):
            members |= {chain.files / file.sha256 for file in parse(path.read_bytes()).files}
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
