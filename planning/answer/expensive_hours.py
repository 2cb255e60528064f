"""Reasons why a process unit runs in expensive hours: cheaper hours are used up, or a store prevents their use.

Expensive steps are those of the highest value in which the unit runs; cheaper ones are all steps of lower value in
which it is available. If neither reason applies, nothing is reported: a minimum run time, a start-up or a margin may be
the cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.planning.answer.uses import WORTH_TELLING, signal, signal_text
from emberline.planning.answer.wording import amount, joined, span
from emberline.planning.plan.record import Plan
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message, mark

FULL = 0.995
"""Share of a rate above which it counts as full."""
SAME = 1e-3
"""Relative tolerance between production and demand."""
HAIR = 1e-9
"""Tolerance as a share of a store's capacity."""
DIGITS = 6
"""Digits to which values of a MWh are compared."""
HOURS = {True: mark("{hours:g} h at {worth} {unit}"), False: mark("{hours:g} h below {worth} {unit}")}
USED = {
    True: mark(
        "All {hours} are used: {name} makes {most} t in them, of the {total} t that are wanted; the other {rest} t "
        "take {dear_hours:g} h at {dear} {unit} ({when})."
    ),
    False: mark(
        "All {hours} are used: {name} makes {most} t in them, of {total} t in all; the other {rest} t take "
        "{dear_hours:g} h at {dear} {unit} ({when})."
    ),
}
"""Key: whether production equals the demand of deliveries and the end level."""
REASONS = {"full": mark("{store} would overflow"), "empty": mark("{store} would run empty")}


@dataclass(frozen=True)
class ExpensiveHours:
    """Reason why a unit runs in expensive hours."""

    unit: str
    says: Message
    from_min: float
    to_min: float
    """Longest span of expensive steps in which it runs."""
    numbers: dict[str, float]


def expensive_hours(plan: Plan, run: xr.Dataset) -> Iterator[ExpensiveHours]:
    """Yield the reason for each unit that runs in expensive hours, if the data show one.

    Args:
        plan: plan whose goal defines the value of an hour.
        run: undisturbed dataset of table ``RUN`` or ``SCHEDULE``.
    """
    scenario, (worth, kind, currency) = plan.scenario, signal(plan)
    worth, step_h = worth.round(DIGITS), scenario.horizon.step_h
    unit = currency if kind == "price" else "kg CO2e/MWh"
    for name, process in scenario.process_units:
        tph = run["process_tph"].sel(process=name).to_numpy()
        if process.must_run or not tph.any():
            continue
        most = float(worth[tph > 0].max())
        less = worth < most - WORTH_TELLING * abs(most)
        expensive, cheaper = (tph > 0) & ~less, less & _available(scenario, name)
        modes = run["process_mode"].sel(process=name).values
        highest = np.array([process.mode[mode].rates.high if mode else np.inf for mode in modes.tolist()])
        if not cheaper.any() or (cheaper & (tph > 0) & (tph < FULL * highest)).any():
            continue
        free, total = cheaper & (modes == ""), float(tph.sum() * step_h)
        reasons = _no_room(scenario, run, name, np.flatnonzero(expensive), np.flatnonzero(free))
        if free.any() and not reasons:
            continue
        one_level, cheap = np.ptp(worth[cheaper]) == 0, float(worth[cheaper].max())
        numbers = {
            "hours": float((free if free.any() else cheaper).sum() * step_h), "worth": cheap if one_level else most,
            "dear": most, "dear_hours": float(expensive.sum() * step_h), "rest": float(tph[expensive].sum() * step_h),
            "total": total,
        }  # fmt: skip
        text = USED[abs(total - _wanted_t(scenario, run, name)) <= SAME * total]
        if reasons:
            text = mark(
                "{name} runs for {dear_hours:g} h at {dear} {unit} ({when}): in the other {hours} instead, {reasons}."
            )
        when, first, last = span(scenario.horizon, np.flatnonzero(expensive))
        level, rest = signal_text(numbers["worth"]), numbers["rest"]
        hours = Message(HOURS[bool(one_level)], hours=numbers["hours"], worth=level, unit=unit)
        tonnes = {"total": amount(total), "rest": amount(rest), "most": amount(total - rest)}
        values = {**numbers, **tonnes, "dear": signal_text(most), "hours": hours, "reasons": joined(reasons, ", ")}
        yield ExpensiveHours(name, Message(text, name=name, unit=unit, when=when, **values), first, last, numbers)


def _available(scenario: Scenario, unit: str) -> np.ndarray:
    """Mask of the steps without an outage of a unit, shape (n_steps,)."""
    begins = np.arange(scenario.horizon.n_steps) * scenario.horizon.step_min
    free = np.ones(len(begins), dtype=bool)
    for begin, end in scenario.outages.get(unit, ()):
        free &= (begins + scenario.horizon.step_min <= begin) | (begins >= end)
    return free


def _wanted_t(scenario: Scenario, run: xr.Dataset, unit: str) -> float:
    """Tonnes required from a unit for deliveries and the end level of a store that it alone fills; nan: unknown."""
    places = run["stream_place"].values
    fills = (run["stream_rate"].to_numpy() > 0).any(axis=1) & np.isin(places, list(scenario.store))
    mine = run["stream_process"].values == unit
    names = set(places[fills & mine].tolist())
    if len(names) != 1:
        return float("nan")
    (name,) = names
    store = scenario.store[name]
    others = np.any(~mine & (places == name)) or any(arrival.store == name for arrival in scenario.arrivals)
    if others or store.loss_per_h or float(run["off_spec_tph"].sel(process=unit).sum()):
        return float("nan")
    delivered_t = sum(
        float(run["delivered_t"].sel(delivery=d.name).sum()) for d in scenario.deliveries if d.store == name
    )
    return delivered_t + store.end_t - store.start_t


def _no_room(scenario: Scenario, run: xr.Dataset, unit: str, expensive: np.ndarray, free: np.ndarray) -> list[Message]:
    """Limits that prevent a unit's work from moving from an expensive step to a free one; empty: some move is possible.

    Between the two steps, a store filled by the unit holds more if the free step is earlier, and less if it is later.
    """
    mine = run["stream_process"].values == unit
    flows = [
        (scenario.store[place], rate * scenario.horizon.step_h, run["stock_t"].sel(stock=place).to_numpy())
        for place, rate in zip(
            run["stream_place"].values[mine].tolist(), run["stream_rate"].to_numpy()[mine], strict=True
        )
        if place in scenario.store
    ]
    reasons: dict[tuple[str, str], None] = {}
    if any(store.loss_per_h for store, *_ in flows):
        return []
    for at in expensive.tolist():
        broken = np.zeros(len(free), dtype=bool)
        for store, tonnes, level in flows:
            earlier, later = (
                (1, level[:at][::-1], np.arange(at)[::-1]),
                (-1, level[at:-1], np.arange(at + 1, len(level))),
            )
            for sign, path, steps in (earlier, later):
                by, hair = sign * tonnes[at], HAIR * store.capacity_t
                if by > 0:
                    over = np.maximum.accumulate(path) + by > store.capacity_t + hair
                else:
                    over = np.minimum.accumulate(path) + by < -hair
                passed = np.isin(free, steps[over]) & ~broken
                if passed.any():
                    reasons["full" if by > 0 else "empty", store.name] = None
                broken |= passed
        if not broken.all():
            return []
    return [Message(REASONS[kind], store=store) for kind, store in reasons]
