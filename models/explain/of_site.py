"""Limits of the site, the goal's caps, the horizon and outages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

from emberline.models.explain.limit import Limit, assets, droppable, factored, item, moment, numeric, rate_key
from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets import FlexibleLoad, LatentHeatStore, Load, Machine, Named, Source, Storage
from emberline.scenarios.goal_metrics import SIGNALS, more_allowed, no_worse
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import METRICS

WIDER = 10.0
"""How many times as large a machine or a connection may become in a repair."""
LONGER_H = 48.0
SHARE = 0.001
CAPS = {"carbon": Message("cap on carbon"), "other_carbon": Message("cap on carbon by the other signal")}
"""Names of caps."""


def limits(scenario: Scenario) -> Iterator[Limit]:
    """Grid, caps, battery, carriers and assets, outages, the horizon's length."""
    yield from _goal(scenario)
    yield from _grid(scenario)
    site = scenario.site
    battery = scenario.battery
    if battery is not None:
        end_share = battery.end_level / battery.capacity
        yield _level("site.battery.end_level_share", "battery", end_share, battery.capacity, 0.0, "MWh")
    carriers = [carrier.name for carrier in site.carriers]
    for i, carrier in enumerate(site.carriers):
        if not carrier.dumps:
            key = f"site.carriers.{item(carrier.name, i, carriers)}.dump"
            says = Message("no surplus of {carrier}", carrier=carrier.name)
            yield droppable(
                key, says, Message("surplus of {carrier} vented", carrier=carrier.name), "surplus", f"{key}=true"
            )
    for asset, key in assets(scenario):
        yield from _asset(asset, scenario, key)
    yield from _outages(scenario)
    yield from _horizon(scenario)


def _goal(scenario: Scenario) -> Iterator[Limit]:
    caps, money = scenario.goal.caps, scenario.market.currency
    for name, row in METRICS.items():
        cap = getattr(caps, row.cap) if row.cap and not row.money else None
        if cap is not None:
            says = CAPS.get(name, Message("cap on {metric}", metric=name))
            yield numeric(f"goal.caps.{row.cap}", says, "cap", cap, WIDER * cap + 1e6, row.unit.split()[0])
    if caps.cost is not None:
        yield numeric(
            "goal.caps.cost", Message("cap on cost"), "cap", caps.cost, caps.cost + WIDER * abs(caps.cost) + 1e6, money
        )
    if no_worse(scenario):
        says = Message("no more by the {signal} than the baseline", signal=Message(SIGNALS[scenario.goal.signal.other]))
        change = more_allowed(scenario.goal.signal)
        yield droppable("goal.caps.other_signal", says, change, "cap", "goal.caps.other_signal=off")
    if caps.peak_mw is not None:
        top = WIDER * caps.peak_mw + 100
        yield numeric("goal.caps.peak_mw", Message("cap on the import's peak"), "cap", caps.peak_mw, top, "MW")
    if caps.extra_cost_share is not None:
        yield numeric(
            "goal.caps.extra_cost_share", Message("cap on cost above the baseline's"), "cap",
            caps.extra_cost_share, 1.0, "%",
            step=SHARE, scale=0.1, factor=100.0,
        )  # fmt: skip


def _grid(scenario: Scenario) -> Iterator[Limit]:
    grid = scenario.site.grid
    if grid.import_limit_mw is not None:
        top = WIDER * grid.import_limit_mw + 100
        yield numeric(
            "site.grid.import_limit_mw", Message("import limit"), "grid", grid.import_limit_mw, top, "MW", step=0.1
        )
    top = WIDER * grid.export_limit_mw + 100
    key = "site.grid.export_limit_mw"
    yield numeric(key, Message("export limit"), "grid", grid.export_limit_mw, top, "MW", step=0.1, scale=10.0)


def _level(key: str, store: str, share: float, capacity: float, lowest: float, unit: str) -> Limit:
    return numeric(
        key,
        Message("level of {store} at the end", store=store),
        "level",
        share,
        lowest,
        unit,
        step=SHARE,
        scale=1.0,
        factor=capacity,
    )


@singledispatch
def _asset(asset: Named, scenario: Scenario, key: str) -> Iterator[Limit]:
    """Limits of an asset, found by its kind; any kind may limit its rate and its amount over the horizon."""
    yield from _amounts(asset, scenario, key, "supply")


def _amounts(asset: Named, scenario: Scenario, key: str, kind: str) -> Iterator[Limit]:
    unit, per_hour = _units(asset, scenario)
    for field, says, kind_of_field, measure in (
        ("rate_limit", Message("rate of {name}", name=asset.name), kind, per_hour),
        ("horizon_limit", Message("amount of {name} over the horizon", name=asset.name), "supply", unit),
    ):
        value = getattr(asset, field, None)
        if value is not None:
            yield numeric(f"{key}.{field}", says, kind_of_field, value, WIDER * value + 1.0, measure)


def _units(asset: Named, scenario: Scenario) -> tuple[str, str]:
    """Unit of measure of the carrier in which an asset counts, and the same per hour."""
    core = scenario.site.cores.get(asset.name, asset)
    carrier = scenario.site.carrier[core.flows[core.counted]]
    return carrier.unit, carrier.rate_unit


@_asset.register(Load)
@_asset.register(Source)
def _(asset: Load | Source, scenario: Case, key: str) -> Iterator[Limit]:
    says = mark("demand of {name}") if asset.sign < 0 else mark("what {name} gives")
    message = Message("base load") if asset is scenario.site.base_load else Message(says, name=asset.name)
    if scenario.asset_series(asset.name)["rate"].any():
        yield factored(rate_key(asset, scenario, key), message, "demand", asset.rate, _units(asset, scenario)[1])


@_asset.register(Storage)
def _store(asset: Storage, scenario: Scenario, key: str) -> Iterator[Limit]:
    unit, per_hour = _units(asset, scenario)
    share = asset.level_share if asset.end_level_share is None else asset.end_level_share
    if share > asset.lowest_share:
        yield _level(f"{key}.end_level_share", asset.name, share, asset.capacity, asset.lowest_share, unit)
    for field, says in (
        ("in_rate", Message("filling of {name}", name=asset.name)),
        ("out_rate", Message("emptying of {name}", name=asset.name)),
    ):
        rate = getattr(asset, field)
        if rate is not None:
            yield numeric(f"{key}.{field}", says, "rate", rate, WIDER * rate, per_hour)
    yield numeric(
        f"{key}.capacity",
        Message("capacity of {name}", name=asset.name),
        "room",
        asset.capacity,
        WIDER * asset.capacity,
        unit,
    )


@_asset.register(LatentHeatStore)
def _(asset: LatentHeatStore, scenario: Scenario, key: str) -> Iterator[Limit]:
    yield from _store(asset, scenario, key)
    per_hour = _units(asset, scenario)[1]
    for i, point in enumerate(asset.limits):
        at = {"name": asset.name, "share": 100 * point.level_share}
        for field, says, rate in (
            ("in_rate", Message("filling of {name} at a level of {share:.0f} %", **at), point.in_rate),
            ("out_rate", Message("emptying of {name} at a level of {share:.0f} %", **at), point.out_rate),
        ):
            if rate > 0:
                yield numeric(f"{key}.limits.{i}.{field}", says, "rate", rate, WIDER * rate, per_hour)


@_asset.register(FlexibleLoad)
def _(asset: FlexibleLoad, scenario: Scenario, key: str) -> Iterator[Limit]:
    yield from _amounts(asset, scenario, key, "rate")
    unit = _units(asset, scenario)[0]
    # a load that is on or off takes whole steps: what does not fit may be too much or too little
    step = asset.rate_limit * scenario.horizon.step_h if asset.min_load == 1 else None
    for loosest in (0.0, 24 * asset.rate_limit) if step else (0.0,):
        says = Message("amount of {name} each day", name=asset.name)
        yield numeric(f"{key}.per_day", says, "amount", asset.per_day, loosest, unit, step=step)


@_asset.register(Machine)
def _(machine: Machine, scenario: Scenario, key: str) -> Iterator[Limit]:
    size = getattr(machine, machine.size)
    unit = "t/h" if machine.size == "rate_tph" else _units(machine, scenario)[1]
    yield numeric(
        f"{key}.{machine.size}", Message("size of {name}", name=machine.name), "rate", size, WIDER * size, unit
    )
    for name, says in (
        ("min_up_h", Message("least run of {name}", name=machine.name)),
        ("min_down_h", Message("least rest of {name}", name=machine.name)),
    ):
        hours = getattr(machine, name)
        if hours > 0:
            yield numeric(f"{key}.{name}", says, "run", hours, 0.0, "h")
    if machine.min_load > 0:
        yield numeric(
            f"{key}.min_load", Message("least load of {name}", name=machine.name), "run", machine.min_load, 0.0, "%",
            factor=100.0, step=SHARE,
        )  # fmt: skip


def _outages(scenario: Scenario) -> Iterator[Limit]:
    minutes, end = scenario.horizon.minutes, scenario.horizon.length_min
    for i, outage in enumerate(scenario.state.outages):
        begin, back = max(minutes(outage.start), 0.0), minutes(outage.end)
        if back > begin and begin < end:
            says = Message("end of the outage of {unit}", unit=outage.unit)
            yield moment(f"state.outages.{i}.end", says, "outage", scenario, back, begin + 1.0)


def _horizon(scenario: Scenario) -> Iterator[Limit]:
    if not scenario.orders and not any(delivery.amount_t for delivery in scenario.deliveries):
        return
    hours = scenario.horizon.length_min / 60
    yield numeric(
        "horizon.length_h", Message("length of the horizon"), "horizon", hours, hours + LONGER_H, "h", step=1.0,
        scale=24.0,
        write=lambda new: ("horizon.days=null", f"horizon.length_h={new:g}"),
    )  # fmt: skip
