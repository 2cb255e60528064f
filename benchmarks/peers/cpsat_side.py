"""A day of a melt shop in CP-SAT, as a good user would write it; a day as JSON in, starts and progress as JSON out.

Starts on a grid of slots, all else in minutes. Identical units are pooled with the longest transfer between them; a
cast is an optional interval on each caster, its heats without a gap. The goal of each start is looked up in a table
over slots; reheating counts as the mean of the goal's weights over the day for each minute waited, and draws evenly
while its stage works. The import limit is one more resource. The baseline schedule is a hint for a first plan,
that one for the best. Needs ortools alone.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from ortools.sat.python import cp_model

WITH_PLAN = (cp_model.OPTIMAL, cp_model.FEASIBLE)
SCALE = 10
"""The goal in whole numbers: tenths of its unit."""


class Progress(cp_model.CpSolverSolutionCallback):
    """Seconds, objective and bound of each solution."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.perf_counter()
        self.improvements: list[list[float]] = []

    def on_solution_callback(self) -> None:
        """Note a solution."""
        seconds = time.perf_counter() - self.began
        self.improvements.append([seconds, self.objective_value / SCALE, self.best_objective_bound / SCALE])


def solve(day: dict[str, Any]) -> dict[str, Any]:
    """Starts [min] by heat and stage, caster by cast, progress.

    Args:
        day: what ``benchmarks.planning.cp_sat.day`` tells.
    """
    m = cp_model.CpModel()
    step, end, slots = day["step_min"], day["end_min"], day["slots"]
    rows: list[Any] = []
    powers: list[Any] = []
    last: list[Any] = []
    goal: list[Any] = []
    starts: list[list[Any]] = []
    busy: list[list[Any]] = [[] for _ in day["units"]]

    def priced(slot: Any, table: list[float], result: Any = None) -> None:
        costs = [round(value * SCALE) for value in table]
        cost = m.new_int_var(min(0, *costs), max(0, *costs), "")
        row = m.add_element(slot, costs, cost)
        if result is not None:
            row.only_enforce_if(result)
            m.add(cost == 0).only_enforce_if(result.Not())
        goal.append(cost)

    def draws(interval: Any, power_mw: float) -> None:
        rows.append(interval)
        powers.append(round(power_mw * SCALE))

    for heat in day["heats"]:
        items = []
        for s, operation in enumerate(heat["operations"]):
            slot = m.new_int_var(0, len(operation["goal"]) - 1, "")
            m.add_hint(slot, operation["hint"])
            work = m.new_fixed_size_interval_var(step * slot, operation["minutes"], "")
            busy[s].append(work)
            if s == day["reheats_before"]:
                last.append(work)
            else:
                draws(work, operation["power_mw"])
            priced(slot, operation["goal"])
            items.append(step * slot)
        starts.append(items)
    casters: list[list[Any]] = [[] for _ in day["casters"]]
    result: list[list[Any]] = []
    for cast in day["casts"]:
        slot = m.new_int_var(0, slots - 1, "")
        m.add_hint(slot, cast["hint"])
        options = [m.new_bool_var("") for _ in cast["on"]]
        m.add_exactly_one(options)
        for c, this in enumerate(options):
            m.add_hint(this, c == cast["hint_caster"])
        result.append(options)
        for c, (on, this) in enumerate(zip(cast["on"], options, strict=True)):
            m.add(step * slot + on["minutes"] <= end).only_enforce_if(this)
            work = m.new_optional_fixed_size_interval_var(step * slot, on["minutes"], this, "")
            occupied = m.new_optional_fixed_size_interval_var(step * slot, on["minutes"] + on["setup_min"], this, "")
            casters[c].append(occupied)
            draws(work, on["power_mw"])
            priced(slot, on["goal"] + [0.0] * (slots - len(on["goal"])), this)
        for k, h in enumerate(cast["heats"]):
            offset = sum(on["offset_min"][k] * this for on, this in zip(cast["on"], options, strict=True))
            starts[h].append(step * slot + offset)
    for h, (heat, items) in enumerate(zip(day["heats"], starts, strict=True)):
        lost: Any = 0
        for s, operation in enumerate(heat["operations"]):
            waited = items[s + 1] - items[s] - operation["minutes"]
            m.add(waited >= day["transfer_min"][s])
            m.add(waited <= day["longest_wait_min"][s])
            if s < day["reheats_before"]:
                lost += waited - day["quickest_min"][s]
        if not day["reheats_before"]:
            continue
        goal.append(round(heat["reheat_goal_per_min"] * SCALE) * lost)
        stage = heat["operations"][day["reheats_before"]]
        power = m.new_int_var(0, 100 * SCALE, "")
        kwh = round(heat["reheat_kwh_per_min"])
        m.add(
            power * (stage["minutes"] * 1000)
            >= round(stage["power_mw"] * stage["minutes"] * 1000 * SCALE) + lost * (kwh * 60 * SCALE)
        )
        rows.append(last[h])
        powers.append(power)
    for works, units in zip(busy, day["units"], strict=True):
        m.add_cumulative(works, [1] * len(works), units)
    for works in casters:
        m.add_no_overlap(works)
    # what the base load leaves, slot by slot
    least = round(min(day["left_mw"]) * SCALE)
    blocks = [m.new_fixed_size_interval_var(t * step, step, "") for t in range(slots)]
    most = round(max(day["left_mw"]) * SCALE)
    filled = [most - round(mw * SCALE) for mw in day["left_mw"]] if most > least else []
    m.add_cumulative(rows + (blocks if filled else []), powers + filled, most)

    progress = Progress()
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = day["workers"]
    solver.parameters.max_time_in_seconds = day["limit_s"]
    solver.parameters.random_seed = day["seed"]
    # any plan first: with the goal it takes many times as long to find one
    if solver.solve(m) in WITH_PLAN:
        m.clear_hints()
        for place in range(len(m.proto.variables)):
            variable = m.get_int_var_from_proto_index(place)
            m.add_hint(variable, solver.value(variable))
    m.minimize(sum(goal))
    solver.parameters.max_time_in_seconds = max(day["limit_s"] - (time.perf_counter() - progress.began), 0.1)
    status = solver.solve(m, progress)
    condition = status in WITH_PLAN
    return {
        "status": solver.status_name(status),
        "progress": progress.improvements,
        "bound": solver.best_objective_bound / SCALE if condition else None,
        "starts": [[solver.value(start) for start in item] for item in starts] if condition else None,
        "casters": [[bool(solver.value(this)) for this in item].index(True) for item in result] if condition else None,
    }


if __name__ == "__main__":
    print(json.dumps(solve(json.load(sys.stdin))))
