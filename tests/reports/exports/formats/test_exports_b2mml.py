"""B2MML: valid by the published schemas, and the schedule that it tells is the plan's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from exported import HOSTILE, PLANS, SHORT, keep, renamed, stored_run
from lxml import etree

from emberline.reports.exports import CannotExport, export
from emberline.reports.exports.formats.b2mml import COURTESY
from emberline.reports.text.activities import activities
from emberline.runs.store.run_folder import StoredRun

NAMES = {"b": "http://www.mesa.org/xml/B2MML"}


@pytest.fixture(scope="module")
def schema(shared: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(shared / "schemas" / "b2mml" / "B2MML-OperationsSchedule.xsd"))


def read(run: StoredRun, folder: Path) -> etree._ElementTree:
    return etree.parse(export(run, "xml", folder / "plan.xml"))


def texts(element: etree._Element | etree._ElementTree, path: str) -> list[str]:
    return [str(item.text) for item in element.findall(path, NAMES)]


@pytest.mark.shared
@pytest.mark.parametrize("plant", [*PLANS, "hostile", "2026-10-25"])
def test_it_is_valid(schema: etree.XMLSchema, tmp_path: Path, plant: str) -> None:
    """Proves: the schedules of a line, works and a site fit the schema of V0701, hostile names and all.

    Sensitivity: an element out of its place, a time without a form, a sign that XML forbids."""
    run = renamed(stored_run("line")) if plant == "hostile" else stored_run(plant)
    tree = read(run, tmp_path)
    schema.assertValid(tree)


@pytest.mark.parametrize("plant", list(PLANS))
def test_the_segments_are_the_activities(tmp_path: Path, plant: str) -> None:
    """Proves: each operation, run and stretch of a machine is a segment with its unit, times in UTC and energy; the
    schedule is one of production, says whose language it is and what run it came from.

    Sensitivity: local times, a segment left out, the licence's line missing."""
    run = stored_run(plant)
    scenario, replay = run.plan.scenario, run.plan.replay
    assert replay is not None
    tree = read(run, tmp_path)
    assert texts(tree, "b:OperationsType") == ["Production"]
    assert texts(tree, "b:ID") == [run.id]
    text = texts(tree, "b:Description")
    assert COURTESY in text
    assert {f"input sha256: {run.meta['input_sha256']}", f"time zone: {scenario.horizon.zone}"} <= set(text)
    segments = tree.findall(".//b:SegmentRequirement", NAMES)
    rows = [
        (
            *texts(segment, "b:EquipmentRequirement/b:EquipmentID"),
            *texts(segment, "b:ProcessSegmentID"),
            *(
                datetime.fromisoformat(at)
                for at in texts(segment, "b:EarliestStartTime") + texts(segment, "b:LatestEndTime")
            ),
        )
        for segment in segments
    ]
    items = [
        (a.unit, a.what, *(scenario.horizon.instant(at).astimezone(UTC) for at in (a.start_min, a.end_min)))
        for a in activities(scenario, replay)
    ]
    assert sorted(rows) == sorted(items)
    energy = [float(value) for value in texts(tree, ".//b:SegmentParameter[b:ID='electricity']/b:Value/b:ValueString")]
    if plant != "site":
        assert sum(energy) == pytest.approx(float(replay["line_mw"].sum()) * scenario.horizon.step_h, rel=1e-6)


def test_heats_are_lots_of_their_grade(tmp_path: Path) -> None:
    """Proves: an order is a request, and each of its segments makes a lot of its grade with its mass."""
    tree = read(stored_run("line"), tmp_path)
    requests = {texts(r, "b:ID")[0]: r for r in tree.findall("b:OperationsRequest", NAMES)}
    assert set(requests) == {"A", "B", "battery"}
    (material,) = requests["B"].findall(
        "b:SegmentRequirement[b:ProcessSegmentID='casting']/b:MaterialRequirement", NAMES
    )
    assert texts(material, "b:MaterialLotID") == ["B-1"]
    assert texts(material, "b:MaterialDefinitionID") == ["G"]
    assert texts(material, "b:Quantity/b:QuantityString") == ["100"]
    assert texts(material, "b:Quantity/b:UnitOfMeasure") == ["t"]


def test_runs_say_what_they_make_and_use(tmp_path: Path) -> None:
    """Proves: a run of a mill takes clinker and gives cement, tonnes as in the replay. Sensitivity: both made, or
    tonnes per hour for tonnes."""
    tree = read(stored_run("works"), tmp_path)
    mill = tree.xpath("//b:SegmentRequirement[b:EquipmentRequirement/b:EquipmentID='mill']", namespaces=NAMES)
    assert len(mill) == 2
    uses = {
        (texts(m, "b:MaterialDefinitionID")[0], texts(m, "b:MaterialUse")[0]): float(texts(m, ".//b:QuantityString")[0])
        for m in mill[0].findall("b:MaterialRequirement", NAMES)
    }
    assert uses == {("clinker", "Consumed"): pytest.approx(160), ("cement", "Produced"): pytest.approx(200)}


def test_a_segment_over_the_change_of_clocks(tmp_path: Path) -> None:
    """Proves: the casts of the night in which clocks go back follow each other in UTC, each 45 min long.

    Sensitivity: local times without an offset make one of them end before it begins."""
    tree = read(stored_run("2026-10-25"), tmp_path)
    casts = tree.xpath("//b:SegmentRequirement[b:ProcessSegmentID='casting']", namespaces=NAMES)
    assert len(casts) == 6
    for cast in casts:
        start, end = (texts(cast, f"b:{name}")[0] for name in ("EarliestStartTime", "LatestEndTime"))
        assert start.endswith("Z")
        assert datetime.fromisoformat(end) - datetime.fromisoformat(start) == timedelta(minutes=45)
        assert texts(cast, "b:Duration") == ["PT2700S"]


def test_hostile_names_are_texts(tmp_path: Path) -> None:
    """Proves: names with markup are texts, those of two lines one. Sensitivity: ``<b>`` as an element."""
    tree = read(renamed(stored_run("line")), tmp_path)
    lots = set(texts(tree, ".//b:MaterialLotID"))
    assert lots == {SHORT, HOSTILE["A-2"], "Ö 漢字 🔥 zwei\N{REPLACEMENT CHARACTER}"}
    assert not tree.findall(".//{*}b")


def test_a_site_where_nothing_is_switched_is_refused(tmp_path: Path) -> None:
    """Proves: without anything to schedule there is one line and no file: the schema asks for a request."""
    from exported import simulated
    from ledgers import site

    run = keep(simulated(site(site={"base_load_mw": 1.0})))
    for kind in ("xml", "ics"):
        with pytest.raises(CannotExport, match="has nothing to"):
            export(run, kind, tmp_path / f"plan.{kind}")
