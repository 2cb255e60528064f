"""A home of the release before, recorded by it: a stored run, a draft and jobs that no worker had begun."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from emberline.reports.exports import FORMATS, export
from emberline.runs.jobs import queue
from emberline.runs.store import Store, drafts
from emberline.runs.work import worker
from emberline.scenarios import loads

RECORDED = Path(__file__).resolve().parents[2] / "recorded" / "earlier_home.zip"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home as it was left."""
    with zipfile.ZipFile(RECORDED) as archive:
        archive.extractall(tmp_path)
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    return tmp_path


def test_a_run_of_the_release_before_opens_and_is_exported(home: Path) -> None:
    """Proves: a plan for a goal that no plan is made for any more is listed, judged as it was, and written in every
    format. Sensitivity: a renamed key of the record, an attribute or a dataset that is not read."""
    (entry,) = Store().search()
    stored = Store().open(entry.id)
    recorded = json.loads((home / "runs" / entry.id / "plan.json").read_text(encoding="utf-8"))["summary"]
    summary = json.loads(json.dumps(stored.plan.summary()))
    recorded["verdict"] = recorded["verdict"].replace("it held", "as printed it held")  # has its basis since
    for name in ("baseline", "schedule", "replay"):
        del summary[name]["other_carbon_kg"]  # a figure of this release
    keys = recorded.keys() - {"seconds"}
    assert {key: summary.get(key) for key in keys} == {key: recorded[key] for key in keys}
    for kind in FORMATS:
        path = home / f"plan.{kind}"
        export(stored, kind, path)
        assert path.stat().st_size > 0, kind


def test_jobs_of_the_release_before_are_worked_off(home: Path) -> None:
    """Proves: a request in the queue is done by today's worker, seconds in it limit the work, and a goal that is gone
    is refused in one line. Sensitivity: a renamed kind, option or analysis."""
    states = {}
    for folder in sorted((home / "jobs").iterdir()):
        worker.work(folder)
        request, status = queue.request(folder.name), queue.status(folder.name)
        states[request["given"].get("analysis", request["overrides"][0])] = (status.state, *map(str, status.lines))
    assert states.pop("goal.time_limit_s=6") == (
        "refused",
        "melt-shop-small: goal.minimize: no plan is made for lateness; take carbon or cost, which keep due times as "
        "limits",
    )
    assert states == {"goal.minimize=cost": ("stored",), "why_not": ("stored",)}
    assert len(Store().search()) == 2


def test_a_draft_of_the_release_before_says_what_is_gone(home: Path) -> None:
    """Proves: its text opens, and the scenario is read. Sensitivity: a draft that is lost with its goal."""
    (draft,) = drafts.of_owner(None)
    assert (draft.origin, loads(draft.text).goal.minimize) == ("melt-shop-small", "lateness")
