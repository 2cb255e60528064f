"""Verification of the records: every byte of a record, of its evidence and of the head is compared with its hash."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from emberline.plans.compliance.evidence.chain import DIGITS, LOCK, Chain, head_text, parse
from emberline.plans.compliance.evidence.entry import FIRST, Entry


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was recorded."""

    record: int
    says: str

    def __str__(self) -> str:
        return f"record {self.record}: {self.says}"


def verify(chain: Chain) -> list[Finding]:
    """What has changed; empty: nothing."""
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
    findings += [finding for entry in entries for finding in _evidence(chain, entry)]
    findings += _head(chain, entries, len(chain.paths()))
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


def _evidence(chain: Chain, entry: Entry) -> list[Finding]:
    findings = []
    for file in entry.files:
        try:
            content = chain.content(file)
        except OSError:
            findings.append(Finding(entry.number, f"evidence {file.name} of {entry.period} is missing"))
            continue
        if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
            findings.append(Finding(entry.number, f"evidence {file.name} of {entry.period} has changed"))
    return findings


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
