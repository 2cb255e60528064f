"""Value of the final stock at its production cost and emissions, so that making less is no saving.

Two runs with the same deliveries may end with different stocks. The difference is valued per tonne, at the baseline's
emissions and cost of a tonne in that store (electricity by energy, fuels, machine operation, the carbon price on what
its scheme covers), traced through the network of stores like carbon (``material_allocation.py``). Charges on peaks,
fixed charges and other earnings are not allocated to tonnes.

Stores of the site, battery included, are valued by the same rule: by the cost of filling them, including filling losses
(``carrier_allocation.py``). A store that is never filled has the mean value of its carrier. Cogenerated electricity is
credited as the grid electricity that it replaces, and the heat bears the remaining fuel: running an engine longer just
to fill a store saves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from emberline.planning.accounts.bill import energy_cost
from emberline.planning.accounts.carrier_allocation import Brought, Traced, trace
from emberline.planning.accounts.emissions import Direct
from emberline.planning.accounts.figures import SAME, Figures
from emberline.planning.accounts.material_allocation import network, spread
from emberline.planning.accounts.site_stores import filling, site_stores
from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.flows.asset_flows import Account
from emberline.scenarios.goal_metrics import goal_metric


@dataclass(frozen=True)
class Difference:
    """Additional final stock of the second of two runs, and its value."""

    tonnes: dict[str, float]
    """Additional tonnes by store [t]; negative: less."""
    carbon_kg: float
    cost: float
    unknown: tuple[str, ...] = ()
    """Stores that differ but whose value is unknown in both runs."""
    levels: dict[str, float] = field(default_factory=dict)
    """Additional level by store of the site, in its unit; negative: less."""
    mwh: float = 0.0
    """Electricity of the units for the difference in tonnes [MWh]."""

    def credit(self, figure: str) -> float:
        """Credit for a figure of a metric; only carbon and cost have one."""
        return float(getattr(self, figure, 0.0))

    @property
    def any(self) -> bool:
        """Whether any store differs."""
        return any(self.tonnes.values()) or any(self.levels.values())


def difference(baseline: Figures, plan: Figures) -> Difference:
    """Additional stock of a plan, compared with its baseline."""
    return _valued(_more(baseline.stock, plan.stock), _more(baseline.levels, plan.levels), baseline, plan)


def goal_value(scenario: Scenario, reference: Figures, sums: Figures) -> float:
    """Value of the goal in a run, with a credit for additional stock over a reference."""
    metric = goal_metric(scenario)
    return metric.of(sums) - difference(reference, sums).credit(metric.figure)


def since_start(scenario: Scenario, baseline: Figures, plan: Figures) -> Difference:
    """Increase of the baseline's stock over the horizon; stores of the site are left out."""
    return _valued(_more({each.name: each.start_t for each in scenario.stores}, baseline.stock), {}, baseline, plan)


def shortfall(scenario: Scenario, baseline: Figures, plan: Figures) -> Difference:
    """Additional stock and deliveries of a plan, compared with its baseline; disturbed runs rarely deliver the same."""
    more = dict(difference(baseline, plan).tonnes)
    for delivery in scenario.deliveries:
        tonnes = plan.delivered.get(delivery.name, 0.0) - baseline.delivered.get(delivery.name, 0.0)
        more[delivery.store] = more.get(delivery.store, 0.0) + tonnes
    return _valued(more, _more(baseline.levels, plan.levels), baseline, plan)


def stock_changes(scenario: Scenario, more: Difference) -> Iterator[tuple[str, float, str, int]]:
    """Yield stores whose level differs: name, difference (negative: less), unit, and the number of digits to show."""
    units = {store.name: store.unit for store in site_stores(scenario)}
    for name, tonnes in more.tonnes.items():
        if tonnes:
            yield name, tonnes, "t", 0 if abs(tonnes) >= 1 else 3
    for name, amount in more.levels.items():
        if amount:
            yield name, amount, units.get(name, ""), 1 if abs(amount) >= 1 else 3


def _valued(more_t: Mapping[str, float], more: Mapping[str, float], baseline: Figures, plan: Figures) -> Difference:
    """Value additional tonnes by store, and levels by store of the site."""
    tonnes = {name: value if abs(value) > SAME else 0.0 for name, value in more_t.items()}
    levels = {
        name: value if abs(value) > SAME * max(baseline.levels[name], 1.0) else 0.0 for name, value in more.items()
    }
    kg, cost = (
        credit(tonnes, f"stock_{kind}_per_t", baseline, plan) + credit(levels, f"level_{kind}_per_unit", baseline, plan)
        for kind in ("kg", "cost")
    )
    unknown = [*_unknown(tonnes, "stock_kg_per_t", baseline, plan)]
    unknown += _unknown(levels, "level_kg_per_unit", baseline, plan)
    mwh = credit(tonnes, "stock_mwh_per_t", baseline, plan)
    return Difference(tonnes, kg, cost, tuple(unknown), levels, mwh)


def _more(baseline: Mapping[str, float], plan: Mapping[str, float]) -> dict[str, float]:
    """Additional final stock of a plan; stores missing in an earlier release's data do not differ."""
    return {name: level - baseline[name] for name, level in plan.items() if name in baseline}


def credit(more: Mapping[str, float], field: str, baseline: Priced, plan: Priced) -> float:
    """Value of additional stock, by one field of the figures."""
    return float(sum(value * (rate(name, field, baseline, plan) or 0.0) for name, value in more.items()))


def rate(name: str, field: str, baseline: Priced, plan: Priced) -> float | None:
    """Value of a unit in a store: the baseline's, or the plan's if only the plan produces it."""
    worth: float | None = getattr(baseline, field).get(name, getattr(plan, field).get(name))
    return worth


def _unknown(more: Mapping[str, float], field: str, baseline: Figures, plan: Figures) -> Iterator[str]:
    for name, value in more.items():
        if value and rate(name, field, baseline, plan) is None:
            yield name


@dataclass(frozen=True)
class Worth:
    """Value of a tonne in each store, as in the figures; stores without inflow are left out."""

    stock_kg_per_t: dict[str, float] = field(default_factory=dict)
    """Scopes 1 and 2 by the goal's signal [kg CO2e/t]."""
    stock_cost_per_t: dict[str, float] = field(default_factory=dict)
    """Energy, fuels and carbon price [currency/t]."""
    level_kg_per_unit: dict[str, float] = field(default_factory=dict)
    """Emissions per unit in each store of the site [kg CO2e]; left out if neither it nor its carrier is used."""
    level_cost_per_unit: dict[str, float] = field(default_factory=dict)
    stock_mwh_per_t: dict[str, float] = field(default_factory=dict)
    """Electricity of the units that made a tonne in each store [MWh/t]."""


Priced = Figures | Worth


def worth(
    scenario: Case, data: xr.Dataset, unit_emissions: Direct, accounts: tuple[Account, ...], grid_kg: np.ndarray
) -> Worth:
    """Compute the value of a tonne in each store from its production.

    Args:
        scenario: case with processes or stores of the site.
        data: dataset of table ``RUN`` or ``SCHEDULE``.
        unit_emissions: the units' own emissions.
        accounts: accounts of the assets.
        grid_kg: scope 2 of the grid by the goal's signal, shape (n_steps,).
    """
    price = scenario.market.carbon_price
    followed = spending(scenario, data, accounts, grid_kg, replacing=True)
    kg_by_unit, cost_by_unit = (_of_site(scenario, data, followed[kind]) for kind in ("kg", "cost"))
    if not scenario.stores:
        return Worth(level_kg_per_unit=kg_by_unit, level_cost_per_unit=cost_by_unit)
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
    """Value of a unit in each store of the site."""
    per_unit = {}
    for store in site_stores(scenario):
        gain = store.in_efficiency * float(filling(scenario, data, store).sum())
        if gain > SAME * store.capacity:
            per_unit[store.name] = float(spent.stored[store.name].sum()) / gain
        elif store.carrier in spent.mean:
            per_unit[store.name] = spent.mean[store.carrier] / store.in_efficiency
    return per_unit


def spending(
    scenario: Case,
    data: xr.Dataset,
    accounts: tuple[Account, ...],
    grid_kg: np.ndarray,
    *,
    replacing: bool = False,
) -> dict[str, Traced]:
    """Trace emissions (``kg``) and cost (``cost``) of assets and grid to line and units; arguments as in ``worth``.

    ``replacing``: cogenerated electricity is credited as the grid electricity that it replaces.
    """
    price, n = scenario.market.carbon_price, scenario.horizon.n_steps
    supplies = scenario.site.supplies
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
    """Value of a MWh of the grid in each step; in steps without import, the overall mean."""
    imported = data["import_mw"].to_numpy() * scenario.horizon.step_h
    mean = float(brought.sum() / imported.sum()) if imported.sum() > SAME else 0.0
    return np.divide(brought, imported, out=np.full(len(imported), mean), where=imported > SAME)
