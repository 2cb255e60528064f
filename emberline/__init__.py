"""Emberline's Python API, and the package that all rooms live in.

    >>> import emberline as em
    >>> shop = em.load("melt-shop-small")
    >>> plan = em.plan(shop)
    >>> plan.saved["carbon_kg"], plan.gap

See ``docs/python.md``. In a checkout the rooms (``scenarios``, ``twin``, ``models``, ``planning`` …) are
folders next to this one; installed they are folders in it. One entry of the package's path covers both
(``docs/design/0009``).
"""

# nothing is imported here that Python has not loaded already: Ctrl-C is answered from the first moment on
import os

_FOLDER = os.path.dirname(os.path.abspath(__file__))
if not os.path.isdir(os.path.join(_FOLDER, "scenarios")):
    __path__.append(os.path.dirname(_FOLDER))

TYPE_CHECKING = False

if TYPE_CHECKING:
    from emberline.api import change, compare, hold, load, open_run, pareto, plan, simulate
    from emberline.results import Result
    from emberline.scenarios import Case, Scenario, ScenarioError, bundled

__all__ = [
    "Case",
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


def __getattr__(name: str) -> object:
    # imported on demand: `emberline --help` must not wait for xarray
    if name not in __all__:
        raise AttributeError(f"module 'emberline' has no attribute {name!r}")
    from emberline.scenarios.doors import door

    return door(__name__)(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
