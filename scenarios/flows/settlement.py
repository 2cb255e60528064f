"""Settlement of contracts for electricity, and the cost of a deviation from the nominated import.

In a step of h hours with nominated import U [MWh], spot price s, contracts of a share σᵢ of import at price pᵢ, and
blocks of Pⱼ MW at price pⱼ with spread dⱼ:

- contracts of a share deliver σᵢ·U, paid at pᵢ;
- blocks deliver Bⱼ = Pⱼ·h, paid at pⱼ whether used or not;
- the rest R = U − Σσᵢ·U − ΣBⱼ is bought at s where it is positive. Where it is negative, −R is sold back at s − dⱼ,
  from the blocks of least spread first;
- guarantees of origin cost their price times their MWh, fixed or by a share of U.

So the cost is linear in U but for the spreads: Σⱼ dⱼ·(what is sold back of block j) comes on top, convex in U.

The import and export of the plan are the nomination. A replay's deviation D, net of export, is settled in each metered
interval: what is taken beyond it is bought at the short price, what is left is sold at the long price. Without a
deviation both bills are the same.
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
    """Profile of a contract that has one, on the scenario's steps [MW], shape (n_steps,)."""
    series: Series | None = getattr(contract, "mw", None)
    if series is None:
        return None
    if series.value is not None:
        return np.full(scenario.horizon.n_steps, series.value * series.scale)
    return np.asarray(scenario.inputs["contract_mw"].sel(contract=contract.name).to_numpy())


class Settled(NamedTuple):
    """One contract's energy and money in each step, shape (n_steps,) each."""

    name: str
    kind: str
    """``energy``: bought; ``resale``: sold back, negative; ``guarantees``: no energy of its own."""
    mwh: np.ndarray
    money: np.ndarray


def _delivered(scenario: Case, contract: BaseBlock | Green, import_mwh: np.ndarray) -> np.ndarray:
    """Energy of a contract in each step [MWh], shape (n_steps,): its profile, or its share of the import."""
    profile = profile_mw(scenario, contract)
    share = getattr(contract, "share", None) or 0.0
    return share * import_mwh if profile is None else profile * scenario.horizon.step_h


def settle(scenario: Case, import_mwh: np.ndarray) -> tuple[Settled, ...]:
    """Settlement of nominated import, contract by contract and then at the spot price (``spot``).

    Args:
        scenario: with contracts and spot price on its steps.
        import_mwh: nominated import by step [MWh], shape (n_steps,).
    """
    spot = scenario.inputs.variables["price_per_mwh"].values
    lines: list[Settled] = []
    blocks: list[tuple[BaseBlock | Green, np.ndarray]] = []
    remaining = import_mwh
    for contract in scenario.market.contracts:
        price = contract.price_per_mwh
        if isinstance(contract, Guarantees):
            # MWh bought for the horizon are written down evenly over its steps
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
    """Terms that contracts, spot and export add to a linear model."""

    imported: np.ndarray
    """Of importing one more MWh [currency/MWh], shape (n_steps,)."""
    exported: np.ndarray
    """Earned by exporting one more MWh [currency/MWh], shape (n_steps,)."""
    constant: float
    """Cost of the horizon that no import changes [currency]."""


def marginal_prices(scenario: Case) -> MarginalPrices:
    """Prices with which ``imported @ import − exported @ export + constant`` is what :func:`settle` comes to.

    Exact, but for what blocks that are not used lose by their spread: with spreads of zero it is exact for every
    import, otherwise in all steps in which no block is left over; elsewhere it is too low by the spread times what is
    sold back (see :func:`unused_blocks`). Imbalance is not part of it: the plan is the nomination. The tariff is not
    either: it has a model of its own, for blocks and peaks are not linear.
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
    """Correction that makes :func:`marginal_prices` exact: a sum of spreads over the energy sold back.

    In each step t, with 0 ≤ soldⱼ ≤ ``mwh[j, t]`` and Σⱼ soldⱼ ≥ Σⱼ mwh[j, t] − ``counted``·import, the cost has
    Σⱼ spread[j]·soldⱼ on top. It is convex: no whole number is needed.
    """

    names: tuple[str, ...]
    mwh: np.ndarray
    """Shape (n_blocks, n_steps)."""
    spread: np.ndarray
    """Shape (n_blocks,)."""
    counted: float
    """Share of the import that blocks and spot deliver."""


def unused_blocks(scenario: Case) -> UnusedBlocks | None:
    """Blocks whose unused energy loses a spread; None: there are none, :func:`marginal_prices` is exact."""
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
    """Short and long price in each metered interval [currency/MWh], shape (n_meter,) each."""
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
    """Import by what its market-based factor comes from; shape (n_steps,) each."""

    name: str
    mwh: np.ndarray
    kg: np.ndarray
    says: str
    """Source of the factor, in words."""


def market_based(scenario: Case, import_mwh: np.ndarray) -> tuple[Covered, ...]:
    """Scope 2 of the import by the market-based method, contract by contract and then the rest (``rest``).

    A contract with a factor of its own covers what it delivers and is used in the step. Guarantees of origin cover what
    is left, evenly. The rest has the residual mix; where none is given, the average of the location, which is said.
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
    """Means over the metered intervals of what is constant within a step, shape (n_meter,)."""
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    cell = math.gcd(step, meter)
    return np.asarray(np.repeat(values, step // cell).reshape(-1, meter // cell).mean(axis=1))
