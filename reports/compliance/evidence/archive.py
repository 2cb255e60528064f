"""The evidence of a period as one archive: its records, its files under their names, and the hash of the chain."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from pathlib import Path

from emberline.reports.compliance.evidence.chain import DIGITS, Chain, EvidenceError, head_text, parse
from emberline.reports.compliance.evidence.entry import Entry

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
