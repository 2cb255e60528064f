"""Base of all records, and mistakes in a scenario with their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator

NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$"
"""Pattern of a name."""


class Record(BaseModel):
    """A frozen noun: unknown keys are refused, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        self.check()
        return self

    def check(self) -> None:
        """Refuse fields, each right by itself, that do not go together.

        Raises:
            ValueError: they do not; ``Misplaced`` where one of them is meant.
        """

    def __eq__(self, other: object) -> bool:
        """Whether all fields are alike; what was worked out of them does not count, it may hold arrays."""
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in type(self).model_fields)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with some fields changed; what follows from the fields is worked out again."""
        copy = super().model_copy(update=update, deep=deep)
        for kind in type(self).__mro__:
            for name, attribute in vars(kind).items():
                if isinstance(attribute, cached_property):
                    copy.__dict__.pop(name, None)
        return copy


class Explicit(Record):
    """A noun in which it matters what was given: written out without defaults, what equals one is kept as well."""

    @model_serializer(mode="wrap")
    def _explicit(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        explicit = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        return {**explicit, **fields}


def of_kind(raw: Any, kinds: Mapping[str, type[Record]], what: str, context: Any) -> Any:
    """The record that a mapping describes, by its ``kind``.

    By hand instead of pydantic's tagged union: that would put the tag into the place of every mistake.

    Args:
        raw: the mapping, or a record that is one of the kinds already.
        kinds: record of each kind.
        what: it is, with its article.
        context: of the validation.

    Raises:
        ValueError: it is no mapping, or its kind is unknown.
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
"""Keys that lead to something within a record."""
Mistakes = Iterator[tuple[Place, str]]
"""Place and message, one for each mistake."""
UP = ".."
"""Leads from a key to its parent, in the place of a mistake."""


class Misplaced(ValueError):
    """A mistake that lies at another key than the one that is checked, mostly below it."""

    def __init__(self, says: str, *place: str | int) -> None:
        super().__init__(says)
        self.place = place
        """Keys from there to the mistake; ``UP`` leads to the parent."""

    def below(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """Path of the mistake, from the ``path`` that was checked."""
        for part in self.place:
            path = path[:-1] if part == UP else (*path, part)
        return path


class Unjudged(ValueError):
    """A value that cannot be judged because of another mistake, which is reported at its own place."""


def repeated(names: Iterable[str]) -> list[str]:
    """Names that occur more than once, in alphabetical order."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def unknown(what: str, name: str, options: Iterable[str]) -> str:
    """The mistake of a name that is not there, with the nearest one or all that are."""
    names = list(options)
    close = get_close_matches(name[:100], names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"{what}s are {', '.join(names[:20]) or 'none'}"
    return f"unknown {what} {name[:40]!r}; {hint}"


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands, what is wrong and what is allowed."""

    where: str
    """File and line (``plant.yaml:12``) or the override that brought it (``--set goal.gap``)."""
    key: str
    """Dotted path of the key, such as ``line.stages.0.units.1.power_mw``."""
    says: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.says) if part)


class ScenarioError(ValueError):
    """A scenario that cannot be used; carries every mistake found, one line each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
