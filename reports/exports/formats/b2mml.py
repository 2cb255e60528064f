"""Schedule as B2MML V0701 ``OperationsSchedule`` (ISA-95), for execution and enterprise systems.

There is a request for each order or unit and a segment requirement for each operation or run, with equipment, materials
and times in UTC. The Business To Manufacturing Markup Language (B2MML) is used courtesy of MESA International.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from xml.etree import ElementTree as ET

from emberline.reports.exports import manifest
from emberline.reports.exports.tables import CannotExport
from emberline.reports.exports.worded import one_line, printable
from emberline.reports.text.activities import Activity, Material, activities, replay_of
from emberline.runs.store.run_folder import StoredRun

NAMESPACE = "http://www.mesa.org/xml/B2MML"
COURTESY = "The Business To Manufacturing Markup Language (B2MML) is used courtesy of MESA International."
PRODUCTION = "Production"


def write(run: StoredRun, path: Path) -> None:
    """Write the schedule of a run.

    Raises:
        CannotExport: the run has nothing to schedule.
    """
    tree = ET.ElementTree(schedule(run))
    ET.indent(tree)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def schedule(run: StoredRun) -> ET.Element:
    """Return the root element."""
    plan = run.plan
    horizon = plan.scenario.horizon
    requests: dict[str, list[Activity]] = {}
    for activity in activities(plan.scenario, replay_of(plan)):
        requests.setdefault(activity.group, []).append(activity)
    if not requests:
        raise CannotExport(f"run {run.id} has nothing to schedule: no heat, no run, no machine, no store")
    root = ET.Element("OperationsSchedule", {"xmlns": NAMESPACE})
    _identity(root, run.id)
    sentence = (f"{label}: {value}" for label, value in manifest.rows(run))
    for text in (plan.scenario.title or plan.scenario.name, COURTESY, *sentence):
        _text(root, "Description", text)
    _text(root, "PublishedDate", _instant(datetime.fromisoformat(run.meta["created"])))
    _text(root, "StartTime", _instant(horizon.start_utc))
    _text(root, "EndTime", _instant(horizon.end_utc))
    _text(root, "OperationsType", PRODUCTION)
    _text(root, "ScheduleState", "Forecast")
    numbers = count(1)
    for name, segments in requests.items():
        _request(root, run, name, segments, numbers)
    return root


def _request(root: ET.Element, run: StoredRun, name: str, segments: list[Activity], numbers: Iterable[int]) -> None:
    horizon = run.plan.scenario.horizon
    element = ET.SubElement(root, "OperationsRequest")
    _identity(element, name)
    _text(element, "StartTime", _instant(horizon.instant(min(activity.start_min for activity in segments))))
    _text(element, "EndTime", _instant(horizon.instant(max(activity.end_min for activity in segments))))
    _text(element, "OperationsType", PRODUCTION)
    _text(element, "RequestState", "Forecast")
    for activity, number in zip(segments, numbers, strict=False):
        _segment(element, run, activity, number)


def _segment(request: ET.Element, run: StoredRun, activity: Activity, number: int) -> None:
    horizon = run.plan.scenario.horizon
    element = ET.SubElement(request, "SegmentRequirement")
    _identity(element, f"{number}")
    _text(element, "Description", f"{activity.summary}, unit {activity.unit}")
    _text(element, "EarliestStartTime", _instant(horizon.instant(activity.start_min)))
    _text(element, "LatestEndTime", _instant(horizon.instant(activity.end_min)))
    _text(element, "OperationsType", PRODUCTION)
    _identity(element, activity.what, "ProcessSegmentID")
    _text(element, "Duration", f"PT{round(60 * (activity.end_min - activity.start_min))}S")
    _identity(element, activity.definition, "OperationsDefinitionID")
    _identity(element, activity.what, "OperationsSegmentID")
    _parameter(element, activity.amount_says, activity.amount, activity.amount_unit)
    if activity.waited_min is not None:
        _parameter(element, "wait before the start", activity.waited_min, "min")
    equipment = ET.SubElement(element, "EquipmentRequirement")
    _identity(equipment, f"{number}.equipment")
    _identity(equipment, activity.unit, "EquipmentID")
    _amount(ET.SubElement(equipment, "Quantity"), "QuantityString", 1, "unit")
    for place, material in enumerate(activity.materials, start=1):
        _material(element, material, f"{number}.material.{place}")


def _material(segment: ET.Element, material: Material, name: str) -> None:
    element = ET.SubElement(segment, "MaterialRequirement")
    _identity(element, name)
    _identity(element, material.name, "MaterialDefinitionID")
    if material.lot:
        _identity(element, material.lot, "MaterialLotID")
    _text(element, "MaterialUse", "Produced" if material.is_product else "Consumed")
    _amount(ET.SubElement(element, "Quantity"), "QuantityString", material.amount, material.unit)


def _parameter(segment: ET.Element, name: str, amount: float, unit: str) -> None:
    element = ET.SubElement(segment, "SegmentParameter")
    _identity(element, name)
    _amount(ET.SubElement(element, "Value"), "ValueString", amount, unit)


def _amount(element: ET.Element, tag: str, amount: float, unit: str) -> None:
    _text(element, tag, f"{amount:.6f}".rstrip("0").rstrip("."))
    _text(element, "DataType", "decimal")
    _text(element, "UnitOfMeasure", unit)


def _identity(element: ET.Element, name: str, tag: str = "ID") -> None:
    _text(element, tag, one_line(name))


def _text(element: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(element, tag).text = printable(text)


def _instant(at: datetime) -> str:
    """Format a time as ISO 8601 in UTC, rounded to the second."""
    whole = at.astimezone(UTC) + timedelta(microseconds=500_000)
    return whole.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
