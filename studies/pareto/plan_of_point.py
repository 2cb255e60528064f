"""The plan of a point of a stored front: its schedule followed by the twin again, as for any plan."""

from __future__ import annotations

import dataclasses
import uuid

from emberline.planning.engine.progress import Progress
from emberline.planning.plan.record import Plan
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.studies.pareto.front import Front
from emberline.studies.pareto.point import point_plan
from emberline.studies.pareto.setting import prepare


def run_of(front: str, point: int) -> str:
    """Id of the run that a point's plan is stored as: the same whoever opens it, and however often."""
    return uuid.uuid5(uuid.UUID(front), str(point)).hex


def front_plan(front: Front, point: int, *, on_progress: Progress | None = None) -> Plan:
    """Make the plan of a point, with replays without and with disturbance.

    Args:
        front: with the schedules of its points.
        point: number of the point.
        on_progress: called with ``phase``, and after each disturbed replay ``done`` and ``of``.

    Raises:
        ScenarioError: the front has no such point.
    """
    if point not in front.schedules:
        says = f"the front has no point {point}; points are {', '.join(map(str, front.schedules))}"
        raise ScenarioError([Problem(front.scenario.name, "", says)])
    row = front.data.sel(point=point)
    cap, cost_bound = (_number(row[name].item()) for name in (front.axis.cap, "cost_bound"))
    ground = prepare(front.scenario, front.metric)
    plan = point_plan(ground, front.schedules[point], cap, cost_bound, str(row["status"].item()), on_progress)
    seconds = plan.seconds | {"optimize": float(row["seconds"].item())}
    return dataclasses.replace(plan, seconds=seconds)


def _number(value: float) -> float | None:
    return None if value != value else float(value)
