"""The first answer of a plan: what command line, page, report and JSON show before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emberline.planning.answer.causes import Cause, causes
from emberline.planning.answer.changes import Change, changes
from emberline.planning.answer.figure_table import figure_data, figure_list
from emberline.planning.answer.headline import headline
from emberline.planning.answer.record import Headline
from emberline.planning.answer.sentences import holds, lines, other_saving
from emberline.planning.answer.tiles import Tile, tiles
from emberline.planning.plan.record import Plan
from emberline.scenarios.messages import sentences
from emberline.scenarios.plain import Plain


@dataclass(frozen=True)
class Answer(Plain):
    """Headline, what changed and why, and the saving by cause."""

    also = ("says", "figures")
    headline: Headline
    changes: tuple[Change, ...]
    causes: tuple[Cause, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The headline in a few sentences, the saving first."""
        return lines(self.headline)

    @property
    def other_saving(self) -> str:
        """The sentence on the figure of carbon and cost that the goal does not minimize; empty where there is none."""
        return other_saving(self.headline)

    @property
    def holds(self) -> str:
        """The sentence on how often the plan holds; empty where nothing is disturbed."""
        return holds(self.headline)

    @property
    def says(self) -> str:
        """The headline in words."""
        return sentences(*self.lines)

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The headline as a strip of figures."""
        return tiles(self.headline)

    @property
    def figures(self) -> dict[str, Any]:
        """The figures that have a basis, as plain data."""
        return figure_data(figure_list(self.headline))


def answer(plan: Plan) -> Answer | None:
    """The first answer of a plan; None where there is no plan."""
    first = headline(plan)
    return None if first is None else Answer(first, changes(plan), causes(plan, first))


def costs_more(plan: Plan) -> bool:
    """Whether a plan of least carbon costs more than the baseline, so that one that does not is worth a try."""
    first = headline(plan)
    return first is not None and plan.scenario.goal.minimize == "carbon" and "cost" in first.worse


def summary(plan: Plan) -> dict[str, Any] | None:
    """The first answer as plain data for JSON; None where there is no plan."""
    first = answer(plan)
    return None if first is None else first.summary()
