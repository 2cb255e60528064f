"""What a scenario is, line by line: line, site, market, emission factors; and what is odd without being wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from scenarios import Scenario
from scenarios.assets import (
    Converter,
    Flare,
    FlexibleLoad,
    HeatPump,
    Load,
    Named,
    Renewable,
    Sale,
    Source,
    Storage,
    Supply,
)
from scenarios.emissions import factors_used
from scenarios.line import Unit
from scenarios.tariff import DemandCharge, Tariff, remarks
from ui import wording, works


def lines(scenario: Scenario) -> Iterator[str]:
    """Everything that a scenario gives, a line each; its heading and its series left out."""
    for stage in scenario.line.stages:
        given = "".join(f"; gives {g.per_mwh:g} {g.carrier} per MWh" for g in stage.gives)
        yield f"stage {stage.name}: {', '.join(map(_unit, stage.units))}{given}"
    for order in scenario.orders:
        yield f"order {order.name}: {wording.count(sum(entry.count for entry in order.heats), 'heat')}"
    yield from works.lines(scenario)
    yield from _connection(scenario)
    for carrier in scenario.site.carriers:
        kinds = [carrier.unit, *(["waste"] if carrier.waste else []), *(["may be let go"] if carrier.dumps else [])]
        yield f"carrier {carrier.name}: {', '.join(kinds)}"
    for name, kind, size, moves in assets(scenario):
        yield f"asset {name}: {kind}, {size}, {moves}"
    yield from _market(scenario)
    yield from factors(scenario)


def assets(scenario: Scenario) -> Iterator[tuple[str, str, str, str]]:
    """Name, kind, size and carriers of each asset."""
    for asset in scenario.site.assets:
        gives, takes = sides(scenario, asset)
        moves = " to ".join(", ".join(side) for side in (takes, gives) if side)
        if isinstance(asset, Storage):
            moves = asset.carrier
        yield asset.name, asset.kind.replace("_", " "), _size(scenario, asset), moves


def sides(scenario: Scenario, asset: Any) -> tuple[list[str], list[str]]:
    """Carriers that an asset gives, and those that it takes; a store does neither."""
    record: Named = scenario.site.cores.get(asset.name, asset)
    if isinstance(record, Supply | Source | Renewable):
        return [record.carrier], []
    if isinstance(record, Sale | Flare | Load):
        return [], [record.carrier]
    if not isinstance(record, Converter):
        return [], []
    gives = {key: carrier for key, carrier in record.flows.items() if key.startswith("outputs")}
    takes = {key: carrier for key, carrier in record.flows.items() if key.startswith(("inputs", "start_fuel"))}
    (gives if record.main == "output" else takes)["main"] = record.carrier
    return list(dict.fromkeys(gives.values())), list(dict.fromkeys(takes.values()))


def odd(scenario: Scenario) -> Iterator[str]:
    """What is not wrong and yet hardly meant, a line each."""
    site = scenario.site
    base, limit = float(scenario.inputs["base_load_mw"].max()), site.grid.import_limit_mw
    if limit is not None and base > limit:
        yield f"the base load reaches {base:g} MW, above the import limit of {limit:g} MW"
    yield from _carriers(scenario)
    for asset in site.assets:
        core = site.cores.get(asset.name)
        if core is not None and not isinstance(asset, HeatPump | FlexibleLoad):
            ratio = _gain(scenario, core)
            if ratio > MOST_GAIN:
                yield f"asset {asset.name}: gives {ratio:.3g} MWh for each MWh that it takes"
        told = isinstance(asset, Supply) and (asset.factor or asset.fossil_kg_per_unit or asset.biogenic_kg_per_unit)
        if isinstance(asset, Supply) and not told:
            yield f"asset {asset.name}: has no emission factor, so {asset.carrier} counts as free of carbon"
    if scenario.market.tariff is not None:
        monthly = any(charge.assessed == "monthly" for charge in scenario.market.tariff.demand_charges)
        if monthly and scenario.horizon.length_min < SHORT_MIN and not scenario.state.peak_so_far_mw:
            yield (
                "tariff: the demand charge of a whole month counts in this horizon; tell the month's peak until now as "
                "state.peak_so_far_mw"
            )
        yield from (f"tariff: {line}" for line in remarks(scenario.market.tariff))


def _carriers(scenario: Scenario) -> Iterator[str]:
    site, (given_by, taken_by) = scenario.site, works.sides(scenario)
    given, taken = {*scenario.line.gives, *given_by}, set(taken_by)
    for asset in site.assets:
        gives, takes = sides(scenario, asset)
        given.update(gives)
        taken.update(takes)
    for carrier in site.carriers:
        of = [asset.name for asset in site.assets if carrier.name in (name for _, name in asset.touches())]
        of += [*given_by.get(carrier.name, ()), *taken_by.get(carrier.name, ())]
        if carrier.name in given and carrier.name not in taken and not carrier.dumps:
            yield f"carrier {carrier.name}: nobody uses it ({', '.join(of)})"
        elif carrier.name in taken and carrier.name not in given:
            yield f"carrier {carrier.name}: nobody gives it ({', '.join(of)})"
        elif not of and carrier.name not in given:
            yield f"carrier {carrier.name}: no asset touches it"
        elif carrier.name in given and carrier.name not in taken:
            yield f"carrier {carrier.name}: nobody uses it, all of it is let go"


SHORT_MIN = 27 * 24 * 60
"""A horizon shorter than this is a part of a month."""
MOST_GAIN = 1.1
"""Energy out for energy in above which a machine is odd; condensing boilers come to 1.08 of the net heating value."""


def _gain(scenario: Scenario, core: Converter) -> float:
    """Energy out for energy in at full load, where all of a machine's carriers are counted in MWh; else 0."""
    if any(scenario.site.carrier[carrier].unit != "MWh" for carrier in core.flows.values()):
        return 0.0
    series = {key: float(values.mean()) for key, values in scenario.asset_series(core.name).items()}
    out = 1.0 if core.main == "output" else 0.0
    taken = 1.0 - out
    for key, streams in (("inputs", core.inputs), ("outputs", core.outputs)):
        for i, stream in enumerate(streams):
            amount = stream.by_load[-1].per_unit if stream.by_load else series.get(f"{key}.{i}", 0.0)
            out, taken = (out, taken + amount) if key == "inputs" else (out + amount, taken)
    return out / taken if taken > 0 else (math.inf if out else 0.0)


def factors(scenario: Scenario) -> Iterator[str]:
    """Every emission factor that counts, by name with its source, or as the scenario says it."""
    for used in factors_used(scenario):
        yield f"factor {used}"
    for emitter, emissions in scenario.emitters:
        for emission in emissions:
            if emission.factor is None:
                apart = ", biogenic" if emission.biogenic else ""
                yield f"factor {emitter}: {emission.source}, {emission.kg_per_t:g} kg/t{apart}, as the scenario says"
    for asset in scenario.site.assets:
        record: Any = scenario.site.cores.get(asset.name, asset)
        if getattr(record, "factor", None) is not None:
            continue
        for field, apart in (("fossil_kg_per_unit", ""), ("biogenic_kg_per_unit", ", biogenic")):
            kg = getattr(record, field, 0)
            if kg:
                unit = scenario.site.carrier[record.carrier].unit
                yield f"factor {asset.name}: {kg:g} kg/{unit}{apart}, as the scenario says"


def _unit(unit: Unit) -> str:
    return unit.name if unit.states is None else f"{unit.name} ({', '.join(s.name for s in unit.states.states)})"


def _connection(scenario: Scenario) -> Iterator[str]:
    site = scenario.site
    limit = "no limit" if site.grid.import_limit_mw is None else f"import at most {site.grid.import_limit_mw:g} MW"
    export = "no export" if not site.grid.export_limit_mw else f"export at most {site.grid.export_limit_mw:g} MW"
    yield f"grid: {limit}, {export}, mean over {site.grid.metered_interval_min:g} min"
    if site.pv is not None and site.pv.peak_mw:
        yield f"pv: {site.pv.peak_mw:g} MW peak"
    battery = site.battery
    if battery is not None and battery.energy_mwh:
        both = f"{wording.percent(battery.charge_efficiency * battery.discharge_efficiency, 1)} there and back"
        lost = f", {100 * battery.self_loss_per_h:g} % lost in an hour" if battery.self_loss_per_h else ""
        yield f"battery: {battery.energy_mwh:g} MWh, {battery.power_mw:g} MW, {both}{lost}"


def _size(scenario: Scenario, asset: Any) -> str:
    record = scenario.site.cores.get(asset.name, asset)
    carrier = scenario.site.carrier[record.carrier]
    if isinstance(record, Renewable):
        return f"{record.peak_mw:g} MW peak"
    if isinstance(record, Converter):
        side = "out" if record.main == "output" else "in"
        return f"{record.capacity:g} {carrier.rate_unit} of {carrier.name} {side}"
    if isinstance(record, Storage):
        rates = (("in", record.in_rate), ("out", record.out_rate))
        told = [f"{rate:g} {carrier.rate_unit} {side}" for side, rate in rates if rate is not None]
        return ", ".join([f"{record.capacity:g} {carrier.unit}", *told])
    if isinstance(record, Load | Source):
        rate = scenario.asset_series(record.name)["rate"]
        low, high = float(rate.min()), float(rate.max())
        return f"{low:g} {carrier.rate_unit}" if low == high else f"{low:g} to {high:g} {carrier.rate_unit}"
    limits = [] if record.rate_limit is None else [f"at most {record.rate_limit:g} {carrier.rate_unit}"]
    if getattr(record, "horizon_limit", None) is not None:
        limits.append(f"at most {record.horizon_limit:g} {carrier.unit} in all")
    return ", ".join(limits) or "no limit"


def _market(scenario: Scenario) -> Iterator[str]:
    market, money = scenario.market, scenario.market.currency
    if market.tariff is not None:
        yield from _tariff(market.tariff, money)
        if scenario.state.peak_so_far_mw:
            yield f"peak of the month so far: {scenario.state.peak_so_far_mw:g} MW"
    for contract in market.contracts:
        share, mwh = getattr(contract, "share", None), getattr(contract, "mwh", None)
        much = "a profile" if share is None else f"{wording.percent(share, 1)} of the import"
        much = f"{mwh:g} MWh" if mwh is not None else much
        factor = getattr(contract, "kg_per_mwh", 0 if contract.kind == "guarantees" else None)
        carbon = "" if factor is None else f", {factor:g} kg/MWh market-based"
        kind = contract.kind.replace("_", " ")
        yield f"contract {contract.name}: {kind}, {much} at {contract.price_per_mwh:g} {money}/MWh{carbon}"
    if market.imbalance is not None:
        yield "imbalance: what deviates from the nomination has its own prices"
    price = market.carbon_price
    if price.per_t:
        covers = "scope 1 only" if price.covers == "direct" else "scope 1 and 2"
        free = f", {wording.percent(price.free_share, 1)} free" if price.free_share else ""
        scheme = f" ({price.scheme})" if price.scheme else ""
        yield f"carbon price: {price.per_t:g} {money}/t on {covers}{free}{scheme}"


def _tariff(tariff: Tariff, money: str) -> Iterator[str]:
    if tariff.name:
        yield f"tariff {tariff.name}"
    for charge in tariff.energy:
        yield f"tariff energy {charge.name}: {_rates((r.per_mwh for r in charge.rates), f'{money}/MWh')}"
    if tariff.peak_valley is not None:
        part = tariff.peak_valley
        times = f"peak {part.peak_ratio:g} times, valley {part.valley_ratio:g} times"
        yield f"tariff energy by peak and valley: flat {part.flat_per_mwh:g} {money}/MWh, {times} that"
    for levy in tariff.levies:
        yield f"tariff levy {levy.name}: {levy.per_mwh:g} {money}/MWh"
    for demand in tariff.demand_charges:
        yield f"tariff demand {demand.name}: {_rates((r.per_mw for r in demand.rates), f'{money}/MW')}{_how(demand)}"
    for peak in tariff.coincident:
        hours = wording.count(len(peak.starts), "interval")
        yield f"tariff coincident peak {peak.name}: {peak.per_mw:g} {money}/MW over {hours}"
    for fixed in tariff.fixed_charges:
        yield f"tariff fixed {fixed.name}: {fixed.per_month:g} {money} a month"
    for export in tariff.export:
        yield f"tariff export {export.name}: earns {_rates((r.per_mwh for r in export.rates), f'{money}/MWh')}"
    for tax in tariff.taxes:
        yield f"tariff tax {tax.name}: {wording.percent(tax.share, 1)} on {', '.join(tax.on)}"


def _how(demand: DemandCharge) -> str:
    least = f", at least {demand.minimum_mw:g} MW" if demand.minimum_mw else ""
    kept = demand.ratchet
    ratchet = f", ratchet {wording.percent(kept.share, 0)} of {kept.look_back_months} months" if kept else ""
    return f", {demand.assessed}{least}{ratchet}"


def _rates(values: Iterable[float], unit: str) -> str:
    found = list(values)
    if len(found) == 1:
        return f"{found[0]:g} {unit}"
    return f"{len(found)} rates, {min(found):g} to {max(found):g} {unit}"
