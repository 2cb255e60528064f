"""What can be counted without a solver: hours of a line's units before a due time, hours of an order by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from emberline.models.explain.balances import lacking
from emberline.models.explain.feeding import unfed_lines
from emberline.scenarios import Case, Scenario
from emberline.scenarios.case.line import Stage
from emberline.scenarios.case.scenario import Heat
from emberline.scenarios.messages import Message, mark

LEAST_MIN = 0.5
"""What is missing less than this is rounding."""
SHORT = {
    (True, True): mark(
        "{stage} needs {more:.1f} h more of {units} before {end}: {count} heats take {needed:.1f} h, {setup:.1f} h of "
        "it set-up, there are {there:.1f} h"
    ),
    (True, False): mark(
        "{stage} needs {more:.1f} h more of {units} before {end}: {count} heats take {needed:.1f} h, there are "
        "{there:.1f} h"
    ),
    (False, True): mark(
        "{stage} needs {more:.1f} h more of {units} before {end}: heat {heat} takes {needed:.1f} h, {setup:.1f} h of "
        "it set-up, there are {there:.1f} h"
    ),
    (False, False): mark(
        "{stage} needs {more:.1f} h more of {units} before {end}: heat {heat} takes {needed:.1f} h, there are "
        "{there:.1f} h"
    ),
}
"""Hours that a stage lacks: for several heats or one, with set-ups or without."""
AS_PLANNED = mark(
    "with the durations that are planned with, which are longer than the nominal ones, {line} (a lower "
    "planning_quantile plans with shorter ones)"
)


def missing(scenario: Case, envelope: xr.Dataset) -> list[str]:
    """What is missing, one sentence each; empty where nothing can be counted so simply.

    Args:
        scenario: what is asked.
        envelope: planning durations and availability (table ``ENVELOPE``).
    """
    if scenario.processes:
        return list(lacking(scenario, envelope))
    return [*unfed_lines(scenario, envelope), *hours(scenario, envelope)] if scenario.orders else []


def hours(scenario: Scenario, envelope: xr.Dataset) -> list[str]:
    """The hours that are missing on a line, whatever its steps; the arguments are those of ``missing``."""
    if not scenario.orders:
        return []
    nominal, planned = (envelope[name].to_numpy() for name in ("duration_min", "planned_min"))
    count = _Count(scenario, envelope, nominal)
    lines: list[str] = [*count.alone(), *count.stages()]
    if lines or not (planned > nominal).any():
        return lines
    count = _Count(scenario, envelope, planned)
    return [Message(AS_PLANNED, line=line) for line in (*count.alone(), *count.stages())]


class _Count:
    def __init__(self, scenario: Scenario, envelope: xr.Dataset, minutes: np.ndarray) -> None:
        self.scenario, self.line = scenario, scenario.line
        self.units = [unit.name for unit in self.line.units]
        self.planned = minutes
        self.available = envelope["available"].to_numpy()
        self.under_way = np.isfinite(envelope["started_min"].to_numpy()).any(axis=1)
        self.heats = [(h, heat) for h, heat in enumerate(scenario.heats) if not self.under_way[h]]
        self.dues = sorted({heat.due_min for _, heat in self.heats})

    def minutes(self, h: int, stage: Stage) -> float:
        """Shortest planned time of a heat at a stage [min]."""
        durations = [self.planned[h, self.units.index(unit.name)] for unit in stage.units]
        return float(np.nanmin(durations)) if np.isfinite(durations).any() else 0.0

    def before(self, h: int, heat: Heat, stage: Stage) -> float:
        """Least time from the start of the route to the start of a stage [min]."""
        route = self.line.route(heat.grade)
        total = 0.0
        for here, there in pairwise(route):
            if here is stage:
                break
            total += self.minutes(h, here) + self.line.quickest_min(here.name, there.name)
        return total

    def after(self, h: int, heat: Heat, stage: Stage) -> float:
        """Least time from the end of a stage to the end of the route [min]."""
        route = self.line.route(heat.grade)
        whole = self.before(h, heat, route[-1]) + self.minutes(h, route[-1])
        return whole - self.before(h, heat, stage) - self.minutes(h, stage)

    def alone(self) -> Iterator[Message]:
        """Orders that would be late by themselves, on an empty line."""
        stage = self.line.campaign_stage
        if stage is None:
            return
        for order in self.scenario.orders:
            heats = [(h, heat) for h, heat in self.heats if heat.order == order.name]
            if not heats or len(heats) < sum(heat.order == order.name for heat in self.scenario.heats):
                continue
            if len({self.line.route(heat.grade)[0].name for _, heat in heats}) > 1:
                continue
            first = self.line.route(heats[0][1].grade)[0]
            if first is stage:
                continue
            furnaces = len(first.units)
            times = [self.minutes(h, first) for h, _ in heats]
            onward = min(self.before(h, heat, stage) - time for (h, heat), time in zip(heats, times, strict=True))
            offset, start = 0.0, -np.inf
            for k, (h, _) in enumerate(heats):
                # of the first heats that are cast, one leaves the first stage no earlier than this
                molten = max(sum(times[: k + 1]) / furnaces, math.ceil((k + 1) / furnaces) * min(times[: k + 1]))
                start = max(start, heats[0][1].release_min + molten + onward - offset)
                offset += self.minutes(h, stage)
            cast = start + offset
            due = min(heat.due_min for _, heat in heats)
            if cast > due + LEAST_MIN:
                yield (
                    Message(
                        "order {order} takes {hours:.1f} h from the start of its first heat by itself: it cannot end "
                        "before {end} and is due {due}",
                        order=order.name,
                        hours=cast / 60,
                        end=self.scenario.horizon.instant(cast),
                        due=self.scenario.horizon.instant(due),
                    )
                )

    def stages(self) -> Iterator[Message]:
        """Stages whose units have not the hours that the heats due by a time need."""
        for stage in self.line.stages:
            messages = [says for due in self.dues if (says := self._short(stage, due)) is not None]
            yield from messages[:1]

    def _short(self, stage: Stage, due: float) -> Message | None:
        operations = [
            (h, heat)
            for h, heat in self.heats
            if heat.due_min <= due and stage in self.line.route(heat.grade) and self.minutes(h, stage)
        ]
        if not operations:
            return None
        begin = min(heat.release_min + self.before(h, heat, stage) for h, heat in operations)
        end = due - min(self.after(h, heat, stage) for h, heat in operations)
        rows = [self.units.index(unit.name) for unit in stage.units]
        step = self.scenario.horizon.step_min
        edges = np.arange(self.available.shape[1] + 1) * step
        inside = np.clip(np.diff(np.clip(edges, begin, max(end, begin))), 0.0, None)
        there = float((self.available[rows] * inside).sum())
        parts = {heat.order for _, heat in operations} if stage.campaign else {heat.name for _, heat in operations}
        setups = 0.0
        work_min = sum(self.minutes(h, stage) for h, _ in operations)
        if work_min <= there + LEAST_MIN:
            # units may be set up while they are not available
            setups = max(len(parts) - len(rows), 0) * min(unit.setup_min for unit in stage.units)
            work_min, there = work_min + setups, float(inside.sum()) * len(rows)
        if work_min <= there + LEAST_MIN:
            return None
        heats: dict[str, Any] = {"count": len(operations)} if len(operations) > 1 else {"heat": operations[0][1].name}
        params = heats | {
            "stage": stage.name, "more": (work_min - there) / 60, "units": tuple(unit.name for unit in stage.units),
            "end": self.scenario.horizon.instant(end), "needed": work_min / 60,
            "setup": setups / 60, "there": there / 60,
        }  # fmt: skip
        return Message(SHORT[len(operations) > 1, setups > 0], **params)
