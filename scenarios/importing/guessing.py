"""Detect the format of a file; every guess is reported and can be overridden."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from emberline.scenarios.importing import columns, measures, stamps
from emberline.scenarios.importing.mapping import Mapping
from emberline.scenarios.importing.mapping_draft import MappingDraft
from emberline.scenarios.importing.reading import Raw


@dataclass(frozen=True)
class Guess:
    """Probable rules for reading a file, and the reasons for them."""

    mapping: Mapping
    reasons: tuple[str, ...]
    about: tuple[str, ...] = ()
    """Field of the mapping to which each reason refers."""

    def unless(self, settings: Collection[str]) -> tuple[str, ...]:
        """Return the reasons, except those for fields given in the settings."""
        return tuple(reason for reason, field in zip(self.reasons, self.about, strict=True) if field not in settings)


def guess(raw: Raw, role: str, settings: dict[str, Any] | None = None, zone: str | None = None) -> Guess:
    """Detect the rules for reading a file.

    Args:
        raw: content of the file.
        role: role of its series.
        settings: known fields of the mapping, which are used unchanged.
        zone: time zone of times without offset, unless the file states another; None: it must be in ``settings``.

    Raises:
        ScenarioError: the file has no column of times or numbers, or the settings are invalid.
    """
    settings = {name: value for name, value in (settings or {}).items() if value is not None}
    draft = MappingDraft(raw, role, settings, zone)
    if not len(raw.frame):
        draft.refuse("", "has no rows below the names of its columns")
    draft.set("time", columns.times)
    draft.set("clock", columns.clock)
    draft.set("decimal", columns.decimal_mark)
    draft.set("through", columns.last_of_day)
    draft.set("value", columns.values)
    draft.set("where", columns.series)
    draft.set("order", stamps.order)
    draft.set("zone", stamps.zone)
    draft.set("interval_min", stamps.interval)
    draft.set("stamps", stamps.position)
    draft.set("unit", measures.unit)
    draft.set("counts", measures.counts)
    draft.set("missing", measures.missing)
    fields, reasons = zip(*draft.reasons, strict=True) if draft.reasons else ((), ())
    return Guess(draft.mapping(), tuple(reasons), tuple(fields))
