"""Random small shops on steps of 5 to 60 minutes: nothing that is called proven is refuted by starts between the steps.

What the product proves of a shop on a grid is asked again of CP-SAT with starts in whole minutes, by the line's rules
alone; where these leave a plan and an import limit might not, Emberline plans on steps of one minute.
Needs OR-tools as ``benchmarks/batteries/shops.py`` does. ``EMBERLINE_SHOPS=10-20`` measures those seeds.
"""

from __future__ import annotations

import itertools
from typing import Any

from benchmarks.batteries.shops import SEEDS, seeds
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline import models, twin
from emberline.models.explain import hours, impossible, impossible_at_all
from emberline.scenarios import Case

SHOPS = range(200)
LIMIT_S = 5.0
ORACLE_S = 30.0
FINE_S = 30.0


def claims(scenario: Case) -> str:
    """What is proven of a shop: ``none`` (no plan at any times), ``grid`` (none on its steps), or nothing."""
    envelope = twin.envelope(scenario)
    if hours(scenario, envelope):
        return "none"
    if not impossible(scenario, envelope, None, work=LIMIT_S):
        return ""
    return "none" if impossible_at_all(scenario, envelope, None, work=LIMIT_S) else "grid"


def timed(scenario: Case) -> bool | None:
    """Whether a shop has starts in whole minutes that keep the rules of its line; None: not known in time."""
    from ortools.sat.python import cp_model

    m, line, length = cp_model.CpModel(), scenario.line, round(scenario.horizon.length_min)
    minutes = scenario.horizon.minutes
    busy: dict[str, list[Any]] = {unit.name: [] for unit in line.units}
    works: dict[str, list[Any]] = {unit.name: [] for unit in line.units}

    def place(units: list[str], lasts: dict[str, int]) -> tuple[Any, dict[str, Any]]:
        """Start and choice of unit of something that lasts some minutes."""
        start, choice = m.new_int_var(0, length, ""), {name: m.new_bool_var("") for name in units}
        m.add_exactly_one(choice.values())
        for name, there in choice.items():
            setup = round(line.unit[name].setup_min)
            busy[name].append(m.new_optional_fixed_size_interval_var(start, lasts[name] + setup, there, ""))
            works[name].append(m.new_optional_fixed_size_interval_var(start, lasts[name], there, ""))
        return start, choice

    for _, members in itertools.groupby(scenario.heats, key=lambda heat: heat.order):
        group = list(members)
        last = line.stages[-1]
        cast = None
        if last.campaign:
            lasts = {u.name: [round(line.duration_min(h.grade, u.name) or 0) for h in group] for u in last.units}
            cast = place(list(lasts), {name: sum(item) for name, item in lasts.items()})
        for i, heat in enumerate(group):
            before: tuple[Any, dict[str, Any], dict[str, int]] | None = None
            for stage in line.stages:
                values = {u.name: round(line.duration_min(heat.grade, u.name) or 0) for u in stage.units}
                if stage.campaign:
                    assert cast is not None
                    start, result = m.new_int_var(0, length, ""), cast[1]
                    for name, there in result.items():
                        m.add(start == cast[0] + sum(lasts[name][:i])).only_enforce_if(there)
                else:
                    start, result = place(list(values), values)
                if before is None:
                    m.add(start >= round(heat.release_min))
                else:
                    earlier, units, took = before
                    wait = line.stages[line.stages.index(stage) - 1].longest_wait_min
                    for (a, on), (b, to) in itertools.product(units.items(), result.items()):
                        onward = round(line.transfer_min(a, b))
                        m.add(start >= earlier + took[a] + onward).only_enforce_if([on, to])
                        if wait is not None:
                            m.add(start <= earlier + took[a] + round(wait)).only_enforce_if([on, to])
                if stage is last:
                    for name, there in result.items():
                        m.add(start + values[name] <= round(heat.due_min)).only_enforce_if(there)
                for lock in scenario.locks:
                    if (lock.heat, lock.stage) == (heat.name, stage.name):
                        if lock.unit is not None:
                            m.add(result[lock.unit] == 1)
                        if lock.earliest is not None:
                            m.add(start >= round(minutes(lock.earliest)))
                        if lock.latest is not None:
                            m.add(start <= round(minutes(lock.latest)))
                before = start, result, values
    for name, spans in busy.items():
        m.add_no_overlap(spans)
        for outage in scenario.state.outages:
            if outage.unit == name:
                begin, end = round(minutes(outage.start)), round(minutes(outage.end))
                away = m.new_fixed_size_interval_var(begin, end - begin, "")
                for work in works[name]:
                    m.add_no_overlap([work, away])
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = ORACLE_S
    solver.parameters.num_workers = 1
    status = solver.solve(m)
    facts = {cp_model.INFEASIBLE: False, cp_model.OPTIMAL: True, cp_model.FEASIBLE: True}
    return facts.get(status)


@bench("grids", "200 random small shops on steps of 5 to 60 min: nothing proven that finer starts refute", long=True)
def run() -> Findings:
    """Every proof on every grid against starts in minutes."""
    from random_shops import STEPS, built, raw

    case = wrong = unsure = proven = on_grid = 0
    notes: list[str] = []
    for seed in SHOPS if seeds() == SEEDS else seeds():
        facts: bool | None = None
        for step in STEPS:
            try:
                scenario = built(raw(seed), step)
            except ValueError:
                continue
            case += 1
            text = claims(scenario)
            on_grid += text == "grid"
            if text != "none":
                continue
            proven += 1
            facts = timed(scenario) if facts is None else facts
            if facts and scenario.site.grid.import_limit_mw is not None:
                facts = _planned(built(raw(seed), 1)) or None
            unsure += facts is None
            if facts:
                wrong += 1
                notes.append(f"shop {seed} on {step} min: proven to have no plan, and there is one")
                print(notes[-1], flush=True)
        if seed % 20 == 19:
            print(f"  until shop {seed}: {case} asked, {proven} proven, {wrong} wrong, {unsure} unsure", flush=True)
    table = Table(
        f"{case} shops and steps",
        [
            measured("proven to have no plan, and there is one", [wrong], "", bars=[Bar(0, on="worst")]),
            measured("proven to have no plan", [proven], ""),
            measured("of these not settled by the oracle", [unsure], ""),
            measured("no plan on the grid alone", [on_grid], ""),
        ],
        notes=notes,
    )
    if wrong:
        raise Wrong(f"{wrong} false proofs, the first: {notes[0]}", Findings([table]))
    return Findings([table])


def _planned(scenario: Case) -> bool:
    goal = scenario.goal.model_copy(update={"time_limit_s": FINE_S, "gap": 1.0})
    hasty = scenario.model_copy(update={"goal": goal})
    return bool(models.optimize(hasty, twin.envelope(hasty)).attrs["found"])
