"""Recorded bounds of small lines: by branching, and by prices of units."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import cast_shops
from shops import cast, melt_shop

from emberline.models.bounds import column_generation
from emberline.models.bounds.branch_and_bound import Bound

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


def rows() -> Iterator[tuple[str, int, str, float]]:
    """Every bound: case, seed, name and value."""
    for case, seed in product([*cast_shops.CASES, *MORE], SEEDS):
        yield from ((case, seed, name, value) for name, value in carbon(case, seed).items())


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
