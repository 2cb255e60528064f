"""Shops of few casts whose schedules can all be tried, and a search of them that has not begun."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from shops import cast, melt_shop, scenario

from emberline import twin
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import Starts, from_schedule
from emberline.models.problem.constants import direct_kg
from emberline.models.problem.line import SlotProblem
from emberline.models.search.incumbent import Search
from emberline.scenarios import Case, load
from emberline.twin import envelope


def giving() -> dict[str, Any]:
    """A melt shop whose furnace and caster give off heat."""
    line = melt_shop()
    for stage, per_mwh in ((0, 0.3), (2, 2.0)):
        line["stages"][stage] = {**line["stages"][stage], "gives": [{"carrier": "off_gas", "per_mwh": per_mwh}]}
    return line


CASES: dict[str, dict[str, Any]] = {
    "one by one": {"orders": [cast("A", 1), cast("B", 1)]},
    "one due early": {"orders": [cast("A", 1), cast("B", 1, due="4 h")]},
    "one cast locked": {
        "orders": [cast("A", 1), cast("B", 1)],
        "locks": [{"heat": "B-1", "stage": "casting", "start": "4 h"}],
    },
    "a cast of two": {"orders": [cast("A", 2)]},
    "under a limit that both cannot draw at once": {
        "orders": [cast("A", 1), cast("B", 1)],
        "site": {"grid": {"import_limit_mw": 43.0}},
    },
    "heat of the furnace replaces gas": {
        "orders": [cast("A", 1), cast("B", 1)],
        "line": giving(),
        "site": {
            "carriers": [{"name": "off_gas", "waste": True}, {"name": "gas"}, {"name": "steam"}],
            "assets": [
                {"kind": "supply", "name": "gas", "carrier": "gas", "fossil_kg_per_unit": 200.0},
                {
                    "kind": "waste_heat_recovery",
                    "name": "boiler in the duct",
                    "source": "off_gas",
                    "heat": "steam",
                    "heat_mw": 6.0,
                    "efficiency": 0.5,
                },
                {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "steam", "heat_mw": 9.0, "efficiency": 0.9},
                {"kind": "load", "name": "users", "carrier": "steam", "rate": 5.0},
            ],
        },
    },
    "no loss": {"orders": [cast("A", 1), cast("B", 1)], "line": melt_shop(heat_loss=None)},
}


def shop(seed: int, *, orders: list[dict[str, Any]], line: dict[str, Any] | None = None, **remaining: Any) -> Case:
    """Eight hours on half-hours, the grid's carbon intensity drawn at random."""
    built = scenario(
        line or melt_shop(), orders, horizon={"length_h": 8.0, "step_min": 30.0},
        goal={"gap": 0.0, "effort": 30.0, "caps": {"extra_cost_share": None}}, **remaining,
    )  # fmt: skip
    result = np.random.Generator(np.random.Philox(key=seed)).uniform(100, 600, 16)
    name = "carbon_intensity_kg_per_mwh"
    return built.with_inputs(built.inputs.assign({name: built.inputs[name].copy(data=result)}))


def search(built: Case) -> Search:
    table = envelope(built)
    data = sites.read(built, table)
    aim = aims.read(built, data, {}, direct_kg(built, table))
    return Search(
        problem=line_reader.from_scenario(built, table), data=data, aim=aim, limit=30.0, gap=0.0,
        on_progress=lambda event: None, cancel=lambda: False, dispatching=Dispatcher,
    )  # fmt: skip


def schedules(problem: SlotProblem) -> Any:
    """Every choice of starts that keeps the waits within each heat; the rest is for ``offer`` to judge."""
    furnaces = problem.stage_units[0]
    ladle, caster = (units[0] for units in problem.stage_units[1:])
    n = problem.n_slots
    for places in itertools.product(range(n), repeat=len(problem.casts)):
        ways: list[list[tuple[int, int]]] = []
        for c, result in enumerate(problem.casts):
            for h in result.heats:
                heat = problem.heats[h]
                ways.append(
                    [
                        (first, second)
                        for second in range(places[c] + 1)
                        for first in range(second)
                        if heat.least[1][0, 0] <= places[c] - second <= heat.most[1][0, 0]
                        and heat.least[0][0, 0] <= second - first <= heat.most[0][0, 0]
                    ]
                )
        for value in itertools.product(*ways):
            for choice in itertools.product(furnaces, repeat=len(value)):
                yield Starts(
                    tuple((furnace, ladle) for furnace in choice),
                    tuple(value),
                    tuple(caster for _ in places),
                    tuple(places),
                )


ELIGIBLE = ["one by one", "one due early", "one cast locked", "a cast of two", "no loss"]
"""Cases of the bound's other test without a limit that is felt and without assets."""


def week() -> Search:
    """The bundled week with the baseline schedule."""
    built = load("melt-shop-week", ["goal.effort=600"])
    result = search(built)
    result.limit = 1e6  # rounds end it, not the clock
    first = from_schedule(result.problem, twin.dispatch(built, twin.envelope(built)))
    assert first is not None
    assert result.offer(first)
    return result
