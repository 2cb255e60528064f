"""Allocation of amounts of units to what they make: through stores, and from store to store.

Amounts (kilograms of CO2e, money) of a unit in a step go to what it puts out in that step, by tonnes; where it puts out
nothing (it starts up, changes over, or makes off-spec product) to all that it puts out over the horizon, in
proportion. A store mixes all that comes in over the horizon; what was there at the start, and what is lost, counts at
the same intensity. So for stores s, with I_s tonnes put in, q_s the amount that units spend on it themselves, and A_sr
tonnes of store r that went into s:

    i_s·I_s − Σ_r A_sr·i_r = q_s

On a loop (dust that goes back to the meal) opening stock at the same intensity would feed on itself: a kiln that lives
on stock would take more out of it than was ever spent, to the point of intensities below zero. There what is drawn
from the opening stock comes without emissions: I_s holds it too, and the change of stock carries nothing.

What comes by an arrival brings nothing, and what leaves a store carries i_s wherever it goes: to a delivery, into the
stock, or lost; so nothing vanishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.flows.process_flows import ProcessStream, streams

NOTHING_T = 1e-6
"""A gram over the horizon is rounding, no product."""


@dataclass(frozen=True)
class Network:
    """Tonnes of a run or a schedule through the stores, shape (n_stores,) unless said otherwise."""

    units: tuple[str, ...]
    stores: tuple[str, ...]
    in_t: np.ndarray
    """Put in by units and arrivals."""
    delivered_t: np.ndarray
    used_t: np.ndarray
    """Taken by units."""
    lost_t: np.ndarray
    passed_t: np.ndarray
    """Tonnes of store r that went into store s, shape (n_stores, n_stores): [s, r]."""
    spent_t: np.ndarray
    """Taken by units that put nothing into any store."""
    shares: Mapping[str, Mapping[int, np.ndarray]]
    """By unit and place of a store: what of the unit's amount goes there in each step, shape (n_steps,). A unit that
    puts nothing into any store has none."""

    @property
    def change_t(self) -> np.ndarray:
        """Stock at the end less that at the start: what came in less what left."""
        return self.in_t - self.delivered_t - self.used_t - self.lost_t

    @property
    def mixed_t(self) -> np.ndarray:
        """Tonnes that share the incoming amount: ``in_t``, on a loop with the draw from the opening stock."""
        return np.where(self._on_loop & self.has_input, np.maximum(self.in_t, self.in_t - self.change_t), self.in_t)

    @property
    def counted_t(self) -> np.ndarray:
        """Part of ``change_t`` that carries an amount: all, but for the draw on a loop."""
        return self.change_t + self.mixed_t - self.in_t

    @property
    def _on_loop(self) -> np.ndarray:
        """Whether a store's material comes back to it in the end."""
        reached = self.passed_t > 0
        for _ in range(len(self.stores).bit_length()):
            reached = reached | ((reached.astype(int) @ reached.astype(int)) > 0)
        return np.diag(reached)

    @property
    def has_input(self) -> np.ndarray:
        """Whether anything comes in at all; elsewhere there is no intensity."""
        return np.asarray(self.in_t > NOTHING_T)


@dataclass(frozen=True)
class Spread:
    """Amounts as the network passes them on."""

    per_t: np.ndarray
    """Amount by tonne in each store, shape (n_stores, n_amounts); zero where nothing comes in."""
    remainder: np.ndarray
    """Amounts that go to no store, shape (n_amounts,): of units that put nothing into any."""


def network(scenario: Scenario, data: xr.Dataset) -> Network:
    """Tonnes of a run or a schedule (process flows of table ``FLOWS``)."""
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
        net: the network.
        by_unit: what each unit spends itself in each step, shape (n_steps, n_amounts) each.
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
        # stores that only feed each other have no intensity of their own: the least one that fits, the rest is left
        per_t = np.linalg.pinv(matrix) @ inputs
        per_t[~mask] = 0.0
        remainder = remainder + (inputs - matrix @ per_t)[mask].sum(axis=0)
    return Spread(per_t, remainder + net.spent_t @ per_t)


def _shares(out: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Share of each store in what a unit puts out, step by step; over the horizon where it puts out nothing."""
    whole = sum(float(amount.sum()) for amount in out.values())
    if not whole > NOTHING_T:
        return {}
    total = np.sum(list(out.values()), axis=0)
    return {
        s: np.divide(amount, total, out=np.full(len(total), float(amount.sum()) / whole), where=total > 0)
        for s, amount in out.items()
    }
