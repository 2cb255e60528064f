"""Changes and their reasons: a few sentences on the difference between plan and baseline, with the bars concerned.

All numbers come from the two undisturbed runs and the series of the scenario; nothing is solved again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import xarray as xr

from emberline.planning.answer.expensive_hours import DIGITS, expensive_hours
from emberline.planning.answer.uses import WORTH_TELLING, mean_over, signal, signal_text, use_changes
from emberline.planning.answer.wording import span
from emberline.planning.plan.record import Plan
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.plain import Plain

QUARTER = 4
"""The worst hours are about a quarter of all; hours of equal value are either all included or all left out."""
MAX_ORDERS = 3
MAX_USES = 2
MIN_SHARE = 0.005
"""Minimum share of the electricity that must leave the worst hours to be mentioned."""
FULL = 0.995
"""Share of a limit above which it counts as binding."""
BUSY = 0.85
"""Share of working time above which a stage limits further shifts."""

HOURS = {
    "average": mark(
        "In the {hours:g} h with the most carbon-intensive electricity ({mean} kg CO2e/MWh on average, {when}) the "
        "plant imports {after:,.1f} MWh instead of {before:,.1f} MWh: {share_after:.0f} % of its imports instead of "
        "{share_before:.0f} %."
    ),
    "marginal": mark(
        "In the {hours:g} h with the highest marginal intensity ({mean} kg CO2e/MWh on average, {when}) the plant "
        "imports {after:,.1f} MWh instead of {before:,.1f} MWh: {share_after:.0f} % of its imports instead of "
        "{share_before:.0f} %."
    ),
    "price": mark(
        "In the {hours:g} h with the dearest electricity ({mean} {unit} on average, {when}) the plant imports "
        "{after:,.1f} MWh instead of {before:,.1f} MWh: {share_after:.0f} % of its imports instead of "
        "{share_before:.0f} %."
    ),
    "level": mark(
        "In the {hours:g} h at the highest price of electricity ({mean} {unit}, {when}) the plant imports "
        "{after:,.1f} MWh instead of {before:,.1f} MWh: {share_after:.0f} % of its imports instead of "
        "{share_before:.0f} %."
    ),
}
MOVED = {
    "later": mark(
        "{order} moves from {old} to {new} ({stage}), where electricity has {worth_after} instead of {worth_before} "
        "{unit}."
    ),
    "way": mark(
        "{order} moves the other way, from {old} to {new} ({stage}), at {worth_after} instead of {worth_before} {unit}."
    ),
}


@dataclass(frozen=True)
class Change(Plain):
    """Sentence about a plan."""

    kind: str
    """``hours``, ``order``, ``use``, ``dear hours`` or ``limit``."""
    says: str
    bars: tuple[str, ...] = ()
    """Heats, units or assets concerned."""
    from_min: float | None = None
    """Time span concerned, after the start of the horizon."""
    to_min: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    """Numbers of the sentence."""


def changes(plan: Plan) -> tuple[Change, ...]:
    """Describe the differences of the plan from the baseline, and the limits on further changes; three to six
    sentences."""
    if plan.replay is None:
        return ()
    sentences = [*_hours(plan)]
    sentences += _orders(plan, plan.replay)
    sentences += _uses(plan, plan.replay)
    sentences += [
        Change("dear hours", reason.says, (reason.unit,), reason.from_min, reason.to_min, reason.numbers)
        for reason in islice(expensive_hours(plan, plan.replay), MAX_USES)
    ]
    sentences += _limits(plan, plan.replay)
    return tuple(sentences)


# --- hours ----------------------------------------------------------------------------------------------------------


def worst_steps(worth: np.ndarray) -> np.ndarray:
    """Indices of the steps of highest value, about a quarter of all; steps of equal value are treated alike.

    Empty if the value is constant.
    """
    if float(np.ptp(worth)) <= WORTH_TELLING * max(float(np.abs(worth).max()), 1e-9):
        return np.array([], dtype=int)
    worth, count = worth.round(DIGITS), max(len(worth) // QUARTER, 1)
    levels, counts = np.unique(worth, return_counts=True)
    sizes = counts[::-1].cumsum()[::-1]
    return np.flatnonzero(worth >= levels[1 + np.argmin(np.abs(sizes[1:] - count))])


def _hours(plan: Plan) -> Iterator[Change]:
    assert plan.replay is not None
    scenario = plan.scenario
    worth, kind, unit = signal(plan)
    steps = worst_steps(worth)
    before, after = (run["import_mw"].to_numpy() * scenario.horizon.step_h for run in (plan.baseline, plan.replay))
    if not len(steps) or not before.sum() or not after.sum():
        return
    numbers = {
        "hours": len(steps) * scenario.horizon.step_h,
        "mean": float(worth[steps].mean()),
        "before": float(before[steps].sum()),
        "after": float(after[steps].sum()),
    }
    numbers["share_before"] = 100 * numbers["before"] / float(before.sum())
    numbers["share_after"] = 100 * numbers["after"] / float(after.sum())
    if abs(numbers["share_before"] - numbers["share_after"]) < 100 * MIN_SHARE:
        return
    when, first, last = span(scenario.horizon, steps)
    values = {name: value for name, value in numbers.items() if name != "mean"} | {"mean": signal_text(numbers["mean"])}
    more = {} if kind != "price" else {"unit": unit}
    if kind == "price" and float(np.ptp(worth[steps].round(DIGITS))) == 0:
        kind = "level"
    yield Change("hours", Message(HOURS[kind], when=when, **values, **more), (), first, last, numbers)


# --- orders ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Position of an order's heats in a run, at the stage with the highest energy use."""

    start: float
    end: float
    mwh: float
    worth: float
    """Mean value while it draws electricity."""


def _orders(plan: Plan, run: xr.Dataset) -> Iterator[Change]:
    scenario = plan.scenario
    worth, kind, unit = signal(plan)
    per_mwh = unit if kind == "price" else "kg CO2e/MWh"
    stage = hungriest_stage(plan.baseline)
    order_of = {heat.name: heat.order for heat in scenario.heats}
    before, after = (_places(scenario, data, stage, worth, order_of) for data in (plan.baseline, run))
    gains = {
        order: place.mwh * (place.worth - after[order].worth)
        for order, place in before.items()
        if order in after and abs(after[order].start - place.start) >= scenario.horizon.step_min
    }
    ranked = sorted(gains, key=lambda order: -gains[order])
    best = [order for order in ranked[:MAX_ORDERS] if gains[order] > 0]
    way = [order for order in ranked[-1:] if gains[order] < 0 and best and len(best) < MAX_ORDERS]
    for order, text in [*((order, "later") for order in best), *((order, "way") for order in way)]:
        old, new = before[order], after[order]
        if abs(new.worth - old.worth) <= WORTH_TELLING * abs(old.worth):
            continue
        times = {"old": scenario.horizon.instant(old.start), "new": scenario.horizon.instant(new.start)}
        worths = {"worth_after": signal_text(new.worth), "worth_before": signal_text(old.worth), "unit": per_mwh}
        sentence = Message(MOVED[text], order=Message("Order {order}", order=order), stage=stage, **times, **worths)
        heats = tuple(heat.name for heat in scenario.heats if heat.order == order)
        numbers = {"old_min": old.start, "new_min": new.start, "worth_before": old.worth, "worth_after": new.worth}
        yield Change("order", sentence, heats, new.start, new.end, numbers)


def hungriest_stage(run: xr.Dataset) -> str:
    """Return the stage that draws most electricity in a run."""
    stages, mwh = run["op_stage"].values, run["op_energy_mwh"].to_numpy()
    names = list(dict.fromkeys(stages.tolist()))
    return max(names, key=lambda name: float(mwh[stages == name].sum())) if names else ""


def _places(
    scenario: Scenario, run: xr.Dataset, stage: str, worth: np.ndarray, order_of: Mapping[str, str]
) -> dict[str, _Place]:
    """Position of each order at a stage."""
    here = run["op_stage"].values == stage
    columns = (run[f"op_{name}"].values[here].tolist() for name in ("heat", "start_min", "end_min", "energy_mwh"))
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for heat, *row in zip(*columns, strict=True):
        rows.setdefault(order_of[heat], []).append((row[0], row[1], row[2]))
    places = {}
    for order, operations in rows.items():
        total = sum(mwh for *_, mwh in operations)
        means = [
            (mwh, mean_over(worth, scenario.horizon.step_min, start, end - start)) for start, end, mwh in operations
        ]
        if total > 0 and not any(np.isnan(mean) for _, mean in means):
            mean = sum(mwh * mean for mwh, mean in means) / total
            starts, ends = zip(*((start, end) for start, end, _ in operations), strict=True)
            places[order] = _Place(min(starts), max(ends), total, mean)
    return places


# --- units, machines, stores ----------------------------------------------------------------------------------------


def _uses(plan: Plan, run: xr.Dataset) -> Iterator[Change]:
    """Yield units that run at other hours, then fuels and machines that are used more or less; the largest changes."""
    uses = [use for use in use_changes(plan, plan.baseline, run) if use.what != "makes"]
    timed = [use for use in uses if use.moved and use.because]
    timed.sort(key=lambda use: -use.moved)
    amounts = [use for use in uses if not use.moved]
    amounts.sort(key=lambda use: -abs(use.after - use.before) / max(use.before, use.after))
    for use in [*timed[:MAX_USES], *amounts[:MAX_USES]]:
        numbers = {"before": use.before, "after": use.after, "moved": use.moved}
        yield Change("use", Message("{change}.", change=use.says), (use.name,), numbers=numbers)


# --- limits ---------------------------------------------------------------------------------------------------------


def _limits(plan: Plan, run: xr.Dataset) -> Iterator[Change]:
    """Yield obstacles to a larger saving: exhausted caps, a full grid connection, a stage without free time."""
    scenario, ours, baseline = plan.scenario, plan.replay_figures, plan.baseline_figures
    assert ours is not None
    share = scenario.goal.caps.extra_cost_share
    if share is not None and scenario.goal.minimize == "carbon" and plan.baseline_complete and baseline.cost > 0:
        extra = ours.cost / baseline.cost - 1
        if extra >= share * FULL > 0:
            text = mark(
                "The cap on cost is used up: undisturbed, the cost is {extra:.1f} % above the baseline's, and the "
                "cap is {cap:.1f} %."
            )
            numbers = {"extra": 100 * extra, "cap": 100 * share}
            yield Change("limit", Message(text, **numbers), numbers=numbers)
    limit, meter = scenario.site.grid.import_limit_mw, run["meter_mw"].to_numpy()
    full = np.flatnonzero(meter >= FULL * limit) if limit else np.array([], dtype=int)
    if limit and len(full):
        length = scenario.site.grid.metered_interval_min
        numbers = {"limit": limit, "hours": len(full) * length / 60}
        text = Message("The import limit of {limit:g} MW is used up for {hours:.1f} h.", **numbers)
        yield Change("limit", text, (), float(full[0] * length), float((full[-1] + 1) * length), numbers)
    yield from _busiest(scenario, run)


def _busiest(scenario: Scenario, run: xr.Dataset) -> Iterator[Change]:
    """Yield the stage with the highest utilization if that is a limit."""
    stages, start, end = (run[f"op_{name}"].values for name in ("stage", "start_min", "end_min"))
    shares = {}
    for stage in scenario.line.stages:
        mine = stages == stage.name
        worked = float((end[mine] - start[mine]).sum())
        shares[stage.name] = worked / (len(stage.units) * scenario.horizon.length_min)
    name = max(shares, key=lambda stage: shares[stage], default="")
    if shares.get(name, 0.0) < BUSY:
        return
    units = tuple(unit.name for unit in next(s for s in scenario.line.stages if s.name == name).units)
    numbers = {"share": 100 * shares[name]}
    text = mark("Little can move further: {units} ({stage}) work for {share:.0f} % of the horizon.")
    yield Change("limit", Message(text, units=units, stage=name, **numbers), units, numbers=numbers)
