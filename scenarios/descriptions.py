"""Descriptions of the keys of a scenario, from the docstrings of record fields, for forms, schema and reference.

Fields without a docstring are described by name in ``descriptions.toml``, which also contains labels and units.

Docstrings are read from the source on demand, since Pydantic would read those of every record at every start.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel


@cache
def documented(record: type) -> dict[str, str]:
    """Return the descriptions of the fields of a record, including inherited fields."""
    texts: dict[str, str] = {}
    for kind in reversed(record.__mro__):
        if not issubclass(kind, BaseModel) or kind.__module__.startswith("pydantic"):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(below):
                texts[field.target.id] = " ".join(ast.literal_eval(below.value).split())  # type: ignore[attr-defined]
    common, kinds = _texts(), [kind.__name__ for kind in record.__mro__]
    for name in record.model_fields if issubclass(record, BaseModel) else ():
        keys = [*(f"{kind}.{name}" for kind in kinds), name]
        if name not in texts and (key := next((key for key in keys if key in common), None)) is not None:
            texts[name] = common[key]
    return texts


@cache
def _texts() -> dict[str, Any]:
    """Load the descriptions by ``Record.field`` or ``field``, and the tables of labels and units."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def labels() -> dict[str, str]:
    """Return the labels of fields by ``Record.field`` or ``field``, some with a unit in brackets."""
    return dict(_texts()["labels_of_fields"])


def units() -> dict[str, str]:
    """Return the units of fields by suffix of their names, in the order of lookup."""
    return dict(_texts()["units_of_fields"])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def schema(root: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a record, with descriptions of all keys."""
    document = root.model_json_schema()
    by_title = {record.__name__: record for record in records(root)}
    for definition in (document, *document.get("$defs", {}).values()):
        record = by_title.get(definition.get("title", ""))
        for name, text in documented(record).items() if record is not None else ():
            if name in definition.get("properties", {}):
                definition["properties"][name].setdefault("description", text)
    return document


def records(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Iterate over a record and all records nested in its fields, without repetition, in the order of the keys."""
    history: list[type[BaseModel]] = []
    queue = [root]
    while queue:
        record = queue.pop(0)
        if record in history:
            continue
        history.append(record)
        for field in record.model_fields.values():
            queue += within(field.annotation)
    yield from history


@cache
def nouns() -> dict[str, type[BaseModel]]:
    """Return the records of a scenario by name; records of processes take precedence over those of machines."""
    from emberline.scenarios.assets.base import KINDS
    from emberline.scenarios.case.scenario import Scenario

    roots: list[type[BaseModel]] = [*KINDS.values(), Scenario]
    every = [record for root in roots for record in records(root)]
    return {record.__name__: record for record in every}


def within(annotation: Any) -> list[type[BaseModel]]:
    """Return the records that a field of this type may contain."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [record for part in getattr(annotation, "__args__", ()) for record in within(part)]
