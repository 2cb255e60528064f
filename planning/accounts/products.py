"""Carbon of process products: each column of the ledger, by store, by delivery and by origin, per tonne.

Emissions of each unit and of its inputs (``planning/accounts/carrier_allocation.py``) pass through the stores
(``planning/accounts/material_allocation.py``) to the outflows: deliveries, change of stock, losses. Emissions that
belong to no product stay with the site: base load, losses of carriers, flares, units that put nothing into a store.
By-products sold (``emissions.by_products``) carry their own share. The sum equals the ledger's total of each column,
also for biogenic emissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning.accounts.carrier_allocation import BIOGENIC, DIRECT, Origin, Traced
from emberline.planning.accounts.emissions import Direct
from emberline.planning.accounts.material_allocation import network, spread
from emberline.scenarios import Scenario

__all__ = ["Products", "totals"]


@dataclass(frozen=True)
class Products:
    """Tonnes and emissions of the products of a run or a schedule [kg CO2e]."""

    table: xr.Dataset
    """By ``stock`` the tonnes ``in_t``, ``used_t`` (by units), ``delivered_t``, ``lost_t``, ``change_t`` (final minus
    initial stock) and ``counted_t`` (the part of it that carries emissions,
    ``planning/accounts/material_allocation.py``); by ``stock`` and ``origin`` ``kg_per_t``, missing without inflow.
    Coordinates ``origin_column`` (as in the ledger's ``by_step``, or ``biogenic_kg``), ``origin_kind`` and
    ``origin_source``."""
    deliveries: xr.Dataset
    """``t`` by ``delivery`` and ``kg`` by ``delivery`` and ``origin``; coordinate ``delivery_stock``."""
    units: xr.Dataset
    """``kg`` by ``process`` (unit) and ``origin``: its own emissions and uses, without those of its material inputs."""
    site: dict[str, float]
    """Emissions that belong to no product, by column."""
    sold: dict[str, float]
    """Emissions carried by by-products sold, by column."""

    def per_t(self, column: str) -> xr.DataArray:
        """One column per tonne in a store [kg/t], dimension ``stock``; missing without inflow."""
        return self._of(column, self.table["kg_per_t"])

    def carbon_per_t(self, signal: str) -> xr.DataArray:
        """Scopes 1 and 2 by one signal, or ``market``, per tonne in a store [kg/t], dimension ``stock``."""
        return sum((self.per_t(column) for column in totals(signal)), xr.zeros_like(self.table["in_t"]))

    def delivered_kg(self, column: str) -> xr.DataArray:
        """One column for each delivery [kg], dimension ``delivery``."""
        return self._of(column, self.deliveries["kg"])

    def leaves(self, column: str) -> dict[str, float]:
        """Destinations of a column [kg]: ``delivered``, ``stock`` (its change), ``lost``, ``sold``, ``site``."""
        per_t = self.per_t(column).fillna(0.0)
        return {
            "delivered": float(self.delivered_kg(column).sum()),
            "stock": float((per_t * self.table["counted_t"]).sum()),
            "lost": float((per_t * self.table["lost_t"]).sum()),
            "sold": self.sold.get(column, 0.0),
            "site": self.site.get(column, 0.0),
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns with any emissions, including biogenic ones."""
        names = [*self.table["origin_column"].values.tolist(), *self.site, *self.sold]
        return tuple(dict.fromkeys(names))

    def summary(self, signal: str) -> dict[str, dict[str, Any]]:
        """Plain data by store: tonnes, ``kg_per_t`` of scopes 1 and 2 by a signal, the same for each grid accounting
        method under ``by``, and the part of each origin. None without inflow."""
        by_store = {}
        grids = [column for column in self.columns if column.startswith("grid_")]
        methods = [column.removeprefix("grid_").removesuffix("_kg") for column in grids]
        for name in self.table["stock"].values.tolist():
            row = self.table.sel(stock=name)
            tonnes = {key: float(row[key]) for key in ("in_t", "used_t", "delivered_t", "lost_t", "change_t")}
            by = {method: _number(self.carbon_per_t(method).sel(stock=name)) for method in methods}
            names = (row[f"origin_{key}"].values.tolist() for key in ("column", "kind", "source"))
            parts = [
                {"column": column, "kind": kind, "source": source, "kg_per_t": kg}
                for column, kind, source, kg in zip(*names, row["kg_per_t"].values.tolist(), strict=True)
                if kg == kg
            ]
            by_store[name] = {**tonnes, "kg_per_t": by[signal], "by": by, "origins": parts}
        return by_store

    def _of(self, column: str, data: xr.DataArray) -> xr.DataArray:
        mine = np.flatnonzero(self.table["origin_column"].values == column)
        return data.isel(origin=mine).sum("origin", skipna=False)


def totals(signal: str) -> tuple[str, ...]:
    """Columns that add up to scopes 1 and 2 by a signal, or by ``market``."""
    return DIRECT, "bought_kg", f"grid_{signal}_kg"


def products(
    scenario: Scenario,
    run: xr.Dataset,
    followed: Mapping[Origin, Traced],
    brought_kg: Mapping[str, float],
    unit_emissions: Direct,
) -> Products:
    """Compute the carbon of the processes' products.

    Args:
        scenario: scenario with processes and stores.
        run: dataset of table ``RUN`` or ``SCHEDULE``.
        followed: emissions of assets and grid, traced to the units.
        brought_kg: all emissions of assets and grid by column, including those that are not traced.
        unit_emissions: the units' own emissions.
    """
    n = scenario.horizon.n_steps
    of_units: dict[Origin, dict[str, np.ndarray]] = {origin: dict(traced.units) for origin, traced in followed.items()}
    for part in unit_emissions.of_units:
        by_unit = of_units.setdefault(Origin(BIOGENIC if part.biogenic else DIRECT, "process", part.source), {})
        by_unit[part.unit] = by_unit.get(part.unit, np.zeros(n)) + part.kg
    origins = sorted(of_units, key=lambda origin: ("process", "fuel", "machine", "bought", "grid").index(origin.kind))
    units = [unit for unit, _ in scenario.process_units]
    spent = {
        unit: np.column_stack([of_units[origin].get(unit, np.zeros(n)) for origin in origins])
        if origins
        else np.zeros((n, 0))
        for unit in units
    }
    net = network(scenario, run)
    passed = spread(net, spent)

    sold = dict.fromkeys(brought_kg, 0.0)
    site = dict(brought_kg)
    for origin, traced in followed.items():
        sold[origin.column] += sum(float(kg.sum()) for kg in traced.sold.values())
        site[origin.column] -= sum(float(kg.sum()) for kg in (*traced.sold.values(), *traced.units.values()))
    for origin, kg in zip(origins, passed.remainder.tolist(), strict=True):
        site[origin.column] = site.get(origin.column, 0.0) + kg

    coords = {
        "origin": _text(origin.label for origin in origins),
        **{
            f"origin_{name}": ("origin", _text(getattr(origin, name) for origin in origins))
            for name in ("column", "kind", "source")
        },
    }
    names = ("in_t", "used_t", "delivered_t", "lost_t", "change_t", "counted_t")
    tonnes = {name: ("stock", getattr(net, name)) for name in names}
    per_t = np.where(net.has_input[:, None], passed.per_t, np.nan)
    named = {"stock": _text(net.stores), "delivery": _text(d.name for d in scenario.deliveries)}
    stores = [net.stores.index(delivery.store) for delivery in scenario.deliveries]
    left_t = np.array([float(run["delivered_t"].sel(delivery=d.name).sum()) for d in scenario.deliveries])
    return Products(
        table=xr.Dataset({**tonnes, "kg_per_t": (("stock", "origin"), per_t)}, {"stock": named["stock"], **coords}),
        deliveries=xr.Dataset(
            {"t": ("delivery", left_t), "kg": (("delivery", "origin"), left_t[:, None] * passed.per_t[stores])},
            {
                "delivery": named["delivery"],
                "delivery_stock": ("delivery", _text(delivery.store for delivery in scenario.deliveries)),
                **coords,
            },
        ),
        units=xr.Dataset(
            {"kg": (("process", "origin"), np.array([spent[unit].sum(axis=0) for unit in units]))},
            {"process": _text(units), **coords},
        ),
        site=site,
        sold=sold,
    )


def _text(names: Iterable[str]) -> np.ndarray:
    return np.array(list(names), dtype=np.str_)


def _number(value: xr.DataArray) -> float | None:
    return None if np.isnan(value) else float(value)
