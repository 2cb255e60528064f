"""The baseline's last look at a step: where a store would run full or empty within it, somebody runs less, or not."""

from __future__ import annotations

from dataclasses import dataclass

from emberline.twin.processes.network import WorksTable, after
from emberline.twin.processes.unit import UnitProcess

NEW, FREE, COMMITTED, MUST = range(4)
"""Order in which jobs give way: new ones, those that may stop, those in a least run, those that must run."""
ROUNDING = 1e-12
"""Share of a capacity that is rounding."""


@dataclass
class UnitIntent:
    """Intent of the baseline for a unit in a step."""

    unit: UnitProcess
    mode: int
    """-1: it stands."""
    rate: float
    """Zero while it starts up or changes over [t/h]."""
    kind: int
    begin_k: int = 0
    """Step in which it makes something first."""
    off_t: float = 0.0
    """Off-spec product that it still has to make [t]."""
    least: float = 0.0
    """Lowest rate that its ramp allows [t/h]."""
    most: float = 0.0
    """Highest rate that its ramp allows [t/h]."""
    new: bool = False
    """Its run begins in this step, or later."""
    idle: bool = False
    """It has a mode but can make nothing yet."""
    dropped: bool = False
    """It would not fit, and stands."""

    def flows(self, step_h: float) -> tuple[float, float]:
        """Rate that counts for its inputs, and rate that counts for its outputs [t/h]."""
        if self.mode < 0 or self.idle or self.dropped:
            return 0.0, 0.0
        pace = self.unit.machine.ways[self.mode].pace
        off = min(self.off_t, pace * step_h) / step_h
        return self.rate, max(self.rate - off, 0.0)


class Fitting:
    """The flows of a step, and who gives way where they do not fit."""

    def __init__(
        self, table: WorksTable, k: int, levels: list[float], jobs: list[UnitIntent], loading: list[float]
    ) -> None:
        self.table, self.levels, self.jobs, self.loading = table, levels, jobs, loading
        self._settled: set[int] = set()
        """Stores that nobody can help."""
        self._fixed = [0.0] * (len(levels) + len(table.captive))
        """Arrivals less deliveries [t/h]."""
        for load in table.loads:
            if not load.order:
                self._fixed[load.store] -= load.demand_tph[k]
        for _, store, offered in table.arrivals:
            self._fixed[store] += offered[k]

    def fit(self) -> None:
        """Turn jobs down until all stores fit. Demands are not turned down."""
        for _ in range(3 * len(self.jobs) + len(self.loading) + 1):
            over = self._worst()
            if over is None:
                return
            store, excess = over
            if not (excess < 0 and self._load_less(store, -excess)) and not self._run_less(store, excess):
                self._settled.add(store)

    def _worst(self) -> tuple[int, float] | None:
        """The store that is furthest out at the end of the step, and by which flow [t/h]."""
        table, step_h = self.table, self.table.step_h
        net = self._net()
        worst, furthest = None, ROUNDING
        for s, level in enumerate(self.levels):
            if s in self._settled:
                continue
            size = table.capacity[s]
            end = after(level, net[s], table.decay[s], step_h)
            out = max(end - size, -end) / size
            if out > furthest:
                per_flow = after(0.0, 1.0, table.decay[s], step_h)
                worst, furthest = (s, (end - size if end > size else end) / per_flow), out
        for s in range(len(self.levels), len(net)):
            # a carrier that nobody else gives
            if worst is None and s not in self._settled and net[s] < -ROUNDING * max(self._intake(s), 1.0):
                worst = s, net[s]
        return worst

    def _intake(self, carrier: int) -> float:
        jobs = [(job, job.flows(self.table.step_h)[0]) for job in self.jobs]
        return sum(
            taking * per_t
            for job, taking in jobs
            if taking
            for s, per_t in job.unit.machine.ways[job.mode].takes
            if s == carrier
        )

    def _net(self) -> list[float]:
        net = list(self._fixed)
        for load, rate in zip(self.table.loads, self.loading, strict=True):
            net[load.store] -= rate
        for job in self.jobs:
            taking, giving = job.flows(self.table.step_h)
            if taking:
                way = job.unit.machine.ways[job.mode]
                for s, per_t in way.takes:
                    net[s] -= per_t * taking
                for s, per_t in way.gives:
                    net[s] += per_t * giving
        return net

    def _load_less(self, store: int, missing: float) -> bool:
        """Load less for orders, the one that is due last first."""
        loads = self.table.loads
        for j in sorted(range(len(loads)), key=lambda j: -loads[j].span[1]):
            if loads[j].store == store and self.loading[j] > 0:
                self.loading[j] = max(self.loading[j] - missing, 0.0)
                return True
        return False

    def _run_less(self, store: int, excess: float) -> bool:
        """Turn one job down, or drop it, that takes from an empty store or gives to a full one."""
        for job in sorted(self.jobs, key=lambda job: (job.kind, -job.unit.index)):
            taking, giving = job.flows(self.table.step_h)
            if not taking:
                continue
            way = job.unit.machine.ways[job.mode]
            per_t = sum(p for s, p in (way.takes if excess < 0 else way.gives) if s == store)
            if not per_t or (excess > 0 and not giving):
                continue
            least = max(way.low, job.least)
            rate = job.rate - abs(excess) / per_t
            if job.rate > least and rate >= least:
                job.rate = rate
            elif job.kind == MUST and job.rate > least:
                job.rate = least
            else:
                job.dropped = True
            return True
        return False
