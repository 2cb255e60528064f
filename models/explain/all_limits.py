"""All limits of a scenario's line, processes and site: the key, the value and the allowed range of each."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, singledispatch
from typing import Any, TypeVar

from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.base import Named
from emberline.scenarios.assets.converter import Machine
from emberline.scenarios.assets.latent_heat import LatentHeatStore
from emberline.scenarios.assets.machines import FlexibleLoad
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Load, Source
from emberline.scenarios.case.line import Stage
from emberline.scenarios.goal_metrics import SIGNALS, cap_name, more_allowed, no_worse
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import METRICS
from emberline.scenarios.process.delivery import Arrival, Delivery
from emberline.scenarios.process.recipe import Rate
from emberline.scenarios.process.record import Process
from emberline.scenarios.records.series import Series

R = TypeVar("R", bound=Any)
PRICES = {
    "step": 0.1,
    "lock": 0.5,
    "due": 1.0,
    "level": 1.0,
    "cap": 1.5,
    "wait": 2.0,
    "stop": 2.0,
    "run": 2.5,
    "grid": 3.0,
    "outage": 3.0,
    "supply": 3.0,
    "amount": 4.0,
    "horizon": 4.0,
    "rate": 5.0,
    "room": 5.0,
    "surplus": 5.0,
    "demand": 6.0,
    "order": 10.0,
}
"""Price of loosening a limit by its own size, by kind: low where the planner decides, high where a machine would have
to be replaced, highest where less would be produced."""
SERVED = ("amount", "demand")
"""Kinds of limits on the amount that is delivered or served."""
ROUNDING = 1e-9
"""Tolerance for rounding, as a share of a step."""


@dataclass(frozen=True)
class Limit:
    """A limit; loosening moves its value from ``value`` to ``loosest`` (from 0 to 1 if it can only be dropped)."""

    key: str
    """Key in the spelling of ``--set``."""
    name: str
    kind: str
    """A key of ``PRICES``."""
    value: float
    loosest: float
    step: float
    """Repaired values are multiples of this step."""
    scale: float
    """Change that costs the price of the kind."""
    write: Callable[[float], tuple[str, ...]]
    """Overrides that set the limit to a value."""
    text: Callable[[float], str]
    """Text of a value."""
    relative: bool = False
    """Whether the scale is the limit's own value."""

    @property
    def sign(self) -> float:
        """Direction in which the limit is loosened."""
        return 1.0 if self.loosest >= self.value else -1.0

    @property
    def dropped(self) -> bool:
        """Whether the limit can only be dropped as a whole."""
        return self.step == 1.0 and (self.value, self.loosest) == (0.0, 1.0)

    def cancels(self, value: float) -> bool:
        """Return whether a value cancels a delivery or a demand completely."""
        return self.kind == "order" or (self.kind in SERVED and value == 0 and self.value != 0)

    def rounded(self, value: float) -> float:
        """Return the next multiple of the step that is at least as loose, limited to the loosest value."""
        steps = value / self.step
        whole = math.ceil(steps - ROUNDING) if self.sign > 0 else math.floor(steps + ROUNDING)
        step_value = whole * self.step
        return min(step_value, self.loosest) if self.sign > 0 else max(step_value, self.loosest)

    def next_to(self, value: float) -> float:
        """Return the first multiple of the step that is looser."""
        return self.rounded(value + self.sign * self.step * 1e-6)

    @property
    def statement(self) -> str:
        """Text of the limit with its present value."""
        return self.name if self.dropped else Message("{limit}, {value}", limit=self.name, value=self.text(self.value))

    def price(self, value: float) -> float:
        """Return the price of loosening to a value; the larger of the old and the new value counts as the size."""
        size = max(self.scale, abs(value)) if self.relative else self.scale
        return PRICES[self.kind] * abs(value - self.value) / size

    def says(self, value: float) -> str:
        """Return the text of a change to a value."""
        if self.dropped:
            return self.text(value)
        return Message("{limit} to {new} (now {old})", limit=self.name, new=self.text(value), old=self.text(self.value))


def numeric(
    key: str,
    name: str,
    kind: str,
    value: float,
    loosest: float,
    unit: str,
    *,
    step: float | None = None,
    scale: float | None = None,
    factor: float = 1.0,
    write: Callable[[float], tuple[str, ...]] | None = None,
) -> Limit:
    """Build a limit that is one number of the scenario.

    Args:
        key: key in the spelling of ``--set``.
        name: text of the limit.
        kind: a key of ``PRICES``.
        value: present value.
        loosest: furthest value that is allowed.
        unit: unit of measure.
        step: step of repaired values; None: three digits of the value.
        scale: change that costs the price of the kind; None: the value itself.
        factor: factor from the value to the number in its text.
        write: overrides that set a value; None: the key itself.
    """
    size = abs(value) or abs(loosest - value) or 1.0
    return Limit(
        key=key,
        name=name,
        kind=kind,
        value=value,
        loosest=loosest,
        step=step or 10.0 ** (math.floor(math.log10(size)) - 2),
        scale=scale or size,
        write=write or (lambda new: (f"{key}={number(new)}",)),
        text=lambda new: (
            Message("{amount} {unit}", amount=number(new * factor, 5), unit=unit) if unit else number(new * factor, 5)
        ),
        relative=scale is None,
    )


def droppable(key: str, name: str, change: str, kind: str, *overrides: str) -> Limit:
    """Build a limit that is kept, as ``name`` says, or dropped, as ``change`` says."""
    return Limit(key, name, kind, 0.0, 1.0, 1.0, 1.0, lambda _: overrides, lambda _: change)


def moment(key: str, name: str, kind: str, scenario: Scenario, minutes: float, loosest: float) -> Limit:
    """Build a limit on a time: its value in minutes after the horizon's start, its text as the plant's clock time."""
    horizon = scenario.horizon
    return Limit(
        key=key,
        name=name,
        kind=kind,
        value=minutes,
        loosest=loosest,
        step=horizon.step_min,
        scale=24 * 60.0,
        write=lambda new: (f"{key}={number(new)} min",),
        text=lambda new: Message("{time}", time=scenario.horizon.instant(new)),
    )


def factored(key: str, name: str, kind: str, series: Series, unit: str) -> Limit:
    """Build a limit on a whole series by a factor; its text is the number or the share."""
    if series.value is not None:
        unscaled, factor = series.value * series.scale, series.value * series.scale
    else:
        key, unscaled, factor, unit = f"{key}.scale", series.scale, 100.0, "%"

    def write(new: float) -> tuple[str, ...]:
        return (f"{key}={number(new * unscaled)}",)

    return numeric(key, name, kind, 1.0, 0.0, unit, step=0.001, factor=factor, write=write)


@dataclass(frozen=True)
class Number:
    """A number of a record that limits plans if it is set."""

    field: str
    words: str
    """Text, marked for translation."""
    kind: str
    """A key of ``PRICES``."""
    times: float
    """Largest allowed multiple of the value; 0: the limit may be removed, and a value of 0 is no limit."""
    unit: str
    step: float | None = None
    more: float = 0.0
    """Amount allowed in addition to ``times``."""
    scale: float | None = None
    """Change that costs the price of the kind; None: the value itself."""


def numbers(record: Any, key: str, args: Mapping[str, Any], *rows: Number) -> Iterator[Limit]:
    """Yield the limits that are numbers of one record.

    Args:
        record: record of the scenario.
        key: key of the record.
        args: parameters of the texts.
        rows: fields of the record that are limits.
    """
    for row in rows:
        value = getattr(record, row.field, None)
        if value is not None and (value > 0 or row.times):
            words = Message(row.words, **args)
            key_of_row, top = f"{key}.{row.field}", row.times * value + row.more
            yield numeric(key_of_row, words, row.kind, value, top, row.unit, step=row.step, scale=row.scale)


def moments(
    scenario: Scenario, record: Any, key: str, field: str, words: str, kind: str, loosest: float, **args: Any
) -> Iterator[Limit]:
    """Yield the limit on a time of one record if it is set and can still be moved.

    Args:
        scenario: scenario with the horizon.
        record: record of the scenario.
        key: key of the record.
        field: field of the time; ``release`` and ``earliest`` may move earlier, all others later.
        words: text, marked for translation.
        kind: a key of ``PRICES``.
        loosest: furthest allowed time [min after the horizon's start].
        **args: parameters of the text.
    """
    at = getattr(record, field)
    if at is not None:
        minutes = scenario.horizon.minutes(at)
        if minutes > loosest if field in ("release", "earliest") else minutes < loosest:
            yield moment(f"{key}.{field}", Message(words, **args), kind, scenario, minutes, loosest)


def assets(scenario: Scenario) -> Iterator[tuple[Named, str]]:
    """Yield every asset in the scenario's own form with its key; the base load has the key of its load."""
    yield scenario.site.base_load, "site.base_load_mw"
    if scenario.site.sun is not None:
        yield scenario.site.sun, "site.pv"
    yield from keyed("site.assets", scenario.site.assets)


def rate_key(asset: Load | Source, scenario: Scenario, key: str) -> str:
    """Return the key of the rate of a load or source."""
    return key if asset is scenario.site.base_load else f"{key}.rate"


def without(key: str, items: Iterable[Any], left_out: int) -> str:
    """Return the override that removes one item from a list of records."""
    remaining = [item.model_dump(mode="json", exclude_defaults=True) for i, item in enumerate(items) if i != left_out]
    return f"{key}={json.dumps(remaining, ensure_ascii=False)}"


def keyed(path: str, records: Sequence[R]) -> Iterator[tuple[R, str]]:
    """Yield the named records of a list, each with its key.

    Args:
        path: key of the list.
        records: all records of the list.
    """
    names = [record.name for record in records]
    for i, record in enumerate(records):
        yield record, f"{path}.{item(record.name, i, names)}"


def item(name: str, place: int, names: Iterable[str]) -> str:
    """Return the name of a list item in an override: its own name, or its index if the name cannot be used."""
    plain = not any(sign in name for sign in ".=") and not name.isdigit() and list(names).count(name) == 1
    return name if plain else str(place)


def number(value: float, digits: int = 10) -> str:
    """Format a number without rounding residue."""
    return f"{round(value, 9) + 0.0:.{digits}g}" if digits >= 10 or abs(value) < 10**digits else f"{value:.0f}"


WAIT_STEP_MIN = 5.0
PACE_STEP = 0.01
LOCK_SCALE_MIN = 480.0
"""A lock moved by this much costs as much as a dropped lock [min]."""
QUICKEST = 0.1
"""Smallest factor by which the duration of a stage can be reduced."""
LARGER = 5.0
FINEST = 0.001
WIDER = 10.0
"""Factor by which a machine or a connection may grow in a repair."""
LONGER_H = 48.0
SHARE = 0.001


def limits(scenario: Scenario) -> list[Limit]:
    """Return all limits of a scenario that could be loosened, in ascending order of price."""
    all_limits = [*_of_line(scenario), *_of_processes(scenario), *_of_site(scenario)]
    return sorted(all_limits, key=lambda limit: PRICES[limit.kind])


def _of_line(scenario: Scenario) -> Iterator[Limit]:
    """Yield the limits of the line: due times, releases, locks, named units, waits, set-ups, pace of stages, orders."""
    if not scenario.orders:
        return
    yield from _times(scenario)
    for i, lock in enumerate(scenario.locks):
        text = Message("lock of heat {heat} at {stage}", heat=lock.heat, stage=lock.stage)
        change = Message("{limit} dropped", limit=text)
        yield droppable(f"locks.{i}", text, change, "lock", without("locks", scenario.locks, i))
        yield from _lock_moved(scenario, i)
    if len(scenario.locks) > 1:
        yield droppable("locks", Message("all locks"), Message("all locks dropped"), "lock", "locks=[]")
    for stage, key in keyed("line.stages", scenario.line.stages):
        yield from _stage(scenario, stage, key)
    yield from _leaving_out(scenario)


def _lock_moved(scenario: Scenario, place: int) -> Iterator[Limit]:
    """Yield the limits of a lock on times: a later end or an earlier beginning, to the nearest feasible start."""
    lock, minutes = scenario.locks[place], scenario.horizon.minutes
    first, last = (lock.start, lock.start) if lock.start is not None else (lock.earliest, lock.latest)
    records = [lock.model_dump(mode="json", exclude_defaults=True) for lock in scenario.locks]
    window = {name: value for name, value in records[place].items() if name != "start"}
    if lock.start is not None:
        window |= dict.fromkeys(("earliest", "latest"), records[place]["start"])

    def moved(end: str, new: float) -> tuple[str, ...]:
        changed = [*records[:place], window | {end: f"{number(new)} min"}, *records[place + 1 :]]
        return (f"locks={json.dumps(changed, ensure_ascii=False)}",)

    horizon = scenario.horizon
    for end, words, at, loosest in (
        ("latest", mark("latest start of heat {heat} at {stage}"), last, horizon.length_min - horizon.step_min),
        ("earliest", mark("earliest start of heat {heat} at {stage}"), first, 0.0),
    ):
        if at is not None and (minutes(at) < loosest if end == "latest" else minutes(at) > loosest):
            text = Message(words, heat=lock.heat, stage=lock.stage)
            limit = moment(f"locks.{place}.{end}", text, "lock", scenario, minutes(at), loosest)
            yield replace(limit, scale=LOCK_SCALE_MIN, write=partial(moved, end))


def _times(scenario: Scenario) -> Iterator[Limit]:
    end = scenario.horizon.length_min
    for order, key in keyed("orders", scenario.orders):
        args = {"order": order.name}
        yield from moments(scenario, order, key, "due", mark("due time of order {order}"), "due", end, **args)
        for j, entry in enumerate(order.heats):
            words = mark("due time of heats {number} ({grade}) of order {order}")
            args_of_entry = {"number": j + 1, "grade": entry.grade, **args}
            yield from moments(scenario, entry, f"{key}.heats.{j}", "due", words, "due", end, **args_of_entry)
        yield from moments(scenario, order, key, "release", mark("release of order {order}"), "due", 0.0, **args)
        if order.units:
            text = Message("order {order} on {units}", order=order.name, units=order.units)
            last = scenario.line.stages[-1].name
            change = Message("order {order} on any unit of {stage}", order=order.name, stage=last)
            yield droppable(f"{key}.units", text, change, "lock", f"{key}.units=[]")


def _stage(scenario: Scenario, stage: Stage, key: str) -> Iterator[Limit]:
    if stage.longest_wait_min is not None:
        text, wait = Message("longest wait after {stage}", stage=stage.name), stage.longest_wait_min
        most = max(scenario.horizon.length_min, wait + 60)
        yield numeric(f"{key}.longest_wait_min", text, "wait", wait, most, "min", step=WAIT_STEP_MIN, scale=60.0)
    row = Number("setup_min", mark("set-up of {unit}"), "rate", 0.0, "min", 1.0)
    for unit, key_of_unit in keyed(f"{key}.units", stage.units):
        yield from numbers(unit, key_of_unit, {"unit": unit.name}, row)
    yield from _pace(scenario, stage)


def _pace(scenario: Scenario, stage: Stage) -> Iterator[Limit]:
    """Yield the limit on the pace of one stage: all its heats become quicker by the same factor."""
    used = {heat.grade.name for heat in scenario.heats}
    places = [stage.name, *(unit.name for unit in stage.units)]
    durations: list[tuple[str, float]] = []
    for grade, key in keyed("line.grades", scenario.line.grades):
        for place in places:
            if place in grade.duration_min and grade.name in used and "." not in place:
                durations.append((f"{key}.duration_min.{place}", grade.duration_min[place]))
    if not durations:
        return
    (key, _), slowest = durations[0], max(minutes for _, minutes in durations)
    text = Message("slowest heat at {stage} (others in proportion)", stage=stage.name)

    def write(new: float) -> tuple[str, ...]:
        return tuple(f"{key}={number(round(minutes * new, 3))}" for key, minutes in durations)

    yield numeric(key, text, "rate", 1.0, QUICKEST, "min", step=PACE_STEP, factor=slowest, write=write)


def _leaving_out(scenario: Scenario) -> Iterator[Limit]:
    if len(scenario.orders) < 2:
        return
    for i, order in enumerate(scenario.orders):
        text = Message("order {order}", order=order.name)
        change = Message("{limit} left out", limit=text)
        yield droppable(f"orders.{i}", text, change, "order", without("orders", scenario.orders, i))


def _of_processes(scenario: Scenario) -> Iterator[Limit]:
    """Yield the limits of processes: levels, capacities, deliveries, arrivals, daily energy, rates, runs and stops."""
    for store, key in keyed("stores", scenario.stores):
        args = {"store": store.name}
        if store.end_t > 0:
            level = Message("level of {store} at the end", store=store.name)
            yield numeric(f"{key}.end_level_t", level, "level", store.end_t, 0.0, "t")
        yield from numbers(store, key, args, Number("capacity_t", mark("room of {store}"), "room", LARGER, "t"))
    for field in ("deliveries", "arrivals"):
        for arrival, key in keyed(field, getattr(scenario, field)):
            yield from _delivery(scenario, arrival, key)
    for process, key in keyed("processes", scenario.processes):
        yield from _process(scenario, process, key)


def _delivery(scenario: Scenario, arrival: Arrival, key: str) -> Iterator[Limit]:
    if isinstance(arrival, Delivery) and arrival.amount_t is not None:
        amount, end = Message("amount of delivery {name}", name=arrival.name), scenario.horizon.length_min
        yield numeric(f"{key}.amount_t", amount, "amount", arrival.amount_t, 0.0, "t")
        due, release = mark("due time of delivery {name}"), mark("release of delivery {name}")
        yield from moments(scenario, arrival, key, "due", due, "due", end, name=arrival.name)
        yield from moments(scenario, arrival, key, "release", release, "due", 0.0, name=arrival.name)
        loading = Number("loading_tph", mark("loading of {name}"), "rate", LARGER, "t/h")
        yield from numbers(arrival, key, {"name": arrival.name}, loading)
        return
    delivery = isinstance(arrival, Delivery)
    text = Message("delivery {name}", name=arrival.name) if delivery else Message("arrival {name}", name=arrival.name)
    if arrival.rate is not None:
        yield factored(f"{key}.rate", text, "amount", arrival.rate, "t/h")
        return

    def write(new: float) -> tuple[str, ...]:
        return tuple(f"{key}.weekly.{i}.rate_tph={number(row.rate_tph * new)}" for i, row in enumerate(arrival.weekly))

    whole = Message("% of its rate")
    yield numeric(f"{key}.weekly", text, "amount", 1.0, 0.0, whole, step=FINEST, factor=100.0, write=write)


def _process(scenario: Scenario, process: Process, key: str) -> Iterator[Limit]:
    name, args = process.name, {"name": process.name}
    energy = process.daily_energy_mwh
    if energy is not None:
        text = Message("daily energy of {name}", name=name)
        for loosest in (0.0, LARGER * energy):  # the amount may be too large or too small
            yield numeric(f"{key}.daily_energy_mwh", text, "amount", energy, loosest, "MWh")
    yield from numbers(
        process, key, args, Number("min_run_h", mark("least run of {name}"), "run", 0.0, "h", 0.25),
        Number("min_rest_h", mark("least rest of {name}"), "run", 0.0, "h", 0.25),
    )  # fmt: skip
    stop = process.planned_stop
    if stop is not None:
        stop_key, last = f"{key}.planned_stop", scenario.horizon.length_min - stop.hours * 60
        text = Message("planned stop of {name}", name=name)
        yield numeric(f"{stop_key}.hours", text, "stop", stop.hours, 0.25, "h", step=0.25)
        earliest = mark("earliest beginning of the planned stop of {name}")
        yield from moments(scenario, stop, stop_key, "earliest", earliest, "stop", 0.0, **args)
        latest = mark("latest beginning of the planned stop of {name}")
        yield from moments(scenario, stop, stop_key, "latest", latest, "stop", last, **args)
        yield droppable(stop_key, text, Message("{limit} left out", limit=text), "stop", f"{stop_key}=null")
    if process.must_run:
        freed = (f"{key}.must_run=false", *([f"{key}.planned_stop=null"] if stop is not None else []))
        text, change = Message("{name} must run", name=name), Message("{name} allowed to stand still", name=name)
        yield droppable(f"{key}.must_run", text, change, "run", *freed)
    yield from numbers(
        process, key, args, Number("ramp_tph_per_h", mark("ramp of {name}"), "rate", 100.0, "t/h per h")
    )  # fmt: skip
    yield from _rates(process, key)


def _rates(process: Process, key: str) -> Iterator[Limit]:
    recipes: list[tuple[str, str, Any]] = [(key, process.name, process)] if process.rate is not None else []
    for mode, key_of_mode in keyed(f"{key}.modes", process.modes):
        if mode.rate is not None:
            words = Message("{process} in mode {mode}", process=process.name, mode=mode.name)
            recipes.append((key_of_mode, words, mode))
    for place, text, recipe in recipes:
        rate = recipe.rate
        if recipe.power_by_rate:
            continue  # its power beyond the curve is unknown
        key_of_rate, highest = f"{place}.rate", Message("highest rate of {name}", name=text)
        write = partial(_rate, key_of_rate, rate, "high")
        yield numeric(key_of_rate, highest, "rate", rate.high, LARGER * rate.high, "t/h", write=write)
        if rate.low > 0:
            lowest, write = Message("lowest rate of {name}", name=text), partial(_rate, key_of_rate, rate, "low")
            yield numeric(f"{key_of_rate}.low", lowest, "rate", rate.low, 0.0, "t/h", write=write)


def _rate(key: str, rate: Rate, end: str, new: float) -> tuple[str, ...]:
    """Return the override that changes one end of a range of rates; both ends of a fixed rate change together."""
    value = float(number(new))
    fields = {"low": value if end == "high" and rate.fixed else rate.low, "high": rate.high, end: value}
    if rate.usual is not None:
        fields["usual"] = rate.usual
    return (f"{key}={json.dumps(fields)}",)


def _of_site(scenario: Scenario) -> Iterator[Limit]:
    """Yield the limits of the site: grid, caps, battery, carriers, assets, outages and the length of the horizon."""
    yield from _goal(scenario)
    yield from _grid(scenario)
    site = scenario.site
    battery = scenario.battery
    if battery is not None:
        end_share = battery.end_level / battery.capacity
        yield _level("site.battery.end_level_share", "battery", end_share, battery.capacity, 0.0, "MWh")
    for carrier, key in keyed("site.carriers", site.carriers):
        if not carrier.dumps:
            text = Message("no surplus of {carrier}", carrier=carrier.name)
            change = Message("surplus of {carrier} vented", carrier=carrier.name)
            yield droppable(f"{key}.dump", text, change, "surplus", f"{key}.dump=true")
    for asset, key in assets(scenario):
        yield from _asset(asset, scenario, key)
    yield from _outages(scenario)
    yield from _horizon(scenario)


def _goal(scenario: Scenario) -> Iterator[Limit]:
    caps, money = scenario.goal.caps, scenario.market.currency
    for name, row in METRICS.items():
        cap = getattr(caps, row.cap) if row.cap and not row.money else None
        if cap is not None:
            yield numeric(f"goal.caps.{row.cap}", cap_name(name), "cap", cap, WIDER * cap + 1e6, row.unit.split()[0])
    if caps.cost is not None:
        top = caps.cost + WIDER * abs(caps.cost) + 1e6
        yield numeric("goal.caps.cost", Message("cap on cost"), "cap", caps.cost, top, money)
    if no_worse(scenario):
        text = Message("no more by the {signal} than the baseline", signal=Message(SIGNALS[scenario.goal.signal.other]))
        change = more_allowed(scenario.goal.signal)
        yield droppable("goal.caps.other_signal", text, change, "cap", "goal.caps.other_signal=off")
    peak = Number("peak_mw", mark("cap on the import's peak"), "cap", WIDER, "MW", more=100.0)
    yield from numbers(caps, "goal.caps", {}, peak)
    if caps.extra_cost_share is not None:
        key, text, share = (
            "goal.caps.extra_cost_share",
            Message("cap on cost above the baseline's"),
            caps.extra_cost_share,
        )
        yield numeric(key, text, "cap", share, 1.0, "%", step=SHARE, scale=0.1, factor=100.0)


def _grid(scenario: Scenario) -> Iterator[Limit]:
    exported = Number("export_limit_mw", mark("export limit"), "grid", WIDER, "MW", 0.1, more=100.0, scale=10.0)
    imported = Number("import_limit_mw", mark("import limit"), "grid", WIDER, "MW", 0.1, more=100.0)
    yield from numbers(scenario.site.grid, "site.grid", {}, imported, exported)


def _level(key: str, store: str, share: float, capacity: float, lowest: float, unit: str) -> Limit:
    words = Message("level of {store} at the end", store=store)
    return numeric(key, words, "level", share, lowest, unit, step=SHARE, scale=1.0, factor=capacity)


@singledispatch
def _asset(asset: Named, scenario: Scenario, key: str) -> Iterator[Limit]:
    """Yield the limits of an asset by its kind; any kind may limit its rate and its amount over the horizon."""
    yield from _amounts(asset, scenario, key, "supply")


def _amounts(asset: Named, scenario: Scenario, key: str, kind: str) -> Iterator[Limit]:
    unit, per_hour = _units(asset, scenario)
    amount = mark("amount of {name} over the horizon")
    yield from numbers(
        asset, key, {"name": asset.name}, Number("rate_limit", mark("rate of {name}"), kind, WIDER, per_hour, more=1.0),
        Number("horizon_limit", amount, "supply", WIDER, unit, more=1.0),
    )  # fmt: skip


def _units(asset: Named, scenario: Scenario) -> tuple[str, str]:
    """Return the unit in which an asset counts its carrier, and the same per hour."""
    core = scenario.site.cores.get(asset.name, asset)
    carrier = scenario.site.carrier[core.flows[core.counted]]
    return carrier.unit, carrier.rate_unit


@_asset.register(Load)
@_asset.register(Source)
def _(asset: Load | Source, scenario: Case, key: str) -> Iterator[Limit]:
    text = mark("demand of {name}") if asset.sign < 0 else mark("what {name} gives")
    message = Message("base load") if asset is scenario.site.base_load else Message(text, name=asset.name)
    if scenario.asset_series(asset.name)["rate"].any():
        yield factored(rate_key(asset, scenario, key), message, "demand", asset.rate, _units(asset, scenario)[1])


@_asset.register(Storage)
def _store(asset: Storage, scenario: Scenario, key: str) -> Iterator[Limit]:
    unit, per_hour = _units(asset, scenario)
    share = asset.level_share if asset.end_level_share is None else asset.end_level_share
    if share > asset.lowest_share:
        yield _level(f"{key}.end_level_share", asset.name, share, asset.capacity, asset.lowest_share, unit)
    yield from numbers(
        asset, key, {"name": asset.name}, Number("in_rate", mark("filling of {name}"), "rate", WIDER, per_hour),
        Number("out_rate", mark("emptying of {name}"), "rate", WIDER, per_hour),
        Number("capacity", mark("capacity of {name}"), "room", WIDER, unit),
    )  # fmt: skip


@_asset.register(LatentHeatStore)
def _(asset: LatentHeatStore, scenario: Scenario, key: str) -> Iterator[Limit]:
    yield from _store(asset, scenario, key)
    per_hour = _units(asset, scenario)[1]
    rows = (
        Number("in_rate", mark("filling of {name} at a level of {share:.0f} %"), "rate", WIDER, per_hour),
        Number("out_rate", mark("emptying of {name} at a level of {share:.0f} %"), "rate", WIDER, per_hour),
    )
    for i, point in enumerate(asset.limits):
        at = {"name": asset.name, "share": 100 * point.level_share}
        yield from numbers(point, f"{key}.limits.{i}", at, *(row for row in rows if getattr(point, row.field) > 0))


@_asset.register(FlexibleLoad)
def _(asset: FlexibleLoad, scenario: Scenario, key: str) -> Iterator[Limit]:
    yield from _amounts(asset, scenario, key, "rate")
    unit = _units(asset, scenario)[0]
    # a load that is on or off takes whole steps, so its amount may be too large or too small
    step = asset.rate_limit * scenario.horizon.step_h if asset.min_load == 1 else None
    for loosest in (0.0, 24 * asset.rate_limit) if step else (0.0,):
        text = Message("amount of {name} each day", name=asset.name)
        yield numeric(f"{key}.per_day", text, "amount", asset.per_day, loosest, unit, step=step)


@_asset.register(Machine)
def _(machine: Machine, scenario: Scenario, key: str) -> Iterator[Limit]:
    unit = "t/h" if machine.size == "rate_tph" else _units(machine, scenario)[1]
    yield from numbers(
        machine, key, {"name": machine.name}, Number(machine.size, mark("size of {name}"), "rate", WIDER, unit),
        Number("min_up_h", mark("least run of {name}"), "run", 0.0, "h"),
        Number("min_down_h", mark("least rest of {name}"), "run", 0.0, "h"),
    )  # fmt: skip
    if machine.min_load > 0:
        least = Message("least load of {name}", name=machine.name)
        yield numeric(f"{key}.min_load", least, "run", machine.min_load, 0.0, "%", factor=100.0, step=SHARE)


def _outages(scenario: Scenario) -> Iterator[Limit]:
    minutes, end = scenario.horizon.minutes, scenario.horizon.length_min
    for i, outage in enumerate(scenario.state.outages):
        begin, back = max(minutes(outage.start), 0.0), minutes(outage.end)
        if back > begin and begin < end:
            text = Message("end of the outage of {unit}", unit=outage.unit)
            yield moment(f"state.outages.{i}.end", text, "outage", scenario, back, begin + 1.0)


def _horizon(scenario: Scenario) -> Iterator[Limit]:
    if not scenario.orders and not any(delivery.amount_t for delivery in scenario.deliveries):
        return
    hours = scenario.horizon.length_min / 60
    limit = numeric(
        "horizon.length_h",
        Message("length of the horizon"),
        "horizon",
        hours,
        hours + LONGER_H,
        "h",
        step=1.0,
        scale=24.0,
    )
    yield replace(limit, write=lambda new: ("horizon.days=null", f"horizon.length_h={new:g}"))
