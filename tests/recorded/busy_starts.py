"""Starts of busy shops, feasible or not, and what is said and counted of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from busy_shops import busy_shop
from small_works import Draw

from emberline import twin
from emberline.models.problem import assignment, line_reader
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line import SlotProblem
from emberline.scenarios import Scenario, resolve


def starts(seed: int) -> Iterator[tuple[str, xr.Dataset]]:
    """A list as models read it and others near to it: mistakes, order, energies."""
    scenario = resolve(Scenario.model_validate(busy_shop(seed), context={"currency": "EUR"}))
    problem = line_reader.from_scenario(scenario, twin.envelope(scenario))
    listed = twin.dispatch(scenario, over=lambda: True)
    read = assignment.from_schedule(problem, listed)
    draw = Draw(2000 + seed)
    for number, share in enumerate((0.0, 0.05, 0.1, 0.2, 0.4)):
        plan = _altered(problem, read or _soonest(problem), draw, share)
        wrong, ordered = assignment.mistakes(problem, plan), assignment.in_order(problem, plan)
        columns: dict[str, Any] = {
            "read": [read is not None],
            "mistakes": np.array(wrong, dtype=np.str_),
            "ordered": [place for row in (*ordered.unit, *ordered.slot) for place in row],
        }
        if not any("cannot take it" in text for text in wrong):
            extra = assignment.extra_mwh(problem, plan)
            columns |= {"extra_mwh": list(extra.items()), "line": assignment.line_cells(problem, plan, extra)}
            columns |= {"load": assignment.load_cells(problem, plan), **assignment.line_gives(problem, plan)}
            columns |= {name: values for name, (_, values) in assignment.idle_column(problem, plan).items()}
        yield str(number), xr.Dataset({name: _column(name, np.asarray(values)) for name, values in columns.items()})


def _column(name: str, values: np.ndarray) -> tuple[str, np.ndarray]:
    return f"{name}_row", values.ravel()


def _soonest(problem: SlotProblem) -> Starts:
    """Everything as soon as it may begin by itself, on its first unit."""
    return Starts(
        tuple(tuple(operation.units[0] for operation in heat.operations) for heat in problem.heats),
        tuple(tuple(operation.first for operation in heat.operations) for heat in problem.heats),
        tuple(cast.units[0] for cast in problem.casts),
        tuple(cast.first[cast.units[0]] for cast in problem.casts),
    )


def _altered(problem: SlotProblem, plan: Starts, draw: Draw, share: float) -> Starts:
    """Some operations and casts moved, in slots or to other units."""
    units, slots = [list(row) for row in plan.unit], [list(row) for row in plan.slot]
    for h, heat in enumerate(problem.heats):
        for i, operation in enumerate(heat.operations):
            if operation.started_min is None and draw.chance(share):
                slots[h][i] = max(slots[h][i] + draw.pick(-2, -1, 1, 2, 5, -99), 0)
            if operation.started_min is None and draw.chance(share):
                # seldom one that cannot take it
                units[h][i] = (
                    draw.pick(*operation.units) if draw.chance(0.95) else draw.pick(*range(len(problem.units)))
                )
    cast_units, cast_slots = list(plan.cast_unit), list(plan.cast_slot)
    for c, cast in enumerate(problem.casts):
        if cast.started_min is None and draw.chance(share):
            cast_slots[c] = max(cast_slots[c] + draw.pick(-2, -1, 1, 2, 5, -99), 0)
        if cast.started_min is None and draw.chance(share):
            cast_units[c] = draw.pick(*cast.units)
    return Starts(tuple(map(tuple, units)), tuple(map(tuple, slots)), tuple(cast_units), tuple(cast_slots))
