"""The evidence of a period as one archive: its records, its files under their names, and the hash of the chain."""

from __future__ import annotations

import zipfile
from pathlib import Path

from emberline.plans.compliance.evidence.chain import DIGITS, Chain, EvidenceError


def archive(chain: Chain, period: str, path: Path) -> None:
    """Write an archive.

    Raises:
        EvidenceError: the period has no records, or one has changed.
    """
    entries = [entry for entry in chain.entries() if entry.period == period]
    if not entries:
        raise EvidenceError(f"period {period} has no records")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for entry in entries:
            name = f"{entry.number:0{DIGITS}}"
            book.writestr(f"records/{name}.json", entry.stored)
            for file in entry.files:
                member = f"evidence/{name}/{file.name}"
                book.writestr(member, chain.content(file))
        book.writestr("head", f"{entries[-1].number} {entries[-1].sha256}\n")
