"""Names that other parts of a draft refer to: whoever is given another name keeps what refers to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emberline.scenarios.reading.document import Keys

REFERENCES: dict[str, tuple[str, ...]] = {
    "stores": ("store",),
    "carriers": (
        "carrier", "fuel", "heat", "source", "input", "exhaust", "oxygen", "hydrogen", "waste_heat",
    ),
    "processes": ("unit",),
    "assets": ("unit",),
    "stages": ("stage", "reheating_stage"),
    "units": ("unit", "units", "start", "end"),
    "grades": ("grade", "before", "after"),
    "modes": ("mode", "start", "end"),
}  # fmt: skip
"""Keys that hold the name of an item, by the list that the item is in."""
BY_NAME = {
    "stages": ("duration_min", "energy_kwh_per_t"), "units": ("duration_min", "energy_kwh_per_t"),
    "carriers": ("takes",),
}  # fmt: skip
"""Fields that map such names to amounts."""


def renamed(data: dict[str, Any], path: Keys, before: list[Any], after: list[Any]) -> dict[Keys, Any]:
    """Values to set so that what refers to items of a list by name goes on doing so.

    Args:
        data: of the draft.
        path: of the list.
        before: its items.
        after: the same items, some with another name; else nothing is set.
    """
    of = str(path[-1])
    if of not in REFERENCES or len(before) != len(after):
        return {}
    pairs = [
        (old.get("name"), new.get("name"))
        for old, new in zip(before, after, strict=True)
        if isinstance(old, dict) and isinstance(new, dict)
    ]
    words = {old: new for old, new in pairs if isinstance(old, str) and isinstance(new, str) and old != new}
    words = {old: new for old, new in words.items() if new not in {old for old, _ in pairs}}
    values: dict[Keys, Any] = {}
    if words:
        values.update(_within(data, (), path, of, words))
    return values


def _within(value: Any, at: Keys, path: Keys, of: str, words: dict[str, str]) -> Iterator[tuple[Keys, Any]]:
    if at == path:
        return  # the list itself is set as a whole
    if isinstance(value, dict):
        for key, item in value.items():
            if key in REFERENCES[of] and isinstance(item, str) and item in words:
                yield (*at, key), words[item]
            elif key in REFERENCES[of] and isinstance(item, list) and any(str(one) in words for one in item):
                yield (*at, key), [words.get(one, one) if isinstance(one, str) else one for one in item]
            elif key in BY_NAME.get(of, ()) and isinstance(item, dict) and set(item) & set(words):
                yield (*at, key), {words.get(name, name): amount for name, amount in item.items()}
            else:
                yield from _within(item, (*at, key), path, of, words)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _within(item, (*at, place), path, of, words)
