"""What every noun has in common, and how a mistake in a scenario is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen noun: unknown keys are refused, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)


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
