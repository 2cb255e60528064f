"""Base class of all records, and mistakes in a scenario with their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator

NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$"
"""Pattern of valid names."""


class Record(BaseModel):
    """Frozen record; unknown keys are rejected and numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        self.check()
        return self

    def check(self) -> None:
        """Check that fields are consistent with each other.

        Raises:
            ValueError: they are not; ``Misplaced`` if a specific field is wrong.
        """

    def __eq__(self, other: object) -> bool:
        """Compare all fields; cached properties, which may be arrays, are ignored."""
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in type(self).model_fields)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with changed fields and without cached properties."""
        copy = super().model_copy(update=update, deep=deep)
        for kind in type(self).__mro__:
            for name, attribute in vars(kind).items():
                if isinstance(attribute, cached_property):
                    copy.__dict__.pop(name, None)
        return copy


class Explicit(Record):
    """Record that serializes all keys that were given, even if they equal the default."""

    @model_serializer(mode="wrap")
    def _explicit(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        explicit = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        return {**explicit, **fields}


def of_kind(raw: Any, kinds: Mapping[str, type[Record]], what: str, context: Any) -> Any:
    """Validate a mapping as the record of its ``kind``.

    A tagged union of pydantic is not used, because it would add the tag to the place of every mistake.

    Args:
        raw: mapping, or a record of one of the kinds.
        kinds: records by kind.
        what: noun with its article, for messages.
        context: validation context.

    Raises:
        ValueError: it is not a mapping, or its kind is unknown.
    """
    if isinstance(raw, tuple(kinds.values())):
        return raw
    if not isinstance(raw, dict):
        raise ValueError(f"{what} is a mapping with kind, name and what belongs to its kind")
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        close = get_close_matches(str(kind), kinds, n=1)
        hint = f"did you mean {close[0]}?" if close else f"kinds are {', '.join(kinds)}"
        text = f"is required; {hint}" if kind is None else f"unknown kind {str(kind)[:40]!r}; {hint}"
        raise Misplaced(text, "kind")
    return kinds[kind].model_validate(raw, context=context)


Place = tuple[str | int, ...]
"""Path within a record."""
Mistakes = Iterator[tuple[Place, str]]
"""Place and message of each mistake."""
UP = ".."
"""Path element that leads from a key to its parent, in the place of a mistake."""


class Misplaced(ValueError):
    """Mistake at another key than the one checked, usually below it."""

    def __init__(self, says: str, *place: str | int) -> None:
        super().__init__(says)
        self.place = place
        """Path from the key checked to the mistake; ``UP`` leads to the parent."""

    def below(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """Return the path of the mistake, given the ``path`` that was checked."""
        for part in self.place:
            path = path[:-1] if part == UP else (*path, part)
        return path


class Unjudged(ValueError):
    """Value that cannot be judged because of another mistake, which is reported separately."""


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once, in alphabetical order."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def unknown(what: str, name: str, options: Iterable[str]) -> str:
    """Return the message for an unknown name, with a similar name or all possible names."""
    names = list(options)
    close = get_close_matches(name[:100], names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"{what}s are {', '.join(names[:20]) or 'none'}"
    return f"unknown {what} {name[:40]!r}; {hint}"


@dataclass(frozen=True)
class Problem:
    """Mistake with its place and a message."""

    where: str
    """File and line (``plant.yaml:12``), or the override that caused it (``--set goal.gap``)."""
    key: str
    """Dotted path of the key, such as ``line.stages.0.units.1.power_mw``."""
    says: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.says) if part)


class ScenarioError(ValueError):
    """Error for an invalid scenario, with one line per mistake."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
