"""Edit the text of a scenario: changes are made in place and everything else is preserved, including comments.

Forms and tables work on plain data. :func:`differences` finds their changes and :func:`revised` writes them into the
YAML text. Every change is verified by parsing; if it cannot be made in place, the enclosing part is rewritten.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from emberline.scenarios.reading.document import Keys, parse, plain, value_at
from emberline.scenarios.records.base import ScenarioError

ABSENT = object()
"""Placeholder for the value of a missing key."""
PLAIN = re.compile(r"(?:[A-Za-z0-9]|[.+-](?=[0-9]))(?:[A-Za-z0-9 _./%€$¥°+-]|:(?! |$))*", re.ASCII)
"""Text that needs no quotes in YAML, even within brackets."""


@dataclass(frozen=True)
class Change:
    """A changed value."""

    path: Keys
    before: Any
    """Previous value; ``ABSENT``: the key is new."""
    now: Any
    """New value; ``ABSENT``: the key was removed."""


def differences(before: Any, now: Any, path: Keys = ()) -> Iterator[Change]:
    """Find the smallest differences between two scenarios as plain data.

    Lists of equal length are compared item by item. For other lists, appended and removed items are reported if there
    are no other changes; otherwise the whole list is reported.
    """
    if type(before) is type(now) and (before == now or (isinstance(now, float) and _scalar(before) == _scalar(now))):
        return  # NaN counts as equal to itself
    if isinstance(before, dict) and isinstance(now, dict):
        for key in (*before, *(key for key in now if key not in before)):
            yield from differences(before.get(key, ABSENT), now.get(key, ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(now, list) and before and now:
        places = _places(before, now)
        if places is None:
            yield Change(path, before, now)
            return
        for at, item in enumerate(before):
            if at not in places:
                yield Change((*path, at), item, ABSENT)
        for place, at in enumerate(places):
            yield from differences(before[at], now[place], (*path, at))
        for place in range(len(places), len(now)):
            yield Change((*path, len(before) + place - len(places)), ABSENT, now[place])
    else:
        yield Change(path, before, now)


def _places(before: list[Any], now: list[Any]) -> list[int] | None:
    """Return the indices in ``before`` of the first items of ``now``, the others being new; None if unknown."""
    if len(before) == len(now):
        return list(range(len(before)))
    names = [[item.get("name") if isinstance(item, dict) else item for item in items] for items in (before, now)]
    old, new = names
    if any(len([*map(repr, side)]) != len({*map(repr, side)}) for side in names):
        return list(range(len(before))) if now[: len(before)] == before else None
    places = [old.index(name) for name in new if name in old]
    if places != sorted(places) or new[: len(places)] != [old[at] for at in places]:
        return None
    return places


def revised(text: str, now: dict[str, Any]) -> str:
    """Edit a text so that it holds the given data.

    Args:
        text: valid text of a scenario.
        now: data that the text must hold.

    Raises:
        ScenarioError: the text is not a YAML mapping.
    """
    data = parse(text).data
    changes = list(differences(data, now))
    added = [change for change in changes if change.before is ABSENT]
    # append new items first and apply the rest from the end, so that list indices stay valid
    for change in (*added, *reversed([change for change in changes if change.before is not ABSENT])):
        data = _applied(data, change)
        text = _text_with(text, change, data)
    return text


def _applied(data: Any, change: Change) -> Any:
    data = deepcopy(data)
    *parents, last = change.path
    place = value_at(data, parents)
    if change.now is ABSENT:
        del place[last]
    elif isinstance(place, list) and change.before is ABSENT:
        place.append(deepcopy(change.now))
    else:
        place[last] = deepcopy(change.now)
    return data


def _text_with(text: str, change: Change, data: Any) -> str:
    """Apply one change to a text, so that it holds ``data``."""
    path, value = change.path, change.now
    while path:
        edited = _in_place(text, path, value)
        if edited is not None and _holds(edited, data):
            return edited
        # rewrite the enclosing part
        path = path[:-1]
        value = value_at(data, path)
    return "".join(f"{key}: {flow(item)}\n" for key, item in data.items())


def _holds(text: str, data: dict[str, Any]) -> bool:
    try:
        document = parse(text)
    except ScenarioError:
        return False
    return flow(document.data) == flow(data)


def _in_place(text: str, path: Keys, value: Any) -> str | None:
    """Set the value at a path in place, or remove it if ``ABSENT``; return None if impossible."""
    from ruamel.yaml import YAML

    node = YAML(typ="safe", pure=True).compose(text)
    for part in path[:-1]:
        node = child_of(node, part)
        if node is None:
            return None
    if node.id == "scalar" or (not node.value and not node.flow_style):
        return None
    child = child_of(node, path[-1])
    if value is ABSENT:
        return None if child is None else _removed(text, node, path[-1])
    return _added(text, node, path[-1], value) if child is None else _replaced(text, node, path[-1], value)


def child_of(node: Any, part: str | int) -> Any:
    """Return the child node of a key or list index; None if there is none."""
    if node.id == "mapping":
        return next((value for key, value in node.value if key.value == part), None)
    if node.id == "sequence" and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None


def _end(text: str, node: Any) -> int:
    """Return the end of a node's text; its end mark lies after trailing comments and empty lines."""
    if node.id == "scalar" or node.flow_style or not node.value:
        begin, end = node.start_mark.index, node.end_mark.index
        return begin + len(text[begin:end].rstrip())
    last = node.value[-1]
    return _end(text, last[1] if isinstance(last, tuple) else last)


def _line_end(text: str, at: int) -> int:
    """Return the end of a line, including a trailing comment."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _replaced(text: str, node: Any, part: str | int, value: Any) -> str:
    child = child_of(node, part)
    if node.id == "sequence" or node.flow_style:
        begin, end = child.start_mark.index, _end(text, child)
        if begin == end:  # a key without a value
            return f"{text[:begin]} {flow(value)}{text[end:]}"
        return text[:begin] + flow(value) + text[end:]
    key = next(key for key, item in node.value if key.value == part)
    colon = text.index(":", key.end_mark.index)
    indent = " " * key.start_mark.column
    entry = _entry(value, indent)
    empty = child.id == "scalar" and child.start_mark.index == child.end_mark.index
    return text[: colon + 1] + entry + text[colon + 1 if empty else _end(text, child) :]


def _entry(value: Any, indent: str) -> str:
    """Return the text after a key's colon: lists of mappings with one item per line, all else on the same line."""
    many = isinstance(value, list) and value and all(isinstance(item, dict | list) for item in value)
    return "".join(f"\n{indent}  - {flow(item)}" for item in value) if many else f" {flow(value)}"


def _added(text: str, node: Any, part: str | int, value: Any) -> str:
    name = "" if node.id == "sequence" else f"{_scalar(str(part))}: "
    if node.flow_style:
        end = node.end_mark.index - 1
        head = text[:end].rstrip() if node.value else text[:end]
        return f"{head}{', ' if node.value else ''}{name}{flow(value)}{text[end:]}"
    at = _line_end(text, _end(text, node))
    indent = " " * node.start_mark.column
    if node.id == "sequence":
        return f"{text[:at]}\n{indent}- {flow(value)}{text[at:]}"
    return f"{text[:at]}\n{indent}{name.rstrip()}{_entry(value, indent)}{text[at:]}"


def _removed(text: str, node: Any, part: str | int) -> str | None:
    if len(node.value) == 1:
        return None
    places = [(item[0], item[1]) if isinstance(item, tuple) else (item, item) for item in node.value]
    at = part if isinstance(part, int) else next(i for i, (key, _) in enumerate(places) if key.value == part)
    begin, end = places[at][0].start_mark.index, _end(text, places[at][1])
    if node.flow_style:
        if at + 1 < len(places):
            return text[:begin] + text[places[at + 1][0].start_mark.index :]
        return text[: _end(text, places[at - 1][1])] + text[end:]
    line = text.rfind("\n", 0, begin) + 1
    if text[line:begin].strip(" ") not in ("", "-") or (node.id == "mapping" and "-" in text[line:begin]):
        return None
    return text[:line] + text[_line_end(text, end) + 1 :]


def flow(value: Any) -> str:
    """Format a value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, float):
        return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    text = str(value)
    if PLAIN.fullmatch(text) and not text.endswith(" ") and isinstance(plain(text), str):
        return text
    return '"' + "".join(_escaped(sign) for sign in text) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable() and ord(sign) < 0xFFFE:
        return sign
    return f"\\x{ord(sign):02X}" if ord(sign) < 0x100 else f"\\U{ord(sign):08X}"
