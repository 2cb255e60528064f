"""Settlement of electricity contracts, and the cost of deviations from the nominated import.

Consider a step of h hours with nominated import U [MWh], spot price s, contracts for a share σᵢ of the import at price
pᵢ, and blocks of Pⱼ MW at price pⱼ with spread dⱼ:

- Contracts for a share deliver σᵢ·U, paid at pᵢ.
- Blocks deliver Bⱼ = Pⱼ·h, paid at pⱼ whether used or not.
- The remainder R = U − Σσᵢ·U − ΣBⱼ is bought at s if it is positive. If it is negative, −R is sold back at s − dⱼ,
  starting with the blocks of the smallest spread.
- Guarantees of origin cost their price times their amount, which is fixed or a share of U.

The cost is therefore linear in U, plus the convex term Σⱼ dⱼ·(energy of block j sold back).

The import and export of the plan are the nomination. The deviation D of a replay, net of export, is settled in each
metered interval: extra consumption is bought at the short price and unused energy is sold at the long price. Without a
deviation, both bills are equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from emberline.scenarios.case.case import Case
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.messages import Message
from emberline.scenarios.records.series import Series
from emberline.scenarios.tariff.contracts import BaseBlock, Green, Guarantees, Kind


def profile_mw(scenario: Case, contract: Kind) -> np.ndarray | None:
    """Return the profile of a contract on the steps of the scenario [MW], shape (n_steps,); None if it has none."""
    series: Series | None = getattr(contract, "mw", None)
    if series is None:
        return None
    if series.value is not None:
        return np.full(scenario.horizon.n_steps, series.value * series.scale)
    return np.asarray(scenario.inputs["contract_mw"].sel(contract=contract.name).to_numpy())


class Settled(NamedTuple):
    """Energy [MWh] and cost [currency] of a contract in each step, shape (n_steps,) each."""

    name: str
    kind: str
    """``energy``: purchase; ``resale``: energy sold back (negative); ``guarantees``: certificates without energy."""
    mwh: np.ndarray
    money: np.ndarray


def _delivered(scenario: Case, contract: BaseBlock | Green, import_mwh: np.ndarray) -> np.ndarray:
    """Return the energy of a contract in each step by its profile or share of the import [MWh], shape (n_steps,)."""
    profile = profile_mw(scenario, contract)
    share = getattr(contract, "share", None) or 0.0
    return share * import_mwh if profile is None else profile * scenario.horizon.step_h


def settle(scenario: Case, import_mwh: np.ndarray) -> tuple[Settled, ...]:
    """Settle the nominated import, first by contract and then at the spot price (``spot``).

    Args:
        scenario: scenario with contracts and spot price.
        import_mwh: nominated import by step [MWh], shape (n_steps,).
    """
    spot = scenario.inputs.variables["price_per_mwh"].values
    lines: list[Settled] = []
    blocks: list[tuple[BaseBlock | Green, np.ndarray]] = []
    remaining = import_mwh
    for contract in scenario.market.contracts:
        price = contract.price_per_mwh
        if isinstance(contract, Guarantees):
            # a fixed amount for the horizon is spread evenly over its steps
            mwh = np.full(len(spot), (contract.mwh or 0.0) / len(spot))
            if contract.share is not None:
                mwh = contract.share * import_mwh
            lines.append(Settled(contract.name, "guarantees", mwh, mwh * price))
            continue
        mwh = _delivered(scenario, contract, import_mwh)
        if contract.mw is not None:
            blocks.append((contract, mwh))
        lines.append(Settled(contract.name, "energy", mwh, mwh * price))
        remaining = remaining - mwh
    if scenario.market.has_spot:
        bought = np.maximum(remaining, 0.0) if blocks else remaining
        lines.append(Settled("spot", "energy", bought, bought * spot))
    surplus = np.maximum(-remaining, 0.0)
    for contract, mwh in sorted(blocks, key=lambda pair: pair[0].unused_spread_per_mwh):
        sold = np.minimum(surplus, mwh)
        surplus = surplus - sold
        if sold.any():
            earned = sold * (spot - contract.unused_spread_per_mwh)
            lines.append(Settled(contract.name, "resale", -sold, -earned))
    return tuple(lines)


class MarginalPrices(NamedTuple):
    """Terms of contracts, spot market and export in a linear model."""

    imported: np.ndarray
    """Marginal cost of import [currency/MWh], shape (n_steps,)."""
    exported: np.ndarray
    """Marginal revenue of export [currency/MWh], shape (n_steps,)."""
    constant: float
    """Cost over the horizon that is independent of the import [currency]."""


def marginal_prices(scenario: Case) -> MarginalPrices:
    """Compute prices for which ``imported @ import − exported @ export + constant`` equals the cost of :func:`settle`.

    The result is exact if all spreads are zero, and otherwise in all steps without unused blocks. In the other steps
    it is too low by the spread times the energy sold back (see :func:`unused_blocks`). Imbalance is excluded since the
    plan is the nomination. The tariff is excluded since its blocks and peaks are not linear; it has a separate model.
    """
    market, hours = scenario.market, scenario.horizon.step_h
    spot = scenario.inputs["price_per_mwh"].to_numpy()
    price, constant, shares = np.zeros(len(spot)), 0.0, 0.0
    for contract in market.contracts:
        profile, share = profile_mw(scenario, contract), getattr(contract, "share", None)
        if profile is not None:
            constant += float((profile * hours) @ (contract.price_per_mwh - spot))
        elif share is None:
            constant += (getattr(contract, "mwh", None) or 0.0) * contract.price_per_mwh
        else:
            price = price + share * contract.price_per_mwh
            shares += 0.0 if isinstance(contract, Guarantees) else share
    imported = spot if not market.contracts else (1 - shares) * spot + price
    return MarginalPrices(imported, scenario.inputs["export_price_per_mwh"].to_numpy(), constant)


@dataclass(frozen=True)
class UnusedBlocks:
    """Correction for :func:`marginal_prices`: spread times the energy sold back, summed over blocks.

    In each step t, the additional cost is Σⱼ spread[j]·soldⱼ, with 0 ≤ soldⱼ ≤ ``mwh[j, t]`` and
    Σⱼ soldⱼ ≥ Σⱼ mwh[j, t] − ``counted``·import. It is convex, so no integer variables are needed.
    """

    names: tuple[str, ...]
    mwh: np.ndarray
    """Energy by block [MWh], shape (n_blocks, n_steps)."""
    spread: np.ndarray
    """Spread by block [currency/MWh], shape (n_blocks,)."""
    counted: float
    """Share of the import delivered by blocks and the spot market."""


def unused_blocks(scenario: Case) -> UnusedBlocks | None:
    """Return the correction for blocks with a spread; None if :func:`marginal_prices` is exact."""
    contracts = scenario.market.contracts
    shares = sum(c.share or 0.0 for c in contracts if isinstance(c, Green))
    blocks = [(c, p) for c in contracts if not isinstance(c, Guarantees) and (p := profile_mw(scenario, c)) is not None]
    if not any(contract.unused_spread_per_mwh for contract, _ in blocks):
        return None
    return UnusedBlocks(
        names=tuple(contract.name for contract, _ in blocks),
        mwh=np.array([profile * scenario.horizon.step_h for _, profile in blocks]),
        spread=np.array([contract.unused_spread_per_mwh for contract, _ in blocks]),
        counted=1 - shares,
    )


def imbalance_prices(scenario: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return the short and long price in each metered interval [currency/MWh], shape (n_meter,) each."""
    imbalance, inputs = scenario.market.imbalance, scenario.inputs
    assert imbalance is not None
    spot = inputs["price_per_mwh"].to_numpy()

    def price(side: str, sign: int) -> np.ndarray:
        series: Series | None = getattr(imbalance, f"{side}_price_per_mwh")
        if series is None:
            return np.asarray(spot + sign * getattr(imbalance, f"{side}_spread_per_mwh"))
        return np.asarray(inputs[f"{side}_price_per_mwh"].to_numpy())

    return onto_meter(scenario, price("short", 1)), onto_meter(scenario, price("long", -1))


class Covered(NamedTuple):
    """Part of the import with the same source of its market-based factor; shape (n_steps,) each."""

    name: str
    mwh: np.ndarray
    kg: np.ndarray
    says: str
    """Description of the source of the factor."""


def market_based(scenario: Case, import_mwh: np.ndarray) -> tuple[Covered, ...]:
    """Compute market-based scope 2 emissions of the import, by contract and then for the remainder (``rest``).

    A contract with its own factor covers the energy that it delivers and that is used in the step. Guarantees of origin
    cover the uncovered energy evenly. The remainder has the factor of the residual mix or, if none is given, the
    average intensity of the location, as stated in the description.
    """
    uncovered, shares = np.asarray(import_mwh, float), []
    sold = {s.name: -s.mwh for s in settle(scenario, import_mwh) if s.kind == "resale"}
    guarantees: list[Guarantees] = []
    for contract in scenario.market.contracts:
        if isinstance(contract, Guarantees):
            guarantees.append(contract)
            continue
        if contract.kg_per_mwh is None:
            continue
        mwh = np.minimum(_delivered(scenario, contract, import_mwh) - sold.get(contract.name, 0.0), uncovered)
        uncovered = uncovered - mwh
        text = Message("contract {name}", name=contract.name)
        shares.append(Covered(contract.name, mwh, mwh * contract.kg_per_mwh, text))
    for bought in guarantees:
        if bought.share is not None:
            mwh = np.minimum(bought.share * import_mwh, uncovered)
        else:
            uncovered_mwh = float(uncovered.sum())
            mwh = uncovered * (min((bought.mwh or 0.0) / uncovered_mwh, 1.0) if uncovered_mwh > 0 else 0.0)
        uncovered = uncovered - mwh
        text = Message("guarantees of origin {name}", name=bought.name)
        shares.append(Covered(bought.name, mwh, np.zeros(len(mwh)), text))
    name, text = "residual_kg_per_mwh", Message("intensity of the residual mix")
    if scenario.market.residual_kg_per_mwh is None:
        name, text = "carbon_intensity_kg_per_mwh", Message("average of the location, no residual mix")
    return (*shares, Covered("rest", uncovered, uncovered * scenario.inputs[name].to_numpy(), text))


def onto_meter(scenario: Scenario, values: np.ndarray) -> np.ndarray:
    """Average values that are constant within a step over the metered intervals, shape (n_meter,)."""
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    cell = math.gcd(step, meter)
    return np.asarray(np.repeat(values, step // cell).reshape(-1, meter // cell).mean(axis=1))
