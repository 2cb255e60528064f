"""Checks between the contracts of a market."""

from __future__ import annotations

from emberline.scenarios.case.market import Market
from emberline.scenarios.records.base import Mistakes
from emberline.scenarios.tariff.contracts import Guarantees


def mistakes(market: Market) -> Mistakes:
    """Mistakes between contracts, with their places within the market."""
    names: set[str] = set()
    shares = guaranteed = 0.0
    for i, contract in enumerate(market.contracts):
        if contract.name in names or contract.name in ("spot", "rest"):
            used = "used twice" if contract.name in names else "stands for what no contract delivers"
            yield ("contracts", i, "name"), f"contract name {contract.name!r} {used}"
        names.add(contract.name)
        if getattr(contract, "mw", None) is not None and not market.has_spot:
            yield (
                ("contracts", i, "mw"),
                "is settled against the spot price where more or less is used; give market.price_per_mwh",
            )
        share = getattr(contract, "share", None) or 0.0
        if isinstance(contract, Guarantees):
            guaranteed += share
        else:
            shares += share
    for total, what in ((shares, "contracts"), (guaranteed, "guarantees of origin")):
        if total > 1 + 1e-9:
            yield ("contracts",), f"the shares of {what} add up to {total:g} of the import; at most 1"
    if market.imbalance is not None and not market.has_spot:
        sides = ("short", "long")
        if any(getattr(market.imbalance, f"{side}_price_per_mwh") is None for side in sides):
            yield ("imbalance",), "its spreads lie on the spot price; give market.price_per_mwh or both prices"
