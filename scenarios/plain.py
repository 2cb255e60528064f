"""Records as plain data for JSON, by their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar


def plain(value: Any) -> Any:
    """A value as plain data: records by their fields, or as they tell themselves; tuples as lists."""
    if hasattr(value, "summary"):
        return value.summary()
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple | list) else value


class Plain:
    """A dataclass that tells itself as plain data."""

    also: ClassVar[tuple[str, ...]] = ()
    """Properties that are part of the data."""
    named: ClassVar[Mapping[str, str]] = {}
    """Names in the data that differ from those here; empty: left out."""

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = (*(field.name for field in fields(self)), *self.also)  # type: ignore[arg-type]
        keys = {name: self.named.get(name, name) for name in names}
        return {key: plain(getattr(self, name)) for name, key in keys.items() if key}
