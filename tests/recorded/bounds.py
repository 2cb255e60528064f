"""Recorded bounds of small lines: by branching, by prices of units, and on tardiness by cumulative starts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import cast_shops
from shops import cast, melt_shop, scenario
from small_works import Draw

from benchmarks.minutes import lateness_grid
from benchmarks.minutes.line_in_minutes import shop
from emberline import twin
from emberline.models.bounds import column_generation
from emberline.models.bounds.branch_and_bound import Bound
from emberline.scenarios import Scenario

TABLE = Path(__file__).resolve().parent / "bounds.csv"
SEEDS = range(4)


def two_furnaces() -> dict[str, Any]:
    """A melt shop with a second, slower furnace, so that how long a heat cools depends on its unit."""
    line = melt_shop()
    line["stages"][0]["units"].append({"name": "G", "power_mw": 30.0})
    line["grades"][0]["duration_min"]["G"] = 60
    return line


MORE: dict[str, dict[str, Any]] = {
    "three casts": {"orders": [cast("A", 2), cast("B", 1), cast("C", 1)]},
    "no heat loss": {"orders": [cast("A", 3), cast("B", 1, due="5 h")], "line": melt_shop(heat_loss=None)},
    "a limit that is nearly felt": {
        "orders": [cast("A", 1), cast("B", 1)],
        "site": {"grid": {"import_limit_mw": 46.0}},
    },
    "a limit on whole hours": {
        "orders": [cast("A", 1), cast("B", 1)],
        "site": {"grid": {"import_limit_mw": 43.0, "metered_interval_min": 60}},
    },
    "two furnaces": {"orders": [cast("A", 1), cast("B", 1)], "line": two_furnaces()},
    "energy that earns": {"orders": [cast("A", 2), cast("B", 1)], "less_kg": 350.0},
    "energy that earns, two furnaces": {"orders": [cast("A", 2)], "line": two_furnaces(), "less_kg": 350.0},
    "more than fits": {"orders": [cast("A", 5), cast("B", 4)]},
}
"""Next to those that can be tried whole."""


def carbon(case: str, seed: int) -> dict[str, float]:
    """Bounds on carbon, each of a search that knows no plan: by branching and by prices."""
    plain = dict({**cast_shops.CASES, **MORE}[case])
    less_kg = plain.pop("less_kg", 0.0)
    built = cast_shops.shop(seed, **plain)
    intensity = built.inputs["carbon_intensity_kg_per_mwh"]
    built = built.with_inputs(built.inputs.assign({intensity.name: intensity - less_kg}))
    figures: dict[str, float] = {}
    for name, kind in (("tree", Bound), ("prices", column_generation.of)):
        search = cast_shops.search(built)
        bound = kind(search)
        if bound is not None and not search.infeasible:
            bound.run()
        figures[name] = -1.0 if search.infeasible else -2.0 if search.bound is None else search.bound
    return figures


def late(seed: int) -> dict[str, float]:
    """Bounds on tardiness from grids of starts, fine and coarse."""
    table = shop(late_shop(seed), twin.envelope(late_shop(seed)))
    least = lateness_grid.settled(table) + sum(lateness_grid.least(table))
    figures = {"least": least}
    for binaries, spare, makespan in ((40, 15.0, 300.0), (40, 400.0, 300.0), (200, 15.0, 300.0), (200, 400.0, 60.0)):
        bound = lateness_grid.bound(table, least + spare, makespan, binaries=binaries, time_limit=60, nodes=200)
        figures[f"{binaries} starts, {spare:g} of {makespan:g} min"] = bound.tardiness_min
    return figures


def late_shop(seed: int) -> Scenario:
    """Two furnaces, a ladle furnace and one or two casters; casts with due times that cannot all be kept."""
    draw = Draw(seed)
    casters = ["C1", "C2"][: draw.pick(1, 2)]
    melt = [{"name": name, "power_mw": 9.0, "setup_min": draw.pick(0, 5)} for name in ("F1", "F2")]
    casting = [{"name": name, "power_mw": 1.0, "setup_min": 10} for name in casters]
    stages: list[dict[str, Any]] = [
        {"name": "melt", "units": melt, "transfer_min": draw.pick(0, 5)},
        {"name": "ladle", "units": [{"name": "L", "power_mw": 4.0}], "transfer_min": draw.pick(0, 10)},
        {"name": "cast", "units": casting, "campaign": True},
    ]
    half = draw.pick(0, 0, 0.5)
    grades = []
    for i in range(4):
        units = ["F1", "F2", *(["L"] if draw.chance(0.7) else []), *casters]
        minutes = {name: draw.pick(20, 33, 45) + half for name in units}
        grades.append({"name": f"G{i}", "mass_t": 80.0, "duration_min": minutes})
    orders = [
        {
            "name": f"O{i}", "heats": [{"grade": grade["name"], "count": draw.pick(1, 2)}],
            "due": f"{int(draw.even(60, 200, 0))} min", "release": f"{draw.pick(0, 0, 20)} min",
        }
        for i, grade in enumerate(grades)
    ]  # fmt: skip
    state: dict[str, Any] = {}
    if draw.chance(0.4):
        state["outages"] = [{"unit": "F1", "start": "30 min", "end": "70 min"}]
    return scenario({"stages": stages, "grades": grades}, orders, state=state, goal={"minimize": "lateness"})


def rows() -> Iterator[tuple[str, int, str, float]]:
    """Every bound: case, seed, name and value."""
    for case, seed in product([*cast_shops.CASES, *MORE], SEEDS):
        yield from ((case, seed, name, value) for name, value in carbon(case, seed).items())
    for seed in range(20):
        yield from (("late", seed, name, value) for name, value in late(seed).items())


def recorded() -> dict[tuple[str, int], dict[str, float]]:
    """By case and seed: the bounds of the table."""
    result: dict[tuple[str, int], dict[str, float]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            result.setdefault((row["case"], int(row["seed"])), {})[row["bound"]] = float(row["value"])
    return result


if __name__ == "__main__":
    with TABLE.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["case", "seed", "bound", "value"])
        writer.writerows((case, seed, name, f"{value:.10g}") for case, seed, name, value in rows())
