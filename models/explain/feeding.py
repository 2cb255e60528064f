"""Operations that the grid cannot feed wherever they start."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.line_reader import SlotProblem
from emberline.models.problem.site import SiteData
from emberline.scenarios import Case
from emberline.scenarios.messages import Message

TOLERANCE_MWH = 1e-6


def unfed(problem: SlotProblem, data: SiteData) -> list[tuple[int, int, float, float]]:
    """Operations that the grid cannot feed wherever they start: heat, stage, least peak and what there is then [MW].

    Both are means over the metered interval in which they are furthest apart, at the start at which least is missing.
    Sites with assets are left out: what those could give is not known beforehand.
    """
    if data.hub is not None or not np.isfinite(data.limit_mwh()):
        return []
    battery = 0.0 if data.battery is None else data.battery.most_out * data.hours
    per = problem.cells_per_slot
    supply = np.repeat((data.pv + battery - data.base) / per, per)
    together = round(data.meter_min / data.cell_min)
    room = supply.reshape(-1, together).sum(axis=1) + data.limit_mwh()
    shortages, kinds = [], set()
    for h, heat in enumerate(problem.heats):
        for i, operation in enumerate(heat.operations):
            if operation.started_min is not None or (heat.kind, operation.stage) in kinds:
                continue
            kinds.add((heat.kind, operation.stage))
            rest = sum(min(later.minutes.values(), default=0.0) for later in heat.operations[i:])
            latest = min(operation.last, math.floor(problem.n_slots - rest / problem.step_min + 1e-9))
            worst: tuple[float, float, float] | None = None
            for cells in operation.cells.values():
                for t in range(max(operation.first, 0), latest + 1):
                    short = _short(cells, t * per, room, together)
                    worst = short if worst is None or short < worst else worst
            if worst is not None and worst[0] > TOLERANCE_MWH:
                hours = data.meter_min / 60
                shortages.append((h, operation.stage, worst[1] / hours, worst[2] / hours))
    return shortages


def unfed_lines(scenario: Case, envelope: xr.Dataset) -> list[Message]:
    """What the grid cannot feed, in words."""
    if not scenario.orders:
        return []
    problem = line_reader.from_scenario(scenario, envelope)
    return [
        Message(
            "a heat such as {heat} at {stage} draws {drawn:.1f} MW in a metered interval, and at best {there:.1f} MW "
            "are left for it",
            heat=problem.heats[h].name,
            stage=scenario.line.stages[stage].name,
            drawn=peak_mw,
            there=there,
        )
        for h, stage, peak_mw, there in unfed(problem, sites.read(scenario, envelope))
    ]


def _short(cells: np.ndarray, first: int, room: np.ndarray, together: int) -> tuple[float, float, float]:
    """What is missing most in a metered interval of an operation, with what it takes and what there is [MWh]."""
    last = min(first + len(cells), len(room) * together)
    begin = first // together
    load = np.zeros((-(-last // together) - begin) * together)
    load[first - begin * together : last - begin * together] = cells[: last - first]
    draw_mwh = load.reshape(-1, together).sum(axis=1)
    there = room[begin : begin + len(draw_mwh)]
    i = int(np.argmax(draw_mwh - there))
    return float(draw_mwh[i] - there[i]), float(draw_mwh[i]), float(there[i])
