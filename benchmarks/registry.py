"""Benches and oracles register themselves by name when their module is imported."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bench:
    """A measurement that prints its own lines."""

    name: str
    says: str
    run: Callable[[], None]


@dataclass(frozen=True)
class Oracle:
    """A family of published cases: takes the command's arguments, returns the exit code."""

    family: str
    says: str
    run: Callable[[list[str]], int]


BENCHES: dict[str, Bench] = {}
ORACLES: dict[str, Oracle] = {}


def bench(name: str, says: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function as a bench of ``python -m benchmarks``."""

    def register(run: Callable[[], None]) -> Callable[[], None]:
        BENCHES[name] = Bench(name, says, run)
        return run

    return register


def oracle(family: str, says: str) -> Callable[[Callable[[list[str]], int]], Callable[[list[str]], int]]:
    """Register a function as a family of ``python -m benchmarks oracle``."""

    def register(run: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
        ORACLES[family] = Oracle(family, says, run)
        return run

    return register


def discover(family: str | None = None) -> None:
    """Import the modules beside this one, so that they register.

    Args:
        family: import only the module of this name, where there is one.
    """
    import benchmarks

    names = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_"))
    for name in [family] if family in names else names:
        importlib.import_module(f"benchmarks.{name}")
    if family is None and "twin" not in BENCHES:
        from benchmarks import twin_speed

        bench("twin", "a week of 168 heats beside bare SimPy")(twin_speed.main)
