"""Makes the pages of docs/reference: every key of a scenario and of a monitoring plan, from the records and examples.

    python docs/make_reference.py [--check]

``--check`` writes nothing and fails where a page is not up to date.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from emberline.reports.compliance import default_values
from emberline.reports.compliance.monitoring import MonitoringPlan, activity, example_files, read_monitoring_plan, stack
from emberline.reports.compliance.reports import scope2
from emberline.reports.compliance.reports.annual import OF_COGENERATION, QUANTITIES
from emberline.scenarios import Scenario, bundled, load
from emberline.scenarios.assets.base import KINDS
from emberline.scenarios.descriptions import documented, records, units, within

FOLDER = Path(__file__).resolve().parent / "reference"
SCENARIO = """# Every key of a scenario

Made by `make reference` from the records in `scenarios/`; do not edit it by hand. A unit follows from the end of a
key's name and may be written with the value (`85 MW`). Examples are of the bundled scenarios. How the parts fit
together: [processes](../processes.md), [importing](../importing.md), [maths](../README.md).
"""
MONITORING = """# Every key of a monitoring plan, every column of activity data

Made by `make reference` from the records in `reports/compliance/`; do not edit it by hand. Examples are of
`emberline report example`. How the parts fit together: [carbon supervision](../compliance.md).
"""
CARBON_UNITS = {
    "t_co2_per_mwh": "t CO2/MWh", "t_co2_per_tj": "t CO2/TJ", "kg_co2_per_gj": "kg CO2/GJ", "gj_per_unit": "GJ/unit",
    "t_co2_per_unit": "t CO2/unit", "carbon_content": "t C/unit", "carbon_to_co2": "t CO2/t C",
    "see_direct": "t CO2e/t", "mwh_per_t": "MWh/t", "mwh": "MWh",
}  # fmt: skip
LONGEST = 40
"""Characters of an example."""
Examples = dict[tuple[type[BaseModel], str], str]


def scenario() -> str:
    """The page of a scenario."""
    kinds = {record: f"Asset `{kind}`" for kind, record in KINDS.items()}
    every = dict.fromkeys([*records(Scenario), *(one for kind in KINDS.values() for one in records(kind))])
    examples = _examples(load(name) for name in sorted(bundled()))
    return "\n".join([SCENARIO, *_keys(every, {Scenario: "Scenario (top level)", **kinds}, examples, units())])


def monitoring() -> str:
    """The page of a monitoring plan and its data."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "monitoring.yaml"
        path.write_bytes(example_files()["monitoring.yaml"])
        examples = _examples([read_monitoring_plan(path)])
    titles = {MonitoringPlan: "Monitoring plan (top level)"}
    lines = [MONITORING, *_keys(records(MonitoringPlan), titles, examples, CARBON_UNITS, choices=True)]
    quantities = {
        **{f"PROCESS: {name}": f"{text} [{unit}]" for name, (unit, text) in QUANTITIES.items()},
        "PROCESS: takes OTHER": "product of another process that it uses [t]",
        "PROCESS: precursor NAME": "bought precursor that it uses [t]",
        **{
            f"UNIT: {name}": f"{name} that a unit of cogeneration makes [{unit}]"
            for name, unit in OF_COGENERATION.items()
        },
    }
    for title, columns in (
        ("Columns of activity data", activity.REQUIRED | {f"{k} (optional)": v for k, v in activity.OPTIONAL.items()}),
        ("Names in activity data other than streams", quantities),
        ("Columns of the hours of a measured stack", stack.HOURLY),
        ("Columns of use and certificates by the hour (`--hourly`)", scope2.HOURLY),
        (
            "Columns of default values (`--defaults`)",
            default_values.REQUIRED | {f"{k} (optional)": v for k, v in default_values.OPTIONAL.items()},
        ),
    ):
        rows = (
            f"| `{name.removesuffix(' (optional)')}`{' (optional)' * name.endswith(')')} | {text} |"
            for name, text in columns.items()
        )
        lines += [f"## {title}", "", "| name | meaning |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


PAGES = {"scenario.md": scenario, "monitoring.md": monitoring}


def _keys(
    every: Iterable[type[BaseModel]],
    titles: Mapping[type[BaseModel], str],
    examples: Examples,
    units: Mapping[str, Any],
    *,
    choices: bool = False,
) -> Iterator[str]:
    """A table of keys for each record."""
    for record in every:
        yield from (f"## {titles.get(record, record.__name__)}", "", _first(record), "")
        yield from ("| key | unit | default | meaning | example |", "| --- | --- | --- | --- | --- |")
        texts = documented(record)
        for name, field in record.model_fields.items():
            allowed = _choices(field.annotation) if choices else ()
            cells = (
                f"`{name}`",
                next((str(unit) for end, unit in units.items() if re.search(rf"(^|_){end}$", name)), ""),
                _default(field),
                " ".join(filter(None, (texts.get(name), _parts(field), allowed and f"One of {', '.join(allowed)}."))),
                examples.get((record, name), ""),
            )
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""


def _choices(annotation: Any) -> list[str]:
    """The words that a key may have."""
    if get_origin(annotation) is Literal:
        return [f"`{word}`" for word in get_args(annotation)]
    return [word for part in get_args(annotation) for word in _choices(part)]


def _first(record: type[BaseModel]) -> str:
    return " ".join((record.__doc__ or "").strip().split("\n\n")[0].split())


def _parts(field: Any) -> str:
    """The records that a key holds."""
    names = list(dict.fromkeys(record.__name__ for record in within(field.annotation)))
    return f"See {', '.join(names)}." if names else ""


def _default(field: Any) -> str:
    value, record = field.default, field.annotation
    if field.is_required():
        return "required"
    if value is PydanticUndefined or (isinstance(record, type) and issubclass(record, BaseModel)):
        return "its defaults"
    if value is None or value == () or value == {}:
        return "none"
    return f"`{value}`" if value != "" else "empty"


def _examples(roots: Iterable[BaseModel]) -> Examples:
    """Plain values by record and key, the first of each."""
    pairs = [pair for root in roots for pair in _values(root)]
    return dict(reversed(pairs))


def _values(value: Any) -> Iterator[tuple[tuple[type[BaseModel], str], str]]:
    if isinstance(value, tuple | list):
        for part in value:
            yield from _values(part)
    elif isinstance(value, BaseModel):
        record = Scenario if isinstance(value, Scenario) else type(value)
        for name in sorted(value.model_fields_set & record.model_fields.keys()):
            inner = getattr(value, name)
            if isinstance(inner, bool | int | float | str) and len(str(inner)) <= LONGEST:
                text = str(inner).lower() if isinstance(inner, bool) else str(inner)
                yield (record, name), f"`{text}`"
            else:
                yield from _values(inner)


if __name__ == "__main__":
    for name, page in PAGES.items():
        path = FOLDER / name
        if "--check" not in sys.argv:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(page(), encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != page():
            sys.exit(f"docs/reference/{name} is not up to date: run 'make reference'")
