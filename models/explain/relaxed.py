"""Proofs that a scenario has no plan: a start that the grid cannot feed, a relaxation without a solution."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from emberline.models.bounds import exact_times
from emberline.models.formulations import whole_site
from emberline.models.formulations.site import balance as sites
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.objective import Aim
from emberline.models.problem import assignment, line_reader
from emberline.models.problem import plant as plants
from emberline.models.problem.constants import baseline_cost, direct_kg
from emberline.models.problem.line_reader import SlotProblem
from emberline.models.problem.site import SiteData
from emberline.models.search.incumbent import Search
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message
from emberline.scenarios.process.flows import emitted_kg

TOLERANCE_MWH = 1e-6
JUDGING_S = 5.0
"""For the site's flows under one list of heats."""


def impossible(scenario: Scenario, envelope: xr.Dataset, start: xr.Dataset | None, *, time_limit: float) -> bool:
    """Whether it is proven that no plan on slots keeps all limits; False where nothing is proven.

    Args:
        scenario: what is asked.
        envelope: durations, energies, availability and state (table ``ENVELOPE``).
        start: the baseline schedule, from whose cost a cap on extra cost counts; None: no such cap.
        time_limit: seconds.
    """
    data = sites.read(scenario, envelope)
    aim = read_aim(scenario, envelope, data, start)
    if not scenario.orders:
        plant = plants.read(scenario, envelope) if scenario.processes else None
        made = whole_site.build(data, aim, burning=set(), plant=plant)
        return made.program.run(time_limit=time_limit, relax=True).status == "infeasible"
    problem = line_reader.from_scenario(scenario, envelope)
    if any(True for _ in unfed(problem, data)):
        return True
    return exact_times.unsolvable(problem, data, aim, relax=False, time_limit=time_limit)


def impossible_at_all(scenario: Scenario, envelope: xr.Dataset, start: xr.Dataset | None, *, time_limit: float) -> bool:
    """Whether what is ``impossible`` is so wherever starts lie, between slots too; the arguments are the same."""
    if not scenario.orders:
        return True
    aim = read_aim(scenario, envelope, sites.read(scenario, envelope), start)
    return exact_times.impossible(scenario, envelope, aim, time_limit=time_limit)


def kept(scenario: Scenario, envelope: xr.Dataset, start: xr.Dataset) -> bool:
    """Whether the baseline schedule is a plan, judged as the search judges plans; False where that takes long to see.

    Args:
        scenario: what is asked.
        envelope: as for ``impossible``.
        start: the baseline schedule.
    """
    data = sites.read(scenario, envelope)
    if not scenario.orders or data.hub is not None:
        return False
    problem = line_reader.from_scenario(scenario, envelope)
    given = assignment.from_schedule(problem, start)
    if given is None:
        return False
    search = Search(
        problem=problem, data=data, aim=read_aim(scenario, envelope, data, start), time_limit=JUDGING_S, gap=1.0,
        on_progress=lambda event: None, cancel=lambda: False,
    )  # fmt: skip
    search.offer(given)
    return search.best is not None


def read_aim(scenario: Scenario, envelope: xr.Dataset, data: SiteData, start: xr.Dataset | None) -> Aim:
    """Goals and caps, as planning takes them."""
    paid = baseline_cost(scenario, data, start)
    if paid is not None and start is not None and scenario.processes:
        paid += scenario.market.carbon_price.on_direct / 1000 * float(emitted_kg(scenario, start).sum())
    return aims.read(scenario, data, paid, direct_kg(scenario, envelope) if scenario.heats else 0.0)


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
    found, seen = [], set()
    for h, heat in enumerate(problem.heats):
        for i, operation in enumerate(heat.operations):
            if operation.started_min is not None or (heat.kind, operation.stage) in seen:
                continue
            seen.add((heat.kind, operation.stage))
            rest = sum(min(later.minutes.values(), default=0.0) for later in heat.operations[i:])
            latest = min(operation.last, math.floor(problem.n_slots - rest / problem.step_min + 1e-9))
            worst: tuple[float, float, float] | None = None
            for cells in operation.cells.values():
                for t in range(max(operation.first, 0), latest + 1):
                    short = _short(cells, t * per, room, together)
                    worst = short if worst is None or short < worst else worst
            if worst is not None and worst[0] > TOLERANCE_MWH:
                hours = data.meter_min / 60
                found.append((h, operation.stage, worst[1] / hours, worst[2] / hours))
    return found


def _short(cells: np.ndarray, first: int, room: np.ndarray, together: int) -> tuple[float, float, float]:
    """What is missing most in a metered interval of an operation, with what it takes and what there is [MWh]."""
    last = min(first + len(cells), len(room) * together)
    begin = first // together
    load = np.zeros((-(-last // together) - begin) * together)
    load[first - begin * together : last - begin * together] = cells[: last - first]
    taken = load.reshape(-1, together).sum(axis=1)
    there = room[begin : begin + len(taken)]
    i = int(np.argmax(taken - there))
    return float(taken[i] - there[i]), float(taken[i]), float(there[i])


def unfed_lines(scenario: Scenario, envelope: xr.Dataset) -> list[Message]:
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
            drawn=drawn,
            there=there,
        )
        for h, stage, drawn, there in unfed(problem, sites.read(scenario, envelope))
    ]
