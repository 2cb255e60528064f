"""Benches and oracles register themselves by name when their module is imported."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import batteries, live, planning, published, speed
from benchmarks.reporting.findings import Findings

Run = Callable[[], Findings | None]


class Wrong(RuntimeError):
    """A bench found what must not be, such as another objective; one line, with what it found all the same."""

    def __init__(self, line: str, findings: Findings | None = None) -> None:
        super().__init__(line)
        self.findings = findings


@dataclass(frozen=True)
class Bench:
    """A measurement. It may print lines while it runs; the tables that it returns are printed for it, and stored."""

    name: str
    says: str
    run: Run
    long: bool = False
    """Takes longer than some minutes, or needs more than Emberline: runs only when it is named."""


@dataclass(frozen=True)
class Oracle:
    """A family of published cases: takes the command's arguments, returns the exit code."""

    family: str
    says: str
    run: Callable[[list[str]], int]


PARTS: list[str] = []
"""Texts of ``--part``: only cases whose name has one of them are run; empty: all."""
BENCHES: dict[str, Bench] = {}
ORACLES: dict[str, Oracle] = {}


def bench(name: str, text: str, *, long: bool = False) -> Callable[[Run], Run]:
    """Register a function as a bench of ``python -m benchmarks``."""

    def register(run: Run) -> Run:
        BENCHES[name] = Bench(name, text, run, long)
        return run

    return register


def oracle(family: str, text: str) -> Callable[[Callable[[list[str]], int]], Callable[[list[str]], int]]:
    """Register a function as a family of ``python -m benchmarks oracle``."""

    def register(run: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
        ORACLES[family] = Oracle(family, text, run)
        return run

    return register


def included(case: str) -> bool:
    """Whether a case of a bench is to be run."""
    return not PARTS or any(part in case for part in PARTS)


def discover(family: str | None = None) -> None:
    """Import the modules of the folders of benches, so that they register, in the order of their names.

    Args:
        family: import only the module of this family of published cases, where there is one.
    """
    modules = {
        module.name: f"{package.__name__}.{module.name}"
        for package in (planning, speed, batteries, live, published)
        for module in pkgutil.iter_modules(package.__path__)
    } | {"peers": "benchmarks.peers"}
    for name in [family] if family in modules else sorted(modules):
        importlib.import_module(modules[name])
