"""Convert records to plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar


def plain(value: Any) -> Any:
    """Convert a value to plain data: records by their ``summary`` or fields, tuples to lists."""
    if hasattr(value, "summary"):
        return value.summary()
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple | list) else value


class Plain:
    """Mixin for dataclasses that are converted to plain data."""

    also: ClassVar[tuple[str, ...]] = ()
    """Properties to be included in the data."""
    named: ClassVar[Mapping[str, str]] = {}
    """Names in the data if different from the attributes; empty: omitted."""

    def summary(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        names = (*(field.name for field in fields(self)), *self.also)  # type: ignore[arg-type]
        keys = {name: self.named.get(name, name) for name in names}
        return {key: plain(getattr(self, name)) for name, key in keys.items() if key}
