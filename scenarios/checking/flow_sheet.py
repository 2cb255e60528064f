"""Checks of processes, stores, deliveries and arrivals against each other, the site's carriers, and locks."""

from __future__ import annotations

import numpy as np

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.process import locks
from emberline.scenarios.process.record import Process, carriers_of, stores_of
from emberline.scenarios.records.base import Mistakes, unknown
from emberline.scenarios.records.orders import RunLock

MAX_UNITS = 200


def mistakes(scenario: Scenario) -> Mistakes:
    """Find mistakes in processes, stores, deliveries and arrivals, with their places in the scenario."""
    if scenario.processes and scenario.line.stages:
        yield ("processes",), "a line of heats and processes are not planned together; give one of them"
    if not scenario.processes and (scenario.stores or scenario.deliveries or scenario.arrivals):
        yield ("processes",), "is required where there are stores, deliveries or arrivals"
    yield from _names(scenario)
    for i, process in enumerate(scenario.processes):
        for place, text in _of_process(scenario, process):
            yield ("processes", i, *place), text
    for field in ("deliveries", "arrivals"):
        for i, item in enumerate(getattr(scenario, field)):
            if item.store not in scenario.store:
                yield (field, i, "store"), unknown("store", item.store, scenario.store)
    yield from _orders(scenario)


def _names(scenario: Scenario) -> Mistakes:
    if sum(process.count for process in scenario.processes) > MAX_UNITS:
        yield ("processes",), f"more than {MAX_UNITS} units"
    for field in ("processes", "stores", "deliveries", "arrivals"):
        earlier: set[str] = set()
        for i, item in enumerate(getattr(scenario, field)):
            names = item.units if isinstance(item, Process) else (item.name,)
            twice = next((name for name in names if name in earlier), None)
            if twice is not None:
                yield (field, i, "name"), f"name {twice!r} used twice"
            earlier.update(names)
    for i, process in enumerate(scenario.processes):
        duplicates = set(process.units) & {asset.name for asset in scenario.site.assets}
        if duplicates:
            yield ("processes", i, "name"), f"{sorted(duplicates)[0]!r} is also a site asset; use different names"
    for i, store in enumerate(scenario.stores):
        if store.name in scenario.site.carrier:
            yield ("stores", i, "name"), f"{store.name!r} is also a carrier of the site; use different names"


def _of_process(scenario: Scenario, process: Process) -> Mistakes:
    carriers = scenario.site.carrier
    for place, name in stores_of(process):
        if name not in scenario.store:
            yield place, unknown("store", name, scenario.store)
    for place, name in carriers_of(process):
        if name == ELECTRICITY:
            yield place, "electricity is given by power_mw, kwh_per_t or power_by_rate"
        elif name not in carriers:
            yield place, unknown("carrier", name, {k: c for k, c in carriers.items() if k != ELECTRICITY})
        elif "fuels" in place and carriers[name].unit != "MWh":
            yield place, f"a fuel is counted in MWh; carrier {name!r} is counted in {carriers[name].unit}"
        elif "outputs" in place and not carriers[name].dumps and not _touched(scenario, name, outputs=False):
            yield place, f"{name!r} must not be vented and nothing uses it; add a use, or set dump: true"
        elif ("inputs" in place or "fuels" in place) and not _touched(scenario, name, outputs=True):
            yield place, f"nothing supplies {name!r}; add a supply or an asset that produces it"
    horizon, stop = scenario.horizon, process.planned_stop
    if stop is None:
        return
    first = 0.0 if stop.earliest is None else horizon.minutes(stop.earliest)
    last = horizon.length_min - stop.hours * 60 if stop.latest is None else horizon.minutes(stop.latest)
    if not 0 <= first <= last <= horizon.length_min - stop.hours * 60 + 1e-6:
        text = f"a stop of {stop.hours:g} h does not fit between its earliest and latest beginning and the horizon"
        yield ("planned_stop",), text


def _touched(scenario: Scenario, carrier: str, *, outputs: bool) -> bool:
    """Return whether an asset uses a carrier, or a process has it as output or, if ``outputs`` is false, as input."""
    named = (pair for process in scenario.processes for pair in carriers_of(process))
    return scenario.site.touches(carrier) or any(
        name == carrier and ("outputs" in place) == outputs for place, name in named
    )


def _orders(scenario: Scenario) -> Mistakes:
    horizon = scenario.horizon
    for i, delivery in enumerate(scenario.deliveries):
        if delivery.amount_t is None:
            continue
        for field in ("release", "due"):
            moment = getattr(delivery, field)
            if moment is not None and not 0 <= horizon.minutes(moment) <= horizon.length_min:
                yield ("deliveries", i, field), "lies outside the horizon"
                return
        first, last = delivery.span(horizon)
        most = delivery.most_tph(horizon.step_h) * (last - first) * horizon.step_h
        if delivery.amount_t > most * (1 + 1e-9):
            text = f"{delivery.amount_t:g} t cannot be loaded between release and due: {max(most, 0):g} t at most"
            yield ("deliveries", i, "amount_t"), text


def of_run_locks(scenario: Scenario) -> Mistakes:
    """Find mistakes in locks on runs: names, times, and more simultaneous runs than units."""
    by_name = {process.name: process for process in scenario.processes}
    wrong = False
    for i, lock in enumerate(scenario.run_locks):
        process = by_name.get(lock.process)
        if process is None:
            wrong, names = True, ", ".join(by_name) or "none"
            yield ("run_locks", i, "process"), f"unknown process {lock.process!r}; processes are {names}"
            continue
        for place, text in _of_lock(scenario, lock, process):
            wrong = True
            yield ("run_locks", i, *place), text
    if not wrong:
        yield from _too_many(scenario)


def _of_lock(scenario: Scenario, lock: RunLock, process: Process) -> Mistakes:
    horizon = scenario.horizon
    if lock.mode is None and process.modes:
        yield ("mode",), f"which mode of {process.name}: {', '.join(process.mode)}"
    elif lock.mode is not None and lock.mode not in process.mode:
        yield ("mode",), f"unknown mode {lock.mode!r} of {process.name}; modes are {', '.join(process.mode)}"
    if process.must_run and len(process.all_modes) == 1:
        yield ("process",), f"{process.name} runs all the time (must_run): no start of a run is to be locked"
    for field in ("start", "end"):
        moment = getattr(lock, field)
        if moment is None:
            continue
        steps = horizon.minutes(moment) / horizon.step_min
        if not 0 <= steps <= horizon.n_steps - (field == "start"):
            yield (field,), "lies outside the horizon"
        elif abs(steps - round(steps)) > locks.HAIR:
            yield (field,), f"lies between two steps of {horizon.step_min:g} min"
    if lock.end is not None and horizon.minutes(lock.end) <= horizon.minutes(lock.start):
        yield ("end",), "is not after the start"


def _too_many(scenario: Scenario) -> Mistakes:
    """Report processes with more locked runs in a step than units."""
    counts: dict[str, np.ndarray] = {}
    for (name, _), runs in locks.locked_runs(scenario.run_locks, scenario.processes, scenario.horizon).items():
        counts[name] = counts.get(name, 0) + runs.running
    for process in scenario.processes:
        most = int(np.max(counts.get(process.name, 0)))
        if most > process.count:
            last = max(i for i, lock in enumerate(scenario.run_locks) if lock.process == process.name)
            text = f"{most} runs are locked at once, {process.name} has {process.count} unit(s)"
            yield ("run_locks", last), text
