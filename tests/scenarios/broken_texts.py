"""Bundled scenarios with one key broken, and what is said of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from emberline.scenarios import ScenarioError
from emberline.scenarios.loading.loading import LIBRARY, build
from emberline.scenarios.reading.document import Document, Keys, dotted, parse

Break = tuple[Keys, str, Any]
"""Where a scenario is broken, how, and what stands there then."""


def plain(name: str) -> dict[str, Any]:
    """A bundled scenario as plain data."""
    return parse((LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")).data


def breaks(data: Any, path: Keys = ()) -> Iterator[Break]:
    """Every key of a scenario broken in every way: wrong kind, wrong unit, unknown key, what is no number."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        place = (*path, key)
        yield from ((place, how, wrong) for how, wrong in _wrong(value))
        yield from breaks(value, place)


def _wrong(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from (("text", "xyz!"), ("list", [1]), ("unknown", {**value, "zzqq": 1}))
    elif isinstance(value, list):
        yield from (("text", "xyz!"), ("mapping", {"zzqq": 1}))
    elif isinstance(value, bool):
        yield from (("text", "xyz!"), ("mapping", {"a": 1}))
    elif isinstance(value, int | float) or re.match(r"\s*[\d.]+ ", str(value)):
        yield from (("unit", "3 furlong"), ("text", "xyz!"), ("infinite", float("inf")), ("list", [value]))
    else:
        yield from (("number", 5), ("text", "xyz!"), ("long", "x" * 6000), ("mapping", {"a": 1}))


def mistakes(data: dict[str, Any], broken: Break) -> list[str]:
    """Keys and messages of the mistakes of a scenario broken so."""
    path, _, value = broken
    data = copy.deepcopy(data)
    place: Any = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    try:
        build(Document(data, "plant.yaml"), LIBRARY)
    except ScenarioError as error:
        return [f"{problem.key}: {problem.says}" for problem in error.problems]
    return []


def named(line: str, broken: Break) -> bool:
    """Whether a line names the key that is broken."""
    path, how, _ = broken
    key = dotted((*path, "zzqq") if how == "unknown" else path)
    # one state may be written without its list
    return re.match(rf"{re.escape(key)}[.:]", re.sub(r"\.state\.0\.", ".state.", line)) is not None
