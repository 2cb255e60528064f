"""Guessing how a file is to be read: every guess is reported, and whoever imports may say otherwise."""

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
    """Field of the mapping that each reason is about; one that is said otherwise does not need it."""

    def unless(self, settings: Collection[str]) -> tuple[str, ...]:
        """The reasons of what was guessed, without those of fields that were said."""
        return tuple(reason for reason, field in zip(self.reasons, self.about, strict=True) if field not in settings)


def guess(raw: Raw, role: str, settings: dict[str, Any] | None = None, zone: str | None = None) -> Guess:
    """Probable rules for reading a file.

    Args:
        raw: the file.
        role: what its series shall be.
        settings: fields of a mapping that are known; they are taken as they are.
        zone: of times without offset, unless the file says another one; None: ``settings`` must say it.

    Raises:
        ScenarioError: it has no column of times or none of numbers, or what was said is no mapping.
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
