"""Insertion of each plan into one schedule over the whole roll."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import xarray as xr

from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.asset_flows import flow

LetGo = dict[str, np.ndarray]
"""Curtailed PV and wind of a schedule, by asset, shape (n_steps,) [MW]."""
TIMED = ("start_min", "end_min")


def lay(whole: xr.Dataset, plan: xr.Dataset, begin_min: float, step_min: float, meter_min: float) -> xr.Dataset:
    """Return a schedule with a plan inserted, from the plan's beginning to its end.

    Args:
        whole: dataset of table ``SCHEDULE`` over the roll.
        plan: schedule of a part of the roll, with the same assets and some of its heats.
        begin_min: beginning of the plan in the roll.
        step_min, meter_min: lengths of a step and of a metered interval.
    """
    schedule = whole.copy(deep=True)
    k, m = round(begin_min / step_min), round(begin_min / meter_min)
    for name, values in plan.data_vars.items():
        if name not in schedule:
            continue
        if "time" in values.dims or "meter" in values.dims:
            at, dim = (k, "time") if "time" in values.dims else (m, "meter")
            here = slice(at, at + plan.sizes[dim])
            # rows by their labels, because a plan may order them differently
            rows = {d: values[d].to_numpy() for d in values.dims if d != dim}
            target = schedule[name].sel(rows) if rows else schedule[name]
            schedule[name].loc[{**rows, dim: target[dim][here]}] = values.to_numpy()
        else:
            # only the plan's heats, since it may not reach the due times of others
            moved = values.to_numpy() + begin_min if name in TIMED else values.to_numpy()
            is_number = np.issubdtype(moved.dtype, np.floating)
            schedule[name] = schedule[name].astype(schedule[name].dtype if is_number else object)
            schedule[name].loc[{"heat": plan["heat"].to_numpy()}] = moved
    # set-points now come from the plan instead of the baseline's rules
    return schedule.assign_attrs(policy=plan.attrs["policy"])


def cut(whole: xr.Dataset, part: Scenario, begin_min: float) -> xr.Dataset:
    """Return the part of a schedule over the whole roll that covers a scenario, as a dataset of table ``SCHEDULE``."""
    step, meter = part.horizon.step_min, part.site.grid.metered_interval_min
    k, m = round(begin_min / step), round(begin_min / meter)
    excerpt = whole.isel(
        time=slice(k, k + part.horizon.n_steps), meter=slice(m, m + round(part.horizon.length_min / meter))
    ).sel(heat=[heat.name for heat in part.heats])
    return excerpt.assign({name: excerpt[name] - begin_min for name in TIMED})


def let_go(scenario: Case, schedule: xr.Dataset) -> LetGo:
    """PV and wind that a schedule curtails, given the series it was made with."""
    return {name: could - flow(schedule, name) for name, could in _available(scenario)}


def with_sun(scenario: Case, schedule: xr.Dataset, letting: LetGo, begin_min: float = 0.0) -> xr.Dataset:
    """Return a schedule that curtails the planned amount of PV and wind, and uses the remaining output.

    Args:
        scenario: scenario with the actual series.
        schedule: schedule over the scenario's horizon.
        letting: planned curtailment over the whole roll.
        begin_min: beginning of the scenario in the roll.
    """
    if not letting:
        return schedule
    new_schedule, k = schedule.copy(deep=True), round(begin_min / scenario.horizon.step_min)
    for name, could in _available(scenario):
        used = np.clip(could - letting[name][k : k + len(could)], 0.0, could)
        new_schedule["asset_rate"].loc[{"flow": name}] = used
    return new_schedule


def _available(scenario: Case) -> Iterator[tuple[str, np.ndarray]]:
    for plant in scenario.site.renewables:
        yield plant.name, plant.available_mw(scenario.asset_series(plant.name)["capacity_factor"])


DRAWS = 10_000
MIN_DAYS = 5
"""Minimum number of days for an interval."""
LEVEL = 0.90


def of_days(values: np.ndarray, days: list[range]) -> np.ndarray:
    """Sums by day of values by step, shape (n_days,)."""
    return np.array([values[day.start : day.stop].sum() for day in days])


def interval(differences: np.ndarray, moved: np.ndarray, seed: int) -> tuple[float, float] | None:
    """Compute the 90 % interval of a sum of daily differences; None: too few days.

    Stores that end a day at different levels shift value between days, which cancels out over all days. This effect is
    first removed by least squares, as a control variate with a known sum. Because consecutive days are correlated,
    blocks of about the cube root of the number of days are drawn, circularly so that every day is drawn equally often
    (Politis and Romano, "A circular block-resampling procedure for stationary data", in Exploring the Limits of
    Bootstrap, 1992).

    Args:
        differences: differences by day, shape (n_days,).
        moved: change over each day of the difference in the level of each store, shape (n_days, n_stores); its sums are
            zero or not part of the reported value.
        seed: random seed of the draws.
    """
    n = len(differences)
    if n < MIN_DAYS:
        return None
    free = n - 1
    used = moved - moved.mean(axis=0)
    rank = int(np.linalg.matrix_rank(used)) if used.size else 0
    if rank and rank <= (n - 1) // 3:
        worth, *_ = np.linalg.lstsq(used, differences - differences.mean(), rcond=None)
        differences, free = differences - used @ worth, n - 1 - rank
    total = float(differences.sum())
    block = max(round(n ** (1 / 3)), 1)
    generator = np.random.Generator(np.random.Philox(key=seed))
    starts = generator.integers(n, size=(DRAWS, -(-n // block)))
    places = (starts[:, :, None] + np.arange(block)).reshape(DRAWS, -1)[:, :n] % n
    # corrects for the degrees of freedom used by the least-squares fit
    spread = (differences[places].sum(axis=1) - total) * np.sqrt((n - 1) / free)
    low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return total + float(low), total + float(high)


LONG_OVER_MIN = 24 * 60.0
"""Time after which finished orders no longer affect a plan by set-up or ladle."""


def looked_at(scenario: Scenario, run: xr.Dataset, begin_min: float, end_min: float) -> set[str]:
    """Orders that a plan over a time span of a run takes into account.

    These are the orders due by its end, which include all started ones, as an earlier plan took them into account.
    Orders that finished long before are left out.
    """
    ended = {
        heat: end
        for heat, stage, end in zip(
            *(run[f"op_{name}"].values.tolist() for name in ("heat", "stage", "end_min")), strict=True
        )
        if stage == scenario.line.stages[-1].name
    }
    horizon = scenario.horizon
    names = set()
    for order in scenario.orders:
        due = horizon.length_min if order.due is None else horizon.minutes(order.due)
        ends = [ended.get(heat.name, horizon.length_min) for heat in scenario.heats if heat.order == order.name]
        if due <= end_min and max(ends) > begin_min - LONG_OVER_MIN:
            names.add(order.name)
    return names


def within(part: Case, names: set[str]) -> Case:
    """Return a plan's scenario with only some of its orders, none due after its end."""
    end: datetime = part.horizon.end_utc
    orders = tuple(
        order.model_copy(update={"due": min(order.due, end) if isinstance(order.due, datetime) else end})
        for order in part.orders
        if order.name in names
    )
    some = part.model_copy(update={"orders": orders})
    heats = {heat.name for heat in some.heats}
    fields = {
        "locks": tuple(lock for lock in part.locks if lock.heat in heats),
        "state": part.state.model_copy(
            update={"started": tuple(item for item in part.state.started if item.heat in heats)}
        ),
    }
    return some.model_copy(update=fields)


def unplanned(schedule: xr.Dataset) -> xr.Dataset:
    """Return a list without heats, which the plans insert."""
    blank = {name: xr.full_like(schedule[name], np.nan) for name in ("start_min", "end_min", "extra_mwh")}
    return schedule.assign({**blank, "unit": xr.full_like(schedule["unit"].astype(object), "")})
