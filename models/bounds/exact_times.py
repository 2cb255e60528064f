"""Infeasibility proofs on slots that are valid for arbitrary start times.

If whole minutes divide all times of a line, starts on them are sufficient: all starts of a plan may be rounded down
together, because the differences between them are whole minutes, too. Power is different: the draw of a start between
two slots is a mean of the draws in both slots, as long as its phases end on slots. So an infeasible linear relaxation
on slots excludes all plans even with an import limit or caps, while integer programs, and cuts derived from integers,
prove something about slots only.

If no whole minutes divide all times, or those that do give too many slots, the line is checked on slots that are
rounded outwards (``Rounding.outer``): if it is infeasible there, it is infeasible at any times. Power is then left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyomo.core as pyo
import xarray as xr

from emberline.models.formulations.line.pooled.counts import Casting
from emberline.models.formulations.line.pooled.model import Pooled
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.objective import Aim
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.aggregation import Pools
from emberline.models.problem.line import CLOSE_MIN, Rounding, SlotProblem
from emberline.models.problem.line_reader import with_floors
from emberline.models.problem.site import SiteData
from emberline.models.search.tuning import LINE
from emberline.scenarios import Case, Scenario, effort
from emberline.scenarios.case.line import phase_power
from emberline.scenarios.line.rounding import dividing
from emberline.scenarios.records.goal import Caps, OtherSignal

TOLERANCE_MW = 1e-6


def impossible(
    scenario: Case,
    envelope: xr.Dataset,
    aim: Aim,
    *,
    work: float = LINE.exact_work,
    cancel: Callable[[], bool] = lambda: False,
) -> bool:
    """Return whether no plan keeps all limits with any start times, given that none does on slots; False: unknown.

    Args:
        scenario: scenario to check.
        envelope: envelope of the twin (table ``ENVELOPE``).
        aim: goals and caps.
        work: maximum work (``scenarios/effort.py``).
        cancel: polled; True stops the check.
    """
    began = effort.now()
    if _unfed(scenario, envelope, sites.read(scenario, envelope)):
        return True
    step = dividing(scenario.horizon.step_min, _times(scenario, envelope))
    if step is None:
        return _outwards(scenario, envelope, work)
    data = sites.read(scenario, envelope)
    # limits on power and its consequences: a start between two slots may keep them even if neither slot does
    limited = math.isfinite(data.limit_mwh()) or data.hub is not None or bool(aim.tops or aim.grades)
    if step == scenario.horizon.step_min and not limited:
        return True
    fine, fine_envelope = _on(scenario, envelope, step)
    problem = with_floors(line_reader.from_scenario(fine, fine_envelope))
    if problem.n_slots > LINE.exact_slots:
        return problem.too_coarse or not _places(problem) or _outwards(scenario, envelope, work)
    # PV and a battery follow means over the scenario's steps, which may be more than they can do on finer steps
    follows = data.plain or step == scenario.horizon.step_min
    if limited and follows and _even(scenario, envelope, step) and _lossless(problem, data, aim):
        lossless = replace(problem, reheat_kwh_per_t_min=0.0)
        if unsolvable(lossless, sites.read(fine, fine_envelope), aim, relax=True, work=work, cancel=cancel):
            return True
    remaining = work - (effort.now() - began)
    if remaining <= 0:
        return False
    free, without_caps = _unlimited(fine, fine_envelope)
    return unsolvable(problem, free, without_caps, relax=False, work=remaining, cancel=cancel)


def _unlimited(scenario: Case, envelope: xr.Dataset) -> tuple[SiteData, Aim]:
    """Return the site of a scenario without import limit and assets, and its aim without caps."""
    grid = scenario.site.grid.model_copy(update={"import_limit_mw": None})
    goal = scenario.goal.model_copy(update={"caps": Caps(extra_cost_share=None, other_signal=OtherSignal.OFF)})
    bare = scenario.model_copy(update={"site": scenario.site.model_copy(update={"grid": grid}), "goal": goal})
    site = replace(sites.read(bare, envelope), hub=None, battery=None, purchase=None, curtails=False)
    return site, aims.read(bare, site, {}, 0.0)


def _outwards(scenario: Case, envelope: xr.Dataset, work: float) -> bool:
    """Return whether the heats alone are infeasible on slots that are rounded outwards.

    On minutes, only the place of each heat and cast is checked; on a number of slots that can be solved, all of them
    together.
    """
    whole, length = round(scenario.horizon.step_min), scenario.horizon.length_min
    if not _places(_outer(scenario, envelope, 1)[0]):
        return True
    step = next((s for s in range(1, whole) if whole % s == 0 and length / s <= LINE.exact_slots), whole)
    line, fine, fine_envelope = _outer(scenario, envelope, step)
    if min((slots for _, work in line.works() for slots in work.occupy.values()), default=0) < 1:
        return False
    return unsolvable(line, *_unlimited(fine, fine_envelope), relax=False, work=work)


def _outer(scenario: Case, envelope: xr.Dataset, step: int) -> tuple[SlotProblem, Case, xr.Dataset]:
    """Return a line without power on slots that are rounded outwards, with the scenario and the envelope on them."""
    fine, fine_envelope = _on(scenario, envelope, step)
    # started work is moved back to the beginning of its slot as well
    fine_envelope = fine_envelope.assign(started_min=np.floor(fine_envelope["started_min"] / step + CLOSE_MIN) * step)
    problem = line_reader.from_scenario(fine, fine_envelope, Rounding(outer=True))
    outages = {u: tuple((out, over - step) for out, over in spans) for u, spans in problem.outages.items()}
    return (
        replace(problem, reheat_kwh_per_t_min=0.0, gives={}, states={}, idle={}, outages=outages),
        fine,
        fine_envelope,
    )


def _unfed(scenario: Scenario, envelope: xr.Dataset, data: SiteData) -> bool:
    """Return whether some heat, at any start, needs more in some metered interval than the grid ever supplies."""
    if data.hub is not None or not math.isfinite(data.limit_mwh()):
        return False
    battery = 0.0 if data.battery is None else data.battery.most_out
    # no interval has more than the best of its steps
    most = data.limit_mwh() / data.meter_min * 60 + float((data.pv - data.base).max()) / data.hours + battery
    nominal, energy = envelope["duration_min"].to_numpy(), envelope["energy_mwh"].to_numpy()
    planned = envelope["planned_min"].to_numpy()
    has_start = np.isfinite(envelope["started_min"].to_numpy()).any(axis=1)
    alike = {(heat.grade.name, stage): h for h, heat in enumerate(scenario.heats) if not has_start[h]
             for stage in scenario.line.route(heat.grade)}  # fmt: skip
    place = {unit.name: u for u, unit in enumerate(scenario.line.units)}
    for (_, stage), h in alike.items():
        able = [(unit, place[unit.name]) for unit in stage.units if np.isfinite(nominal[h, place[unit.name]])]
        peaks = [
            least_peak(*phase_power(unit, float(energy[h, u]), float(minutes)), data.meter_min)
            for unit, u in able
            for minutes in {nominal[h, u], planned[h, u] if stage.campaign else nominal[h, u]}
        ]
        if peaks and min(peaks) > most + TOLERANCE_MW:
            return True
    return False


def least_peak(ends: np.ndarray, power: np.ndarray, meter_min: float) -> float:
    """Return the lowest possible peak of an operation's metered means over all starts in a metered interval [MW].

    Args:
        ends: end of each phase after the start [min].
        power: power in each phase [MW].
        meter_min: length of a metered interval.
    """
    at = np.concatenate([[0.0], ends])
    energy = np.concatenate([[0.0], np.cumsum(np.diff(at) * power)])
    edges = np.arange(math.ceil(ends[-1] / meter_min) + 2) * meter_min

    def means(begin: float) -> np.ndarray:
        return np.diff(np.interp(edges - begin, at, energy)) / meter_min

    # between starts at which a phase ends with an interval, all means are linear
    knots = np.unique(np.concatenate([(-at) % meter_min, [0.0, meter_min]]))
    peak = math.inf
    for first, last in itertools.pairwise(knots.tolist()):
        low, rise = means(first), means(last) - means(first)
        for share in (0.0, 1.0, *_crossings(low, rise)):
            peak = min(peak, float((low + share * rise).max()))
    return peak


def _crossings(low: np.ndarray, rise: np.ndarray) -> Iterator[float]:
    """Yield the crossings of straight lines over a span, as shares of it."""
    for a, b in itertools.combinations(range(len(low)), 2):
        if rise[a] != rise[b]:
            share = float((low[b] - low[a]) / (rise[a] - rise[b]))
            if 0 < share < 1:
                yield share


def _places(problem: SlotProblem) -> bool:
    """Return whether every single heat and cast has a place within its windows."""
    line = Pools(problem, bounding=True)
    return line.possible and all(Casting(line).places.values())


def unsolvable(
    problem: SlotProblem,
    data: SiteData,
    aim: Aim,
    *,
    relax: bool,
    work: float,
    cancel: Callable[[], bool] = lambda: False,
) -> bool:
    """Return whether the pooled relaxation of a line is infeasible; False: it is feasible, or time ran out.

    Args:
        problem: the line.
        data: the site.
        aim: goals and caps.
        relax: whether casts and counts may be fractional, as for starts between slots.
        work: maximum work (``scenarios/effort.py``).
        cancel: polled; True stops the search.
    """
    if problem.too_coarse:
        return True
    began = effort.now()
    with building():
        formulation = Pooled(problem, data, bounding=True, cuts=not relax)
        if not formulation.possible:
            return True
        formulation.ports.keep(formulation.model, aim.tops)
        formulation.model.goal = pyo.Objective(rule=lambda m: aim.pure(formulation.ports))
        program = Program(formulation.model)
    program.aim(None)
    if program.attempt(work=work, relax=True, cancel=cancel).status == "infeasible":
        return True
    spent = effort.now() - began
    if relax or spent > LINE.exact_root_share * work:
        return False
    program.forget()
    # for integer casts and counts, infeasibility is a proof as well
    run = program.search(work=work - spent, gap=1.0, ipm=True, refute=True, cancel=cancel)
    return program.outcome(run).status == "infeasible"


def _times(scenario: Scenario, envelope: xr.Dataset) -> Iterator[float]:
    """Yield all times of a line [min]."""
    line, minutes, margins = scenario.line, scenario.horizon.minutes, scenario.disturbances
    yield scenario.horizon.length_min
    yield scenario.site.grid.metered_interval_min
    for name in ("planned_min", "duration_min", "started_min"):
        yield from envelope[name].to_numpy().ravel().tolist()
    for stage in line.stages:
        yield margins.slack_min(stage.name)
        yield margins.wait_min(stage.name)
        yield from itertools.chain.from_iterable(line.lags(stage))
    yield from (unit.setup_min for unit in line.units)
    yield margins.due_margin_min
    for heat in scenario.heats:
        yield heat.release_min
        yield heat.due_min
    for lock in scenario.locks:
        yield from (minutes(moment) for moment in (lock.start, lock.earliest, lock.latest) if moment is not None)
    for spans in scenario.outages.values():
        yield from (edge for span in spans for edge in span)


def _on(scenario: Case, envelope: xr.Dataset, step: int) -> tuple[Case, xr.Dataset]:
    """Return a scenario and its envelope on finer steps."""
    ratio = round(scenario.horizon.step_min / step)
    fine = scenario.horizon.model_copy(update={"step_min": float(step)})

    def finer(data: xr.Dataset) -> xr.Dataset:
        fine_data = data.isel(time=np.repeat(np.arange(data.sizes["time"]), ratio)).assign_coords(time=fine.times)
        fine_data.attrs = data.attrs
        return fine_data

    return scenario.with_inputs(finer(scenario.inputs), horizon=fine), finer(envelope)


def _even(scenario: Scenario, envelope: xr.Dataset, step: int) -> bool:
    """Return whether all phases of all operations end whole steps after their start."""
    # a caster keeps the planned pace
    minutes = np.concatenate([envelope["duration_min"].to_numpy(), envelope["planned_min"].to_numpy()])
    for u, unit in enumerate(scenario.line.units):
        shares = np.cumsum([phase.share for phase in unit.profile])
        ends = np.outer(minutes[:, u][np.isfinite(minutes[:, u])], shares)
        if dividing(step, ends.ravel().tolist()) != step:
            return False
    return True


def _lossless(problem: SlotProblem, data: SiteData, aim: Aim) -> bool:
    """Return whether ignoring the cost of waiting only helps: less is drawn, and no cap counts a draw as a gain."""
    if problem.states or data.hub is not None:
        return False
    weights = data.guide_per_mwh
    return not problem.reheat_kwh_per_t_min or all(bool((weights[name] >= 0).all()) for name, *_ in aim.caps(data))
