"""A hub in HiGHS by hand: numpy arrays straight into the solver, the least that any tool can take.

Its columns and rows are those of the tools: a flow for each thing and hour, a balance for each bus and hour, a level
for each store and hour. Nothing is left out that presolve would take out anyway. What is switched has a
binary and a start.
"""

from __future__ import annotations

import time

BEGAN = time.process_time()

import highspy  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.peers.hub import Chp, HubCase, Store  # noqa: E402
from benchmarks.peers.protocol import HAND_OVER, Phase, Unable, answer, untimed  # noqa: E402

Values = float | list[float] | np.ndarray


class Program:
    """Columns and rows in blocks of one for each hour, and the entries between them."""

    def __init__(self, hours: int) -> None:
        self.hours, self.rows = hours, 0
        self._costs: list[np.ndarray] = []
        self._lower: list[np.ndarray] = []
        self._upper: list[np.ndarray] = []
        self._whole: list[bool] = []
        self._least: list[np.ndarray] = []
        self._most: list[np.ndarray] = []
        self._entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def columns(self, upper: Values, cost: Values = 0.0, whole: bool = False) -> np.ndarray:
        """New columns from 0 to ``upper``, one for each hour; their places."""
        self._whole.append(whole)
        first = len(self._costs) * self.hours
        self._costs.append(np.broadcast_to(np.asarray(cost, dtype=float), self.hours))
        self._lower.append(np.zeros(self.hours))
        self._upper.append(np.broadcast_to(np.asarray(upper, dtype=float), self.hours))
        return np.arange(first, first + self.hours, dtype=np.int32)

    def balance(self, right: Values) -> np.ndarray:
        """New rows that must equal ``right``, one for each hour; their places."""
        return self.between(right, right)

    def between(self, least: Values, most: Values) -> np.ndarray:
        """New rows within limits, one for each hour; their places."""
        for sides, side in ((self._least, least), (self._most, most)):
            sides.append(np.broadcast_to(np.asarray(side, dtype=float), self.hours))
        self.rows += self.hours
        return np.arange(self.rows - self.hours, self.rows, dtype=np.int32)

    def enter(self, rows: np.ndarray, columns: np.ndarray, values: Values) -> None:
        """Entries of the matrix, shape of the places."""
        self._entries.append((rows, columns, np.broadcast_to(np.asarray(values, dtype=float), rows.shape)))

    def at_least(self, column: int, value: float) -> None:
        """A lower bound of one column."""
        self._lower[column // self.hours][column % self.hours] = value

    def lp(self) -> highspy.HighsLp:
        """As HiGHS takes it: by columns."""
        rows, columns, values = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        order = np.argsort(columns, kind="stable")
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(self._costs) * self.hours, self.rows
        program.col_cost_ = np.concatenate(self._costs)
        program.col_lower_, program.col_upper_ = np.concatenate(self._lower), np.concatenate(self._upper)
        program.row_lower_, program.row_upper_ = np.concatenate(self._least), np.concatenate(self._most)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=program.num_col_))])
        program.a_matrix_.index_, program.a_matrix_.value_ = rows[order], values[order]
        if any(self._whole):
            kinds = {True: highspy.HighsVarType.kInteger, False: highspy.HighsVarType.kContinuous}
            program.integrality_ = [kinds[whole] for whole in self._whole for _ in range(self.hours)]
        return program


def solve(case: HubCase, phase: Phase = untimed) -> tuple[float, str]:
    """Objective [EUR]."""
    if case.generators or case.engines:
        raise Unable("written for the linear hub only")
    program = _program(case)
    phase(HAND_OVER)
    solver = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "mip_rel_gap": case.gap}.items():
        solver.setOptionValue(name, value)
    solver.passModel(program.lp())
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"{case.name}: {solver.modelStatusToString(solver.getModelStatus())}")
    np.asarray(solver.getSolution().col_value)  # the plan is part of the answer
    return float(solver.getInfo().objective_function_value), ""


def _program(case: HubCase) -> Program:
    p = Program(case.hours)
    bus = {
        name: p.balance(np.sum([load.mw for load in case.loads if load.bus == name] or [[0.0]], axis=0))
        for name in case.buses
    }
    power, grid = bus["electricity"], case.grid
    p.enter(power, p.columns(grid.import_limit_mw, grid.price), 1.0)
    p.enter(power, p.columns(grid.export_limit_mw, -np.array(grid.export_price)), -1.0)
    for fuel in case.fuels:
        p.enter(bus[fuel.name], p.columns(np.inf, case.fuel_cost(fuel.name)), 1.0)
    for sun in case.solar:
        p.enter(power, p.columns(sun.peak_mw * np.array(sun.factor)), 1.0)
    for chp in case.chps:
        result = p.columns(chp.electric_mw)
        p.enter(power, result, 1.0)
        p.enter(bus["heat"], result, chp.heat_efficiency / chp.electric_efficiency)
        p.enter(bus[chp.fuel], result, -1 / chp.electric_efficiency)
        if chp.min_load:
            _switch(p, chp, result)
    for boiler in case.boilers:
        result = p.columns(boiler.heat_mw)
        p.enter(bus["heat"], result, 1.0)
        p.enter(bus[boiler.fuel], result, -1 / boiler.efficiency)
    for pump in case.heat_pumps:
        value = p.columns(pump.electric_mw)
        p.enter(power, value, -1.0)
        p.enter(bus["heat"], value, pump.cop)
    for store in case.stores:
        _store(p, store, bus[store.bus])
    return p


def _switch(p: Program, chp: Chp, result: np.ndarray) -> None:
    """Between least load and capacity while on, zero while off; on(t) − on(t−1) ≤ start(t), off before the first."""
    on, start = p.columns(1.0, whole=True), p.columns(1.0, chp.start_cost)
    for least, most, share in ((-np.inf, 0.0, 1.0), (0.0, np.inf, chp.min_load)):
        rows = p.between(least, most)
        p.enter(rows, result, 1.0)
        p.enter(rows, on, -share * chp.electric_mw)
    rows = p.between(-np.inf, 0.0)
    p.enter(rows, on, 1.0)
    p.enter(rows[1:], on[:-1], -1.0)
    p.enter(rows, start, -1.0)


def _store(p: Program, store: Store, bus: np.ndarray) -> None:
    """level(t) − level(t−1)·(1 − loss) − in(t)·η_in + out(t)/η_out = 0, the start's level on the right side."""
    result, inputs, level = p.columns(store.power_mw), p.columns(store.power_mw), p.columns(store.capacity_mwh)
    p.at_least(int(level[-1]), store.start_mwh)
    p.enter(bus, result, -1.0)
    p.enter(bus, inputs, 1.0)
    right = np.zeros(p.hours)
    right[0] = store.start_mwh * (1 - store.loss_per_h)
    rows = p.balance(right)
    p.enter(rows, level, 1.0)
    p.enter(rows[1:], level[:-1], store.loss_per_h - 1)
    p.enter(rows, result, -store.in_efficiency * store.counted)
    p.enter(rows, inputs, store.counted / store.out_efficiency)


if __name__ == "__main__":
    answer(solve, ("numpy",), time.process_time() - BEGAN)
