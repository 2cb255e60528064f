"""Flows at one moment: what units, deliveries and arrivals want, limited by stores that are empty or full.

From an empty store no more can leave than comes in, and those who ask share it in proportion; into a full one no more
can come than leaves and is lost. A carrier that only processes give is like an empty store without room: what nobody
takes of it goes to the site. A unit that is limited passes it on to its other stores, and leaves what it does not need
of its share there to the others, so that this is worked out again and again until nothing changes. After some rounds
rates only fall, so it ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from emberline.twin.processes.unit import UnitProcess

ROUNDS = 400
"""Most rounds; in a closed circle of empty stores rates fall towards zero by a share in each."""
RISING = 50
"""Rounds in which a share may rise again, which settles at once but where units compete with their own suppliers."""
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
        self._outlets, self._inlets = [1.0] * n, [1.0] * n
        """Share that those who ask have of each empty store, and of the room of each full one."""

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
            worst.waits = self._waits(worst, capacity)
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
        self._outlets, self._inlets = [1.0] * len(self.into), [1.0] * len(self.into)
        turn, changed = 0, True
        while changed:
            changed = False
            for s in edge:
                empty = levels[s] <= 0.0
                share = (self._outlets if empty else self._inlets)[s]
                flow, most = (self.out[s], self.into[s]) if empty else (self.into[s], self.out[s] + self._full_loss[s])
                # without what those leave who are limited elsewhere, the store would not stay full or empty
                rises = turn < RISING and share < 1 and flow < most * (1 - ROUNDING)
                if rises or flow > most * (1 + ROUNDING):
                    # a circle that starves or chokes itself comes to rest
                    self._ration(s, empty, most if turn < ROUNDS else 0.0)
                    changed = True
            turn += 1

    def _ration(self, store: int, empty: bool, most: float) -> None:
        """Share out the most that may leave an empty store, or come into a full one, and set all rates [t/h]."""
        shares, flows = (self._outlets, self._loads) if empty else (self._inlets, self._arrivals)
        mine = [flow for flow in flows if flow.store == store]
        shares[store] = 1.0
        # share that other stores allow, and flow that is asked for
        requests = [(1.0, flow.target) for flow in mine]
        for unit in self._running:
            off = 0.0 if empty else unit.off
            for s, per_t in unit.way.takes if empty else unit.way.gives:
                if s == store and unit.target > off:
                    demand = unit.target - off
                    requests.append((max(self._most(unit) - off, 0.0) / demand, per_t * demand))
        total = sum(demand for _, demand in requests)
        for allowed, demand in sorted(requests):
            if allowed * total >= most:
                shares[store] = most / total
                break
            most, total = most - allowed * demand, total - demand
        for flow in mine:
            flow.rate = flow.target * shares[store]
        for unit in self._running:
            unit.rate = self._most(unit)
        self._sum()

    def _most(self, unit: UnitProcess) -> float:
        """Rate that the shares as they are leave a unit [t/h]."""
        target, off = unit.target, unit.off
        takes = [target * self._outlets[s] for s, _ in unit.way.takes]
        return min(target, *takes, *(off + (target - off) * self._inlets[s] for s, _ in unit.way.gives))

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

    def _waits(self, unit: UnitProcess, capacity: list[float]) -> list[tuple[int, float, bool]]:
        """Stores for which a unit stands until they have recovered enough for a quarter of an hour of its run; of a
        carrier, until as much is left over as it takes."""
        waits = []
        for s, per_t in unit.way.takes:
            if self._outlets[s] < 1:
                enough = per_t * unit.target
                waits.append((s, min(enough / 4, capacity[s] / 2) if s < self._stores else enough, True))
        for s, per_t in unit.way.gives:
            if self._inlets[s] < 1:
                waits.append((s, max(capacity[s] - per_t * unit.target / 4, capacity[s] / 2), False))
        assert waits, "a unit is short, and no store of its own limits it"
        return waits
