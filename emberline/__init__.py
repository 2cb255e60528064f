"""Emberline's Python API, and the package that contains all rooms.

    >>> import emberline as em
    >>> shop = em.load("melt-shop-small")
    >>> plan = em.plan(shop)
    >>> plan.saved["carbon_kg"], plan.gap

See ``docs/python.md``. In a checkout, the rooms (``scenarios``, ``twin``, ``models``, ``planning`` …) are folders next
to this one; in an installation, they are folders inside it. One entry of the package's path covers both
(``docs/design/0009``).
"""

# only modules that Python has already loaded are imported here, so that Ctrl-C works from the first moment
from __future__ import annotations

import os

_FOLDER = os.path.dirname(os.path.abspath(__file__))
if not os.path.isdir(os.path.join(_FOLDER, "scenarios")):
    __path__.append(os.path.dirname(_FOLDER))

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from emberline.api import (
        change,
        compare,
        difference,
        headroom,
        hold,
        load,
        model,
        open_run,
        optimize,
        pareto,
        plan,
        roll,
        simulate,
        sweep,
        why,
        why_not,
    )
    from emberline.results import Result
    from emberline.scenarios import Case, Scenario, ScenarioError, bundled
    from emberline.studies.levers import levers

__all__ = [
    "Case",
    "Result",
    "Scenario",
    "ScenarioError",
    "bundled",
    "change",
    "compare",
    "difference",
    "headroom",
    "hold",
    "levers",
    "load",
    "model",
    "open_run",
    "optimize",
    "pareto",
    "plan",
    "roll",
    "simulate",
    "sweep",
    "why",
    "why_not",
]


def __getattr__(name: str) -> Any:
    # imported on demand: `emberline --help` must not wait for xarray
    if name in __all__:
        from emberline.scenarios.doors import door

        return door(__name__)(name)
    if name[:1].isupper():
        from emberline.scenarios.descriptions import nouns

        if name in nouns():
            return nouns()[name]
    raise AttributeError(f"module 'emberline' has no attribute {name!r}")


def __dir__() -> list[str]:
    from emberline.scenarios.descriptions import nouns

    return sorted({*globals(), *__all__, *nouns()})
