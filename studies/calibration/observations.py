"""Durations and energies from a log: working time, censored durations, electricity without reheating."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emberline.scenarios import Case, Scenario
from emberline.scenarios.line.tables import shop
from emberline.scenarios.loading.heat_log import HeatLog
from emberline.studies.calibration.likelihood import AT_LEAST, AT_MOST, EXACT
from emberline.twin.line.operations import planned_durations

ONE_CAST_MIN = 1.0
"""Maximum gap between heats of one cast on a caster, if the log has no order names."""
SHORTEST_WORK_MIN = 0.1


def observations(scenario: Case, log: HeatLog) -> pd.DataFrame:
    """Return the log's heats with derived columns, in the log's order.

    Adds ``working_min`` (without breakdowns; until the log's end if the heat is unfinished), ``censoring`` of the
    duration, ``pace_min`` kept by a caster (0: none), ``waited_min`` beyond the transfer and ``reheat_mwh`` by the
    scenario's heat loss (missing: unknown), ``kwh_per_t`` without reheating (missing: not logged).
    """
    rows = log.heats.copy()
    open_end = rows["end_min"].isna().to_numpy()
    start, end = rows["start_min"].to_numpy(), rows["end_min"].fillna(log.until_min).to_numpy()
    rows["working_min"] = end - start - _standstill(log, rows["unit"].to_numpy(), start, end)
    rows["pace_min"] = _paces(scenario, rows)
    close = 2 * log.resolution_min
    pace_mask = (rows["pace_min"] > 0) & ((rows["working_min"] - rows["pace_min"]).abs() <= close)
    rows["censoring"] = np.where(open_end, AT_LEAST, np.where(pace_mask, AT_MOST, EXACT))
    waited, cooled = _waits(scenario, rows)
    rows["waited_min"] = waited
    rows["reheat_mwh"] = _reheating(scenario, rows, cooled)
    rows["kwh_per_t"] = _energies(scenario, rows)
    return rows[rows["working_min"] > SHORTEST_WORK_MIN].reset_index(drop=True)


def _standstill(log: HeatLog, unit: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Breakdown time of the unit during each operation [min]."""
    standstill_min = np.zeros(len(start))
    for stop in log.breakdowns.to_dict("records"):
        over = log.until_min if np.isnan(stop["end_min"]) else stop["end_min"]
        shared = np.minimum(end, over) - np.maximum(start, stop["start_min"])
        standstill_min += np.where(unit == stop["unit"], np.maximum(shared, 0.0), 0.0)
    return standstill_min


def _paces(scenario: Case, rows: pd.DataFrame) -> np.ndarray:
    """Shortest possible duration of each heat of a cast followed by another; 0 without such a limit.

    A caster is assumed to keep the pace if none of these heats is faster.
    """
    paces = np.zeros(len(rows))
    casting = scenario.line.campaign_stage
    if casting is None:
        return paces
    planned = (rows["planned_end_min"] - rows["planned_start_min"]).to_numpy()
    table = shop(scenario)
    durations = planned_durations(table)
    by_grade = {heat.grade.name: durations[i] for i, heat in enumerate(scenario.heats)}
    for unit in (unit.name for unit in casting.units):
        indices = np.flatnonzero(rows["unit"] == unit)
        at = rows.iloc[indices]
        first, second = at.iloc[:-1], at.iloc[1:]
        gap = second["start_min"].to_numpy() - first["end_min"].to_numpy()
        named = (first["order"] != "").to_numpy() & (second["order"] != "").to_numpy()
        same = np.where(named, first["order"].to_numpy() == second["order"].to_numpy(), gap <= ONE_CAST_MIN)
        u = table.unit_index[unit]
        pace = np.array([by_grade[name][u] if name in by_grade else 0.0 for name in first["grade"]])
        pace = np.where(np.isnan(planned[indices[:-1]]), pace, planned[indices[:-1]])
        pace = np.where(same & ~np.isnan(first["end_min"].to_numpy()), pace, 0.0)
        if (first["working_min"].to_numpy() >= pace - ONE_CAST_MIN).all():
            paces[indices[:-1]] = pace
    return paces


def _waits(scenario: Scenario, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Wait of each heat before an operation beyond the transfer, and beyond the shortest possible one [min].

    Missing if the previous operation is not in the log; 0 and 0 at the first stage of the route.
    """
    line = scenario.line
    names = [stage.name for stage in line.stages]
    routes = {grade.name: [names.index(stage.name) for stage in line.route(grade)] for grade in line.grades}
    waited, cooled = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    last: dict[str, tuple[int, str, float]] = {}
    columns = (rows[name].to_numpy() for name in ("heat", "grade", "unit", "stage", "start_min", "end_min"))
    for i, (heat, grade, unit, stage, start, end) in enumerate(zip(*columns, strict=True)):
        place = routes[grade].index(stage)
        if place == 0:
            waited[i] = cooled[i] = 0.0
        elif heat in last and last[heat][0] == routes[grade][place - 1]:
            _, before, over = last[heat]
            waited[i] = max(start - over - line.lag(line.grade[grade], before, unit).least, 0.0)
            quickest = line.quickest_min(names[routes[grade][place - 1]], names[stage])
            cooled[i] = max(start - over - quickest, 0.0)
        last[heat] = stage, unit, end
    return waited, cooled


def _reheating(scenario: Scenario, rows: pd.DataFrame, cooled: np.ndarray) -> np.ndarray:
    """Energy of reheating a heat after its waits [MWh]: 0 at other stages than reheating, NaN if a wait is unknown."""
    line = scenario.line
    if line.heat_loss is None:
        return np.zeros(len(rows))
    reheating = [stage.name for stage in line.stages].index(line.heat_loss.reheating_stage)
    heat = pd.factorize(rows["heat"])[0]
    # a sum with a missing part is missing
    total = np.bincount(heat, weights=np.where(rows["stage"] <= reheating, cooled, 0.0))[heat]
    per_min = rows["grade"].map({grade.name: line.reheat_mwh_per_min(grade) for grade in line.grades}).to_numpy()
    return np.where(rows["stage"] == reheating, total * per_min, 0.0)


def _energies(scenario: Scenario, rows: pd.DataFrame) -> np.ndarray:
    """Electricity per tonne without reheating [kWh/t]; missing if it is not logged or cannot be computed."""
    mass = rows["grade"].map({grade.name: grade.mass_t for grade in scenario.line.grades})
    energy = (rows["energy_mwh"] - rows["reheat_mwh"]).to_numpy()
    with np.errstate(invalid="ignore"):
        return np.where(energy > 0, energy * 1000 / rows["mass_t"].fillna(mass).to_numpy(), np.nan)
