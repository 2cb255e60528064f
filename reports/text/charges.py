"""Description of a scenario's market: tariff, contracts and carbon price; each line begins with kind and name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from emberline.reports.text.language import mark, tr, trn
from emberline.reports.text.numbers import listed, percent
from emberline.scenarios import Case, Scenario
from emberline.scenarios.tariff.record import DemandCharge, Tariff

FACTORS = {"guarantees": 0.0}
"""Market-based factors of the kinds that do not state one [kg/MWh]."""
SCHEMES = {"eu_ets": mark("EU ETS"), "china_ets": mark("China ETS"), "shadow": mark("shadow price")}
"""Names of the schemes behind a carbon price."""
ASSESSED = {"monthly": mark("monthly"), "daily": mark("daily")}
SHORT_MIN = 27 * 24 * 60
"""Shorter horizons cover only part of a month [min]."""


def lines(scenario: Scenario) -> Iterator[str]:
    """Yield one line for each charge."""
    market, money = scenario.market, scenario.market.currency
    if market.tariff is not None:
        yield from _tariff(market.tariff, money)
        if scenario.state.peak_so_far_mw:
            yield f"{tr('peak of the month so far')}: {scenario.state.peak_so_far_mw:g} MW"
    for contract in market.contracts:
        share, mwh = getattr(contract, "share", None), getattr(contract, "mwh", None)
        much = tr("a profile") if share is None else tr("{share} of the import", share=percent(share, 1))
        much = f"{mwh:g} MWh" if mwh is not None else much
        factor = getattr(contract, "kg_per_mwh", FACTORS.get(contract.kind))
        price = tr("{much} at {price}", much=much, price=f"{contract.price_per_mwh:g} {money}/MWh")
        parts = [tr(contract.kind.replace("_", " ")), price]
        if factor is not None:
            parts.append(tr("{factor} kg/MWh market-based", factor=f"{factor:g}"))
        yield f"{tr('contract {name}', name=contract.name)}: {listed(parts)}"
    if market.imbalance is not None:
        yield f"{tr('imbalance')}: {tr('deviations from the nomination have their own prices')}"
    price_of = market.carbon_price
    if price_of.per_t:
        values = {"price": f"{price_of.per_t:g} {money}/t"}
        text = tr("{price} on scope 1 and 2", **values)
        if price_of.covers == "direct":
            text = tr("{price} on scope 1 only", **values)
        if price_of.free_share:
            text = listed([text, tr("{share} free", share=percent(price_of.free_share, 1))])
        scheme = f" ({tr(SCHEMES[price_of.scheme])})" if price_of.scheme else ""
        yield f"{tr('carbon price')}: {text}{scheme}"


def _tariff(tariff: Tariff, money: str) -> Iterator[str]:
    if tariff.name:
        yield tr("tariff {name}", name=tariff.name)
    for charge in tariff.energy:
        rates = _rates((r.per_mwh for r in charge.rates), f"{money}/MWh")
        named = charge.name != "energy"  # the default name adds no information
        yield f"{tr('tariff energy {name}', name=charge.name) if named else tr('tariff energy')}: {rates}"
    if tariff.peak_valley is not None:
        part = tariff.peak_valley
        text = tr(
            "flat {price}, peak {peak} times, valley {valley} times that",
            price=f"{part.flat_per_mwh:g} {money}/MWh", peak=f"{part.peak_ratio:g}", valley=f"{part.valley_ratio:g}",
        )  # fmt: skip
        yield f"{tr('tariff energy by peak and valley')}: {text}"
    for levy in tariff.levies:
        yield f"{tr('tariff levy {name}', name=levy.name)}: {levy.per_mwh:g} {money}/MWh"
    for demand in tariff.demand_charges:
        rates = _rates((r.per_mw for r in demand.rates), f"{money}/MW")
        yield f"{tr('tariff demand {name}', name=demand.name)}: {listed([rates, *_how(demand)])}"
    for peak in tariff.coincident:
        text = trn(
            "{price} over {count} interval", "{price} over {count} intervals", len(peak.starts),
            price=f"{peak.per_mw:g} {money}/MW",
        )  # fmt: skip
        yield f"{tr('tariff coincident peak {name}', name=peak.name)}: {text}"
    for fixed in tariff.fixed_charges:
        text = tr("{price} a month", price=f"{fixed.per_month:g} {money}")
        yield f"{tr('tariff fixed {name}', name=fixed.name)}: {text}"
    for export in tariff.export:
        rates = _rates((r.per_mwh for r in export.rates), f"{money}/MWh")
        yield f"{tr('tariff export {name}', name=export.name)}: {tr('earns {rates}', rates=rates)}"
    for tax in tariff.taxes:
        text = tr("{share} on {charges}", share=percent(tax.share, 1), charges=listed(tax.on))
        yield f"{tr('tariff tax {name}', name=tax.name)}: {text}"


def _how(demand: DemandCharge) -> Iterator[str]:
    yield tr(ASSESSED.get(demand.assessed, demand.assessed))
    if demand.minimum_mw:
        yield tr("at least {power} MW", power=f"{demand.minimum_mw:g}")
    ratchet = demand.ratchet
    if ratchet:
        yield tr("ratchet {share} of {count} months", share=percent(ratchet.share, 0), count=ratchet.look_back_months)


def _rates(values: Iterable[float], unit: str) -> str:
    amounts = list(values)
    if len(amounts) == 1:
        return f"{amounts[0]:g} {unit}"
    span = {"low": f"{min(amounts):g}", "high": f"{max(amounts):g}", "unit": unit}
    return tr("{count} rates, {low} to {high} {unit}", count=len(amounts), **span)


def cut_month(scenario: Case) -> Iterator[str]:
    """Yield a warning if a month that begins within a short horizon is charged its full demand charge."""
    tariff, rates = scenario.market.tariff, scenario.rates
    monthly = tariff is not None and any(charge.assessed == "monthly" for charge in tariff.demand_charges)
    if monthly and rates is not None and len(rates.months) > 1 and scenario.horizon.length_min < SHORT_MIN:
        yield tr(
            "tariff: only {hours} h of {month} lie in this horizon, and its whole demand charge counts for them, "
            "so that a plan keeps power out of these hours; end the horizon with the month before, or begin with "
            "{month}",
            hours=f"{(rates.month == len(rates.months) - 1).sum() * rates.hours:g}", month=rates.months[-1],
        )  # fmt: skip
