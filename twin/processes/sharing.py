"""Flows at one moment: what units, deliveries and arrivals want, limited by stores that are empty or full.

From an empty store no more can leave than comes in, and those who ask share it in proportion; into a full one no more
can come than leaves and is lost. A carrier that only processes give is like an empty store without room: what nobody
takes of it goes to the site. A unit that is limited passes it on to its other stores, so that this is worked out again
and again until nothing changes. Rates only fall meanwhile, so it ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from emberline.twin.processes.unit import UnitProcess

ROUNDS = 400
"""Most rounds; in a closed circle of empty stores rates fall towards zero by a share in each."""
ROUNDING = 1e-13
"""Share of a flow that is the rounding of a sum."""


class Flowing:
    """Flow that leaves by a delivery, or comes by an arrival."""

    __slots__ = ("rate", "store", "target")

    def __init__(self, store: int) -> None:
        self.store = store
        self.target = self.rate = 0.0


class Sharing:
    """Flows of all stores."""

    def __init__(
        self, capacity: list[float], decay: list[float], units: Sequence[UnitProcess], loads: Sequence[Flowing],
        arrivals: Sequence[Flowing], captive: int = 0,
    ) -> None:  # fmt: skip
        """``captive``: carriers that nobody but processes gives, stores that keep nothing and are never full."""
        n = len(capacity) + captive
        self._stores, self._nothing = len(capacity), [0.0] * captive
        self._full_loss = [size * share for size, share in zip(capacity, decay, strict=True)] + self._nothing
        self._units, self._loads, self._arrivals = units, loads, arrivals
        self._running: list[UnitProcess] = []
        self.into, self.out = [0.0] * n, [0.0] * n
        """Inflow and outflow of each store [t/h]."""
        self.steady = [False] * len(capacity)
        """Whether a store that is full or empty stays so."""
        self._scaled: set[int] = set()

    def settle(self, levels: list[float], capacity: list[float]) -> None:
        """Work out all rates again; units that a store keeps from running wait for it from now on."""
        edge = [s for s, level in enumerate(levels) if level <= 0.0 or level >= capacity[s]]
        if self._nothing:
            edge += range(self._stores, len(self.into))
            levels = levels + self._nothing
        while True:
            self._running = [unit for unit in self._units if unit.target > 0]
            for unit in self._units:
                unit.rate = unit.target
            for flow in (*self._loads, *self._arrivals):
                flow.rate = flow.target
            self._sum()
            self.steady = [False] * self._stores
            if not edge:
                return
            self._limit(edge, levels)
            short = [unit for unit in self._running if unit.short and not unit.grace]
            if not short:
                self._hold(edge, levels)
                return
            worst = max(short, key=lambda unit: (1 - unit.rate / unit.floor, unit.index))
            worst.waits = self._waits(worst, levels, capacity)
            worst.target = worst.rate = worst.off = 0.0

    def _sum(self) -> None:
        into, out = [0.0] * len(self.into), [0.0] * len(self.into)
        for unit in self._running:
            rate = unit.rate
            for s, per_t in unit.way.takes:
                out[s] += per_t * rate
            good = rate - unit.off
            if good > 0:
                for s, per_t in unit.way.gives:
                    into[s] += per_t * good
        for flow in self._loads:
            out[flow.store] += flow.rate
        for flow in self._arrivals:
            into[flow.store] += flow.rate
        self.into, self.out = into, out

    def _limit(self, edge: list[int], levels: list[float]) -> None:
        self._scaled = set()
        for _ in range(ROUNDS):
            changed = False
            for s in edge:
                if not self._wrong(s, levels):
                    continue
                into, out = self.into[s], self.out[s]
                if levels[s] <= 0.0:
                    self._take_less(s, into / out)
                else:
                    self._give_less(s, (out + self._full_loss[s]) / into)
                changed = True
                self._scaled.add(s)
                self._sum()
            if not changed:
                return
        # a circle that starves or chokes itself comes to rest
        while wrong := [s for s in edge if self._wrong(s, levels)]:
            (self._take_less if levels[wrong[0]] <= 0.0 else self._give_less)(wrong[0], 0.0)
            self._scaled.add(wrong[0])
            self._sum()

    def _wrong(self, store: int, levels: list[float]) -> bool:
        into, out = self.into[store], self.out[store]
        if levels[store] <= 0.0:
            return out > into * (1 + ROUNDING)
        return into > (out + self._full_loss[store]) * (1 + ROUNDING)

    def _take_less(self, store: int, share: float) -> None:
        for unit in self._running:
            if any(s == store for s, _ in unit.way.takes):
                unit.rate *= share
        for flow in self._loads:
            if flow.store == store:
                flow.rate *= share

    def _give_less(self, store: int, share: float) -> None:
        for unit in self._running:
            if any(s == store for s, _ in unit.way.gives) and unit.rate > unit.off:
                unit.rate = unit.off + (unit.rate - unit.off) * share
        for flow in self._arrivals:
            if flow.store == store:
                flow.rate *= share

    def _hold(self, edge: list[int], levels: list[float]) -> None:
        """A store whose flows are equal but for rounding stays where it is."""
        for s in edge:
            if s >= self._stores:
                continue
            net = self.into[s] - self.out[s]
            small = (self.into[s] + self.out[s]) * 10 * ROUNDING
            if levels[s] <= 0.0:
                if net <= small:
                    self.steady[s] = True
            elif net >= self._full_loss[s] - small - self._full_loss[s] * ROUNDING:
                self.steady[s] = True

    def _waits(self, unit: UnitProcess, levels: list[float], capacity: list[float]) -> list[tuple[int, float, bool]]:
        """Stores for which a unit stands until they have recovered enough for a quarter of an hour of its run; of a
        carrier, until as much is left over as it takes."""
        waits = []
        for s, per_t in unit.way.takes:
            if s in self._scaled and s >= self._stores:
                waits.append((s, per_t * unit.target, True))
            elif s in self._scaled and levels[s] <= 0.0:
                waits.append((s, min(per_t * unit.target / 4, capacity[s] / 2), True))
        for s, per_t in unit.way.gives:
            if s in self._scaled and levels[s] > 0.0:
                waits.append((s, max(capacity[s] - per_t * unit.target / 4, capacity[s] / 2), False))
        assert waits, "a unit is short, and no store of its own limits it"
        return waits
