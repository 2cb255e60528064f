"""A site alone, without heats: all its assets planned together, exactly, as one linear or mixed-integer program.

Goals are lexicographic without a weight between them: the first is minimized, held there, and then the second is.
What its limits are worth: ``models/explain/shadow_prices.py``.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import xarray as xr

from emberline.models.formulations import processes
from emberline.models.formulations.processes import Plant, PlantPorts, bands, credits
from emberline.models.formulations.site import assets
from emberline.models.formulations.site import balance as sites
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.assets import Linear
from emberline.models.formulations.site.balance import Ports, SiteData
from emberline.models.formulations.site.dispatch import columns, held_flows
from emberline.models.formulations.site.objective import Aim
from emberline.models.kernel.highs import Outcome, Program, Progress
from emberline.models.kernel.templates import Series, building
from emberline.models.problem.constants import baseline_cost
from emberline.models.search.schedule import empty
from emberline.models.search.warm_start import Study
from emberline.scenarios import Scenario
from emberline.scenarios.assets import ELECTRICITY
from emberline.scenarios.datasets import SCHEDULE, check

GOALS = ("carbon", "cost", "full_cost")
HELD = 1e-9
"""By how much, as a share, the first goal may rise while the second is minimized: what the solver's tolerance asks."""
ROUNDS = 4
"""How often slots are added in which a store must not burn a surplus; then it is forbidden in all."""
LONG_S = 5.0
"""Seconds of the first goal from which on the second one leaves all switches as they are."""
PATIENCE = 2
"""How many times as long as the first goal the second may take, where whole numbers are decided."""


@dataclass
class SiteModel:
    """The model of a site under a given load of the line, compiled."""

    data: SiteData
    coarse: SiteData
    """The site with the metered intervals that the model has."""
    model: pyo.ConcreteModel
    ports: Ports
    program: Program
    made: PlantPorts | None = None
    """The processes, where there are any."""

    def ask(self, aim: Aim) -> None:
        """Another goal or other caps of the same site: bounds and costs of the totals."""
        total, program = self.model.total, self.program
        program.restore()
        for goal, top in (("full_cost", aim.cost_cap), ("carbon", aim.carbon_cap), ("cost", None)):
            program.restrict([(total[goal], -math.inf, math.inf if top is None else top)])
        program.aim(total[aim.first])

    def burning(self) -> set[int]:
        """Slots in which a store is filled and emptied at the same time in the solution, though it cannot be."""
        hub = self.ports.hub
        if hub is None:
            return set()
        found = assets.burning(hub)
        if self.data.battery is not None and ELECTRICITY not in hub.hub.harmless:
            both = np.minimum(
                *(assets.held(getattr(self.model.site, name), hub.hub.n) for name in ("charge", "discharge"))
            )
            found.update(np.flatnonzero(both > assets.BOTH).tolist())
        return found


def build(
    data: SiteData,
    aim: Aim,
    load: np.ndarray | None = None,
    burning: Collection[int] | None = None,
    line_gives: Mapping[str, Linear] | None = None,
    plant: Plant | None = None,
    study: Study | None = None,
) -> SiteModel:
    """Build and compile a site's model, with its processes; it minimizes the first goal under the caps.

    Args:
        data: the site.
        aim: goals and caps.
        load: energy of the line by cell [MWh], shape (n_cells,); None: there is no line.
        burning: slots in which stores may not be filled and emptied at the same time; None: all in which it could pay.
        line_gives: what the line gives of other carriers, in the carrier's unit.
        plant: the processes; they are the load then.
        study: keeps the solver for the next such model.
    """
    if study is not None and plant is None and not line_gives:
        known = study.site(data, load, burning)
        if known is not None:
            known.ask(aim)
            return known
    coarse = data
    if load is None and data.step_min > data.meter_min and data.step_min % data.meter_min == 0:
        # nothing changes within a step: its limit is that of each of its metered intervals
        purchase = None if data.purchase is None else data.purchase.merged(round(data.step_min / data.meter_min))
        coarse = replace(data, meter_min=data.step_min, cell_min=data.step_min, purchase=purchase)
    n, per = len(data.base), coarse.cells_per_slot
    model = pyo.ConcreteModel()
    made: PlantPorts | None = None
    gives = dict(line_gives or {})
    with building():
        if plant is not None:
            model.plant = pyo.Block()
            carriers = [] if data.hub is None else [name for name in data.hub.carriers if name != ELECTRICITY]
            made = processes.add(model.plant, plant, carriers, ordered=not _dear(data))
            drawn, gives = made.electricity, made.gives

            def cell(c: Any, t: Any) -> Any:
                return drawn[t] / per

            def slot(t: Any) -> Any:
                return drawn[t]

        else:
            cells = np.zeros(n * per) if load is None else load
            model.CELL, model.T = pyo.RangeSet(0, n * per - 1), pyo.RangeSet(0, n - 1)
            model.by_cell = Series(model.CELL, values=cells)
            model.by_slot = Series(model.T, values=cells.reshape(n, -1).sum(axis=1))

            def cell(c: Any, t: Any) -> Any:
                return model.by_cell[c]

            def slot(t: Any) -> Any:
                return model.by_slot[t]

        model.site = pyo.Block()
        ports = sites.add(model.site, coarse, cell, slot, burning=burning, line_gives=gives or None)
        _goals(model, ports, data, coarse, aim, made)
        program = Program(model) if study is None else study.program("site", model)
    found = SiteModel(data, coarse, model, ports, program, made)
    if study is not None and plant is None and not line_gives:
        study.keep_site(found, load, burning)
    return found


def _goals(
    model: pyo.ConcreteModel,
    ports: Ports,
    data: SiteData,
    coarse: SiteData,
    aim: Aim,
    made: PlantPorts | None,
) -> None:
    """Each goal is a variable: caps are its bounds, and what is minimized can change without a new model."""
    tops = {"full_cost": aim.cost_cap, "carbon": aim.carbon_cap}
    if made is not None:
        ports = made.emitting(ports)
        # caps hold on what is really paid and emitted
        model.cap = pyo.Block(list(tops))
        for name, top in tops.items():
            if top is not None:
                model.cap[name].kept = pyo.Constraint(rule=ports.at_most(name, top))
        tops = {}
        ports = made.crediting(ports, credits(made.plant, coarse), bands(made.plant))
    model.GOAL = pyo.Set(initialize=GOALS)
    model.total = pyo.Var(model.GOAL)
    model.totals = pyo.Block(model.GOAL)
    for goal in GOALS:
        model.total[goal].setub(tops.get(goal))
        model.totals[goal].added = pyo.Constraint(rule=_total(ports, goal, model.total[goal]))
    # what processes draw, to draw no more than their rates ask for where electricity is worth nothing
    model.drawn = pyo.Var()
    if made is not None:
        electricity, every = made.electricity, model.site.T
        model.drawing = pyo.Constraint(rule=lambda m: m.drawn - sum(electricity[t] for t in every) == 0)
    model.goal = pyo.Objective(expr=model.total[aim.first])


def _total(ports: Ports, goal: str, total: Any) -> Callable[[Any], Any]:
    return lambda block: ports.worth(goal) - total == 0


def _dear(data: SiteData) -> bool:
    """Whether electricity costs something in every slot, by each goal."""
    return bool((data.price > 0).all() and (data.full_price > 0).all() and (data.carbon > 0).all())


def optimize_site(
    scenario: Scenario,
    envelope: xr.Dataset,
    start: xr.Dataset | None = None,
    *,
    study: Study | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> xr.Dataset:
    """The best use of a site that has no line; arguments and result are those of ``emberline.models.optimize``.

    The baseline ``start`` only sets the cap on extra cost. A linear program ends at its optimum, gap 0; a mixed-integer
    one within the goal's gap.
    """
    began = time.perf_counter()
    data = sites.read(scenario, envelope)
    aim = aims.read(scenario, data, baseline_cost(scenario, data, start), 0.0)
    limit, gap = scenario.goal.time_limit_s, scenario.goal.gap
    stop = cancel or (lambda: False)
    seconds = {"build": 0.0, "first goal": 0.0}

    def tell(event: dict[str, Any]) -> None:
        low, high = event["bound"], event["incumbent"]
        known = low is not None and high is not None
        share = max(high - low, 0.0) / max(abs(high), 1e-9) if known else None
        if on_progress is not None:
            on_progress({**event, "gap": share})

    def left() -> float:
        return limit - (time.perf_counter() - began)

    made, first = minimize_first(data, aim, None, left, seconds, study=study, gap=gap, on_progress=tell, cancel=stop)
    if first.found and left() > 0 and not stop():
        seconds["second goal"] = _second(made, aim, first, gap, left(), stop)
    return _schedule(scenario, made, aim, first, stop(), seconds, began)


def minimize_first(
    data: SiteData,
    aim: Aim,
    load: np.ndarray | None,
    left: Callable[[], float],
    seconds: dict[str, float],
    line_gives: Mapping[str, Linear] | None = None,
    study: Study | None = None,
    **how: Any,
) -> tuple[SiteModel, Outcome]:
    """Minimize the first goal.

    Whole numbers that keep a store from burning a surplus are added only for slots in which one burns without them:
    elsewhere what they forbid does not pay anyway.
    """
    burning: set[int] | None = set() if data.hub is not None else None
    for attempt in itertools.count():
        began = time.perf_counter()
        made = build(data, aim, load, burning, line_gives, study=study)
        seconds["build"] += time.perf_counter() - began
        begun = made.program.begun if made.program.whole else None
        start = False if begun is None else begun
        outcome = made.program.run(time_limit=max(left(), 0.05), start=start, **how)
        if study is not None:
            study.solved(made)
        seconds["first goal"] += outcome.seconds
        more = made.burning() if burning is not None and outcome.found else set()
        if burning is None or not more - burning:
            break
        burning = None if attempt == ROUNDS else burning | more
    return made, outcome


def _second(made: SiteModel, aim: Aim, first: Outcome, gap: float, left: float, stop: Callable[[], bool]) -> float:
    """Minimize the second goal among the optima of the first; where nothing is found in time, those stand."""
    program, total = made.program, made.model.total
    whole = program.whole
    if whole:
        value = float(pyo.value(total[aim.first]))
        program.restrict([(total[aim.first], -math.inf, value + HELD * max(abs(value), 1.0))])
        left = min(left, PATIENCE * first.seconds + 1.0)
        if first.seconds > LONG_S:
            # what is switched stays: a search of its own over all switches would take as long again, or longer
            program.settle()
            program.aim(total[aim.second])
            return program.run(time_limit=max(left, 0.05), relax=True, cancel=stop).seconds
    elif not program.hold():
        return 0.0
    program.aim(total[aim.second])
    return program.run(time_limit=max(left, 0.05), gap=gap, start=whole, cancel=stop).seconds


def _schedule(
    scenario: Scenario,
    made: SiteModel,
    aim: Aim,
    first: Outcome,
    stopped: bool,
    seconds: dict[str, float],
    began: float,
) -> xr.Dataset:
    data = empty(scenario)
    value = bound = gap = math.nan
    if first.found:
        none = np.zeros(len(made.data.base) * made.data.cells_per_slot)
        flows = held_flows(made.model.site, made.data, made.ports, none)
        value = aim.value(flows)
        data = data.assign(columns(scenario, made.data, flows, np.zeros(len(made.data.base))))
        if first.bound is not None:
            bound = first.bound - aim.constant
            size = max(abs(value), 1e-9)
            if abs(value - bound) <= HELD * 10 * size:
                bound = value  # apart by the solver's tolerance: the second goal may end on either side of it
            gap = max(value - bound, 0.0) / size
    status, reason = _status(made, first, gap, scenario.goal.gap, stopped, time.perf_counter() - began)
    data.attrs.update(
        found=int(first.found), status=status, reason=reason, objective=value, bound=bound, gap=gap,
        constant=aim.constant, goal=scenario.goal.minimize, policy="schedule", complete=int(first.found), unplaced="",
        **{f"seconds {name}": value for name, value in seconds.items()},
        **{"seconds search": time.perf_counter() - began},
    )  # fmt: skip
    return check(data, SCHEDULE)


def _status(
    made: SiteModel, first: Outcome, gap: float, wanted: float, stopped: bool, seconds: float
) -> tuple[str, str]:
    if first.found:
        return ("within gap" if gap <= wanted + 1e-9 else "cancelled" if stopped else "best found"), ""
    if first.status == "unbounded":
        # the solver may mean either
        made.program.aim(None)
        if made.program.outcome(made.program.search(time_limit=10.0)).status != "infeasible":
            return "infeasible", "there is no best plan: something is sold for more than it costs, without any limit"
        first = Outcome("infeasible", None, None, 0.0, 0)
    if first.status == "infeasible":
        return "infeasible", "no use of the site keeps all limits: demands, rates, levels, switching times and caps"
    if stopped:
        return "cancelled", "cancelled before a plan was found"
    return "no plan within the limit", f"no plan was found in {seconds:.0f} s"
