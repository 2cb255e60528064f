"""What units offer to stores, carriers and the objective, and when their runs begin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.assets.ports import Linear
from models.processes.plant import Plant, Units
from scenarios.process import ChangeOver


@dataclass
class UnitPorts:
    """What units offer, amounts by slot."""

    units: Units
    block: Any
    electricity: list[Linear] = field(default_factory=list)
    """Drawn [MWh]."""
    places: dict[str, list[Linear]] = field(default_factory=dict)
    """What they give to stores [t] and carriers [their unit], negative: take, by place."""
    emitted: list[Linear] = field(default_factory=list)
    """Fossil process emissions [kg CO2e]."""
    turns: dict[tuple[int, int], Any] = field(default_factory=dict)
    """Units that begin to change over, by slot; by the mode that they leave, −1: any, and the one they go to."""
    changing: dict[tuple[int, int], int] = field(default_factory=dict)
    """Slots of each of these change-overs."""
    starting: int = 0
    """Slots of a start-up."""


class Runs:
    """When runs of a mode begin, as sums over the block's variables."""

    def __init__(self, block: Any, units: Units, plant: Plant) -> None:
        self.block, self.units, self.plant = block, units, plant
        self.starting = plant.steps(units.process.start_up.hours)
        """Slots of a start-up."""

    def changing(self, a: int, b: int) -> int:
        """Slots of a change-over."""
        modes = self.units.modes
        return self.plant.steps(self.units.process.changing(modes[a].name, modes[b].name).minutes / 60)

    def turns(self, b: int) -> list[tuple[Any, int, ChangeOver]]:
        """What brings units to a mode by change-over: variable, its slots, and the change-over."""
        process, modes, block = self.units.process, self.units.modes, self.block
        if len(modes) == 1:
            return []
        if process.uniform:
            k = self.plant.steps(process.change_over.minutes / 60)
            return [(block.mode[b].turn, k, process.change_over)]
        return [
            (block.turning[a, b], self.changing(a, b), process.changing(modes[a].name, modes[b].name))
            for a in range(len(modes))
            if a != b
        ]

    def begins(self, m: int, t: int) -> list[Any]:
        """Terms of the number of runs of a mode that begin in a slot."""
        found = [self.block.mode[m].fire[t - self.starting]] if t >= self.starting else []
        return found + [variable[t - k] for variable, k, _ in self.turns(m) if t >= k]


class Pair:
    """Turns from one mode to another as a variable indexed by slot."""

    def __init__(self, variable: Any, a: int, b: int) -> None:
        self._variable, self._a, self._b = variable, a, b
        self.start = a

    def __getitem__(self, t: int) -> Any:
        return self._variable[self._a, self._b, t]

    def __contains__(self, t: int) -> bool:
        return (self._a, self._b, t) in self._variable


class Row:
    """One row of a variable indexed by something and the slot, as a variable indexed by slot."""

    def __init__(self, variable: Any, index: Any) -> None:
        self._variable, self._index = variable, index

    def __getitem__(self, t: int) -> Any:
        return self._variable[self._index, t]

    def __contains__(self, t: int) -> bool:
        return (self._index, t) in self._variable
