"""Limits of the site, the goal's caps, the horizon and outages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emberline.models.explain.limit import Limit, droppable, factored, item, moment, numeric
from emberline.scenarios import Scenario
from emberline.scenarios.assets import FlexibleLoad, Load, Source, Storage
from emberline.scenarios.metrics import METRICS

WIDER = 10.0
"""How many times as large a machine or a connection may become in a repair."""
LONGER_H = 48.0
SHARE = 0.001


def limits(scenario: Scenario) -> Iterator[Limit]:
    """Grid, caps, battery, base load, carriers and assets, outages, the horizon's length."""
    yield from _goal(scenario)
    yield from _grid(scenario)
    site = scenario.site
    if site.battery is not None and site.battery.energy_mwh > 0:
        share = site.battery.end_level_share
        level = scenario.state.battery_level_mwh
        wanted = share if share is not None else site.battery.level_share
        if share is None and level is not None:
            wanted = level / site.battery.energy_mwh
        yield _level("site.battery.end_level_share", "battery", wanted, site.battery.energy_mwh, 0.0, "MWh")
    if float(scenario.inputs["base_load_mw"].max()) > 0:
        yield factored("site.base_load_mw", "base load", "demand", site.base_load_mw, "MW")
    carriers = [carrier.name for carrier in site.carriers]
    for i, carrier in enumerate(site.carriers):
        if not carrier.dumps:
            key = f"site.carriers.{item(carrier.name, i, carriers)}.dump"
            says = f"no surplus of {carrier.name}"
            yield droppable(key, says, f"surplus of {carrier.name} let go", "surplus", f"{key}=true")
    names = [asset.name for asset in site.assets]
    for i, asset in enumerate(site.assets):
        yield from _asset(scenario, asset, f"site.assets.{item(asset.name, i, names)}")
    yield from _outages(scenario)
    yield from _horizon(scenario)


def _goal(scenario: Scenario) -> Iterator[Limit]:
    caps, money = scenario.goal.caps, scenario.market.currency
    for name, row in METRICS.items():
        cap = getattr(caps, row.cap) if row.cap and not row.money else None
        if cap is not None:
            yield numeric(f"goal.caps.{row.cap}", f"cap on {name}", "cap", cap, WIDER * cap + 1e6, row.unit.split()[0])
    if caps.cost is not None:
        yield numeric(
            "goal.caps.cost", "cap on cost", "cap", caps.cost, caps.cost + WIDER * abs(caps.cost) + 1e6, money
        )
    if caps.peak_mw is not None:
        top = WIDER * caps.peak_mw + 100
        yield numeric("goal.caps.peak_mw", "cap on the import's peak", "cap", caps.peak_mw, top, "MW")
    if caps.extra_cost_share is not None:
        yield numeric(
            "goal.caps.extra_cost_share", "cap on cost above the foreman's", "cap", caps.extra_cost_share, 1.0, "%",
            step=SHARE, scale=0.1, factor=100.0,
        )  # fmt: skip


def _grid(scenario: Scenario) -> Iterator[Limit]:
    grid = scenario.site.grid
    if grid.import_limit_mw is not None:
        top = WIDER * grid.import_limit_mw + 100
        yield numeric("site.grid.import_limit_mw", "import limit", "grid", grid.import_limit_mw, top, "MW", step=0.1)
    top = WIDER * grid.export_limit_mw + 100
    key = "site.grid.export_limit_mw"
    yield numeric(key, "export limit", "grid", grid.export_limit_mw, top, "MW", step=0.1, scale=10.0)


def _level(key: str, store: str, share: float, capacity: float, lowest: float, unit: str) -> Limit:
    return numeric(
        key, f"level of {store} at the end", "level", share, lowest, unit, step=SHARE, scale=1.0, factor=capacity
    )


def _asset(scenario: Scenario, asset: Any, key: str) -> Iterator[Limit]:
    carrier = scenario.site.carrier.get(getattr(asset, "carrier", ""))
    unit, per_hour = (carrier.unit, carrier.rate_unit) if carrier else ("", "")
    if isinstance(asset, Load | Source):
        says = f"demand of {asset.name}" if isinstance(asset, Load) else f"what {asset.name} gives"
        yield factored(f"{key}.rate", says, "demand", asset.rate, per_hour)
        return
    if isinstance(asset, Storage):
        share = asset.level_share if asset.end_level_share is None else asset.end_level_share
        if share > asset.lowest_share:
            yield _level(f"{key}.end_level_share", asset.name, share, asset.capacity, asset.lowest_share, unit)
        for field, says in (("in_rate", "filling"), ("out_rate", "emptying")):
            rate = getattr(asset, field)
            if rate is not None:
                yield numeric(f"{key}.{field}", f"{says} of {asset.name}", "rate", rate, WIDER * rate, per_hour)
        yield numeric(
            f"{key}.capacity", f"capacity of {asset.name}", "room", asset.capacity, WIDER * asset.capacity, unit
        )
        return
    for field, says, kind, measure in (
        ("rate_limit", f"rate of {asset.name}", "supply", per_hour),
        ("horizon_limit", f"amount of {asset.name} over the horizon", "supply", unit),
    ):
        value = getattr(asset, field, None)
        if value is not None:
            kind = "rate" if isinstance(asset, FlexibleLoad) else kind
            yield numeric(f"{key}.{field}", says, kind, value, WIDER * value + 1.0, measure)
    if isinstance(asset, FlexibleLoad):
        yield numeric(f"{key}.per_day", f"amount of {asset.name} each day", "amount", asset.per_day, 0.0, unit)
    elif hasattr(asset, "as_converter"):
        yield from _machine(scenario, asset, key)


def _machine(scenario: Scenario, machine: Any, key: str) -> Iterator[Limit]:
    core = scenario.site.cores[machine.name]
    carrier = scenario.site.carrier[core.carrier]
    field = next(name for name in ("heat_mw", "electric_mw", "rate_tph", "capacity") if hasattr(machine, name))
    size = getattr(machine, field)
    unit = "t/h" if field == "rate_tph" else carrier.rate_unit
    yield numeric(f"{key}.{field}", f"size of {machine.name}", "rate", size, WIDER * size, unit)
    for name, says in (("min_up_h", "least run"), ("min_down_h", "least rest")):
        hours = getattr(machine, name)
        if hours > 0:
            yield numeric(f"{key}.{name}", f"{says} of {machine.name}", "run", hours, 0.0, "h")
    if machine.min_load > 0:
        yield numeric(
            f"{key}.min_load", f"least load of {machine.name}", "run", machine.min_load, 0.0, "%", factor=100.0,
            step=SHARE,
        )  # fmt: skip


def _outages(scenario: Scenario) -> Iterator[Limit]:
    minutes, end = scenario.horizon.minutes, scenario.horizon.length_min
    for i, outage in enumerate(scenario.state.outages):
        begin, back = max(minutes(outage.start), 0.0), minutes(outage.end)
        if back > begin and begin < end:
            says = f"end of the outage of {outage.unit}"
            yield moment(f"state.outages.{i}.end", says, "outage", scenario, back, begin + 1.0)


def _horizon(scenario: Scenario) -> Iterator[Limit]:
    if not scenario.orders and not any(delivery.amount_t for delivery in scenario.deliveries):
        return
    hours = scenario.horizon.length_min / 60
    yield numeric(
        "horizon.length_h", "length of the horizon", "horizon", hours, hours + LONGER_H, "h", step=1.0, scale=24.0,
        write=lambda new: ("horizon.days=null", f"horizon.length_h={new:g}"),
    )  # fmt: skip
