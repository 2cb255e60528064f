"""How twin, building, solving and memory grow with heats, steps and units; each point a process of its own.

An exponent is the slope of a straight line through the logarithms, by least squares: 1 is in proportion, 2 fourfold
for twice the size. Heats: the reference shop's casts, 24 heats a day. Steps: quarter-hours of the bundled hub, up to a
year of them. Units: a week of the neutral hub with each machine and store several times.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.instruments import points
from benchmarks.registry import bench
from benchmarks.reporting.findings import NEVER, Bar, Findings, Plot, Row, Table, measured, number

HEATS = (12, 24, 48, 96, 168, 336, 700)
STEPS = (96, 192, 672, 2016, 8760, 35040)
COPIES = (1, 2, 4, 8, 16)
PLAN_S = 30.0
"""Time limit of a search for heats: growth is fitted to what does not depend on it."""
PROVEN_S = 300.0
"""Time limit of a linear program."""
SLACK_S = 240.0
"""What a process may take in addition to its search."""
YEAR_MIB = Bar(4096.0)

Measures = dict[str, Callable[[dict[str, Any]], float | None]]
TWIN: Measures = {
    "twin, one run (CPU)": lambda answer: answer["twin_s"],
    "twin, envelope and baseline schedule (CPU)": lambda answer: answer["prepare_s"],
}
LINE: Measures = TWIN | {
    "building models": lambda answer: answer["seconds"].get("build"),
    "first plan better than the baseline's": lambda answer: answer["better_s"],
}
SITE: Measures = TWIN | {
    "building the model": lambda answer: answer["seconds"]["build"],
    "solving": lambda answer: answer["seconds"]["first goal"] + answer["seconds"].get("second goal", 0.0),
}
MEMORY: Measures = {"peak memory": lambda answer: answer["peak_mib"]}


def exponent(sizes: list[float], values: list[float]) -> float | None:
    """Slope of the logarithms; None for fewer than three points.

    Args:
        sizes: shape (n,), above 0.
        values: shape (n,); what was not reached, or is zero, is left out.
    """
    rows = [(math.log(n), math.log(value)) for n, value in zip(sizes, values, strict=True) if 0 < value < NEVER]
    if len(rows) < 3:
        return None
    x, y = np.array(rows).T
    return float(np.polyfit(x, y, 1)[0])


def grown(
    of: str, sizes: tuple[int, ...], measures: Measures, measure: Callable[[int], dict[str, Any] | None]
) -> tuple[Table, list[Plot], dict[int, dict[str, Any] | None]]:
    """A table of the largest and the smallest size with the exponents, a plot of seconds and one of memory.

    Args:
        of: what grows.
        sizes: how many of it.
        measures: what is read from a point's answer in seconds.
        measure: measures a point; None where it did not end in time.
    """
    table: dict[int, dict[str, Any] | None] = {}
    for size in sizes:
        answer = table[size] = measure(size)
        print(f"  {size} {of}: {'not within the limit' if answer is None else answer['status']}", flush=True)
    rows: list[Row] = []
    curves: dict[str, dict[str, list[tuple[float, float]]]] = {"s": {}, "MiB": {}}
    for unit, some in (("s", measures), ("MiB", MEMORY)):
        for what, read in some.items():
            values = [_value(read, table[size]) for size in sizes]
            slope = exponent([float(size) for size in sizes], values)
            grows = "" if slope is None else f"~ {of}^{slope:.2f}"
            curves[unit][f"{what}  {grows}".strip()] = list(zip(map(float, sizes), values, strict=True))
            rows.append(_row(what, unit, of, sizes, values, grows))
    plots = [
        Plot(f"growth-{of}", f"Seconds by number of {of}", of, "seconds", curves["s"], logarithmic=True),
        Plot(f"growth-{of}-memory", f"Memory by number of {of}", of, "MiB", curves["MiB"], logarithmic=True),
    ]
    return Table(f"Growth with {of}", rows), plots, table


def _row(what: str, unit: str, of: str, sizes: tuple[int, ...], values: list[float], grows: str) -> Row:
    """The largest size that was reached, and the smallest."""
    reached = [(size, value) for size, value in zip(sizes, values, strict=True) if value < NEVER]
    if not reached:
        return measured(f"{what}, {sizes[0]:,} {of}", [NEVER], unit)
    (small, least), (large, most) = reached[0], reached[-1]
    beyond = f"; not reached: {', '.join(f'{size:,}' for size in sizes if size > large)}" if large < sizes[-1] else ""
    text = f"{number(least)} at {small:,}; {grows or 'no exponent'}{beyond}"
    return measured(f"{what}, {large:,} {of}", [most], unit, says=text)


def _value(read: Callable[[dict[str, Any]], float | None], text: dict[str, Any] | None) -> float:
    value = None if text is None or not text["found"] else read(text)
    return NEVER if value is None else value


@bench("growth", "twin, building, solving and memory by heats, steps and units, with the fitted exponent")
def main() -> Findings:
    """Measure all points."""
    heats, plots, planned = grown(
        "heats", HEATS, LINE, lambda n: points.ask("heats", PLAN_S + SLACK_S, heats=n, time_limit_s=PLAN_S)
    )
    gaps = [
        measured(f"{n:,} heats: gap after {PLAN_S:g} s", [_gap(item)], "%", says="" if item is None else item["status"])
        for n, item in planned.items()
    ]
    steps, more, years = grown(
        "steps", STEPS, SITE, lambda n: points.ask("steps", PROVEN_S + SLACK_S, steps=n, time_limit_s=PROVEN_S)
    )
    plots += more
    year = years[STEPS[-1]]
    peak = NEVER if year is None or not year["found"] else year["peak_mib"]
    judged = measured(
        "a year of quarter-hours builds and solves", [peak], "MiB", bars=[YEAR_MIB],
        says="no answer" if year is None else year["status"],
    )  # fmt: skip
    units, more, _ = grown(
        "units", tuple(PER_COPY * n for n in COPIES), SITE,
        lambda n: points.ask("units", PROVEN_S + SLACK_S, copies=n // PER_COPY, time_limit_s=PROVEN_S),
    )  # fmt: skip
    return Findings(
        [Table(heats.title, heats.rows + gaps), Table(steps.title, [judged, *steps.rows]), units], plots + more
    )


PER_COPY = 6
"""Machines and stores of the neutral hub: PV, CHP, boiler, heat pump, battery, heat store."""


def _gap(text: dict[str, Any] | None) -> float:
    gap = math.nan if text is None else text["gap"] * 100
    return gap if math.isfinite(gap) else NEVER
