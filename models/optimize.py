"""From a scenario to a schedule: the one door of this room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import xarray as xr

from emberline.models.kernel.highs import Progress
from emberline.models.problem import line_reader
from emberline.models.search.warm_start import Study
from emberline.models.strategies.lateness_schedule import least_late
from emberline.models.strategies.line import heats
from emberline.scenarios import Scenario

HEATS = "heats"


def optimize(
    scenario: Scenario,
    envelope: xr.Dataset,
    start: xr.Dataset | None = None,
    *,
    others: Sequence[xr.Dataset] = (),
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    rounding: line_reader.Rounding | None = None,
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
        found = least_late(scenario, envelope, start, tell, stop)
    else:
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
