"""Makes docs/reference/scenario.md: every key of a scenario, from the records and the bundled scenarios.

    python docs/make_reference.py [--check]

``--check`` writes nothing and fails where the page is not up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from emberline.scenarios import Scenario, bundled, load
from emberline.scenarios.assets import KINDS
from emberline.scenarios.descriptions import documented, records, within
from emberline.ui.pages.editor.fields import UNITS

PAGE = Path(__file__).resolve().parent / "reference" / "scenario.md"
HEAD = """# Every key of a scenario

Made by `make reference` from the records in `scenarios/`; do not edit it by hand. A unit follows from the end of a
key's name and may be written with the value (`85 MW`). Examples are of the bundled scenarios. How the parts fit
together: [processes](../processes.md), [importing](../importing.md), [maths](../README.md).
"""
LONGEST = 40
"""Characters of an example."""


def page() -> str:
    """The page's text."""
    examples = dict(_examples())
    kinds = {record: kind for kind, record in KINDS.items()}
    every = list(dict.fromkeys([*records(Scenario), *(one for kind in KINDS.values() for one in records(kind))]))
    lines = [HEAD]
    for record in every:
        title = "Scenario (top level)" if record is Scenario else f"Asset `{kinds[record]}`" if record in kinds else ""
        lines += [f"## {title or record.__name__}", "", _first(record), ""]
        lines += ["| key | unit | default | meaning | example |", "| --- | --- | --- | --- | --- |"]
        texts = documented(record)
        for name, field in record.model_fields.items():
            cells = (
                f"`{name}`",
                _unit(name),
                _default(field),
                " ".join(filter(None, (texts.get(name), _parts(field)))),
                examples.get((record, name), ""),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _first(record: type[BaseModel]) -> str:
    return " ".join((record.__doc__ or "").strip().split("\n\n")[0].split())


def _parts(field: Any) -> str:
    """The records that a key holds."""
    names = list(dict.fromkeys(record.__name__ for record in within(field.annotation)))
    return f"See {', '.join(names)}." if names else ""


def _unit(name: str) -> str:
    return next((str(unit) for end, unit in UNITS.items() if re.search(rf"(^|_){end}$", name)), "")


def _default(field: Any) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if value is PydanticUndefined or isinstance(value, BaseModel):
        return "its defaults"
    if value is None or value == ():
        return "none"
    return f"`{value}`" if value != "" else "empty"


def _examples() -> Iterator[tuple[tuple[type[BaseModel], str], str]]:
    """Plain values of the bundled scenarios, the first of each key last, so that it stays."""
    found = [pair for name in sorted(bundled()) for pair in _values(load(name))]
    yield from reversed(found)


def _values(value: Any) -> Iterator[tuple[tuple[type[BaseModel], str], str]]:
    if isinstance(value, tuple | list):
        for part in value:
            yield from _values(part)
    elif isinstance(value, BaseModel):
        for name in sorted(value.model_fields_set & type(value).model_fields.keys()):
            inner = getattr(value, name)
            if isinstance(inner, bool | int | float | str) and len(str(inner)) <= LONGEST:
                text = str(inner).lower() if isinstance(inner, bool) else str(inner)
                yield (type(value), name), f"`{text}`"
            else:
                yield from _values(inner)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/reference/scenario.md is not up to date: run 'make reference'")
