"""What processes and stores lack that can be counted without a solver: a day's energy, levels that cannot be kept.

A store's level lies between the one with all that could come and nothing that need not go, and the one with the
opposite. Where these leave what the store holds, or the upper one what is wanted at the end, there is no plan.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from emberline.models.explain.limit import clock
from emberline.models.problem import plant as plants
from emberline.models.problem.plant import Plant, Units
from emberline.scenarios import Scenario
from emberline.scenarios.process.flows import per_t
from emberline.scenarios.process.store import Store

HAIR = 1e-6
"""Share of what a store holds that is rounding."""


def lacking(scenario: Scenario, envelope: xr.Dataset) -> Iterator[str]:
    """What is missing, one sentence each.

    Args:
        scenario: with processes.
        envelope: availability of units and levels now (table ``ENVELOPE``).
    """
    plant = plants.read(scenario, envelope)
    yield from _daily(scenario, plant)
    for store in scenario.stores:
        yield from _store(scenario, plant, store)


def _daily(scenario: Scenario, plant: Plant) -> Iterator[str]:
    for process in scenario.processes:
        most, least = np.zeros(plant.n), np.zeros(plant.n)
        for units in plant.units:
            if units.process is process:
                power = [mw for mode in units.modes for _, mw in mode.knots]
                most += units.available * max(power) * plant.hours
                least += _kept_on(plant, units) * min(power) * plant.hours
        started = process.start_up.energy_mwh or any(change.energy_mwh for change in process.change_overs)
        for steps, wanted in plant.days.get(process.name, []):
            day = clock(scenario, steps[0] * scenario.horizon.step_min).rsplit(" ", 1)[0]
            if wanted > most[steps].sum() * (1 + HAIR) and not started:
                yield f"{process.name} can draw {most[steps].sum():.4g} MWh at most on {day}, asked are {wanted:.4g}"
                break
            if wanted < least[steps].sum() * (1 - HAIR):
                yield f"{process.name} draws {least[steps].sum():.4g} MWh at least on {day}, asked are {wanted:.4g}"
                break


def _kept_on(plant: Plant, units: Units) -> np.ndarray:
    """Units that must run, by slot."""
    running = units.process.must_run and units.process.name not in plant.stops
    return units.available if running else np.zeros(plant.n)


def _store(scenario: Scenario, plant: Plant, store: Store) -> Iterator[str]:
    (most_in, least_in), (most_out, least_out) = (_flow(plant, store.name, side) for side in ("out", "in"))
    demand, begun = plant.demand[store.name], plant.start_t[store.name]
    ordered = np.zeros(plant.n)
    loading = np.zeros(plant.n)
    for order, first, last in plant.orders:
        if order.store == store.name:
            ordered[last - 1] += order.amount_t or 0.0
            loading[first:last] += order.most_tph(plant.hours) * plant.hours
    kept = store.kept(plant.hours)
    high, low, slack = begun, begun, HAIR * store.capacity_t
    for t in range(plant.n):
        at = clock(scenario, (t + 1) * scenario.horizon.step_min)
        high += most_in[t] - least_out[t] - demand[t] - ordered[t]
        if not loading.any():
            high = min(high, store.capacity_t)
        low = kept * low + kept * least_in[t] - most_out[t] - demand[t] - loading[t]
        if high < -slack:
            yield f"{store.name} lacks {-high:.4g} t by {at}, whatever is made"
            return
        if low > store.capacity_t + slack:
            yield f"{store.name} has no room for {low - store.capacity_t:.4g} t by {at}, whatever is taken"
            return
        low = max(low, 0.0)
    if high < store.end_t - slack:
        yield (
            f"{store.name} holds {high:.4g} t at most at the end, wanted are {store.end_t:.4g}: "
            f"{store.end_t - high:.4g} t are missing"
        )


def _flow(plant: Plant, store: str, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Most and least that all units give to a store (``out``) or take from it (``in``) in each slot [t]."""
    most, least = np.zeros(plant.n), np.zeros(plant.n)
    for units in plant.units:
        each = [(per_t(mode, side, store), mode) for mode in units.modes]
        most += units.available * max(per * units.high_tph(mode) for per, mode in each) * plant.hours
        lost = side == "out" and (units.process.start_up.off_spec_t or len(units.modes) > 1)
        if not lost and len(units.modes) == 1:
            least += _kept_on(plant, units) * min(per * mode.rates.low for per, mode in each) * plant.hours
    return most, least
