"""The battery of changed evidence, two changes of each kind."""

from __future__ import annotations

from pathlib import Path

from benchmarks.batteries.evidence import KINDS, home, outcome
from emberline.reports.compliance.evidence import archive, verify

BY_THE_RECORDS_ALONE = {"a byte", "a byte of the workbook", "a length", "a missing file", "swapped files"}


def test_each_kind_of_change_is_found_and_stops_its_period(tmp_path: Path) -> None:
    """Proves: with the hash of the newest record, or an archive, every change is found and no period goes further;
    bytes and files need neither. Sensitivity: a link, a head or evidence of an earlier draft that nobody compares."""
    chain = home(tmp_path / "sound")
    newest = chain.entries()[-1].sha256
    archive(chain, "2026", tmp_path / "2026.zip")
    assert verify(chain, newest, tmp_path / "2026.zip") == []
    for seed in range(2 * len(KINDS)):
        result = outcome(seed, chain.folder, newest, tmp_path / "2026.zip", tmp_path / "copy")
        assert (result.with_hash, result.with_archive, result.stopped) == (True, True, True), (seed, result)
        assert result.alone or result.kind not in BY_THE_RECORDS_ALONE, (seed, result)
