"""The loop: what it advises, what is decided, and that a logged day gives the same decisions again."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from commands import emberline, refused
from driven import drive, later_by_a_step, readings, small
from filelock import FileLock

from emberline import scenarios
from emberline.live.loop import Log, Service, current, replayed
from emberline.live.loop.publishing import publish
from emberline.live.loop.series import changes, with_series
from emberline.live.outputs.service import Outputs
from emberline.live.tags import Plant, Reading, load
from emberline.live.tags.loading import scenario_of
from emberline.live.tags.record import Publication
from emberline.runs.decisions import Decisions
from emberline.runs.store import CatalogueError, StoreError
from emberline.scenarios import Case
from emberline.scenarios import load as load_scenario
from emberline.studies.rolling import How, Step, onward


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
    for one in decisions.all():  # what has begun is no change
        olds = [change["params"]["old"] for change in one.body["changes"] if "old" in change["params"]]
        assert all(datetime.fromisoformat(old) > one.created for old in olds)
    assert {row.replayed["reason"] for row in rows if row.replayed} >= {"start", "clock"}
    assert decisions.unbroken()
    report = emberline("live", "replay", str(tmp_path / "live.yaml"))
    assert report.returncode == 0, report
    assert f"{len(rows)} decisions, none different" in report.stdout
    log = next(decisions.folder.glob("log/*.jsonl"))
    log.write_text(log.read_text().replace('"EAF heat": ["C1', '"EAF heat": ["C2'))
    assert emberline("live", "replay", str(tmp_path / "live.yaml")).returncode == 1
    refused(emberline("live", "replay", str(tmp_path / "live.yaml"), "--from", "noon"), "--from noon: ")


def test_advice_is_approved_or_declined_once(tmp_path: Path, kind: str) -> None:
    """Proves: an advice has id, hash, time of its data, expiry, and says what changes and why; it is decided once, a
    refusal needs a reason, an expired one cannot be approved, and every decision has its audit row; in SQLite and in
    PostgreSQL. Sensitivity: two people approve and decline the same advice."""
    plant, twin = small(tmp_path)
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 3)
    start = twin.scenario.horizon.start_utc
    (advice,) = service.decisions.all()
    assert advice.data_at == start
    assert advice.expires == start + timedelta(minutes=60)
    assert len(advice.hash) == 64
    assert advice.body["says"] == "The loop has begun."
    assert advice.body["changes"][0]["says"].startswith("Heat C1-1 (ladle) starts later: ")
    refused(emberline("live", "decline", advice.id[:6], "--reason", " "), "declining needs a reason")
    report = emberline("live", "decline", advice.id[:6], "--reason", "crane is out", "--who", "Ada")
    assert report.stdout == f"advice {advice.id[:8]} is declined\n"
    refused(emberline("live", "approve", advice.id[:6]), "is declined; only an open one can be decided")
    rows = service.decisions.audit()
    assert [(row.act, row.who, row.reason) for row in rows] == [
        ("advised", "loop", "The loop has begun."), ("declined", "Ada", "crane is out"),
    ]  # fmt: skip
    (service.decisions.folder / "request").touch()
    drive(service, twin, 6, 9)
    late = service.decisions.all()[0]
    assert late.body["reason"] == "request"
    with pytest.raises(StoreError, match="has expired"):
        service.decisions.decide(late.id, approve=True, who="x", reason="", now=late.expires)
    assert service.decisions.find(late.id).state == "expired"
    assert emberline("live", "audit").returncode == 0


def test_the_plan_in_force_stays_while_the_catalogue_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a database that does not answer ends no loop and no plan, is said once, and what is advised waits for it.
    Sensitivity: the error ends the loop."""
    plant, twin = small(tmp_path)
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 3)
    (advice,) = service.decisions.all()
    at = twin.scenario.horizon.start_utc + timedelta(minutes=3)
    service.decisions.decide(advice.id, approve=True, who="x", reason="", now=at)
    drive(service, twin, 3, 4)

    def away(*_: object) -> None:
        raise CatalogueError("no answer")

    with monkeypatch.context() as without:
        for name in ("concerning", "advise"):
            without.setattr(service.decisions, name, away)
        drive(service, twin, 4, 30)
        assert service.loop.plan_id == advice.id
        assert sum("no answer" in event["says"] for event in service.events) == 1
    service.take(readings(plant, twin, 30), advice.ends + timedelta(minutes=1))
    assert service.loop.plan_id == ""


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
            assert outcome.proposal.advice.body["marks"] == list(outcome.state.marks)
    (snapshot,) = current()
    assert all(tag["predicted"] and tag["quality"] == "stale" for tag in snapshot["tags"])
    service.take(away, advice.ends + timedelta(minutes=1))
    assert service.loop.plan_id == ""
    assert service.decisions.in_force() is None


def test_a_plan_in_force_is_withdrawn(tmp_path: Path) -> None:
    """Proves: a plan in force is ended by hand with a name and a reason, which its event and audit row show; the
    baseline is followed, after a restart too, and the log replays. Sensitivity: an approval is for good."""
    plant, twin = small(tmp_path)
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    refused(emberline("live", "withdraw", "--reason", "crane is out"), "no plan of plant live is in force")
    drive(service, twin, 0, 3)
    (advice,) = service.decisions.all()
    why = ("--reason", "crane is out", "--who", "Ada")
    refused(emberline("live", "withdraw", advice.id[:6], *why), "is open; only a plan in force can be withdrawn")
    service.decisions.decide(advice.id, approve=True, who="x", reason="", now=advice.created)
    drive(service, twin, 3, 6)
    assert service.loop.plan_id == advice.id
    refused(emberline("live", "withdraw", "--reason", " "), "withdrawing needs a reason")
    assert emberline("live", "withdraw", *why).stdout == f"advice {advice.id[:8]} is withdrawn\n"
    refused(emberline("live", "withdraw", advice.id[:6], *why), "is withdrawn; only a plan in force can be withdrawn")
    row = service.decisions.audit()[-1]
    assert (row.act, row.who, row.reason) == ("withdrawn", "Ada", "crane is out")
    for one in (service_of(plant, 6), service):
        drive(one, twin, 6, 9)
        assert one.loop.plan_id == ""
        assert [event["says"] for event in one.events if "tags" not in event["says"]][-2:] == [
            f"Advice {advice.id[:8]} is withdrawn by Ada: crane is out",
            "The plan in force has ended; the baseline is followed.",
        ]
    assert all(row.same for row in replayed(plant, Log(service.decisions.folder / "log"), service.decisions.schedule))


@pytest.mark.parametrize("change", ["- {name: C", "start: 2026-06-16", "import_limit_mw: 75 MW"])
def test_a_plan_is_followed_in_its_own_scenario_alone(tmp_path: Path, change: str) -> None:
    """Proves: a plan that was made for other heats, another day or another plant of the same file name ends with an
    event and an audit row instead of being followed, whether its heats are known or not; new prices do not end it, and
    the log of the other scenario is not gone on from. Sensitivity: yesterday's plan is followed today."""
    library = (Path(scenarios.__file__).parent / "library" / "melt-shop-small.yaml").read_text()
    _, twin = small(tmp_path)
    works, file = tmp_path / "works.yaml", tmp_path / "live.yaml"
    works.write_text(library)
    file.write_text(file.read_text().replace('scenario: "melt-shop-small"', "scenario: works.yaml"))
    service = service_of(load(file))
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 3)
    (advice,) = service.decisions.all()
    service.decisions.decide(advice.id, approve=True, who="x", reason="", now=advice.created)
    drive(service, twin, 3, 6)
    works.write_text(library.replace("export_price_per_mwh: 20", "export_price_per_mwh: 30"))
    assert service_of(load(file), 6).loop.plan_id == advice.id
    assert change in library
    other = {"- {name: C": "- {name: D", "start: 2026-06-16": "start: 2026-06-17"}.get(change, "import_limit_mw: 70 MW")
    works.write_text(library.replace(change, other))
    again = service_of(load(file), 6)
    assert again.loop.plan_id == ""
    again.take({}, again.plant.scenario.horizon.start_utc + timedelta(minutes=9))
    assert again.loop.plan_id == ""
    assert again.decisions.in_force() is None
    row = again.decisions.audit(advice.id)[-1]
    reason = "it was made for another scenario than this one"
    assert (row.act, row.who, row.reason) == ("withdrawn", "loop", reason)
    assert f"Advice {advice.id[:8]} has ended: {reason}." in [event["says"] for event in again.events]


def test_a_plan_ends_with_the_horizon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the loop that ends with the horizon ends the plan in force, before its outputs take their last step; one
    that is interrupted does not. Sensitivity: set-points keep the last value of a day that is over."""
    plant, twin = small(tmp_path)
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 3)
    (advice,) = service.decisions.all()
    service.decisions.decide(advice.id, approve=True, who="x", reason="", now=advice.created)
    states: list[str] = []
    monkeypatch.setattr(Outputs, "close", lambda self: states.append(service.decisions.find(advice.id).state))
    for now in (advice.created, plant.scenario.horizon.end_utc):
        monkeypatch.setattr(Plant, "now", lambda self, now=now: now)
        service.run(lambda: True)
    assert states == ["approved", "withdrawn"]
    assert service.decisions.audit()[-1].reason == "the horizon of its scenario is over"


def test_a_real_plan_is_advised(tmp_path: Path) -> None:
    """Proves: the search behind the loop gives a plan that leaves what has begun and the frozen time as they are, and
    is better by the goal, that its log replays, and that the margins which it learnt are those of the next plan, after
    a restart too. Sensitivity: a heat in the furnace is planned again; every plan learns its margins again."""
    plant, twin = small(tmp_path)
    service = service_of(plant)
    calm = ["disturbances.duration_spread=0.1 %", "disturbances.energy_spread=0", "disturbances.breakdowns=[]"]
    service.loop.priced(load_scenario("melt-shop-small", ["goal.gap=20 %", *calm]))
    outcome = service.take(readings(plant, twin, 0.5), twin.scenario.horizon.start_utc + timedelta(minutes=0.5))
    assert outcome.proposal is not None
    assert outcome.proposal.advice.body["better"] > 0
    now = 0.5 + plant.live.loop.frozen_min
    before, after = service.loop.schedule["start_min"], outcome.proposal.schedule["start_min"]
    frozen = before.to_numpy() < now
    assert (abs(before - after).to_numpy()[frozen] < 1.5).all()
    (row,) = replayed(plant, Log(service.decisions.folder / "log"), service.decisions.schedule)
    assert row.same
    assert outcome.planned is not None
    margins = outcome.planned.margins
    assert margins is not None
    again, requests = service_of(plant, 20), list[How]()

    def planner(scenario: Case, how: How, *remaining: Any) -> tuple[Step, xr.Dataset]:
        requests.append(how)
        return later_by_a_step(scenario, how, *remaining)

    for service_now, at_min in ((service, 15), (again, 20)):
        service_now.loop.planner = planner
        (service.decisions.folder / "request").touch()
        drive(service_now, twin, at_min, at_min + 1)
    assert [how.margins for how in requests] == [margins, margins]
    wide = {**margins, "margins": [{"stage": "ladle", "wait_min": 15}]}
    loop, view = service.loop, outcome
    changed = replace(requests[0], margins=wide)
    step, schedule = onward(loop.scenario, changed, loop.schedule, view.expected, loop.baseline, 0.5)
    assert step.adopted
    assert step.margins is None
    casting = schedule["start_min"].sel(stage="casting") - schedule["end_min"].sel(stage="ladle")
    longest = loop.scenario.line.stages[1].longest_wait_min
    assert longest is not None
    later = schedule["start_min"].sel(stage="melting").to_numpy() >= step.begin_min
    assert (casting.to_numpy()[later] <= longest - 15 + 1e-6).all()


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
    odd = Reading("\ud800 \u2028", start)  # as JSON of a broker may have it
    service.take({**same, "EAF heat": odd}, start + timedelta(seconds=21))
    path.write_text(path.read_text() + '{"now": "2026-06-15T22:00')
    assert service_of(plant).loop.plan_id == ""
    rows = list(Log(path.parent).rows())
    assert sum("begin" in row for row in rows) == 2
    assert rows[-2]["readings"]["EAF heat"][0] == odd.value


def test_what_is_away_does_not_end_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: what a history that is away has not taken follows later, with one event; a webhook that answers no HTTP
    is one line; a second loop of the plant is refused. Sensitivity: a full disk for a minute leaves a gap."""
    plant, twin = small(tmp_path)
    service, start = service_of(plant), twin.scenario.horizon.start_utc
    service.loop.planner = later_by_a_step

    def away(rows: object) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(service.history, "add", away)
        drive(service, twin, 0, 6)
    drive(service, twin, 6, 9)
    assert [event["says"] for event in service.events].count("The history is not written: no space") == 1
    table = service.history.table(start, start + timedelta(hours=1), ["site power"])
    assert table.num_rows == 3
    with FileLock(service.decisions.folder / "loop.lock"), pytest.raises(StoreError, match="runs already"):
        service.run(lambda: True)
    with socket.create_server(("127.0.0.1", 0)) as place:

        def answer() -> None:
            with place.accept()[0] as client:
                client.recv(100_000)
                client.sendall(b"nonsense\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        hook = Publication(kind="webhook", url=f"http://127.0.0.1:{place.getsockname()[1]}/")
        live = plant.live.model_copy(update={"publish": (hook,)})
        (text,) = publish(replace(plant, live=live), service.decisions.all()[0])
        thread.join()
    assert text == "The advice is not sent (webhook): nonsense"


def test_new_prices_give_a_plan_that_replays(tmp_path: Path) -> None:
    """Proves: series with new values are a reason to plan, after the rest time; small changes are none; the log has the
    values, so that a replay and a restart know them. Sensitivity: the replay plans with the old prices."""
    plant, twin = small(tmp_path)
    start = twin.scenario.horizon.start_utc
    service = service_of(plant)
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 30)
    prices = plant.scenario.inputs["price_per_mwh"].to_numpy()
    service.priced({"price_per_mwh": (prices + 0.5).tolist()}, [], start + timedelta(minutes=30))
    drive(service, twin, 30, 33)
    assert [one.body["reason"] for one in service.decisions.all()] == ["start"]
    service.priced({"price_per_mwh": (prices + 30).tolist()}, [], start + timedelta(minutes=33))
    drive(service, twin, 33, 36)
    advice = service.decisions.all()[0]
    assert advice.body["says"] == "Prices have changed by 30.00 EUR/MWh in the mean."
    intensity = plant.scenario.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
    service.priced({"carbon_intensity_kg_per_mwh": (intensity + 50).tolist()}, [], start + timedelta(minutes=60))
    drive(service, twin, 60, 63)
    assert service.decisions.all()[0].body["says"] == "Carbon intensities have changed by 50 kg/MWh in the mean."
    rows = list(replayed(plant, Log(service.decisions.folder / "log"), service.decisions.schedule))
    assert len(rows) == 3
    assert all(row.same for row in rows), rows
    again = service_of(plant, 63).loop.scenario.inputs
    assert float(again["price_per_mwh"][0]) == pytest.approx(prices[0] + 30)


def test_files_are_read_again(tmp_path: Path) -> None:
    """Proves: a series that changes on the disk is news, and only this one. Sensitivity: prices of the
    start stay."""

    def priced(price: float) -> None:
        start = load_scenario("melt-shop-small").horizon.start_utc
        times = [(start + timedelta(minutes=15 * k)).isoformat() for k in range(96)]
        (tmp_path / "prices.csv").write_text("\n".join(["time_utc,price", *(f"{at},{price}" for at in times)]) + "\n")

    priced(50)
    small(tmp_path)
    path, library = tmp_path / "live.yaml", Path(scenarios.__file__).parent / "library"
    content = (
        (library / "melt-shop-small.yaml")
        .read_text()
        .replace(
            "price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}",
            "price_per_mwh: {csv: prices.csv, column: price, interval_min: 15}",
            1,
        )
    )
    (tmp_path / "works.yaml").write_text(content)
    path.write_text(path.read_text().replace('scenario: "melt-shop-small"', "scenario: works.yaml"))
    plant = load(path)
    assert changes(plant.scenario.inputs, scenario_of(plant).inputs) == {}
    priced(80)
    news = changes(plant.scenario.inputs, scenario_of(plant).inputs)
    assert set(news) == {"price_per_mwh"}
    assert float(with_series(plant.scenario, news).inputs["price_per_mwh"][3]) == 80


def test_the_plant_is_watched_during_a_search(tmp_path: Path) -> None:
    """Proves: while a search runs readings are taken in, kept and shown, and the log replays to the same decision; an
    advice of a search during which another plan came into force is not left open. Sensitivity: a search of a minute
    leaves a gap of a minute in the history."""
    plant, twin = small(tmp_path)
    start = twin.scenario.horizon.start_utc
    service = service_of(plant)
    minutes, enough = [1.0], threading.Event()

    def newest() -> Any:
        minutes[0] += 1
        if minutes[0] > 20:
            enough.set()
        return readings(plant, twin, minutes[0])

    def slow(*task: Any) -> Any:
        assert enough.wait(60)
        return later_by_a_step(*task)

    class Later(type(plant)):  # type: ignore[misc]
        def now(self) -> Any:
            return start + timedelta(minutes=minutes[0])

    service.plant = Later(
        plant.live.model_copy(update={"loop": plant.live.loop.model_copy(update={"read_every_s": 0.001})}),
        plant.scenario, plant.folder, plant.name,
    )  # fmt: skip
    service.loop.planner = lambda *task: service._search(newest, slow, *task)
    service.take(readings(plant, twin, 0), start)
    (advice,) = service.decisions.all()
    assert advice.data_at == start
    rows = service.history.table(start, start + timedelta(hours=1))
    assert rows.num_rows >= 15 * len(plant.live.tags)
    (snapshot,) = current()
    assert snapshot["at"] >= (start + timedelta(minutes=0)).isoformat()
    log = Log(service.decisions.folder / "log")
    assert sum(bool(row.get("during")) for row in log.rows()) >= 15
    (row,) = replayed(plant, log, service.decisions.schedule)
    assert row.same
    assert row.replayed is not None
