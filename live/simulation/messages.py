"""Messages of a simulated plant: noise on numbers, messages that are lost, and pairs that arrive in the other order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

Value = float | str
Message = tuple[str, Value, datetime]
"""Address, value and time of measurement."""


@dataclass
class Messages:
    """What becomes of the values of a plant on their way."""

    seed: int = 1
    noise: float = 0.01
    """Standard deviation of numbers, as a share of the largest possible value."""
    lost: float = 0.0
    """Share of messages that never arrive."""
    swapped: float = 0.0
    """Share of messages that arrive after the next one of the same address."""
    _late: dict[str, Message] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Draw from a generator of its own."""
        self._random = np.random.default_rng(self.seed)

    def sent(self, values: Mapping[str, tuple[Value, float]], at: datetime) -> Iterator[Message]:
        """Messages that arrive of the values of a moment, in the order of their arrival.

        Args:
            values: by address; each with the largest possible value, 0 for one without noise.
            at: the moment.
        """
        for address, (value, largest) in values.items():
            noisy = value
            if isinstance(value, float) and largest:
                noisy = value + self.noise * largest * float(self._random.standard_normal())
                noisy = min(max(noisy, 0.0), largest) if value >= 0 else noisy
            lost, swapped = self._random.random(2) < (self.lost, self.swapped)
            if lost:
                continue
            message = (address, noisy, at)
            if swapped and address not in self._late:
                self._late[address] = message
                continue
            yield message
            late = self._late.pop(address, None)
            if late is not None:
                yield late
