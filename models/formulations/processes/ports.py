"""What units offer to stores, carriers and the objective."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from emberline.models.formulations.site.assets.ports import Linear
from emberline.models.problem.plant import Units


@dataclass
class UnitPorts:
    """What units offer, amounts by slot."""

    units: Units
    block: Any
    electricity: list[Linear] = field(default_factory=list)
    """Drawn [MWh]."""
    places: dict[str, list[Linear]] = field(default_factory=dict)
    """What they give to stores [t] and carriers [their unit], negative: take, by place."""
    added: dict[str, list[Linear]] = field(default_factory=dict)
    """What they add to each component of the metrics but money, such as fossil emissions [kg CO2e]."""
    turns: dict[tuple[int, int], Any] = field(default_factory=dict)
    """Units that begin to change over, by slot; by the mode that they leave, −1: any, and the one they go to."""
    changing: dict[tuple[int, int], int] = field(default_factory=dict)
    """Slots of each of these change-overs."""
    starting: int = 0
    """Slots of a start-up."""
    under_way: list[Any] = field(default_factory=list)
    """What goes on at each unit as the horizon begins (``runs.UnderWay``), None where nothing does."""

    def begins(self, mode: int) -> list[tuple[Any, int]]:
        """Events that lead to a run of a mode, and how many slots later each does."""
        changes = [(events, self.changing[key]) for key, events in self.turns.items() if key[1] == mode]
        return [(self.block.mode[mode].fire, self.starting), *changes]


def joined(terms: Iterable[Linear]) -> Linear:
    """Flows without constants as one."""
    return Linear(tuple(part for term in terms for part in term.parts))


def by_slot(flow: Linear, t: Any) -> Any:
    """A flow in a slot, an expression; the slot may be a placeholder: here a variable weighs the same in all slots."""
    return sum(weight * variable[t] for variable, weight in flow.parts)
