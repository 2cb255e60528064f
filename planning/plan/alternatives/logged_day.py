"""A baseline that was really run: the heats of a plant's log in the place of those that are planned.

The log's heats take the scenario's durations and energies, so that a plan is compared with *when* the plant worked, and
not with how its day went otherwise. With a meter's record electricity is what was metered.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from emberline.planning.plan.alternatives.record import AsRun
from emberline.planning.plan.baseline import Baseline, envelope_of
from emberline.scenarios import Case, Problem, Scenario, ScenarioError
from emberline.scenarios.case.scenario import Heat
from emberline.scenarios.flows.asset_flows import load_mw
from emberline.scenarios.loading.heat_log import HeatLog
from emberline.scenarios.loading.meter import Meter


def as_run(scenario: Case, log: HeatLog, meter: Meter | None = None) -> tuple[Baseline, AsRun]:
    """The baseline that a log tells of, and what it is.

    Args:
        scenario: with heats, whose orders the log has within the horizon.
        log: of the plant.
        meter: of the line and its base load.

    Raises:
        ScenarioError: the log has not these heats, or the meter not this time.
    """
    from emberline import twin

    if not scenario.heats:
        raise ScenarioError([Problem(log.name, "", "a heat log is compared with plans of heats only")])
    envelope = envelope_of(scenario)
    listed = twin.dispatch(scenario, envelope, over=lambda: True)
    schedule = _schedule(scenario, envelope, listed, _matched(scenario, log))
    run = twin.replay(scenario, schedule).assign_attrs(policy="baseline")
    schedule = schedule.assign({name: run[name] for name in listed.data_vars if name in run and name not in OPERATIONS})
    baseline = Baseline(scenario, envelope, schedule)
    missed = run.sizes["violation"]
    schedule.attrs["complete"] = int(not missed)
    if meter is not None:
        run = _metered(scenario, run, meter)
    vars(baseline)["run"] = run  # in place of another replay
    return baseline, AsRun(log.name, "" if meter is None else meter.name, missed)


OPERATIONS = ("unit", "start_min", "end_min", "extra_mwh")
"""Variables of a schedule that a run has not, or has by operation."""


def _matched(scenario: Scenario, log: HeatLog) -> dict[str, pd.DataFrame]:
    """Rows of the log by heat of the scenario."""
    shift = (log.origin - scenario.horizon.instant(0)).total_seconds() / 60
    rows = log.heats.assign(start_min=log.heats["start_min"] + shift)
    first = rows.groupby("heat")["start_min"].transform("min")
    rows = rows[(first >= 0) & (first < scenario.horizon.length_min)].sort_values("start_min")
    batches = dict(tuple(rows.groupby("heat", sort=False)))
    missing = [heat for heat in scenario.heats if heat.name not in batches]
    if not missing:
        return {heat.name: batches[heat.name] for heat in scenario.heats}
    return dict(_by_grade(scenario, list(batches.values()), log.name))


def _by_grade(scenario: Scenario, batches: list[pd.DataFrame], name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Heats of other names: whole orders of the same grades, in time; else heats of the same grade."""
    orders: dict[str, list[Heat]] = {}
    for heat in scenario.heats:
        orders.setdefault(heat.order, []).append(heat)
    grade = [str(rows["grade"].iloc[0]) for rows in batches]
    order = [str(rows["order"].iloc[0]) if "order" in rows else "" for rows in batches]
    last = [float(rows["start_min"].max()) for rows in batches]
    groups: dict[str, list[int]] = {}
    for i in sorted(range(len(batches)), key=lambda i: last[i]):
        groups.setdefault(order[i], []).append(i)
    free = sorted(range(len(batches)), key=lambda i: last[i])
    for heats in sorted(orders.values(), key=lambda heats: heats[0].due_min):
        grades = sorted(heat.grade.name for heat in heats)
        whole = next(
            (g for g in groups.values() if set(g) <= set(free) and sorted(grade[i] for i in g) == grades), free
        )
        for heat in heats:
            place = next((i for i in whole if i in free and grade[i] == heat.grade.name), None)
            if place is None:
                count = sum(item.grade.name == heat.grade.name for item in scenario.heats)
                text = (
                    f"has {grade.count(heat.grade.name)} heats of {heat.grade.name} that began within the horizon, and "
                    f"the orders have {count}: the plan and the day as run must make the same"
                )
                raise ScenarioError([Problem(name, "", text)])
            free.remove(place)
            yield heat.name, batches[place]


def _schedule(
    scenario: Scenario, envelope: xr.Dataset, listed: xr.Dataset, matched: dict[str, pd.DataFrame]
) -> xr.Dataset:
    """The list of the log's starts and units."""
    units = listed["unit"].values.astype(object)
    start = np.full(units.shape, np.nan)
    end = start.copy()
    stages, rows = listed["stage"].values.tolist(), {name: h for h, name in enumerate(listed["heat"].values.tolist())}
    for heat in scenario.heats:
        h, log = rows[heat.name], matched[heat.name]
        for stage in scenario.line.route(heat.grade):
            here = log[log["stage"] == scenario.line.stages.index(stage)]
            if here.empty:
                text = f"heat {log['heat'].iloc[0]} has no row at {stage.name}"
                raise ScenarioError([Problem("heat log", "", text)])
            k, unit = stages.index(stage.name), str(here["unit"].iloc[0])
            units[h, k], start[h, k] = unit, float(here["start_min"].iloc[0])
            end[h, k] = start[h, k] + float(envelope["duration_min"].sel(heat=heat.name, unit=unit))
    return listed.assign(
        unit=(listed["unit"].dims, units.astype(str)),
        start_min=(listed["start_min"].dims, start),
        end_min=(listed["end_min"].dims, end),
        extra_mwh=listed["extra_mwh"] * 0,
    ).assign_attrs(unplaced="")


def _metered(scenario: Scenario, run: xr.Dataset, meter: Meter) -> xr.Dataset:
    """The run with the electricity that was metered; what differs is taken from the grid."""
    horizon = scenario.horizon
    begin, minutes = meter.after(horizon.instant(0)), max(round(meter.interval_min), 1)
    grid = (begin[:, None] + np.arange(minutes)).ravel()
    power = np.repeat(meter.power_mw, minutes)

    def mean(width_min: float, count: int) -> np.ndarray:
        place = np.floor(grid / width_min).astype(int)
        inside = (place >= 0) & (place < count)
        sums, number = (np.bincount(place[inside], weights, count) for weights in (power[inside], None))
        if (number < width_min * FULL).any():
            at = horizon.instant(float(np.argmax(number < width_min * FULL)) * width_min)
            raise ScenarioError([Problem(meter.name, "", f"has no reading at {at:%Y-%m-%d %H:%M} of the horizon")])
        return sums / number

    used = run["line_mw"].to_numpy() + load_mw(scenario, run)
    more = mean(horizon.step_min, horizon.n_steps) - used
    interval, size = scenario.site.grid.metered_interval_min, run.sizes["meter"]
    per_step = max(round(interval / horizon.step_min), 1)
    by_meter = np.repeat(used, max(round(horizon.step_min / interval), 1))[:size]
    if size * per_step == len(used):
        by_meter = used.reshape(size, per_step).mean(axis=1)
    later = mean(interval, size) - by_meter
    imported = run["import_mw"].to_numpy() - run["export_mw"].to_numpy() + more
    return run.assign(
        line_mw=run["line_mw"] + more,
        import_mw=(run["import_mw"].dims, np.maximum(imported, 0.0)),
        export_mw=(run["export_mw"].dims, np.maximum(-imported, 0.0)),
        meter_mw=(run["meter_mw"].dims, run["meter_mw"].to_numpy() + later),
    )


FULL = 0.5
"""Share of an interval that must be metered."""
