"""Read YAML 1.2 with line numbers; aliases, tags, duplicate keys and huge files are rejected."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from emberline.scenarios.reading.files import named, reason, unreadable
from emberline.scenarios.records.base import Problem, ScenarioError

LARGEST_BYTES = 1_000_000
MAX_VALUES = 40_000
"""Largest number of keys and list items; at about 60 µs each, a text is parsed within a few seconds."""
VALUE = re.compile(r""",|["']?:(?=\s|$)|["']:|(?:^|[\s])[-?](?=\s)""")
"""Pattern for the start of a value or list item; it also matches some places in texts and comments."""
DEEPEST = 30
MAX_BRACKETS = 100
"""Largest nesting of brackets, including those in texts; the parser takes minutes for thousands of levels."""
Keys = tuple[str | int, ...]

ALIAS = "aliases (*name) are not allowed; write the value out"
LEFT_OUT = object()
"""Placeholder for a rejected value, so that its absence is not reported as a second mistake."""
CORE = ("null", "bool", "int", "float", "str", "timestamp", "seq", "map", "value", "merge")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


@dataclass
class Document:
    """Plain data with the origin of each key."""

    data: dict[str, Any]
    name: str
    lines: dict[Keys, int] = field(default_factory=dict)
    overrides: dict[Keys, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, path: Keys) -> str:
        """Return file and line of a key or its nearest known parent, or the override that set it."""
        for changed, spelled in self.overrides.items():
            if changed[: len(path)] == path and path:
                return spelled
        for size in range(len(path), -1, -1):
            if path[:size] in self.overrides:
                return self.overrides[path[:size]]
            if path[:size] in self.lines:
                return f"{self.name}:{self.lines[path[:size]]}"
        return self.name


def read(path: Path) -> Document:
    """Read a scenario file.

    Raises:
        ScenarioError: the file is not a readable YAML mapping. Mistakes that leave the rest readable are collected in
            the document instead, so that they are reported together with all others.
    """
    wrong = unreadable(path)
    if wrong:
        raise ScenarioError([Problem(named(path), "", wrong)])
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ScenarioError(
                [Problem(path.name, "", f"has {size / 1e6:.1f} MB, a scenario has at most {LARGEST_BYTES / 1e6:g}")]
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError([Problem(named(path), "", f"cannot be read: {reason(error)}")]) from None
    except UnicodeDecodeError as error:
        raise ScenarioError([Problem(path.name, "", f"is not UTF-8 text (byte {error.start})")]) from None
    return parse(text, path.name)


def parse(text: str, name: str = "scenario.yaml") -> Document:
    """Parse a scenario from text; see :func:`read`."""
    return deepcopy(_parse(text, name))


@lru_cache(maxsize=8)
def _parse(text: str, name: str) -> Document:
    """Parse a text with caching, since the search for repairs parses the same text repeatedly."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > LARGEST_BYTES:
        raise ScenarioError([Problem(name, "", f"has more than {LARGEST_BYTES / 1e6:g} MB")])
    if sum(1 for _ in VALUE.finditer(text)) > MAX_VALUES:
        raise ScenarioError([Problem(name, "", f"has more than {MAX_VALUES} keys and items")])
    if _brackets(text) > MAX_BRACKETS:
        raise ScenarioError([Problem(name, "", "is nested too deeply")])
    document = Document({}, name)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScenarioError([Problem(f"{name}:{line}", "", f"is not YAML: {error.problem or error.context}")]) from None
    except YAMLError as error:
        raise ScenarioError([Problem(name, "", f"is not YAML: {str(error).splitlines()[0]}")]) from None
    except (RecursionError, ValueError) as error:
        sentence = "is nested too deeply" if isinstance(error, RecursionError) else f"is not YAML: {error}"
        raise ScenarioError([Problem(name, "", sentence)]) from None
    if node is None or node.id != "mapping":
        raise ScenarioError([Problem(f"{name}:1", "", "is not a mapping of keys to values")])
    document.data = _construct(node, (), document, set())
    # report all aliases as one mistake
    aliases = [problem for problem in document.problems if problem.says == ALIAS]
    if len(aliases) > 1:
        first = replace(aliases[0], says=f"{ALIAS}; the file has {len(aliases)} of them")
        document.problems[:] = [first, *(problem for problem in document.problems if problem.says != ALIAS)]
    return document


def _brackets(text: str) -> int:
    """Return the largest nesting of brackets."""
    open_now = most = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        open_now = open_now + 1 if bracket[0] in "[{" else max(open_now - 1, 0)
        most = max(most, open_now)
    return most


def _construct(node: Any, path: Keys, document: Document, node_ids: set[int]) -> Any:
    line = node.start_mark.line + 1
    document.lines.setdefault(path, line)

    def refuse(text: str, line: int = line, path: Keys = path) -> object:
        document.problems.append(Problem(f"{document.name}:{line}", dotted(path), text))
        return LEFT_OUT

    if id(node) in node_ids:
        return refuse(ALIAS)
    node_ids.add(id(node))
    if len(path) > DEEPEST:
        return refuse(f"is nested more than {DEEPEST} levels deep")
    tag = str(node.tag or "")
    if tag and tag.removeprefix("tag:yaml.org,2002:") not in CORE:
        return refuse(f"tags ({tag[:60]}) are not allowed")
    if node.id == "scalar":
        quoted = node.style in ("'", '"', "|", ">")
        return node.value if quoted else plain(node.value)
    if node.id == "sequence":
        items = [_construct(child, (*path, index), document, node_ids) for index, child in enumerate(node.value)]
        return [item for item in items if item is not LEFT_OUT]
    mapping: dict[str, Any] = {}
    for name_node, child in node.value:
        if name_node.id != "scalar":
            refuse("has a key that is not a plain name")
            continue
        name = str(name_node.value)
        at = name_node.start_mark.line + 1
        if name == "<<":
            refuse("merge keys (<<) are not allowed", at)
            continue
        if name in mapping:
            first = document.lines.get((*path, name), at)
            refuse(f"key given twice; the first is on line {first}", at, (*path, name))
            continue
        document.lines[(*path, name)] = at
        value = _construct(child, (*path, name), document, node_ids)
        if value is not LEFT_OUT:
            mapping[name] = value
    return mapping


def plain(text: str) -> Any:
    """Convert a plain scalar by the core schema of YAML 1.2 to null, bool or number, or leave it as text."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INT.fullmatch(text) and len(text) <= 20:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if text.lower() in (".inf", "+.inf", "-.inf"):
        return math.copysign(math.inf, -1 if text[0] == "-" else 1)
    if text.lower() == ".nan":
        return math.nan
    return text


def override(document: Document, assignment: str) -> None:
    """Apply ``key.path=value``; list items are addressed by index or, if they have one, by name.

    Raises:
        ScenarioError: the assignment is malformed or its path does not exist.
    """
    spelled = f"--set {_short(assignment)}"
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise ScenarioError([Problem(spelled, "", "write it as key.path=value")])
    assign(document, key, parse(f"value: {text}", spelled).data.get("value"), spelled)


def assign(document: Document, key: str, value: Any, spelled: str = "") -> None:
    """Set a key of a document, as :func:`override` does.

    Args:
        document: document, changed in place.
        key: dotted path.
        value: value as plain data.
        spelled: origin of the value, for messages; empty: the key.

    Raises:
        ScenarioError: the path does not exist.
    """
    spelled = spelled or _short(key)
    names = key.strip().split(".")
    place: Any = document.data
    path: list[str | int] = []
    for depth, name in enumerate(names):
        last = depth == len(names) - 1
        if isinstance(place, list):
            index = _index(place, name)
            if index is None:
                items = [str(item.get("name", i)) if isinstance(item, dict) else str(i) for i, item in enumerate(place)]
                text = f"{dotted(tuple(path))} has no item {name!r}; it has {', '.join(items[:12])}"
                raise ScenarioError([Problem(spelled, "", text)])
            path.append(index)
        elif isinstance(place, dict):
            path.append(name)
            if not last and not isinstance(place.get(name), dict | list):
                place[name] = {}
        else:
            text = f"{dotted(tuple(path))} is a value, it has no {name!r}"
            raise ScenarioError([Problem(spelled, "", text)])
        if last:
            place[path[-1]] = value
        else:
            place = place[path[-1]]
    for known_path in [p for p in document.lines if p[: len(path)] == tuple(path) and len(p) > len(path)]:
        del document.lines[known_path]
    document.overrides[tuple(path)] = spelled


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "…"


def _index(items: list[Any], name: str) -> int | None:
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("name") == name:
            return index
    if name.isdigit() and int(name) < len(items):
        return int(name)
    return None


def value_at(data: Any, path: Iterable[str | int]) -> Any:
    """Return the value at a path in plain data; None if there is none."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        else:
            data = data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
    return data


def mapping_at(data: dict[Any, Any], path: Keys) -> dict[Any, Any]:
    """Return the mapping at a path in plain data, created if missing."""
    for part in path:
        if not isinstance(data.get(part), dict):
            data[part] = {}
        data = data[part]
    return data


def dotted(path: Keys) -> str:
    """Return a path in dotted notation."""
    return ".".join(str(part) for part in path)
