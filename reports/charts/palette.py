"""Colours with a single meaning each, the same in every chart, on pages and in files.

The colours of carbon, power and price are distinguishable with colour blindness (Okabe and Ito). Orders, modes and the
content of stores have Tol's light scheme, which keeps dark labels readable.
"""

from __future__ import annotations

from collections.abc import Iterable

from emberline.scenarios import Scenario
from emberline.scenarios.process.record import Process

IMPORT, PV, BATTERY, LIMIT = "#2F88C9", "#E0A100", "#C46FA0", "#D55E00"
POWER, CARBON, PRICE = IMPORT, LIMIT, "#0B9E73"
BASELINE, INK, PALE, PAPER = "#8A929C", "#1C2530", "#B9BFC6", "#FFFFFF"
LIGHT = ("#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#FFAABB", "#99DDFF", "#BBCC33", "#DDDDDD", "#AAAA00")


def in_turn(names: Iterable[str]) -> dict[str, str]:
    """Assign a colour to each name by its position, for orders or machines."""
    return {name: LIGHT[i % len(LIGHT)] for i, name in enumerate(dict.fromkeys(names))}


def of_modes(scenario: Scenario) -> dict[str, str]:
    """Return the colour of each mode by name, the same in all units; a process without modes has one mode of its own
    name."""
    shades = _all(scenario)
    return {mode.name: shades[mode.name] for _, mode in scenario.process_modes}


def of_processes(scenario: Scenario) -> dict[str, str]:
    """Return the colour of each process by name: that of its mode if there is only one."""
    shades = _all(scenario)
    return {process.name: shades[_called(process)] for process in scenario.processes}


def of_stores(scenario: Scenario) -> dict[str, str]:
    """Return the colour of each store by name: that of a mode that fills it, without repetition while colours last."""
    shades: dict[str, str] = {}
    modes = of_modes(scenario)
    for store in scenario.store:
        fills = [mode.name for _, mode in scenario.process_modes if store in {s.store for s in mode.outputs}]
        of = [modes[name] for name in fills]
        shades[store] = next((shade for shade in of if shade not in shades.values()), "")
    remaining = [shade for shade in LIGHT if shade not in {*_all(scenario).values(), *shades.values()}]
    remaining += [shade for shade in LIGHT if shade not in shades.values() and shade not in remaining]
    for i, store in enumerate(name for name, shade in shades.items() if not shade):
        shades[store] = (remaining or LIGHT)[i % len(remaining or LIGHT)]
    return shades


def _all(scenario: Scenario) -> dict[str, str]:
    names = [mode.name for _, mode in scenario.process_modes]
    names += [_called(process) for process in scenario.processes]
    return in_turn(names)


def _called(process: Process) -> str:
    return process.all_modes[0].name if len(process.all_modes) == 1 else process.name
