"""The loop: what it advises, what is decided, and that a logged day gives the same decisions again."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from commands import emberline, refused
from driven import drive, later_by_a_step, readings, small

from emberline.live.loop import Log, Service, current, replayed
from emberline.live.tags import Plant
from emberline.plans.decisions import Decisions
from emberline.plans.store import StoreError
from emberline.scenarios import load as load_scenario


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def service_of(plant: Plant, minutes: float = 0) -> Service:
    return Service(plant, now=plant.scenario.horizon.start_utc + timedelta(minutes=minutes))


def test_a_logged_day_gives_the_same_decisions(tmp_path: Path) -> None:
    """Proves: a day with breakdowns, an approval and a restart of the loop, replayed from its log, gives the same
    decisions with the same advice; a reading that is changed in the log gives others, and the command says so.
    Sensitivity: a decision depends on this computer's clock, or a restart forgets the plan in force."""
    plant, twin = small(tmp_path, replication=3)
    start = twin.scenario.horizon.start_utc
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 30)
    (advice,) = [one for one in service.decisions.all() if one.state == "open"]
    service.decisions.decide(advice.id, approve=True, who="shift", reason="", now=start + timedelta(minutes=30))
    twin.follow(service.decisions.schedule(advice.id), 30)
    drive(service, twin, 30, 300, 25)
    assert service.loop.plan_id == advice.id
    again = service_of(plant, 300)
    assert again.loop.plan_id == advice.id
    again.loop.planner = later_by_a_step
    drive(again, twin, 300, 780, 25)
    decisions = again.decisions
    rows = list(replayed(plant, Log(decisions.folder / "log"), decisions.schedule))
    assert len(rows) >= 3
    assert all(row.same for row in rows), rows
    assert {row.replayed["reason"] for row in rows if row.replayed} >= {"start", "clock"}
    assert decisions.unbroken()
    report = emberline("live", "replay", str(tmp_path / "live.yaml"))
    assert report.returncode == 0, report
    assert f"{len(rows)} decisions, none different" in report.stdout
    log = next(decisions.folder.glob("log/*.jsonl"))
    log.write_text(log.read_text().replace('"EAF heat": ["C1', '"EAF heat": ["C2'))
    assert emberline("live", "replay", str(tmp_path / "live.yaml")).returncode == 1


def test_advice_is_approved_or_declined_once(tmp_path: Path) -> None:
    """Proves: an advice has id, hash, time of its data, expiry, and says what changes and why; it is decided once, a
    refusal needs a reason, an expired one cannot be approved, and every decision has its audit row. Sensitivity: two
    people approve and decline the same advice."""
    plant, twin = small(tmp_path)
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 3)
    start = twin.scenario.horizon.start_utc
    (advice,) = service.decisions.all()
    assert advice.data_at == start
    assert advice.expires == start + timedelta(minutes=60)
    assert len(advice.hash) == 64
    assert advice.body["says"] == "the loop has begun"
    assert advice.body["changes"][0]["says"].startswith("Heat C1-1 (ladle) starts later: ")
    refused(emberline("live", "decline", advice.id[:6], "--reason", " "), "declining needs a reason")
    report = emberline("live", "decline", advice.id[:6], "--reason", "crane is out", "--who", "Ada")
    assert report.stdout == f"advice {advice.id[:8]} is declined\n"
    refused(emberline("live", "approve", advice.id[:6]), "is declined; only an open one can be decided")
    rows = service.decisions.audit()
    assert [(row.act, row.who, row.reason) for row in rows] == [
        ("advised", "loop", "the loop has begun"), ("declined", "Ada", "crane is out"),
    ]  # fmt: skip
    (service.decisions.folder / "request").touch()
    drive(service, twin, 6, 9)
    late = service.decisions.all()[0]
    assert late.body["reason"] == "request"
    with pytest.raises(StoreError, match="has expired"):
        service.decisions.decide(late.id, approve=True, who="x", reason="", now=late.expires)
    assert service.decisions.find(late.id).state == "expired"
    assert emberline("live", "audit").returncode == 0


def test_the_plan_in_force_stays_while_data_are_away(tmp_path: Path) -> None:
    """Proves: with every tag stale or wrong the plan in force stays until its expiry, nothing is advised without its
    marks, and the page's file shows no value without its quality. Sensitivity: an outage ends the plan."""
    plant, twin = small(tmp_path, longest_age_s=60)
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 3)
    start = twin.scenario.horizon.start_utc
    (advice,) = service.decisions.all()
    service.decisions.decide(advice.id, approve=True, who="x", reason="", now=start + timedelta(minutes=3))
    away = {tag.name: "connector plant: cannot connect" for tag in plant.live.tags}
    for minutes in range(6, 300, 15):
        outcome = service.take(away, start + timedelta(minutes=minutes))
        assert service.loop.plan_id == advice.id
        assert len(outcome.state.marks) == len(plant.live.tags)
        if outcome.proposal is not None:
            assert outcome.proposal.body["marks"] == list(outcome.state.marks)
    (snapshot,) = current()
    assert all(tag["predicted"] and tag["quality"] == "stale" for tag in snapshot["tags"])
    service.take(away, advice.ends + timedelta(minutes=1))
    assert service.loop.plan_id == ""
    assert service.decisions.in_force() is None


def test_a_real_plan_is_advised(tmp_path: Path) -> None:
    """Proves: the search behind the loop gives a plan that leaves what has begun and the frozen time as they are, and
    is better by the goal. Sensitivity: a heat in the furnace is planned again."""
    plant, twin = small(tmp_path)
    service = service_of(plant)
    service.loop.priced(load_scenario("melt-shop-small", ["goal.gap=20 %"]))
    outcome = service.loop.step(readings(plant, twin, 0.5), twin.scenario.horizon.start_utc + timedelta(minutes=0.5))
    assert outcome.proposal is not None
    assert outcome.proposal.body["better"] > 0
    now = 0.5 + plant.live.loop.frozen_min
    before, after = service.loop.schedule["start_min"], outcome.proposal.schedule["start_min"]
    frozen = before.to_numpy() < now
    assert (abs(before - after).to_numpy()[frozen] < 1.5).all()


def test_what_the_log_holds_is_plain(tmp_path: Path) -> None:
    """Proves: each line of the log is JSON, readings that stay are not written again, a line that was cut off does not
    hinder a restart. Sensitivity: the log of a day with 1000 tags is as large as a film."""
    plant, twin = small(tmp_path)
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    same = readings(plant, twin, 0)
    start = twin.scenario.horizon.start_utc
    for second in range(20):
        service.take(same, start + timedelta(seconds=second))
    path = next(Decisions("live").folder.glob("log/2026-06-15.jsonl"))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [len(row["readings"]) for row in rows if "readings" in row] == [len(plant.live.tags)] + [0] * 19
    path.write_text(path.read_text() + '{"now": "2026-06-15T22:00')
    assert service_of(plant).loop.plan_id == ""
