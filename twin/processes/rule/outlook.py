"""Outlook of the baseline on the hours ahead: known deliveries, runs that go on, and what must still be made by when.

It counts two ways. *Ahead*: the level of each store within the next hours if everybody goes on as now. *Back*: what
each store needs by each later moment (deliveries, orders by their due times, levels wanted at the end), what of it is
there, and so how long each process must still run; from deliveries upstream, what a process needs adds to the needs of
its inputs. Losses of stores are counted on what they hold now.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from emberline.scenarios.process.record import in_steps
from emberline.twin.processes.network import MachineTable, ModeTable, WorksTable
from emberline.twin.site.assets.hub import each_after


@dataclass(frozen=True)
class ProcessGroup:
    """The units of a process, as the baseline sees them."""

    index: int
    members: tuple[int, ...]
    machine: MachineTable
    start_k: int
    """Steps that a start-up takes."""
    run_k: int
    """Steps of a least run, at least one."""
    off_t: float
    """Most off-spec product of a run's beginning."""
    lead_k: int
    """Steps from a decision to the end of the least run that follows it, start-up and change-over included."""

    @property
    def way(self) -> ModeTable:
        """Mode in which it runs at the start, its first one where it stands."""
        return self.machine.ways[max(self.machine.mode, 0)]

    @property
    def must_run(self) -> bool:
        """Whether it runs all the time."""
        return self.machine.process.must_run


def groups(table: WorksTable) -> list[ProcessGroup]:
    """All processes, those with needs downstream first: from deliveries upstream."""
    by_process: dict[int, ProcessGroup] = {}
    for u, machine in enumerate(table.machines):
        process = machine.process
        start = in_steps(process.start_up.hours, table.step_h)
        change = max(in_steps(pair.minutes / 60, table.step_h) for pair in process.change_overs)
        run = max(in_steps(process.min_run_h, table.step_h), 1)
        members = by_process[machine.group].members if machine.group in by_process else ()
        lead = start + (change if len(machine.ways) > 1 else 0) + run
        off_t = max(process.start_up.off_spec_t, *(pair.off_spec_t for pair in process.change_overs))
        by_process[machine.group] = ProcessGroup(machine.group, (*members, u), machine, start, run, off_t, lead)
    feeds = {
        g: {
            h
            for h, other in by_process.items()
            if h != g
            and {s for way in group.machine.ways for s, _ in way.outs}
            & {s for way in other.machine.ways for s, _ in way.ins}
        }
        for g, group in by_process.items()
    }
    return [by_process[g] for g in each_after(feeds)]


class Outlook:
    """Known flows of the horizon, cumulated, and what follows from them at a step."""

    def __init__(self, table: WorksTable) -> None:
        self.table = table
        n, stores = table.n_steps, len(table.stores)
        self.groups = groups(table)
        self.window = max(group.lead_k for group in self.groups) + 1
        flows = np.zeros((stores, n))
        for load in table.loads:
            if not load.order:
                flows[load.store] -= np.array(load.demand_tph)
        for _, store, offered in table.arrivals:
            flows[store] += np.array(offered)
        self.net_arrivals_t = np.zeros((stores, n + 1))
        """Arrivals less deliveries until each edge [t], orders left out."""
        np.cumsum(flows * table.step_h, axis=1, out=self.net_arrivals_t[:, 1:])
        self.open = 1.0 - table.closed
        """1 where a unit may run and makes something, planned stops of who must run left out."""
        self.stops: dict[int, tuple[int, int]] = {}
        """Planned stop of a unit: its first step and the one after its last, at its earliest."""
        for group in self.groups:
            stop = group.machine.process.planned_stop
            for u in group.members if stop is not None else ():
                assert stop is not None
                earliest = 0.0 if stop.earliest is None else table.scenario.horizon.minutes(stop.earliest)
                # not before the run at the start may end
                left_h = group.machine.process.min_run_h - table.machines[u].state.since_h
                first = in_steps(max(earliest / 60, left_h), table.step_h)
                last = first + in_steps(stop.hours, table.step_h)
                self.stops[u] = first, last
                self.open[u, first : last + group.start_k] = 0.0
                # what it loses as it begins again
                off_t = group.machine.process.start_up.off_spec_t
                for s, per_t in group.way.outs:
                    self.net_arrivals_t[s, last + group.start_k + 1 :] -= per_t * off_t
        self._open = np.zeros((len(table.machines), n + 1))
        np.cumsum(self.open, axis=1, out=self._open[:, 1:])
        self._end = np.array(table.end_t)
        self.makers: list[list[tuple[ProcessGroup, int, float]]] = [[] for _ in range(stores)]
        """Process, mode and rate of all its units together [t/h] of who makes what is in each store."""
        for group in self.groups:
            for m, way in enumerate(group.machine.ways):
                for s, per_t in way.outs:
                    self.makers[s].append((group, m, way.usual * per_t * len(group.members)))

    def ahead(self, k: int, levels: list[float], orders: list[float]) -> np.ndarray:
        """Level of each store at the next edges by what is known, units left out [t], shape (n_stores, n_window).

        Args:
            k: step that begins.
            levels: now [t].
            orders: what is left of each order [t]; it is expected as fast as it may be loaded.
        """
        last = min(k + self.window, self.table.n_steps)
        path = np.array(levels)[:, None] + self.net_arrivals_t[:, k + 1 : last + 1] - self.net_arrivals_t[:, k : k + 1]
        for load, rest in zip(self.table.loads, orders, strict=True):
            if rest <= 0 or last <= load.span[0]:
                continue
            steps = np.clip(np.arange(k + 1, last + 1) - max(load.span[0], k), 0, None)
            path[load.store] -= np.minimum(steps * self.table.step_h * load.most_tph, rest)
        return path

    def back(self, k: int, levels: list[float], orders: list[float]) -> Needs:
        """Production still required and its times, from the beginning of step ``k``; arguments as for ``ahead``."""
        table, n = self.table, self.table.n_steps
        hours = np.arange(1, n - k + 1) * table.step_h
        need = self.net_arrivals_t[:, k : k + 1] - self.net_arrivals_t[:, k + 1 :] - np.array(levels)[:, None]
        for s, decay in enumerate(table.decay):
            if decay:
                need[s] += levels[s] * -np.expm1(-decay * hours)
        need[:, -1] += self._end
        for load, rest in zip(table.loads, orders, strict=True):
            if rest > 0:
                need[load.store, max(load.span[1] - k, 1) - 1 :] += rest
        result = Needs(need)
        for group in self.groups:
            self._group(group, k, need, result)
        return result

    def _group(self, group: ProcessGroup, k: int, need: np.ndarray, result: Needs) -> None:
        """Work out what a process must make for its products, and what it then takes from its inputs."""
        open_h = sum(self._open[u, k + 1 :] - self._open[u, k] for u in group.members) * self.table.step_h
        ways = group.machine.ways
        if group.must_run:
            # it runs at its usual rate in any case
            for s, per_t in group.way.outs:
                need[s] -= per_t * group.way.usual * open_h
            for s, per_t in group.way.ins:
                need[s] += per_t * group.way.usual * open_h
            result.slack[group.index] = np.inf
            return
        total = np.zeros(need.shape[1])
        for m, way in enumerate(ways):
            tonnes = np.zeros(need.shape[1])
            for s, per_t in way.outs:
                rates = {g.index: rate for g, _, rate in self.makers[s] if not g.must_run}
                share = way.usual * per_t * len(group.members) / sum(rates.values())
                tonnes = np.maximum(tonnes, np.maximum.accumulate(np.maximum(need[s], 0.0)) * share / per_t)
            result.tonnes[group.index, m] = tonnes
            total = total + tonnes / way.usual
            # a unit stops at a whole step, and what it loses as it begins is not known yet
            slip = np.where(tonnes > 0, (way.usual * self.table.step_h + group.off_t) * len(group.members), 0.0)
            for s, per_t in way.ins:
                need[s] += per_t * (tonnes + slip)
        spare = np.where(total > 0, open_h - total, np.inf)
        tightest = int(np.argmin(spare))
        result.slack[group.index] = float(spare[tightest])
        result.tightest[group.index] = tightest
        result.spare_h[group.index] = float(open_h[-1] - total[-1])


@dataclass(frozen=True)
class Needs:
    """Production still required, by steps from now on."""

    need: np.ndarray
    """Shortage of each store by each step's end if only units that must run make it [t], shape (n_stores, n_left)."""
    tonnes: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    """Amount that a process must make in a mode by the end of each step [t], by process and mode."""
    slack: dict[int, float] = field(default_factory=dict)
    """Hours that the units of a process may lose in all before something is missed; infinite: nothing is needed."""
    tightest: dict[int, int] = field(default_factory=dict)
    """The step, counted from now, by whose end that is."""
    spare_h: dict[int, float] = field(default_factory=dict)
    """Hours that its units have besides until the end, in all."""
