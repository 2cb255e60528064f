"""First answer of a plan, which command line, page, report and JSON show before anything else."""

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
    """Headline, changes with their reasons, and the saving by cause."""

    also = ("says", "figures")
    headline: Headline
    changes: tuple[Change, ...]
    causes: tuple[Cause, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """Headline in a few sentences, the saving first."""
        return lines(self.headline)

    @property
    def other_saving(self) -> str:
        """Sentence on the saving of carbon or cost, whichever the goal does not minimize; empty if there is none."""
        return other_saving(self.headline)

    @property
    def holds(self) -> str:
        """Sentence on how often the plan holds; empty without disturbances."""
        return holds(self.headline)

    @property
    def says(self) -> str:
        """Headline in words."""
        return sentences(*self.lines)

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """Headline as a strip of figures."""
        return tiles(self.headline)

    @property
    def figures(self) -> dict[str, Any]:
        """Figures with a basis, as plain data."""
        return figure_data(figure_list(self.headline))


def answer(plan: Plan) -> Answer | None:
    """Return the first answer of a plan; None if there is no plan."""
    first = headline(plan)
    return None if first is None else Answer(first, changes(plan), causes(plan, first))


def costs_more(plan: Plan) -> bool:
    """Return whether a plan of least carbon costs more than the baseline, so that a cheaper one is worth a try."""
    first = headline(plan)
    return first is not None and plan.scenario.goal.minimize == "carbon" and "cost" in first.worse


def summary(plan: Plan) -> dict[str, Any] | None:
    """First answer as plain data for JSON; None if there is no plan."""
    first = answer(plan)
    return None if first is None else first.summary()
