"""Where kilograms come from before they are followed: fuels and heat by carrier, machines, the grid by each signal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from emberline.scenarios import Scenario
from emberline.scenarios.assets import ELECTRICITY, Supply, of
from emberline.scenarios.flows.asset_flows import Account

DIRECT, BOUGHT, BIOGENIC = "direct_kg", "bought_kg", "biogenic_kg"
"""Columns of the ledger; those of the grid are ``grid_…_kg`` by signal. Biogenic stands apart, in no total."""


@dataclass(frozen=True)
class Brought:
    """What is to be followed, kg by step of shape (n_steps,) each."""

    to_carrier: Mapping[str, np.ndarray]
    """With what is bought of a carrier."""
    by_machine: Mapping[str, np.ndarray]
    """Emitted by a machine itself."""


@dataclass(frozen=True)
class Origin:
    """A source of emissions, within a column of the ledger."""

    column: str
    kind: str
    """``process``, ``fuel``, ``bought``, ``machine`` or ``grid``."""
    source: str
    """Of a process its own (calcination), of fuels and heat bought the carrier, of a machine its name."""

    @property
    def label(self) -> str:
        """What tells it from all others."""
        return f"{self.column} {self.kind} {self.source}"


def origins(
    scenario: Scenario, accounts: Iterable[Account], grid: Mapping[str, np.ndarray]
) -> Iterator[tuple[Origin, Brought]]:
    """What assets and grid bring, each origin apart.

    Args:
        scenario: with its site.
        accounts: the assets' accounts; what a flare emits is followed to nobody.
        grid: kg by step by the grid's columns, shape (n_steps,) each.
    """
    to_carrier: dict[Origin, tuple[str, np.ndarray]] = {}
    supplies = {supply.name: supply for supply in of(scenario.site.assets, Supply)}
    for account in accounts:
        supply = supplies.get(account.asset)
        for column, kg in (
            (DIRECT, account.scope1_kg),
            (BOUGHT, account.scope2_kg),
            (BIOGENIC, account.scope1_biogenic_kg + account.scope2_biogenic_kg),
        ):
            if not kg.any():
                continue
            if supply is not None:
                origin = Origin(column, "bought" if supply.bought else "fuel", supply.carrier)
                before = to_carrier[origin][1] if origin in to_carrier else 0.0
                to_carrier[origin] = supply.carrier, before + kg
            elif account.asset in scenario.site.cores:
                yield Origin(column, "machine", account.asset), Brought({}, {account.asset: kg})
    for origin, (carrier, kg) in to_carrier.items():
        yield origin, Brought({carrier: kg}, {})
    for column, kg in grid.items():
        yield Origin(column, "grid", "grid"), Brought({ELECTRICITY: kg}, {})
