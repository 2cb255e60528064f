"""Emberline's Python API, and the package that all rooms live in.

    >>> import emberline as em
    >>> shop = em.load("melt-shop-small")
    >>> plan = em.plan(shop)
    >>> plan.saved["carbon_kg"], plan.gap

See ``docs/python.md``. In a checkout the rooms (``scenarios``, ``twin``, ``models``, ``plans``, ``ui``) are folders
next to this one; installed they are folders in it. One entry of the package's path covers both (``docs/design/0009``).
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

_FOLDER = Path(__file__).resolve().parent
if not (_FOLDER / "scenarios").is_dir():
    __path__.append(str(_FOLDER.parent))

if TYPE_CHECKING:
    from emberline.api import change, compare, hold, load, open_run, pareto, plan, simulate
    from emberline.results import Result
    from emberline.scenarios import Scenario, ScenarioError, bundled

__all__ = [
    "Result",
    "Scenario",
    "ScenarioError",
    "bundled",
    "change",
    "compare",
    "hold",
    "load",
    "open_run",
    "pareto",
    "plan",
    "simulate",
]
_PLACES = {
    **dict.fromkeys(("Result",), "emberline.results"),
    **dict.fromkeys(("Scenario", "ScenarioError", "bundled"), "emberline.scenarios"),
}


def __getattr__(name: str) -> Any:
    # imported on demand: `emberline --help` must not wait for xarray
    if name not in __all__:
        raise AttributeError(f"module 'emberline' has no attribute {name!r}")
    return getattr(import_module(_PLACES.get(name, "emberline.api")), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
