"""Compatibility module for the former room ``plans``, now ``planning``, ``studies``, ``runs`` and ``reports``.

Its imports still work in this release, with a warning that names the new place.
"""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from types import ModuleType

ROOMS = {
    **dict.fromkeys(("accounts", "answer", "plan", "robustness"), "planning"),
    **dict.fromkeys(("board", "calibration", "difference", "levers", "pareto", "rolling", "why"), "studies"),
    **dict.fromkeys(("decisions", "jobs", "store"), "runs"),
    **dict.fromkeys(("compliance", "exports", "performance"), "reports"),
}
"""Room of each folder."""
MOVED = {
    "Plan": "planning.plan.record.Plan",
    "analyses": "runs.work.analyses",
    "analyses.ANALYSES": "ui.pages.analyses.BY_NAME",
    "answer.of_days": "planning.plan.replays.of_days",
    "calibration.estimate": "studies.calibration.fitting",
    "exports.activities": "reports.text.activities",
    "jobs.ClusterError": "planning.engine.dask_workers.ClusterError",
    "jobs.engine": "planning.engine.engine",
    "jobs.memory": "planning.engine.memory",
    "pareto.MOST_POINTS": "studies.pareto.MAX_POINTS",
    "pareto.store": "runs.store.fronts",
    "pareto.StoredFront": "runs.store.fronts.StoredFront",
    "robustness.holding.MOST_LEVEL": "planning.robustness.holding.MAX_LEVEL",
    "robustness.holding.report": "runs.store.ensembles",
    **dict.fromkeys(("robustness.answered", "robustness.plan_that_holds"), "planning.planner.make_plan"),
    **dict.fromkeys(("store.RUN_ID", "store.store.RUN_ID"), "scenarios.home.RUN_ID"),
    "store.as_planned": "runs.store.snapshots",
    "studies": "studies",
    "why.doubts": "studies.why.quick",
}
"""Modules and names whose new place does not follow from their room and folder."""


def _place(name: str) -> str:
    """Return the new place of a module or name from ``plans``."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        if head := MOVED.get(".".join(parts[:count])):
            return ".".join(("emberline", head, *parts[count:]))
    return f"emberline.{ROOMS.get(parts[0], 'planning')}.{name}"


def _moved(name: str) -> object:
    """Return an object by its former name, from its new place.

    Raises:
        AttributeError: the name is a special name of Python.
        ImportError: the name no longer exists.
    """
    if name.rpartition(".")[2].startswith("__"):
        raise AttributeError(name)
    place = _place(name)
    module, _, last = place.rpartition(".")
    try:
        value: object = getattr(import_module(module), last, None) or import_module(place)
    except ImportError:
        text = "plans are made by emberline.planning.make_plan; docs/python.md lists the Python API"
        raise ImportError(f"emberline.plans.{name} is gone: {text}") from None
    text = f"emberline.plans.{name} is {place} now; the old name will be removed in the next release"
    warnings.warn(text, DeprecationWarning, stacklevel=3)
    return value


class _Finder(MetaPathFinder, Loader):
    """Finder of modules under ``plans``, which provide the names of their replacements."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith(f"{__name__}."):
            return None
        moved = find_spec(_place(name.removeprefix(f"{__name__}.")))
        return moved and spec_from_loader(name, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__.removeprefix(f"{__name__}.")
        module.__dict__["__getattr__"] = lambda name: _moved(f"{old}.{name}")


__path__: list[str] = []


def __getattr__(name: str) -> object:
    return _moved(name)


sys.meta_path.append(_Finder())
