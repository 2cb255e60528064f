"""What every noun has in common, and how a mistake in a scenario is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$"
"""What a name may look like."""


class Record(BaseModel):
    """A frozen noun: unknown keys are refused, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with some fields changed; what was worked out of the fields is worked out anew."""
        copy = super().model_copy(update=update, deep=deep)
        for kind in type(self).__mro__:
            for name, attribute in vars(kind).items():
                if isinstance(attribute, cached_property):
                    copy.__dict__.pop(name, None)
        return copy


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
