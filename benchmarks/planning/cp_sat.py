"""Emberline compared with CP-SAT with two workers on the same day of 24 heats, Emberline in a tenth of its time.

Both plan a real day of 2024 for the least carbon, from the twin's durations; Emberline's search starts, as always, from
the baseline schedule. The twin replays both plans undisturbed and its ledger judges: carbon that plans can decide,
process emissions and base load left out. CP-SAT pools identical units with the longest transfer
(``peers/cpsat_side.py``) and has no cap on extra cost, nor has Emberline here. Needs the peers' environment and
the shared folder of real series.
"""

from __future__ import annotations

import json
import math
import subprocess
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.instruments.quiet import quiet
from benchmarks.peers import compare
from benchmarks.planning.days import MISSING, day_of, scenario, shared
from benchmarks.registry import bench
from benchmarks.reporting.findings import NEVER, Findings, Plot, Row, Table, measured
from emberline import models, twin
from emberline.planning.accounts.sums import figures
from emberline.scenarios import Case
from emberline.scenarios.case.line import phase_power

SEEDS = range(3)
LIMIT_S, WORKERS = 100.0, 2
TENTH = 0.1
SLACK_S = 60.0
FREE = "goal.caps={extra_cost_share: null}"


@dataclass(frozen=True)
class Comparison:
    """A day planned by both: decidable carbon [kg CO2e] by the twin's ledger, seconds and violations."""

    day: str
    baseline: float
    ours: float
    ours_s: float
    ours_broken: int
    theirs: float
    """Infinite where CP-SAT found no plan."""
    theirs_broken: int
    progress: list[tuple[float, float]]
    """CP-SAT's objective over seconds, by its own reckoning [kg CO2e]."""
    bound: float | None
    """What CP-SAT proves, by its own reckoning; None without a plan."""


def day(
    result: Case, envelope: xr.Dataset, listed: xr.Dataset, limit_s: float = LIMIT_S, seed: int = 0
) -> dict[str, Any]:
    """A day in plain numbers: minutes, MW, the goal of each start by slot [kg CO2e], the baseline as a hint."""
    line, horizon = result.line, result.horizon
    before, last = line.stages[:-1], line.stages[-1]
    intensity = result.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
    step, places = horizon.step_min, {unit.name: u for u, unit in enumerate(line.units)}
    planned, energy = envelope["planned_min"].to_numpy(), envelope["energy_mwh"].to_numpy()
    nominal = envelope["duration_min"].to_numpy()
    loss = line.heat_loss
    reheated = 0.0 if loss is None else loss.kwh_per_t_min / 1000

    def slot(h: int, s: int) -> int:
        return math.ceil(float(listed["start_min"].to_numpy()[h, s]) / step - 1e-9)

    def goal(cells: np.ndarray) -> list[float]:
        return np.correlate(intensity, cells, mode="valid").tolist()

    def cells(h: int, unit: str, offset: float = 0.0, long: float | None = None) -> np.ndarray:
        """Energy by slot of a start at zero [MWh]."""
        u = places[unit]
        ends, power = phase_power(line.unit[unit], float(energy[h, u]), float(nominal[h, u]))
        edges = np.arange(-(-(long or float(planned[h, u])) // step) + 1) * step
        begins = offset + np.concatenate([[0.0], ends[:-1]])
        spans = zip(begins, offset + ends, power, strict=True)
        return np.asarray(sum(np.diff(np.clip(edges, begin, end)) / 60 * mw for begin, end, mw in spans))

    heats = [
        {
            "operations": [
                {
                    "minutes": round(float(planned[h, places[stage.units[0].name]])),
                    "power_mw": line.unit[stage.units[0].name].mean_mw,
                    "goal": goal(cells(h, stage.units[0].name)),
                    "hint": slot(h, s),
                }
                for s, stage in enumerate(before)
            ],
            "reheat_goal_per_min": reheated * float(intensity.mean()) * heat.grade.mass_t,
            "reheat_kwh_per_min": reheated * 1000 * heat.grade.mass_t,
        }
        for h, heat in enumerate(result.heats)
    ]
    casts = []
    for order in dict.fromkeys(envelope["order"].values.tolist()):
        members = np.flatnonzero(envelope["order"].values == order).tolist()
        on = []
        for unit in last.units:
            minutes = planned[members, places[unit.name]]
            offsets, whole = np.concatenate([[0.0], np.cumsum(minutes)[:-1]]), float(minutes.sum())
            parts = [cells(h, unit.name, float(o), whole) for h, o in zip(members, offsets, strict=True)]
            on.append(
                {
                    "minutes": round(whole),
                    "offset_min": [round(float(o)) for o in offsets],
                    "setup_min": round(unit.setup_min),
                    "power_mw": unit.mean_mw,
                    "goal": goal(np.sum(parts, axis=0)),
                }
            )
        casts.append(
            {
                "heats": members,
                "on": on,
                "hint": slot(members[0], len(before)),
                "hint_caster": [unit.name for unit in last.units].index(str(listed["unit"].to_numpy()[members[0], -1])),
            }
        )
    limit = result.site.grid.import_limit_mw or 1e4
    remaining = limit - result.inputs["base_load_mw"].to_numpy() + result.inputs["pv_available_mw"].to_numpy()
    transfers = [
        round(max(line.transfer_min(a.name, b.name) for a in one.units for b in after.units))
        for one, after in pairwise(line.stages)
    ]
    return {
        "step_min": round(step), "slots": horizon.n_steps, "end_min": round(horizon.n_steps * step),
        "heats": heats, "casts": casts, "casters": [unit.name for unit in last.units],
        "units": [len(stage.units) for stage in before],
        "transfer_min": transfers,
        # what is lost in the quickest transfer is in the nominal energy
        "quickest_min": [round(line.quickest_min(a.name, b.name)) for a, b in pairwise(line.stages)],
        "longest_wait_min": [
            round(horizon.n_steps * step if stage.longest_wait_min is None else stage.longest_wait_min)
            for stage in before
        ],
        # waits before the reheating stage are made good there
        "reheats_before": 0 if loss is None else [stage.name for stage in line.stages].index(loss.reheating_stage),
        "left_mw": remaining.tolist(), "workers": WORKERS, "limit_s": limit_s, "seed": seed,
    }  # fmt: skip


def as_schedule(
    plant_day: Case, envelope: xr.Dataset, listed: xr.Dataset, starts: list[list[float]], casters: list[int]
) -> xr.Dataset:
    """CP-SAT's starts as a schedule that the twin can follow, assigned to units first free, first taken.

    Args:
        plant_day: its scenario.
        envelope: durations.
        listed: the baseline schedule, whose form it takes.
        starts: start of each heat at each stage [min].
        casters: caster of each cast, in the order of ``day``.
    """
    stages, planned = plant_day.line.stages, envelope["planned_min"].to_numpy()
    places = {unit.name: u for u, unit in enumerate(plant_day.line.units)}
    unit = np.full((len(starts), len(stages)), "", dtype=object)
    end = np.full(unit.shape, np.nan)
    for s, stage in enumerate(stages[:-1]):
        free = {one.name: 0.0 for one in stage.units}
        for h in sorted(range(len(starts)), key=lambda h: starts[h][s]):
            name = next(name for name, since in free.items() if since <= starts[h][s])
            unit[h, s], end[h, s] = name, starts[h][s] + planned[h, places[name]]
            free[name] = end[h, s]
    orders = envelope["order"].values
    for order, caster in zip(dict.fromkeys(orders.tolist()), casters, strict=True):
        for h in np.flatnonzero(orders == order).tolist():
            unit[h, -1] = stages[-1].units[caster].name
            end[h, -1] = starts[h][-1] + planned[h, places[unit[h, -1]]]
    grid = ("heat", "stage")
    return listed.assign(
        start_min=(grid, np.array(starts, dtype=float)), end_min=(grid, end), unit=(grid, unit),
        extra_mwh=(grid, np.zeros(end.shape)),
    )  # fmt: skip


def run(seed: int, folder: Path, python: Path, limit_s: float = LIMIT_S) -> Comparison:
    """One day by both."""
    more = (FREE, "goal.gap=0", f"goal.effort={TENTH * limit_s:g}")
    result = scenario(day_of(seed), folder, more=more)
    envelope = twin.envelope(result)
    listed = twin.dispatch(result, envelope)
    began = time.perf_counter()
    with quiet():
        schedule = models.optimize(result, envelope, listed if listed.attrs["complete"] else None)
    ours_s = time.perf_counter() - began
    constant = float(schedule.attrs["constant"])

    def judged(plan: xr.Dataset) -> tuple[float, int]:
        replayed = twin.replay(result, plan)
        sums = figures(result, replayed)
        return sums.carbon_kg - sums.direct_kg - constant, replayed.sizes["violation"]

    text = _ask(python, day(result, envelope, listed, limit_s, seed), limit_s)
    theirs, theirs_broken = NEVER, 0
    if text["starts"] is not None:
        theirs, theirs_broken = judged(as_schedule(result, envelope, listed, text["starts"], text["casters"]))
    ours, ours_broken = judged(schedule) if schedule.attrs["found"] else (NEVER, 0)
    return Comparison(
        str(day_of(seed)), judged(listed)[0], ours, ours_s, ours_broken, theirs, theirs_broken,
        [(seconds, value) for seconds, value, _ in text["progress"]], text["bound"],
    )  # fmt: skip


def _ask(python: Path, case: dict[str, Any], limit_s: float) -> dict[str, Any]:
    process = subprocess.run(
        [str(python), "-m", "benchmarks.peers.cpsat_side"], input=json.dumps(case), capture_output=True, text=True,
        cwd=compare.ROOT, timeout=limit_s + SLACK_S,
    )  # fmt: skip
    if process.returncode:
        raise RuntimeError(f"CP-SAT: {(process.stderr.strip().splitlines() or ['no word of error'])[-1]}")
    return json.loads(process.stdout)


def table(comparisons: list[Comparison], limit_s: float = LIMIT_S) -> Table:
    """A row for each plan; Emberline's is within its bar where it holds and its carbon is below CP-SAT's."""
    rows: list[Row] = []
    for one in comparisons:
        theirs = None if one.theirs == NEVER else [one.theirs]
        rows += [
            measured(f"{one.day}: the baseline", [one.baseline], "kg", reference=theirs),
            measured(f"{one.day}: CP-SAT, {limit_s:g} s", [one.theirs], "kg", reference=theirs, says=_says(one)),
            Row(
                f"{one.day}: Emberline, {limit_s * TENTH:g} s", "kg", one.ours, one.ours, one.ours,
                None if theirs is None else one.ours / one.theirs,
                bar="better than CP-SAT", within=one.ours < one.theirs and not one.ours_broken,
                says=f"{one.ours_broken} violations; {one.ours_s:.1f} s",
            ),
        ]  # fmt: skip
    return Table("A day of 24 heats: carbon that plans decide, by the twin's ledger", rows, "CP-SAT, two workers")


def _says(one: Comparison) -> str:
    if one.bound is None or not one.progress:
        return "no plan"
    gap = 1 - one.bound / one.progress[-1][1]
    return f"{one.theirs_broken} violations; first plan after {one.progress[0][0]:.1f} s; its own gap {gap:.0%}"


@bench("cp-sat", "a day of 24 heats: Emberline in a tenth of the time of CP-SAT with two workers", long=True)
def main() -> Findings | None:
    """Some days one after the other."""
    folder, python = shared(), compare.interpreter()
    if folder is None:
        print(MISSING)
        return None
    if python is None:
        print("left out: CP-SAT stands in the peers' environment, which `make bench-peers` makes")
        return None
    rows = []
    for seed in SEEDS:
        rows.append(run(seed, folder, python))
        print(f"  {rows[-1].day}: Emberline {rows[-1].ours:,.0f} kg, CP-SAT {rows[-1].theirs:,.0f} kg", flush=True)
    curves = {one.day: [(seconds, value / 1000) for seconds, value in one.progress] for one in rows}
    plot = Plot("cp-sat", "CP-SAT's plans over time, by its own reckoning", "seconds", "t CO2e", curves, steps=True)
    return Findings([table(rows)], [plot])
