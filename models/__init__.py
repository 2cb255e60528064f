"""The schedule that a line, processes or a site should follow: Pyomo models solved by HiGHS, with a proven bound.

This is the room's door: ``optimize``, and what the rooms above use beside it.

- ``Study`` keeps solvers and the last plan for the next search of the same plant.
- ``explain``: why there is no plan, which limits cannot all hold, what a cap on carbon is worth.
- ``shadow_prices``: what a MWh more or less, and each limit, is worth.
- ``line`` and ``site``: the numbers of a line and a site by slot, and how a plan of them is judged.
- ``redispatch``: the best use of a site under heats that stay where they are.
- ``samples``: decisions that are good on the mean of many days.
- ``schedules``: what the attributes of a schedule say.

All but ``optimize`` is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from emberline.models import explain, line, site
    from emberline.models.explain.shadow_prices import shadow_prices
    from emberline.models.kernel.progress import Progress
    from emberline.models.problem.line_reader import Rounding
    from emberline.models.search import schedule as schedules
    from emberline.models.search.warm_start import Study
    from emberline.models.strategies import redispatch
    from emberline.models.strategies import sample_average as samples
    from emberline.scenarios import Scenario

__all__ = ["Study", "explain", "line", "optimize", "redispatch", "samples", "schedules", "shadow_prices", "site"]

HEATS = "heats"
PLACES = {
    "Study": "search.warm_start:Study",
    "redispatch": "strategies.redispatch",
    "samples": "strategies.sample_average",
    "schedules": "search.schedule",
    "shadow_prices": "explain.shadow_prices:shadow_prices",
}
"""Modules and names of the door that stand further in."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place, _, of = PLACES.get(name, name).partition(":")
    module = import_module(f"{__name__}.{place}")
    return getattr(module, of) if of else module


def optimize(
    scenario: Scenario,
    envelope: xr.Dataset,
    start: xr.Dataset | None = None,
    *,
    others: Sequence[xr.Dataset] = (),
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    rounding: Rounding | None = None,
    study: Study | None = None,
    strategy: str | None = None,
) -> xr.Dataset:
    """Find the schedule that the scenario's goal asks for, with a proven bound.

    Args:
        scenario: what is asked; its goal sets gap and time limit.
        envelope: what the twin says of durations, energies, availability and state (table ``ENVELOPE``).
        start: the baseline schedule (table ``SCHEDULE``): the search begins there, so that a plan is never worse.
        others: more lists to begin from, such as those of a baseline that keeps to a lower peak; those of processes
            need not keep all limits.
        on_progress: told ``incumbent``, ``bound``, ``gap`` and ``seconds``.
        cancel: polled; True ends the search with the best schedule found so far.
        rounding: how minutes become slots.
        study: what earlier searches of the same plant have left, to begin with; it takes what this one leaves.
        strategy: one of ``models.strategies.line.STRATEGIES`` for the heats of a line; None: the first that suits.

    Returns:
        A dataset of table ``SCHEDULE``. Attributes: ``found`` (0 or 1), ``status`` (``within gap``, ``best found``,
        ``cancelled``, ``infeasible`` (proven for starts at any times), ``no plan on this grid`` (proven for
        starts on slots), ``no plan within the limit``), ``objective``, ``bound`` and ``gap`` on what can
        be decided, ``constant`` (the part of the goal that no plan can change), ``reason``, ``strategy``, and
        seconds by phase. Without a schedule all its values are missing.

    Raises:
        ValueError: no such strategy, or it does not suit what is asked.
    """
    tell: Progress = on_progress or (lambda event: None)
    stop = cancel or (lambda: False)
    if study is not None:
        others = [*others, *study.beginnings(scenario)]
    kind = _kind(scenario)
    if strategy is not None and kind != HEATS:
        raise ValueError(f"strategies are for the heats of a line; this is {kind}")
    if kind == "processes":
        from emberline.models.strategies.processes import optimize_processes

        found = optimize_processes(scenario, envelope, start, others=others, on_progress=tell, cancel=stop)
    elif kind == "a site alone":
        from emberline.models.strategies.site import optimize_site

        found = optimize_site(scenario, envelope, start, study=study, on_progress=tell, cancel=stop)
    elif kind == "least lateness":
        from emberline.models.strategies.lateness_schedule import least_late

        found = least_late(scenario, envelope, start, tell, stop)
    else:
        from emberline.models.strategies.line import heats

        found = heats(scenario, envelope, start, others, tell, stop, rounding, study, strategy)
    found.attrs.setdefault("strategy", kind)
    if study is not None:
        study.keep(scenario, found)
    return found


def _kind(scenario: Scenario) -> str:
    if scenario.processes:
        return "processes"
    if not scenario.orders:
        return "a site alone"
    return "least lateness" if scenario.goal.minimize == "lateness" else HEATS
