"""Labels of record fields in form and tables, listed for translators, and places and values of a draft in these words.

A test compares the list with the records.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from emberline.scenarios.assets import KINDS
from emberline.scenarios.reading.document import Keys
from emberline.scenarios.reading.editing import ABSENT
from emberline.scenarios.records.line import Unit
from emberline.scenarios.records.scenario import Scenario
from emberline.ui.pages.editor.fields import SHARE, as_typed, fields, inner, label_of, label_parts
from emberline.ui.pages.editor.form import BETWEEN, SECTIONS
from emberline.ui.pages.editor.nested import record_of
from emberline.ui.pages.editor.tables import TABLES
from emberline.ui.text.language import mark, tr

WORDS = (
    mark("Name"),
    mark("Title"),
    mark("Description"),
    mark("Start"),
    mark("Zone"),
    mark("Days"),
    mark("Length"),
    mark("Step"),
    mark("Goal"),
    mark("Grid intensity that counts"),
    mark("Credit final stock"),
    mark("Gap"),
    mark("Time limit"),
    mark("Carbon"),
    mark("Cost"),
    mark("Peak"),
    mark("Extra cost share"),
    mark("Currency"),
    mark("Price"),
    mark("Export price"),
    mark("Emission factor by name"),
    mark("Carbon intensity"),
    mark("Marginal carbon intensity"),
    mark("Residual mix"),
    mark("Price of a tonne"),
    mark("Scheme"),
    mark("Carbon price is paid on"),
    mark("Free share"),
    mark("Import limit"),
    mark("Export limit"),
    mark("Metered interval"),
    mark("Base load"),
    mark("Capacity factor"),
    mark("Energy"),
    mark("Power"),
    mark("Charge efficiency"),
    mark("Discharge efficiency"),
    mark("Self loss"),
    mark("Level share"),
    mark("End level share"),
    mark("Battery level"),
    mark("Peak so far"),
    mark("Heat loss while waiting"),
    mark("Reheat"),
    mark("Reheating stage"),
    mark("Duration spread"),
    mark("Energy spread"),
    mark("Rate spread"),
    mark("Delivery spread"),
    mark("Distribution"),
    mark("Planning quantile"),
    mark("Share of days on which it must hold"),
    mark("Due margin"),
    mark("Import margin"),
    mark("Replications"),
    mark("Seed"),
    mark("Gases"),
    mark("Warming"),
    mark("Allocated to by-products"),
    mark("Takes"),
    mark("Power efficiency"),
    mark("Heat efficiency"),
    mark("Heats"),
    mark("Due"),
    mark("Release"),
    mark("Units"),
    mark("Mass"),
    mark("Duration"),
    mark("Transfer"),
    mark("Longest wait"),
    mark("Campaign"),
    mark("Emissions"),
    mark("Gives"),
    mark("End"),
    mark("Minutes"),
    mark("Rate"),
    mark("Electricity"),
    mark("Power by rate"),
    mark("Inputs"),
    mark("Process"),
    mark("Outputs"),
    mark("Heat"),
    mark("Count"),
    mark("Modes"),
    mark("Change over"),
    mark("Min run"),
    mark("Min rest"),
    mark("Start up"),
    mark("Ramp"),
    mark("Must run"),
    mark("Planned stop"),
    mark("Daily energy"),
    mark("State"),
    mark("Capacity"),
    mark("Level"),
    mark("End level"),
    mark("Loss"),
    mark("Lower level of the baseline"),
    mark("Upper level of the baseline"),
    mark("Store"),
    mark("Weekly"),
    mark("Amount"),
    mark("Loading"),
    mark("Unit"),
    mark("Waste"),
    mark("Water"),
    mark("Limits"),
    mark("Dump"),
    mark("Mean time between failures"),
    mark("Mean time to repair"),
    mark("Stage"),
    mark("Earliest"),
    mark("Latest"),
    mark("Phases"),
    mark("Setup"),
    mark("States"),
    mark("Kind"),
    mark("Carrier"),
    mark("Fossil"),
    mark("Biogenic"),
    mark("Scope"),
    mark("Rate limit"),
    mark("Horizon limit"),
    mark("In rate"),
    mark("Out rate"),
    mark("In efficiency"),
    mark("Out efficiency"),
    mark("Lowest share"),
    mark("Highest share"),
    mark("Wear cost"),
    mark("Both ways"),
    mark("Min load"),
    mark("Min up"),
    mark("Min down"),
    mark("Start cost"),
    mark("Reserve"),
    mark("Stock margins"),
    mark("Stop cost"),
    mark("Start fuel"),
    mark("Running cost"),
    mark("Ramp up"),
    mark("Ramp down"),
    mark("Start load"),
    mark("Stop load"),
    mark("Availability"),
    mark("Main"),
    mark("Electric"),
    mark("Fuel"),
    mark("Electric efficiency"),
    mark("By load"),
    mark("Efficiency"),
    mark("Coefficient of performance"),
    mark("Source"),
    mark("Hydrogen"),
    mark("Waste heat"),
    mark("Waste heat share"),
    mark("Input"),
    mark("Exhaust"),
    mark("Oxygen"),
    mark("Per day"),
    mark("Above a peak of"),
    mark("Above an import of"),
    mark("Amount per tonne"),
    mark("Amount per unit"),
    mark("Assessed"),
    mark("Basis"),
    mark("Between"),
    mark("Carbon price"),
    mark("Charged on"),
    mark("Coincident"),
    mark("Cold after"),
    mark("Contract"),
    mark("Contracts"),
    mark("Day peak"),
    mark("Deep on valley"),
    mark("Deep valley"),
    mark("Demand"),
    mark("Earlier peak"),
    mark("Emission"),
    mark("Excess ratio"),
    mark("Export"),
    mark("Final"),
    mark("Fixed"),
    mark("Flat"),
    mark("Fuels"),
    mark("Grade"),
    mark("Heat demand"),
    mark("High"),
    mark("Holidays"),
    mark("Holidays count as"),
    mark("Hours"),
    mark("Imbalance"),
    mark("Initial"),
    mark("Least"),
    mark("Levies"),
    mark("Load"),
    mark("Long price"),
    mark("Long spread"),
    mark("Look back months"),
    mark("Low"),
    mark("Minimum"),
    mark("Mode"),
    mark("Months"),
    mark("Most"),
    mark("Off spec"),
    mark("Peak ratio"),
    mark("Peak valley"),
    mark("Per unit"),
    mark("Price for a month"),
    mark("Ratchet"),
    mark("Rates"),
    mark("Ready"),
    mark("Share"),
    mark("Sharp"),
    mark("Sharp on peak"),
    mark("Short price"),
    mark("Short spread"),
    mark("Since"),
    mark("Starts"),
    mark("Tariff"),
    mark("Tariff before"),
    mark("Taxes"),
    mark("Tolerated share"),
    mark("Transformers"),
    mark("Transitions"),
    mark("Two part"),
    mark("Used"),
    mark("Usual rate"),
    mark("Usual share"),
    mark("Valley"),
    mark("Valley ratio"),
    mark("Weekdays"),
    mark("After"),
    mark("Arrivals"),
    mark("Assets"),
    mark("Battery"),
    mark("Battery cost"),
    mark("Battery most"),
    mark("Before"),
    mark("Breakdowns"),
    mark("Caps"),
    mark("Carriers"),
    mark("Cast gap"),
    mark("Cast longer"),
    mark("Cast longer share"),
    mark("Changeovers"),
    mark("Deliveries"),
    mark("Disturbances"),
    mark("Embedded"),
    mark("End cast after"),
    mark("End cast cost"),
    mark("End cast most"),
    mark("Engine cost"),
    mark("Engine most"),
    mark("Grades"),
    mark("Grid"),
    mark("Heat loss"),
    mark("Horizon"),
    mark("Less power"),
    mark("Less power share"),
    mark("Line"),
    mark("Locks"),
    mark("Margins"),
    mark("Market"),
    mark("Metered"),
    mark("Orders"),
    mark("Outages"),
    mark("PV"),
    mark("Processes"),
    mark("Quantile"),
    mark("Recourse"),
    mark("Return"),
    mark("Return cost"),
    mark("Return most"),
    mark("Run locks"),
    mark("Site"),
    mark("Slack"),
    mark("Spread by unit"),
    mark("Stages"),
    mark("Start later"),
    mark("Started"),
    mark("Stores"),
    mark("Table"),
    mark("Tolerances"),
    mark("Transfers"),
    mark("Wait"),
)
"""All labels of form and tables, without units."""
TITLES = {(groups[-1].path[:1] if groups else ()) or (name,): title for name, (title, groups) in SECTIONS.items()} | {
    path: title for title, path, _ in TABLES.values()
}
"""Titles of sections and tables by their place."""


def records() -> list[type[BaseModel]]:
    """The records that form and tables show, with what lies within them."""
    entries: list[type[BaseModel]] = [group.record for _, groups in SECTIONS.values() for group in groups]
    entries += [record for _, _, record in TABLES.values() if record is not None]
    entries = list(dict.fromkeys([*entries, Unit, *KINDS.values()]))
    for record in entries:  # grows while it is gone through
        entries += [one.record for one in inner(record) if one.record is not None and one.record not in entries]
    return entries


def of_place(path: Keys, currency: str, *roots: Any) -> tuple[str, type[BaseModel] | None]:
    """A place in words, with the unit of its value, and the record that the value or its items are of.

    Args:
        path: of the value.
        currency: of the draft.
        roots: data in which items of lists are looked up by their names.
    """
    record: type[BaseModel] | None = Scenario
    places, words = list(roots), []
    for n, part in enumerate(path, 1):
        places = [inside for one in places if (inside := _inside(one, part)) is not ABSENT]
        if isinstance(part, int):
            names = [one["name"] for one in places if isinstance(one, dict) and isinstance(one.get("name"), str)]
            words.append(names[0] if names else str(part + 1))
            record = record_of(record, places[0] if places else None)
            continue
        label, record = _part(part, record, currency)
        if path[:n] in TITLES:
            label = tr(TITLES[path[:n]])
            words = []
        elif n < len(path):
            label = label.partition(" [")[0]
        words.append(label)
    return BETWEEN.join(words), record


def _inside(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return ABSENT


def _part(name: str, record: type[BaseModel] | None, currency: str) -> tuple[str, type[BaseModel] | None]:
    """Label of a field of a record, and the record that it holds."""
    if record is None:
        return name, None
    entry = next((one for one in inner(record) if one.name == name), None)
    field = next((one for one in fields(record, currency) if one.name == name), None)
    words, unit = label_parts(name, currency, record=record.__name__)
    label = field.label if field is not None else label_of(words, unit)
    return (label if name in record.model_fields else name), entry.record if entry is not None else None


def of_value(data: Any, record: type[BaseModel] | None, currency: str, unit: str = "") -> str:
    """A value in words: fields by their labels, numbers without a unit of their own with the field's.

    Args:
        data: plain data; ``ABSENT``: there is none.
        record: that it, or each of its items, is of.
        currency: of the draft.
        unit: of the value.
    """
    if data is ABSENT:
        return "–"
    if isinstance(data, list):
        return "; ".join(of_value(one, record, currency, unit) for one in data)
    if not isinstance(data, dict):
        return (
            f"{as_typed(data)} {unit}" if unit and unit != SHARE and isinstance(data, int | float) else as_typed(data)
        )
    of = record_of(record, data)
    parts = []
    for name, one in data.items():
        if name == "name":
            continue
        label, within = _part(name, of, currency)
        words, _, end = label.removesuffix("]").partition(" [")
        says = of_value(one, within, currency, end)
        parts.append(f"{words} ({says})" if isinstance(one, dict | list) else f"{words} {says}")
    heading = [str(data["name"])] if "name" in data else []
    return ": ".join([*heading, ", ".join(parts)] if parts else heading)
