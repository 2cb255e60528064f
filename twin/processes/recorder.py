"""From what happened in the works to variables of a dataset: rates, power, streams, levels, deliveries."""

from __future__ import annotations

from typing import Any

import numpy as np

from emberline.scenarios.flows.process_flows import ProcessStream, coordinates, per_t, streams
from emberline.twin.power import Trace
from emberline.twin.processes.following import Mix
from emberline.twin.processes.network import WorksTable
from emberline.twin.processes.unit import Standing
from emberline.twin.processes.works import WorksHistory
from emberline.twin.site.grids import SiteGrid


class Records:
    """The flows of a course, by unit, stream, store and delivery."""

    def __init__(self, table: WorksTable, trajectory: WorksHistory, grid: SiteGrid, mix: Mix) -> None:
        self.table, self.trajectory, self.grid, self.mix = table, trajectory, grid, mix
        self.output_t = [np.array(rows) for rows in trajectory.output_t]
        """Output of each unit in each mode and step [t], shape (n_modes, n_steps) each."""
        self.off = [np.array(rows) for rows in trajectory.off]
        self.heat = [np.array(rows) for rows in trajectory.heat_mwh]
        self.unit_mw = np.array([Trace.of(pieces).mean(grid.edges) for pieces in trajectory.power])
        """Electricity of each unit, mean over each cell [MW], shape (n_machines, n_cells)."""
        self.streams = streams(table.scenario)
        place = {machine.name: u for u, machine in enumerate(table.machines)}
        self.rates = np.array([self._rate(stream, place[stream.unit]) for stream in self.streams]).reshape(
            len(self.streams), table.n_steps
        )
        """Rate of each stream per hour, positive where the unit delivers, shape (n_streams, n_steps)."""

    def _rate(self, stream: ProcessStream, u: int) -> np.ndarray:
        total = np.zeros(self.table.n_steps)
        for m, way in enumerate(self.table.machines[u].ways):
            amount = per_t(way.mode, stream.direction, stream.place)
            if stream.direction == "out":
                total += amount * (self.output_t[u][m] - self.off[u][m])
                continue
            if amount:
                total += amount * self.output_t[u][m]
            for fuel in way.mode.heat.fuels if way.mode.heat else ():
                if fuel.carrier == stream.place:
                    share = self.mix.get((u, fuel.carrier))
                    usual = fuel.share if share is None else np.where(np.isnan(share), fuel.share, share)
                    assert way.mode.heat is not None
                    total += way.mode.heat.mwh_per_t * self.output_t[u][m] * usual + fuel.share * self.heat[u][m]
        return stream.sign * total / self.table.step_h

    @property
    def line_mw(self) -> np.ndarray:
        """Electricity of all units, mean over each cell [MW], shape (n_cells,)."""
        return np.asarray(self.unit_mw.sum(axis=0))

    def gives(self) -> dict[str, np.ndarray]:
        """Net output of all units of each carrier that any of them touches, per hour; negative: they take it."""
        rates: dict[str, np.ndarray] = {}
        for stream, rate in zip(self.streams, self.rates, strict=True):
            if not stream.material:
                rates[stream.place] = rates.get(stream.place, np.zeros(len(rate))) + rate
        return rates

    def variables(self) -> dict[str, Any]:
        """Variables of processes, stores and deliveries of table ``FLOWS``."""
        table, trajectory, step_h = self.table, self.trajectory, self.table.step_h
        stepped = np.array([self.grid.stepped(cells) for cells in self.unit_mw])
        columns: dict[str, Any] = {
            "process_mode": (("process", "time"), self._modes()),
            "process_tph": (("process", "time"), np.array([tonnes.sum(axis=0) for tonnes in self.output_t]) / step_h),
            "off_spec_tph": (("process", "time"), np.array([off.sum(axis=0) for off in self.off]) / step_h),
            "process_mw": (("process", "time"), stepped),
            "stream_rate": (("stream", "time"), self.rates),
        }
        for name, dim, rows in (
            ("stock_t", "stock", trajectory.levels),
            ("stock_in_t", "stock", trajectory.into),
            ("stock_out_t", "stock", trajectory.out),
            ("stock_lost_t", "stock", trajectory.lost),
            ("delivered_t", "delivery", trajectory.loaded),
            ("arrived_t", "arrival", trajectory.arrived),
        ):
            columns[name] = ((dim, "time"), np.array(rows, dtype=float).reshape(len(rows), table.n_steps))
        return columns

    def standings(self) -> dict[str, Any]:
        """States of units at the end of each step, variables of table ``RUN``."""
        table, rows = self.table, self.trajectory.standings
        columns: dict[str, Any] = {}
        for i, name in enumerate(Standing._fields):
            values = np.array([[one[i] for one in row] for row in rows]).T
            if name in ("mode", "leaves"):
                names = [["", *(way.name for way in machine.ways)] for machine in table.machines]
                values = np.array([np.array(of)[row + 1] for of, row in zip(names, values, strict=True)])
            columns[f"unit_{name}"] = (("process", "time"), values)
        return columns

    def coordinates(self) -> dict[str, Any]:
        """Coordinates of these variables."""
        table = self.table
        return {
            "process": np.array([machine.name for machine in table.machines], dtype=np.str_),
            "stock": np.array(table.stores, dtype=np.str_),
            "delivery": np.array([load.name for load in table.loads], dtype=np.str_),
            "arrival": np.array([name for name, _, _ in table.arrivals], dtype=np.str_),
            **coordinates(self.streams),
        }

    def _modes(self) -> np.ndarray:
        """Mode as each step begins; where it makes something in the step, that mode."""
        table = self.table
        modes = np.array(self.trajectory.modes).T
        longest = max(len(way.name) for machine in table.machines for way in machine.ways)
        names = np.full(modes.shape, "", dtype=f"U{longest}")
        for u, machine in enumerate(table.machines):
            for m, way in enumerate(machine.ways):
                names[u, modes[u] == m] = way.name
            for m, way in enumerate(machine.ways):
                names[u, self.output_t[u][m] > 0] = way.name
        return names

    @property
    def delivered_t(self) -> float:
        """Amount that left by all deliveries [t]."""
        return float(sum(sum(row) for row in self.trajectory.loaded))
