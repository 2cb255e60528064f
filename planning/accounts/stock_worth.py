"""Worth of stock: what it took to make the materials and carriers that a run leaves in its stores."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from emberline.planning.accounts.bill import energy_cost
from emberline.planning.accounts.carrier_allocation import Traced, trace
from emberline.planning.accounts.emissions import Direct
from emberline.planning.accounts.figures import SAME
from emberline.planning.accounts.material_allocation import network, spread
from emberline.planning.accounts.origins import Brought
from emberline.planning.accounts.site_stores import filling, site_stores
from emberline.scenarios import Scenario
from emberline.scenarios.assets import ELECTRICITY, Supply, of
from emberline.scenarios.flows.asset_flows import Account


@dataclass(frozen=True)
class Worth:
    """What a tonne in each store took, by store; stores into which nothing came are left out."""

    kg_per_t: dict[str, float]
    """Scope 1 and 2 by the goal's signal [kg CO2e/t]."""
    cost_per_t: dict[str, float]
    """Energy, fuels and carbon price [currency/t]."""
    kg_per_unit: dict[str, float] = field(default_factory=dict)
    """Likewise of a unit in each store of the site [kg CO2e]; left out where neither it nor its carrier is used."""
    cost_per_unit: dict[str, float] = field(default_factory=dict)
    mwh_per_t: dict[str, float] = field(default_factory=dict)
    """Electricity of the units that made a tonne in each store [MWh/t]."""


def worth(
    scenario: Scenario, data: xr.Dataset, unit_emissions: Direct, accounts: tuple[Account, ...], grid_kg: np.ndarray
) -> Worth:
    """What a tonne in each store took.

    Args:
        scenario: with processes or stores of the site.
        data: a dataset of table ``RUN`` or ``SCHEDULE``.
        unit_emissions: what the units emit themselves.
        accounts: of the assets.
        grid_kg: scope 2 of the grid by the goal's signal, shape (n_steps,).
    """
    price = scenario.market.carbon_price
    followed = spending(scenario, data, accounts, grid_kg, replacing=True)
    kg_by_unit, cost_by_unit = (_of_site(scenario, data, followed[kind]) for kind in ("kg", "cost"))
    if not scenario.processes:
        return Worth({}, {}, kg_by_unit, cost_by_unit)
    spent = {
        unit: np.column_stack(
            [
                *(followed[kind].units[unit] for kind in ("kg", "cost")),
                data["process_mw"].sel(process=unit).to_numpy() * scenario.horizon.step_h,
            ]
        )
        for unit, _ in scenario.process_units
    }
    for part in unit_emissions.of_units:
        if not part.biogenic:
            spent[part.unit] += np.column_stack([part.kg, part.kg / 1000 * price.on_direct, np.zeros_like(part.kg)])
    net = network(scenario, data)
    per_t = spread(net, spent).per_t
    store_places = [(name, s) for s, name in enumerate(net.stores) if net.has_input[s]]
    kg, cost, mwh = ({name: float(per_t[s, kind]) for name, s in store_places} for kind in (0, 1, 2))
    return Worth(kg, cost, kg_by_unit, cost_by_unit, mwh)


def _of_site(scenario: Scenario, data: xr.Dataset, spent: Traced) -> dict[str, float]:
    """What a unit in each store of the site took."""
    per_unit = {}
    for store in site_stores(scenario):
        gain = store.in_efficiency * float(filling(scenario, data, store).sum())
        if gain > SAME * store.capacity:
            per_unit[store.name] = float(spent.stored[store.name].sum()) / gain
        elif store.carrier in spent.mean:
            per_unit[store.name] = spent.mean[store.carrier] / store.in_efficiency
    return per_unit


def spending(
    scenario: Scenario,
    data: xr.Dataset,
    accounts: tuple[Account, ...],
    grid_kg: np.ndarray,
    *,
    replacing: bool = False,
) -> dict[str, Traced]:
    """What assets and grid emit (``kg``) and cost (``cost``), followed to line and units; arguments as of ``worth``.

    ``replacing``: electricity that is made together with heat counts as what of the grid's it replaces.
    """
    price, n = scenario.market.carbon_price, scenario.horizon.n_steps
    supplies = {supply.name: supply for supply in of(scenario.site.assets, Supply)}
    average_kg = data["import_mw"].to_numpy() * scenario.horizon.step_h
    average_kg = average_kg * scenario.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
    money = energy_cost(scenario, data) + average_kg / 1000 * price.on_grid
    to_carrier = {"kg": {ELECTRICITY: grid_kg}, "cost": {ELECTRICITY: money}}
    by_machine: dict[str, dict[str, np.ndarray]] = {"kg": {}, "cost": {}}
    for account in accounts:
        emitted = account.scope1_kg + account.scope2_kg
        priced = (account.scope1_kg * price.on_direct + account.scope2_kg * price.on_grid) / 1000
        for kind, amount in (("kg", emitted), ("cost", account.cost + priced)):
            if account.asset in supplies:
                carrier = supplies[account.asset].carrier
                to_carrier[kind][carrier] = to_carrier[kind].get(carrier, np.zeros(n)) + amount
            elif account.asset in scenario.site.cores:
                by_machine[kind][account.asset] = amount
    kinds = {kind: Brought(to_carrier[kind], by_machine[kind]) for kind in ("kg", "cost")}
    replaced = {"kg": _per_mwh(scenario, data, grid_kg), "cost": _per_mwh(scenario, data, money)} if replacing else None
    return trace(scenario, data, kinds, replaced)


def _per_mwh(scenario: Scenario, data: xr.Dataset, brought: np.ndarray) -> np.ndarray:
    """What a MWh of the grid brings in each step; where nothing is imported, in the mean of the other steps."""
    imported = data["import_mw"].to_numpy() * scenario.horizon.step_h
    mean = float(brought.sum() / imported.sum()) if imported.sum() > SAME else 0.0
    return np.divide(brought, imported, out=np.full(len(imported), mean), where=imported > SAME)
