"""Lists of heats that the search of a plan begins with besides the baseline's, and the rules that make them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import singledispatch
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.tuning import PLAN
from emberline.scenarios import Case, Scenario, effort
from emberline.scenarios.case.scenario import ProcessNetwork, ProductionLine
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.records.state import Outage

if TYPE_CHECKING:
    from emberline.models import Study

DIGITS = 6
"""To which electricity counts the same."""


def start_lists(scenario: Case, baseline: Baseline, study: Study | None, *, around: bool) -> Iterator[xr.Dataset]:
    """Lists to begin with besides the baseline's; of processes the baseline's own where it does not keep all limits.

    Args:
        scenario: what is asked.
        baseline: of the scenario.
        study: of earlier plans of the same plant.
        around: whether to make other lists of heats: with margins, and with lower peaks.
    """
    from emberline import twin

    envelope = baseline.envelope
    for rules in map(shift_rules, scenario.producers):
        if not rules.as_list:
            yield from () if baseline.complete else (baseline.schedule,)
            continue
        if around and scenario.disturbances.has_margins:
            # the last plan, which may lack the margins of this one, knows a good order
            last = study.beginnings(scenario) if study is not None else ()
            schedule = twin.dispatch(scenario, envelope, keeping=True, like=last[0] if last else None)
            if schedule.attrs["complete"]:
                yield schedule
        if around and baseline.complete:
            yield from _resting(scenario, envelope, rules)
            yield from lower_peaks(scenario, envelope, baseline.schedule)


def lower_peaks(scenario: Case, envelope: xr.Dataset, dispatched: xr.Dataset) -> Iterator[xr.Dataset]:
    """Baselines that keep to lower peaks, where peaks cost: a search by parts could not lower them one by one.

    The lowest peak that is possible is found by halving, and every list on the way is given.
    """
    from emberline import twin

    rates = scenario.rates
    if rates is None or not any(peak.per_mw.any() for peak in rates.peaks):
        return
    low, high = float(dispatched["meter_mw"].min()), float(dispatched["meter_mw"].max())
    for _ in range(PLAN.peaks):
        limit = (low + high) / 2
        grid = scenario.site.grid.model_copy(update={"import_limit_mw": limit})
        calmer = scenario.model_copy(update={"site": scenario.site.model_copy(update={"grid": grid})})
        schedule = twin.dispatch(calmer, envelope, keeping=calmer.disturbances.has_margins)
        if schedule.attrs["complete"]:
            high = min(limit, float(schedule["meter_mw"].max()))
            yield schedule
        else:
            low = limit


def _resting(scenario: Case, envelope: xr.Dataset, rules: ShiftRules) -> Iterator[xr.Dataset]:
    """Baselines whose leading units rest in the worst hours of each day: no plan may be worse than such a rule."""
    from emberline import twin

    until = effort.now() + PLAN.rests_work
    worth = worst_hours(scenario, envelope)
    for hours in PLAN.rests:
        variant = ruled(scenario, rules, worth, hours, None)
        keeping = scenario.disturbances.has_margins
        schedule = twin.dispatch(variant, envelope, keeping=keeping, over=lambda: effort.now() > until)
        if not schedule.attrs["complete"]:
            return
        yield schedule


@dataclass(frozen=True)
class ShiftRules:
    """Simple rules by which a shift may run a producer."""

    units: tuple[str, ...]
    """Units that draw most and may rest."""
    ties: str
    """Hours in which they rest of those that count the same: the ``first``, or the ``last``."""
    as_list: bool
    """Whether a rule makes a list that is followed; otherwise it decides as it goes."""


@singledispatch
def shift_rules(producer: object) -> ShiftRules:
    """Rules by which a shift may run a producer."""
    raise NotImplementedError(type(producer))


@shift_rules.register
def _(producer: ProductionLine) -> ShiftRules:
    # units of the most hungry stage; in the first hours, so that the line begins later
    line, grades = producer.line, [heat.grade for heat in producer.heats]
    draw_mwh = {
        stage.name: max(
            (line.energy_mwh(grade, unit) for grade in grades for unit in line.able(grade, stage)), default=0.0
        )
        for stage in line.stages
    }
    most = max(draw_mwh.values())
    leading = [unit.name for stage in line.stages if most > 0 and draw_mwh[stage.name] == most for unit in stage.units]
    return ShiftRules(tuple(leading), "first", True)


@shift_rules.register
def _(producer: ProcessNetwork) -> ShiftRules:
    # units that may stand still; in the last hours, so that one may go on from the better hours before them
    power = {
        unit: max(float(mode.power_at(mode.rates.high)) for mode in process.all_modes)
        for process in producer.processes
        for unit in process.units
        if not process.must_run
    }
    most = max(power.values(), default=0.0)
    leading = tuple(unit for unit, mw in power.items() if most > 0 and mw >= PLAN.leading * most)
    return ShiftRules(leading, "last", False)


def worst_hours(scenario: Case, envelope: xr.Dataset) -> np.ndarray:
    """Electricity as the goal counts it, by step, shape (n_steps,): the higher, the worse."""
    from emberline.models import site

    return np.asarray(site.read(scenario, envelope).guide_per_mwh[goal_metric(scenario).name])


def rests(scenario: Scenario, rules: ShiftRules, worth: np.ndarray, hours: float) -> Iterator[tuple[np.ndarray, str]]:
    """Steps of the worst hours of each day, and which of those that count the same they are (``ShiftRules.ties``).

    Empty: all of them rest, or none.
    """
    worth, which = worth.round(DIGITS), rules.ties
    for steps, share in scenario.horizon.local_days():
        day = np.array(steps)
        order = day[np.lexsort((-day if which == "last" else day, -worth[day]))]
        count = round(hours * share * 60 / scenario.horizon.step_min)
        tied = bool(np.isin(worth[order[count:]], worth[order[:count]]).any())
        yield np.sort(order[:count]), which if tied else ""


def ruled(scenario: Case, rules: ShiftRules, worth: np.ndarray, hours: float, peak_mw: float | None) -> Case:
    """The scenario in which units rest in the worst hours of each day, under a peak that is set.

    Args:
        scenario: of the plan.
        rules: of its producer, whose units rest.
        worth: of electricity by step, shape (n_steps,).
        hours: of rest a day.
        peak_mw: the peak; None: none is set.
    """
    horizon, outages = scenario.horizon, list(scenario.state.outages)
    for worst, _ in rests(scenario, rules, worth, hours):
        for _, group in groupby(enumerate(worst.tolist()), lambda pair: pair[1] - pair[0]):
            run = [step for _, step in group]
            begin, end = (timedelta(minutes=step * horizon.step_min) for step in (run[0], run[-1] + 1))
            outages += [Outage(unit=unit, start=begin, end=end) for unit in rules.units]
    changes: dict[str, object] = {"state": scenario.state.model_copy(update={"outages": tuple(outages)})}
    if peak_mw is not None:
        grid = scenario.site.grid.model_copy(update={"import_limit_mw": peak_mw})
        changes["site"] = scenario.site.model_copy(update={"grid": grid})
    return scenario.model_copy(update=changes)
