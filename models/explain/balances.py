"""What processes and stores lack that can be counted without a solver: a day's energy, levels that cannot be kept.

A store's level lies between the one with all that could come and nothing that need not go, and the one with the
opposite. Where these leave what the store holds, or the upper one what is wanted at the end, there is no plan.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from emberline.models.problem import plant as plants
from emberline.models.problem.plant import Plant, Units
from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.process_flows import per_t
from emberline.scenarios.messages import Message
from emberline.scenarios.process.store import Store

HAIR = 1e-6
"""Share of what a store holds that is rounding."""


def lacking(scenario: Case, envelope: xr.Dataset) -> Iterator[Message]:
    """What is missing, one sentence each.

    Args:
        scenario: with processes.
        envelope: availability of units and levels now (table ``ENVELOPE``).
    """
    plant = plants.read(scenario, envelope)
    yield from _daily(scenario, plant)
    for store in scenario.stores:
        yield from _store(scenario, plant, store)


def _daily(scenario: Scenario, plant: Plant) -> Iterator[Message]:
    for process in scenario.processes:
        most, least = np.zeros(plant.n), np.zeros(plant.n)
        for units in plant.units:
            if units.process is process:
                power = [mw for mode in units.modes for _, mw in mode.knots]
                most += units.available * max(power) * plant.hours
                least += _kept_on(plant, units) * min(power) * plant.hours
        started = process.start_up.energy_mwh or any(change.energy_mwh for change in process.change_overs)
        for steps, energy_mwh in plant.days.get(process.name, []):
            day = scenario.horizon.instant(steps[0] * scenario.horizon.step_min).date()
            top, low = most[steps].sum(), least[steps].sum()
            of = {"name": process.name, "day": day, "wanted": energy_mwh}
            if energy_mwh > top * (1 + HAIR) and not started:
                yield Message("{name} can draw {most:.4g} MWh at most on {day}, asked are {wanted:.4g}", most=top, **of)
                break
            if energy_mwh < low * (1 - HAIR):
                yield Message("{name} draws {least:.4g} MWh at least on {day}, asked are {wanted:.4g}", least=low, **of)
                break


def _kept_on(plant: Plant, units: Units) -> np.ndarray:
    """Units that must run, by slot."""
    running = units.process.must_run and units.process.name not in plant.stops
    return units.available if running else np.zeros(plant.n)


def _store(scenario: Scenario, plant: Plant, store: Store) -> Iterator[Message]:
    (most_in, least_in), (most_out, least_out) = (_flow(plant, store.name, side) for side in ("out", "in"))
    demand, start_t = plant.demand[store.name], plant.start_t[store.name]
    ordered = np.zeros(plant.n)
    loading = np.zeros(plant.n)
    for order, first, last in plant.orders:
        if order.store == store.name:
            ordered[last - 1] += order.amount_t or 0.0
            loading[first:last] += order.most_tph(plant.hours) * plant.hours
    retention = store.retention(plant.hours)
    high, low, slack = start_t, start_t, HAIR * store.capacity_t
    for t in range(plant.n):
        at = scenario.horizon.instant((t + 1) * scenario.horizon.step_min)
        high += most_in[t] - least_out[t] - demand[t] - ordered[t]
        if not loading.any():
            high = min(high, store.capacity_t)
        low = retention * low + retention * least_in[t] - most_out[t] - demand[t] - loading[t]
        if high < -slack:
            yield Message(
                "{name} lacks {tonnes:.4g} t by {time}, whatever is made", name=store.name, tonnes=-high, time=at
            )
            return
        if low > store.capacity_t + slack:
            yield Message(
                "{name} has no room for {tonnes:.4g} t by {time}, whatever is taken",
                name=store.name,
                tonnes=low - store.capacity_t,
                time=at,
            )
            return
        low = max(low, 0.0)
    if high < store.end_t - slack:
        yield (
            Message(
                "{name} holds {most:.4g} t at most at the end, wanted are {wanted:.4g}: {missing:.4g} t are missing",
                name=store.name,
                most=high,
                wanted=store.end_t,
                missing=store.end_t - high,
            )
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
