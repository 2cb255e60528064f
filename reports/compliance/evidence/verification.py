"""Verification of the records: every byte of a record, of its evidence and of the head is compared with its hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from emberline.reports.compliance.evidence.archive import read_archive
from emberline.reports.compliance.evidence.chain import DIGITS, LOCK, Chain, head_text, lost, parse
from emberline.reports.compliance.evidence.entry import FIRST, Entry


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
