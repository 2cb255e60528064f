"""Schedules for a line, processes or a site: Pyomo models solved by HiGHS, with a proven bound.

This is the main interface of the package: ``optimize``; ``Study``, which keeps solvers and the last plan for the next
search of the same plant; ``replan_processes``, which repairs and improves a schedule that is being followed; and
``shadow_prices``, the value of one more MWh and of each limit. Other interfaces:

- ``explain``: why there is no plan, which limits conflict, and the price of a cap on carbon.
- ``line`` and ``site``: the data of a line and of a site by slot, and the check of a plan against them.
- ``strategies.redispatch``: the best use of a site with fixed heats.
- ``strategies.sample_average``: decisions that are good in the mean of many days.
- ``search.schedule``: the attributes of a schedule.

All but ``optimize`` are imported on first use. Pyomo is imported as ``pyomo.core``, because ``pyomo.environ`` also
loads solvers and transformations that are not used here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from emberline.scenarios import effort
from emberline.scenarios.doors import door

if TYPE_CHECKING:
    import xarray as xr

    from emberline.models.explain.shadow_prices import shadow_prices
    from emberline.models.kernel.progress import Progress
    from emberline.models.problem.line import Rounding
    from emberline.models.pyomo_model import whole_model
    from emberline.models.search.warm_start import Study
    from emberline.models.strategies.processes import replan_processes
    from emberline.scenarios import Case, Scenario

__all__ = ["Study", "optimize", "replan_processes", "shadow_prices", "whole_model"]

HEATS = "heats"


__getattr__ = door(__name__)


def optimize(
    scenario: Case,
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
    """Compute the best schedule for the scenario's goal, with a proven bound.

    Args:
        scenario: the plant and its goal, which sets gap and time limit.
        envelope: durations, energies, availability and state from the twin (table ``ENVELOPE``).
        start: baseline schedule (table ``SCHEDULE``), from which the search starts, so that no plan is worse.
        others: further schedules to start from, such as that of a baseline with a lower peak; those of processes may
            violate limits.
        on_progress: called with ``incumbent``, ``bound``, ``gap`` and ``seconds``.
        cancel: polled; True ends the search with the best schedule so far.
        rounding: conversion of minutes to slots.
        study: solvers and plans of earlier searches of the same plant; this search is added.
        strategy: one of ``models.strategies.line.STRATEGIES`` for the heats of a line; None: the first that applies.

    Returns:
        A dataset of table ``SCHEDULE``. Attributes: ``found`` (0 or 1), ``status`` (``within gap``, ``best found``,
        ``cancelled``, ``infeasible`` (proven for starts at any times), ``no plan on this grid`` (proven for
        starts on slots), ``no plan within the limit``), ``objective``, ``bound`` and ``gap`` on what can
        be decided, ``constant`` (the part of the goal that no plan can change), ``reason``, ``strategy``, and
        seconds by phase. Without a plan all values are missing.

    Raises:
        ValueError: the strategy does not exist or does not apply to the scenario.
        ScenarioError: the scenario needs a plan to the minute, which is not supported.
    """
    from emberline.scenarios.checking import to_the_minute

    to_the_minute.refuse(scenario)
    progress: Progress = on_progress or (lambda event: None)
    stop = cancel or (lambda: False)
    if study is not None:
        others = [*others, *study.beginnings(scenario)]
    kind = _kind(scenario)
    if strategy is not None and kind != HEATS:
        raise ValueError(f"strategies apply only to the heats of a line; this is {kind}")
    with effort.net(scenario.goal.time_limit_s):
        if kind == "processes":
            from emberline.models.strategies.processes import optimize_processes

            schedule = optimize_processes(scenario, envelope, start, others, progress, stop)
        elif kind == "a site alone":
            from emberline.models.strategies.site import optimize_site

            schedule = optimize_site(scenario, envelope, start, study, progress, stop)
        else:
            from emberline.models.strategies.line import heats

            schedule = heats(scenario, envelope, start, others, progress, stop, rounding, study, strategy)
    schedule.attrs.setdefault("strategy", kind)
    if study is not None:
        study.keep(scenario, schedule)
    return schedule


def _kind(scenario: Scenario) -> str:
    if scenario.processes:
        return "processes"
    return HEATS if scenario.orders else "a site alone"
