"""Editing a scenario's text: what changes is written in its place, all else stays as it stands, comments included.

A form or a table works on plain data. :func:`differences` tells what it has changed, :func:`revised` writes that into
the YAML text. Every change is read back; where it cannot be made in place, what is around it is written again.
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
"""Stands for the value of a key that is not there."""
PLAIN = re.compile(r"(?:[A-Za-z0-9]|[.+-](?=[0-9]))(?:[A-Za-z0-9 _./%€$¥°+-]|:(?! |$))*", re.ASCII)
"""Text that YAML takes for text without quotes, within brackets too."""


@dataclass(frozen=True)
class Change:
    """One value that differs."""

    path: Keys
    before: Any
    """``ABSENT``: the key was not there."""
    now: Any
    """``ABSENT``: the key is not there any more."""


def differences(before: Any, now: Any, path: Keys = ()) -> Iterator[Change]:
    """Differences between two scenarios as plain data, as fine as possible.

    Lists of equal length are compared item by item; of others, what was appended or taken away is reported where that
    is all, else the list as a whole.
    """
    if type(before) is type(now) and (before == now or (isinstance(now, float) and _scalar(before) == _scalar(now))):
        return  # what is no number is equal to itself here
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
    """Places in ``before`` of the first items of ``now``, those after them being new; None: they are not known."""
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
    """The text changed such that it holds some data.

    Args:
        text: of a scenario that can be read.
        now: what it shall hold.

    Raises:
        ScenarioError: the text cannot be read as a mapping.
    """
    data = parse(text).data
    changes = list(differences(data, now))
    added = [change for change in changes if change.before is ABSENT]
    # what is new comes last in its list, the rest is done from the end: so places in lists stay right
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
    """The text with one change, by which it holds ``data``."""
    path, value = change.path, change.now
    while path:
        edited = _in_place(text, path, value)
        if edited is not None and _holds(edited, data):
            return edited
        # what is around it is written again
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
    """The text with the value at a path set, or taken away where it is ``ABSENT``; None: it cannot be done."""
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
    """The node of a key or list item below another; None: there is none."""
    if node.id == "mapping":
        return next((value for key, value in node.value if key.value == part), None)
    if node.id == "sequence" and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None


def _end(text: str, node: Any) -> int:
    """End of a node's text; its end mark lies behind comments and empty lines that follow."""
    if node.id == "scalar" or node.flow_style or not node.value:
        begin, end = node.start_mark.index, node.end_mark.index
        return begin + len(text[begin:end].rstrip())
    last = node.value[-1]
    return _end(text, last[1] if isinstance(last, tuple) else last)


def _line_end(text: str, at: int) -> int:
    """End of a line, a comment at its end included."""
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
    """Text behind a key's colon: lists of mappings a line for each item, all else on the same line."""
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
    """A value as YAML on one line."""
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
