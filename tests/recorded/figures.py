"""Recorded figures: what the twin makes of small random plants, one number for each variable, kept in a table.

``make figures`` writes the tables again, so that their difference shows which plant's figures a change has changed. A
figure that changes without anybody having meant it is a fault.
"""

from __future__ import annotations

import csv
import math
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import busy_shops
import busy_starts
import busy_states
import busy_works
import numpy as np
import xarray as xr

from emberline import twin
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.twin.run import replay  # where no judge looks on: an altered list asks for what no plan may

FOLDER = Path(__file__).resolve().parent
Figures = dict[str, float]
Runs = Iterator[tuple[str, xr.Dataset]]


def figure(values: np.ndarray) -> float:
    """One number that another value anywhere changes; of words their checksum."""
    flat = np.asarray(values).ravel()
    if flat.dtype.kind in "USO":
        return float(zlib.crc32("\n".join(map(str, flat.tolist())).encode()) % 10**6) if flat.size else 0.0
    if flat.dtype.kind == "M":
        flat = flat.astype("datetime64[s]").astype(float)
    numbers = np.nan_to_num(flat.astype(float), nan=-7.0, posinf=1e6, neginf=-1e6)
    # weights of which no two are alike
    weights = 0.5 + (0.5 + np.arange(len(numbers)) * (math.sqrt(5) - 1) / 2) % 1.0
    return float(numbers @ weights)


def figures(data: xr.Dataset) -> Figures:
    """A number for each variable, nothing left out; for all attributes two: of numbers and of words."""
    by_name = {str(name): figure(values.values) for name, values in data.data_vars.items()}
    words = [value for _, value in sorted(data.attrs.items()) if isinstance(value, str)]
    numbers = [float(value) for _, value in sorted(data.attrs.items()) if not isinstance(value, str)]
    by_name |= {"words": figure(np.array(words, dtype=np.str_)), "numbers": figure(np.array(numbers))}
    return {name: value for name, value in by_name.items() if value}


def works(seed: int) -> Runs:
    """Processes: what the twin tells of them, its list, and runs of it and of an altered one."""
    raw = busy_works.busy_works(seed)
    scenario = busy_states.built(raw)
    yield "envelope", twin.envelope(scenario)
    listed = twin.dispatch(scenario)
    yield "list", listed
    yield "baseline", twin.simulate(scenario)
    yield "baseline disturbed", twin.simulate(scenario, replication=1, disturbed=True)
    altered = busy_works.altered(listed, raw, seed)
    yield "altered", replay(scenario, altered)
    yield "altered disturbed", replay(scenario, altered, replication=2, disturbed=True)


def shops(seed: int) -> Runs:
    """A line: the same, with the lists of who keeps margins and of who takes another's order."""
    raw = busy_shops.busy_shop(seed)
    scenario = busy_states.built(raw)
    yield "envelope", twin.envelope(scenario)
    # what finds no place in four sequences is left over
    listed = twin.dispatch(scenario, over=chain([False, False, False], repeat(True)).__next__)
    yield "list", listed
    yield "baseline", twin.replay(scenario, listed)
    if listed.attrs["complete"]:
        yield "baseline disturbed", twin.simulate(scenario, replication=1, disturbed=True)
    else:
        yield "baseline disturbed", replay(scenario, listed, replication=1, disturbed=True)
    altered = busy_shops.altered(listed, raw, seed)
    yield "careful list", twin.dispatch(scenario, keeping=True, over=lambda: True)
    yield "list like", twin.dispatch(scenario, like=altered, over=lambda: True)
    yield "altered", replay(scenario, altered)
    yield "altered disturbed", replay(scenario, altered, replication=2, disturbed=True)


PLANTS: dict[str, tuple[Callable[[int], Runs], Callable[[int], dict[str, Any]], int]] = {
    "works": (works, busy_works.busy_works, 60),
    "shops": (shops, busy_shops.busy_shop, 125),
    "starts": (busy_starts.starts, busy_shops.busy_shop, 60),
    "states": (busy_states.states, busy_states.busy_state, 30),
}
"""By table: the runs of a seed, its plant, and how many seeds are tried; those that have a mistake are left out."""


def recorded(table: str) -> dict[int, dict[str, Figures]]:
    """By seed and run: the figures of a table."""
    rows: dict[int, dict[str, Figures]] = {}
    with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            seed, run = int(row.pop("seed")), row.pop("run")
            rows.setdefault(seed, {})[run] = {name: float(text) for name, text in row.items() if text}
    return rows


def write(table: str) -> None:
    """Write a table again."""
    runs, plant, seeds = PLANTS[table]
    rows: list[tuple[int, str, Figures]] = []
    for seed in range(seeds):
        scenario = busy_states.built(plant(seed))
        if not list(between_nouns(scenario)):
            rows += [(seed, name, figures(data)) for name, data in runs(seed)]
    names = list(dict.fromkeys(name for _, _, row in rows for name in row))
    with (FOLDER / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["seed", "run", *names])
        for seed, run, row in rows:
            writer.writerow([seed, run, *(f"{row[name]:.10g}" if name in row else "" for name in names)])


if __name__ == "__main__":
    for name in sys.argv[1:] or PLANTS:
        write(name)
