"""Limits of processes, their stores, deliveries and arrivals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from emberline.models.explain.limit import Limit, droppable, factored, item, moment, number, numeric
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message
from emberline.scenarios.process import Process, Rate
from emberline.scenarios.process.delivery import Arrival, Delivery

WIDER = 5.0
FINEST = 0.001


def limits(scenario: Scenario) -> Iterator[Limit]:
    """Levels, room, deliveries, arrivals, a day's energy, rates, runs, stops."""
    names = [store.name for store in scenario.stores]
    for i, store in enumerate(scenario.stores):
        key = f"stores.{item(store.name, i, names)}"
        if store.end_t > 0:
            yield numeric(
                f"{key}.end_level_t",
                Message("level of {store} at the end", store=store.name),
                "level",
                store.end_t,
                0.0,
                "t",
            )
        room = WIDER * store.capacity_t
        yield numeric(
            f"{key}.capacity_t", Message("room of {store}", store=store.name), "room", store.capacity_t, room, "t"
        )
    for field in ("deliveries", "arrivals"):
        items = getattr(scenario, field)
        names = [one.name for one in items]
        for i, one in enumerate(items):
            yield from _moved(scenario, one, f"{field}.{item(one.name, i, names)}")
    names = [process.name for process in scenario.processes]
    for i, process in enumerate(scenario.processes):
        yield from _process(scenario, process, f"processes.{item(process.name, i, names)}")


def _moved(scenario: Scenario, one: Arrival, key: str) -> Iterator[Limit]:
    if isinstance(one, Delivery) and one.amount_t is not None:
        yield numeric(
            f"{key}.amount_t", Message("amount of delivery {name}", name=one.name), "amount", one.amount_t, 0.0, "t"
        )
        end, minutes = scenario.horizon.length_min, scenario.horizon.minutes
        if one.due is not None and minutes(one.due) < end:
            yield moment(
                f"{key}.due",
                Message("due time of delivery {name}", name=one.name),
                "due",
                scenario,
                minutes(one.due),
                end,
            )
        if one.release is not None and minutes(one.release) > 0:
            says = Message("release of delivery {name}", name=one.name)
            yield moment(f"{key}.release", says, "due", scenario, minutes(one.release), 0.0)
        if one.loading_tph is not None:
            top = WIDER * one.loading_tph
            yield numeric(
                f"{key}.loading_tph", Message("loading of {name}", name=one.name), "rate", one.loading_tph, top, "t/h"
            )
        return
    delivery = isinstance(one, Delivery)
    says = Message("delivery {name}", name=one.name) if delivery else Message("arrival {name}", name=one.name)
    if one.rate is not None:
        yield factored(f"{key}.rate", says, "amount", one.rate, "t/h")
        return
    yield numeric(
        f"{key}.weekly", says, "amount", 1.0, 0.0, Message("% of its rate"), step=FINEST, factor=100.0,
        write=lambda new: tuple(
            f"{key}.weekly.{i}.rate_tph={number(trucks.rate_tph * new)}" for i, trucks in enumerate(one.weekly)
        ),
    )  # fmt: skip


def _process(scenario: Scenario, process: Process, key: str) -> Iterator[Limit]:
    name, end = process.name, scenario.horizon.length_min
    energy = process.daily_energy_mwh
    if energy is not None:
        for loosest in (0.0, WIDER * energy):  # too much and too little are both possible
            field = f"{key}.daily_energy_mwh"
            yield numeric(field, Message("daily energy of {name}", name=name), "amount", energy, loosest, "MWh")
    for field, says in (
        ("min_run_h", Message("least run of {name}", name=name)),
        ("min_rest_h", Message("least rest of {name}", name=name)),
    ):
        hours = getattr(process, field)
        if hours > 0:
            yield numeric(f"{key}.{field}", says, "run", hours, 0.0, "h", step=0.25)
    stop, minutes = process.planned_stop, scenario.horizon.minutes
    if stop is not None:
        stop_key = f"{key}.planned_stop"
        yield numeric(
            f"{stop_key}.hours", Message("planned stop of {name}", name=name), "stop", stop.hours, 0.25, "h", step=0.25
        )
        last = end - stop.hours * 60
        if stop.earliest is not None and minutes(stop.earliest) > 0:
            says = Message("earliest beginning of the planned stop of {name}", name=name)
            yield moment(f"{stop_key}.earliest", says, "stop", scenario, minutes(stop.earliest), 0.0)
        if stop.latest is not None and minutes(stop.latest) < last:
            says = Message("latest beginning of the planned stop of {name}", name=name)
            yield moment(f"{stop_key}.latest", says, "stop", scenario, minutes(stop.latest), last)
        says = Message("planned stop of {name}", name=name)
        yield droppable(stop_key, says, Message("{limit} left out", limit=says), "stop", f"{stop_key}=null")
    if process.must_run:
        freed = (f"{key}.must_run=false", *([f"{key}.planned_stop=null"] if stop is not None else []))
        yield droppable(
            f"{key}.must_run",
            Message("{name} must run", name=name),
            Message("{name} allowed to stand still", name=name),
            "run",
            *freed,
        )
    if process.ramp_tph_per_h is not None:
        top = 100 * process.ramp_tph_per_h
        yield numeric(
            f"{key}.ramp_tph_per_h",
            Message("ramp of {name}", name=name),
            "rate",
            process.ramp_tph_per_h,
            top,
            "t/h per h",
        )
    yield from _rates(process, key)


def _rates(process: Process, key: str) -> Iterator[Limit]:
    recipes: list[tuple[str, str, Any]] = [(key, process.name, process)] if process.rate is not None else []
    names = [mode.name for mode in process.modes]
    for i, mode in enumerate(process.modes):
        if mode.rate is not None:
            recipes.append(
                (
                    f"{key}.modes.{item(mode.name, i, names)}",
                    Message("{process} in mode {mode}", process=process.name, mode=mode.name),
                    mode,
                )
            )
    for place, says, recipe in recipes:
        rate = recipe.rate
        if recipe.power_by_rate:
            continue  # its power is not known beyond
        yield numeric(
            f"{place}.rate", Message("highest rate of {name}", name=says), "rate", rate.high, WIDER * rate.high, "t/h",
            write=_rate(f"{place}.rate", rate, high=True),
        )  # fmt: skip
        if rate.low > 0:
            yield numeric(
                f"{place}.rate.low", Message("lowest rate of {name}", name=says), "rate", rate.low, 0.0, "t/h",
                write=_rate(f"{place}.rate", rate, high=False),
            )  # fmt: skip


def _rate(key: str, rate: Rate, *, high: bool) -> Any:
    def write(new: float) -> tuple[str, ...]:
        value = float(number(new))
        low = value if high and rate.fixed else rate.low
        fields = {"low": low, "high": value} if high else {"low": value, "high": rate.high}
        if rate.usual is not None:
            fields["usual"] = rate.usual
        return (f"{key}={json.dumps(fields)}",)

    return write
