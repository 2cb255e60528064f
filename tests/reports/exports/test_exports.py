"""What leaves a plan, whatever the format: whole or not at all, for lines, works and sites, the same each time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import planned
import pytest
from exported import PLANS, keep, stored_run
from pydantic import ValidationError
from writers import ROOT

from emberline.planning.answer.wording import percent
from emberline.reports.exports import FORMATS, CannotExport, export, files_of
from emberline.reports.exports.manifest import manifest, proof, rows
from emberline.reports.exports.workshop import workshop
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios.records.orders import HeatEntry, Order
from emberline.ui.cli.files import runs as exporting

QUICK = [kind for kind in FORMATS if kind != "html"]
"""The report has its charts drawn, which takes longer."""


@pytest.fixture(params=list(PLANS))
def stored(request: pytest.FixtureRequest) -> StoredRun:
    """A run of a line, of works, of a site."""
    return stored_run(request.param)


@pytest.fixture
def of_line() -> StoredRun:
    return stored_run("line")


@pytest.mark.parametrize("kind", QUICK)
def test_every_format_tells_every_plant(stored: StoredRun, tmp_path: Path, kind: str) -> None:
    """Proves: each format holds the run of a line, of works and of a site, and names the run it came from.

    Sensitivity: a writer that asks for heats, or leaves the manifest out."""
    out = tmp_path / "out"
    out.mkdir()
    path = export(stored, kind, out / f"plan.{kind}")
    assert sorted(out.iterdir()) == sorted(files_of(kind, path))
    text = b"".join(file.read_bytes() for file in out.iterdir())
    if kind != "xlsx":  # a compressed archive; its manifest is read in its own test
        assert stored.id.encode() in text
        assert str(stored.meta["input_sha256"]).encode() in text.replace(b"\r\n ", b"")


@pytest.mark.parametrize("kind", [kind for kind in QUICK if kind != "nc"])
def test_a_run_gives_the_same_file_each_time(of_line: StoredRun, tmp_path: Path, kind: str) -> None:
    """Proves: two exports are the same to the byte. Sensitivity: the time of writing in a file."""
    paths = [tmp_path / name / f"plan.{kind}" for name in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        export(of_line, kind, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_manifest_says_what_was_proven(of_line: StoredRun) -> None:
    """Proves: run, hash, versions, seed, status, objective, bound, gap, signs and zone are there, for programs as
    values and for people as texts, and no gap is reported where none was proven.

    Sensitivity: a gap of zero for one that is missing."""
    plan, text = of_line.plan, manifest(of_line)
    assert (text["run"], text["seed"], text["time_zone"]) == (of_line.id, plan.scenario.disturbances.seed, "UTC")
    assert (text["objective"], text["bound"], text["gap"]) == (plan.objective, plan.bound, plan.gap)
    assert text["input_sha256"] == of_line.meta["input_sha256"]
    assert set(text["versions"]) >= {"emberline", "pyomo", "highspy"}
    assert "positive" in text["signs"]
    table = dict(rows(of_line))
    assert plan.gap is not None
    assert table["gap on what can be decided"] == percent(plan.gap)
    assert table["bound on it"].endswith(" t CO2e")
    assert table["status"] in proof(of_line)
    assert json.loads(json.dumps(text)) == text


def test_a_gap_that_was_not_proven_is_none(tmp_path: Path) -> None:
    """Proves: without a bound the manifest says so. Sensitivity: 0 %."""
    import dataclasses

    run = stored_run("line")
    run = dataclasses.replace(run, plan=dataclasses.replace(run.plan, gap=None, bound=None))
    assert manifest(run)["gap"] is None
    assert "gap on what can be decided none proven" in proof(run)
    assert "bound none" in proof(run)


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "a\n=1", "", "x" * 41, "../x", "ä=1"])
def test_names_cannot_be_formulas(name: str) -> None:
    """Proves: the pattern of names refuses what a spreadsheet would calculate. Sensitivity: ``=cmd()`` accepted."""
    with pytest.raises(ValidationError):
        HeatEntry(grade="G", name=name)
    with pytest.raises(ValidationError):
        Order(name=name, heats=(HeatEntry(grade="G"),))


@pytest.mark.parametrize("kind", FORMATS)
def test_without_a_schedule_there_is_nothing_to_export(tmp_path: Path, kind: str) -> None:
    """Proves: a run without a schedule is refused in one line, and no file appears."""
    run = keep(planned.unplanned())
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(CannotExport, match="has no schedule to export"):
        export(run, kind, out / f"plan.{kind}")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_a_failure_leaves_nothing_half_written(
    of_line: StoredRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Proves: when the disk is full after a part is written, the file that was there stays as it was and nothing else
    is left. Sensitivity: writing straight to the path would leave a torn file."""
    out = tmp_path / "out"
    out.mkdir()
    path = out / f"plan.{kind}"
    path.write_text("earlier", encoding="utf-8")

    def fails(_: StoredRun, to: Path, **__: Any) -> None:
        to.write_text("half", encoding="utf-8")
        raise OSError(28, "No space left on device")

    import dataclasses

    monkeypatch.setitem(FORMATS, kind, dataclasses.replace(FORMATS[kind], write=fails))
    with pytest.raises(OSError, match="No space"):
        export(of_line, kind, path)
    assert [item.name for item in out.iterdir()] == [path.name]
    assert path.read_text(encoding="utf-8") == "earlier"


KILLED = """
import os, signal, sys
from pathlib import Path
from emberline.reports.exports.workshop import workshop
with workshop(Path(sys.argv[1])) as folder:
    (folder / "half.xlsx").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_export_has_left_is_removed_by_the_next(of_line: StoredRun, tmp_path: Path) -> None:
    """Proves: the next export to the same folder removes what a killed one has left there, with its lock; the folder of
    an export at work, and what is only named like one, stay. Sensitivity: a sweep by name alone takes all of them."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == 2
    others = [tmp_path / ".emberline-notes", tmp_path / ".emberline-12345678"]
    for other in others:
        other.mkdir()
    with workshop(tmp_path) as at_work:
        export(of_line, "json", tmp_path / "plan.json")
        assert at_work.is_dir()
        assert not names & {path.name for path in tmp_path.iterdir()}
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "plan.json"])

    os.utime(others[1], (0, 0))  # as an earlier release, which had no locks, may have left one
    export(of_line, "json", tmp_path / "plan.json")
    assert sorted(tmp_path.iterdir()) == sorted([others[0], tmp_path / "plan.json"])


def test_an_unknown_format_folder_unit_or_table_is_refused(of_line: StoredRun, tmp_path: Path) -> None:
    """Proves: nothing is written where what is asked for is not known, and the line says what is."""
    with pytest.raises(CannotExport, match="formats are xlsx, csv, parquet, nc, json, xml, ics, html"):
        export(of_line, "doc", tmp_path / "plan.doc")
    for kind in QUICK:
        with pytest.raises(FileNotFoundError):
            export(of_line, kind, tmp_path / "nowhere" / f"plan.{kind}")
    for kind, case, text in (
        ("xlsx", {"table": "heats"}, "a table can be chosen for csv and parquet only, not for xlsx"),
        ("csv", {"unit": "F"}, "a unit can be chosen for ics only, not for csv"),
        ("csv", {"table": "heat"}, "unknown table 'heat'; tables are heats, runs"),
        ("csv", {"table": "runs"}, "has no runs: scenario kept has no processes"),
        ("ics", {"unit": "EAF9"}, "unit 'EAF9' does nothing in run .*; units are F, L, C, battery"),
    ):
        with pytest.raises(CannotExport, match=text):
            export(of_line, kind, tmp_path / f"plan.{kind}", unit=case.get("unit"), table=case.get("table"))
    assert list(tmp_path.iterdir()) == []


def test_the_command_knows_the_formats() -> None:
    """Proves: what the help lists, without loading the writers, is what there is. Sensitivity: a format added to one
    of them only."""
    assert exporting.KINDS.split("|") == list(FORMATS)
