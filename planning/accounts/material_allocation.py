"""Allocation of emissions and costs of units to their products, through the network of stores.

Amounts (kilograms of CO2e, money) of a unit in a step go to its output in that step, by tonnes; without output (during
start-up, changeover, or off-spec production) to its output over the horizon, in proportion. A store mixes all inflow
over the horizon; its opening stock and its losses have the same intensity. For stores s, with I_s tonnes put in, q_s
the amount that units spend on s themselves, and A_sr tonnes of store r that went into s:

    i_s·I_s − Σ_r A_sr·i_r = q_s

On a loop (dust that returns to the meal), opening stock at the same intensity would feed back on itself: a kiln that
consumes stock would withdraw more than was ever spent, and intensities could become negative. There, what is drawn from
the opening stock carries no emissions: I_s includes it, and the change of stock carries nothing.

Arrivals bring nothing, and all outflow of a store carries i_s, whether to a delivery, into the stock, or as a loss; so
the total is conserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.flows.process_flows import ProcessStream, streams

NOTHING_T = 1e-6
"""A gram over the horizon counts as rounding, not as a product."""


@dataclass(frozen=True)
class Network:
    """Tonnes of a run or a schedule through the stores, shape (n_stores,) unless stated otherwise."""

    units: tuple[str, ...]
    stores: tuple[str, ...]
    in_t: np.ndarray
    """Inflow from units and arrivals."""
    delivered_t: np.ndarray
    used_t: np.ndarray
    """Outflow to units."""
    lost_t: np.ndarray
    passed_t: np.ndarray
    """Tonnes of store r that went into store s, shape (n_stores, n_stores): [s, r]."""
    spent_t: np.ndarray
    """Consumption by units that put nothing into any store."""
    shares: Mapping[str, Mapping[int, np.ndarray]]
    """By unit and index of a store: share of the unit's amount that goes there in each step, shape (n_steps,). Empty
    for units that put nothing into any store."""

    @property
    def change_t(self) -> np.ndarray:
        """Change of stock over the horizon: inflow minus outflow."""
        return self.in_t - self.delivered_t - self.used_t - self.lost_t

    @property
    def mixed_t(self) -> np.ndarray:
        """Tonnes that share the incoming amount: ``in_t``, plus the draw from the opening stock on a loop."""
        return np.where(self._on_loop & self.has_input, np.maximum(self.in_t, self.in_t - self.change_t), self.in_t)

    @property
    def counted_t(self) -> np.ndarray:
        """Part of ``change_t`` that carries an amount: all except the draw on a loop."""
        return self.change_t + self.mixed_t - self.in_t

    @property
    def _on_loop(self) -> np.ndarray:
        """Whether a store's material eventually returns to it."""
        reached = self.passed_t > 0
        for _ in range(len(self.stores).bit_length()):
            reached = reached | ((reached.astype(int) @ reached.astype(int)) > 0)
        return np.diag(reached)

    @property
    def has_input(self) -> np.ndarray:
        """Whether a store has any inflow; without it, no intensity is defined."""
        return np.asarray(self.in_t > NOTHING_T)


@dataclass(frozen=True)
class Spread:
    """Result of passing amounts through the network."""

    per_t: np.ndarray
    """Amount per tonne in each store, shape (n_stores, n_amounts); zero without inflow."""
    remainder: np.ndarray
    """Amounts of units that put nothing into any store, shape (n_amounts,)."""


def network(scenario: Scenario, data: xr.Dataset) -> Network:
    """Compute the tonnes of a run or a schedule (process flows of table ``FLOWS``)."""
    hours, names = scenario.horizon.step_h, tuple(scenario.store)
    place = {name: s for s, name in enumerate(names)}
    flows: dict[str, dict[str, list[tuple[ProcessStream, np.ndarray]]]] = {
        unit: {"in": [], "out": []} for unit, _ in scenario.process_units
    }
    for stream in streams(scenario):
        if stream.material:
            amount = stream.sign * data["stream_rate"].sel(stream=stream.label).to_numpy() * hours
            flows[stream.unit][stream.direction].append((stream, np.maximum(amount, 0.0)))
    put_in, delivered, used, spent = (np.zeros(len(names)) for _ in range(4))
    for arrival in scenario.arrivals:
        put_in[place[arrival.store]] += float(data["arrived_t"].sel(arrival=arrival.name).sum())
    for delivery in scenario.deliveries:
        delivered[place[delivery.store]] += float(data["delivered_t"].sel(delivery=delivery.name).sum())
    for of_unit in flows.values():
        for direction, sums in (("out", put_in), ("in", used)):
            for stream, amount in of_unit[direction]:
                sums[place[stream.place]] += float(amount.sum())
    passed = np.zeros((len(names), len(names)))
    shares: dict[str, dict[int, np.ndarray]] = {}
    for unit, of_unit in flows.items():
        out = {place[stream.place]: amount for stream, amount in of_unit["out"]}
        shares[unit] = _shares({s: amount for s, amount in out.items() if put_in[s] > NOTHING_T})
        for stream, amount in of_unit["in"]:
            for s, share in shares[unit].items():
                passed[s, place[stream.place]] += float(share @ amount)
            if not shares[unit]:
                spent[place[stream.place]] += float(amount.sum())
    lost = np.array([float(data["stock_lost_t"].sel(stock=name).sum()) for name in names])
    return Network(tuple(flows), names, put_in, delivered, used, lost, passed, spent, shares)


def spread(net: Network, by_unit: Mapping[str, np.ndarray]) -> Spread:
    """Pass amounts of units on to the stores.

    Args:
        net: network of stores.
        by_unit: amounts of each unit itself in each step, shape (n_steps, n_amounts) each.
    """
    n_amounts = next((amounts.shape[1] for amounts in by_unit.values()), 0)
    inputs, remainder = np.zeros((len(net.stores), n_amounts)), np.zeros(n_amounts)
    for unit, amounts in by_unit.items():
        if not net.shares[unit]:
            remainder += amounts.sum(axis=0)
        for s, share in net.shares[unit].items():
            inputs[s] += share @ amounts
    mask = net.has_input
    matrix = np.where(mask[:, None], np.diag(net.mixed_t) - net.passed_t, np.eye(len(mask)))
    try:
        per_t = np.linalg.solve(matrix, inputs)
    except np.linalg.LinAlgError:
        # stores that only feed each other have no unique intensity: take the least-norm solution, the rest is left over
        per_t = np.linalg.pinv(matrix) @ inputs
        per_t[~mask] = 0.0
        remainder = remainder + (inputs - matrix @ per_t)[mask].sum(axis=0)
    return Spread(per_t, remainder + net.spent_t @ per_t)


def _shares(out: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Share of each store in a unit's output, step by step; over the horizon in steps without output."""
    whole = sum(float(amount.sum()) for amount in out.values())
    if not whole > NOTHING_T:
        return {}
    total = np.sum(list(out.values()), axis=0)
    return {
        s: np.divide(amount, total, out=np.full(len(total), float(amount.sum()) / whole), where=total > 0)
        for s, amount in out.items()
    }
