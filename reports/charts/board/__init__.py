"""Planning board on the page: bars of units that can be dragged, moved by keyboard, and locked.

While a bar is dragged, the browser checks the move with the rules of ``studies/board`` (``rules.js``). When it is
dropped, the browser sends an act: ``{"do": "move", "key": "3.0", "unit": 1, "slot": 12, "heat": "C1-4"}``. Other acts
are ``lock``, ``undo``, ``select`` and ``range``, the visible time span in minutes: ``{"do": "range", "span": [240,
720]}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import xarray as xr

from emberline.planning.accounts import unit_runs
from emberline.reports.charts import palette
from emberline.reports.charts.view import View
from emberline.reports.text import current, mark, number, tr
from emberline.reports.text.activities import OPERATION, breakdowns, columns
from emberline.reports.text.activities import STATES as DOES
from emberline.reports.text.numbers import names
from emberline.scenarios import Scenario
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.orders import AnyLock, Lock
from emberline.studies.board import HeatBoard, RunBoard, key_text

FOLDER = Path(__file__).resolve().parent
HTML = """<div class="board"><button type="button" class="skip"></button>
<div class="top"><span class="legend"></span><button type="button" class="out">−</button>
<button type="button" class="in">+</button><button type="button" class="fit">⤢</button></div>
<svg role="group"></svg><div class="status" role="status" aria-live="polite"></div><div class="help"></div>
<span class="end" tabindex="-1"></span></div>"""
MAX_ORDERS_IN_LEGEND = 16
RUNS = mark(
    "Drag a run in time, or use the arrow keys and Enter; what it breaks is shown when it is dropped. L locks, Escape "
    "undoes, Tab goes to the next bar. Drag over free space, or + and −, to zoom."
)
OF_HEAT = ("stage", "short", "group", "groupName")
"""Fields of bars that are filled for heats and empty for runs."""
TEXTS = {
    "board": mark("Planning board: units from top to bottom, local time from left to right"),
    "help": mark(
        "Drag a bar in time or to another unit, or use the arrow keys and Enter. L locks, Escape undoes, Tab goes to "
        "the next bar. Drag over free space, or + and −, to zoom."
    ),
    "fixed": mark("Starts of this plan do not lie on steps: lock a heat in its card. Drag over free space to zoom."),
    "skip": mark("Skip the bars"),
    "in": mark("Zoom in"),
    "out": mark("Zoom out"),
    "fit": mark("Show all"),
    "locked": mark("locked"),
    "hard": mark("cannot be there"),
    "soft": mark("others must move"),
    "free": mark("nothing in the way"),
    "place": mark("{unit} cannot take {heat}"),
    "window": mark("{heat} cannot start then: release, due time or the end of the plan"),
    "outage": mark("{unit} is not available then"),
    "early": mark("{heat} does not reach its next stage in time from {stage}"),
    "wait": mark("{heat} waits too long after {stage}"),
    "busy": mark("{unit} is busy with {other}"),
    "date": mark("{weekday} {day} {month}"),
}
"""Texts of the component; the browser fills in the names in braces."""


@cache
def _component() -> Any:
    from streamlit.components.v2 import component

    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in ("rules.js", "board.js"))
    css = (FOLDER / "board.css").read_text(encoding="utf-8")
    return component("emberline_board", html=HTML, css=css, js=script)


def show(data: dict[str, Any], key: str, on_act: Callable[[], None]) -> None:
    """Draw the board.

    Args:
        data: result of :func:`of_heats` or :func:`of_runs`.
        key: key of the component; its ``act`` is stored in the session state under this key.
        on_act: callback for an act, called before the page is redrawn.
    """
    _component()(data=data, key=key, height="content", on_act_change=on_act)


def of_heats(
    scenario: Scenario, run: xr.Dataset, baseline: xr.Dataset | None, view: View, board: HeatBoard | None
) -> dict[str, Any]:
    """Return the bars of heats, shared by all readers of a plan; :func:`with_locks` adds the locks of one reader.

    Args:
        scenario: scenario with a line.
        run: run drawn as thick bars, with breakdowns.
        baseline: run drawn as thin bars below; None: not drawn.
        view: visible part of the horizon.
        board: rules for moves; None: bars cannot be moved.
    """
    units = [unit.name for unit in scenario.line.units]
    colours = palette.in_turn(order.name for order in scenario.orders)
    heats = {heat.name: heat for heat in scenario.heats}
    casting = scenario.line.campaign_stage
    bars = []
    for heat, stage, name, start, end, waited, energy in columns(run, "op", OPERATION):
        order = heats[heat].order
        key = board.key_of.get((heat, stage)) if board else None
        lengths, offsets = _by_unit(board, scenario, heat, key) if board and key else ([], [])
        bars.append(
            {
                "id": f"{heat}/{stage}", "key": key_text(key), "row": units.index(name), "start": start, "end": end,
                "heat": heat, "stage": stage, "label": heat, "short": heat.rpartition("-")[2], "colour": colours[order],
                "title": f"{heat} · {heats[heat].grade.name} · {stage}",
                "facts": [f"{number(energy, 1)} MWh", tr("waited {minutes} min", minutes=number(waited, 0))],
                "lengths": lengths, "offsets": offsets,
                "group": f"{order}/{stage}" if casting is not None and stage == casting.name else "",
                "groupName": order,
            }
        )  # fmt: skip
    thin = [] if baseline is None else [
        [units.index(name), start, end, colours[heats[heat].order]]
        for heat, name, start, end in columns(baseline, "op", ("heat", "unit", "start_min", "end_min"))
    ]  # fmt: skip
    bars.sort(key=lambda bar: bar["start"])
    return _data(scenario, run, view, units, bars, thin, colours, None if board is None else board.rules(), {})


def _data(
    scenario: Scenario,
    run: xr.Dataset,
    view: View,
    units: list[str],
    bars: list[dict[str, Any]],
    thin: list[list[Any]],
    colours: dict[str, str],
    rules: dict[str, Any] | None,
    texts: dict[str, str],
) -> dict[str, Any]:
    """Return the data that the browser draws: bars of units, thin baseline bars, breakdowns, legend and texts."""
    size, unit = (1000.0, "t CO2e") if scenario.goal.minimize == "carbon" else (1.0, str(scenario.market.currency))
    texts = {name: tr(text) for name, text in (TEXTS | texts).items()} | {"estimate": ""}
    if rules is not None:
        signal = tr(rules["worth"]["says"])
        sentence = tr("about {amount} {unit} by {signal} alone", amount="{amount}", unit=unit, signal=signal)
        texts["estimate"] = sentence
    stops = [
        [units.index(unit), at, at + minutes, tr("breakdown")] for unit, at, minutes in breakdowns(run) if unit in units
    ]
    legend = list(colours.items()) if len(colours) <= MAX_ORDERS_IN_LEGEND else []
    return {
        **_axis(view), "rows": units, "rowOf": list(range(len(units))), "bars": bars, "baseline": thin, "stops": stops,
        "legend": legend, "texts": texts, "unitSize": size, "rules": rules,
    }  # fmt: skip


def run_id(one: unit_runs.UnitRun) -> str:
    """Return the key of a process run on the board."""
    return f"{one.unit}/{one.first}"


def of_runs(
    scenario: Scenario, run: xr.Dataset, baseline: xr.Dataset | None, view: View, board: RunBoard
) -> dict[str, Any]:
    """Return the bars of process runs; start-ups, change-overs and waits are pale. Arguments as in :func:`of_heats`."""
    units, step = [unit for unit, _ in scenario.process_units], scenario.horizon.step_min
    several = {unit: len(process.all_modes) > 1 for unit, process in scenario.process_units}
    colours, numbers_of = palette.of_modes(scenario), {run_id(run): i for i, run in enumerate(board.runs)}
    bars = []
    for one in unit_runs.unit_runs(scenario, run):
        hours = (one.last - one.first) * scenario.horizon.step_h
        does = one.what == unit_runs.RUN
        facts = [f"{number(one.energy_mwh, 1)} MWh"]
        if does:
            facts = [f"{number(one.tonnes, 0)} t", f"{number(one.tonnes / hours, 1)} t/h", *facts]
        label = one.mode if several[one.unit] and does else ""
        place, u = numbers_of.get(run_id(one)), units.index(one.unit)
        lead = 0 if place is None else one.first - board.begins[place]
        bars.append(
            {
                "id": run_id(one), "key": key_text(None if place is None else (place, 0)), "row": u,
                "start": one.first * step, "end": one.last * step, "heat": run_id(one) if does else "",
                "label": label, "colour": colours[one.mode], "facts": facts,
                "title": f"{one.mode} · {tr(DOES[one.what])}", "lengths": [[u, (one.last - one.first) * step]],
                "offsets": [[u, lead * step]], "pale": not does, **dict.fromkeys(OF_HEAT, ""),
            }
        )  # fmt: skip
    thin = [] if baseline is None else [
        [units.index(unit_run.unit), unit_run.first * step, unit_run.last * step, colours[unit_run.mode]]
        for unit_run in unit_runs.unit_runs(scenario, baseline) if unit_run.what == unit_runs.RUN
    ]  # fmt: skip
    return _data(scenario, run, view, units, bars, thin, colours, board.rules(), {"help": RUNS})


def with_locks(
    data: dict[str, Any], run: str, board: HeatBoard | RunBoard | None, locks: Sequence[AnyLock], picked: Iterable[str]
) -> dict[str, Any]:
    """Return the bars with a reader's locks and the highlighted heats.

    Args:
        data: result of :func:`of_heats` or :func:`of_runs`.
        run: id of the plan.
        board: rules for moves, as for these functions.
        locks: locks in force.
        picked: highlighted heats; if there are any, the others are pale.
    """
    places, missed = _moved(board, data, locks)
    # a lock on a heat's stage applies to its bar in any position
    named = {(lock.heat, lock.stage) for lock in locks if isinstance(lock, Lock)}
    bars = [
        {**bar, "locked": (bar["heat"], bar["stage"]) in named or bool(bar["key"] and bar["key"] in places)}
        for bar in data["bars"]
    ]
    return {**data, "run": run, "bars": bars, "places": places, "missed": missed, "picked": list(picked)}


Moves = tuple[dict[str, list[int]], list[str]]


def _moved(board: HeatBoard | RunBoard | None, data: dict[str, Any], locks: Sequence[AnyLock]) -> Moves:
    """Return the places of bars moved by locks and the bars whose place is infeasible; both are empty without a
    board."""
    if board is None:
        return {}, []
    if isinstance(board, HeatBoard):
        return {key_text(key): list(place) for key, place in board.moves(locks).items()}, []
    moves, missed = board.moves(locks), list[str]()
    works = data["rules"]["works"]
    shifts = {i: board.begins[i] + first - board.runs[i].first for i, first in moves.items()}
    places = {key_text((i, 0)): [works[key_text((i, 0))]["place"][0], begin] for i, begin in shifts.items()}
    if not board.outside(moves) and not board.collisions(moves) and board.missed(moves):
        missed = [key_text((i, 0)) for i, first in moves.items() if first != board.runs[i].first]
    return places, missed


def _by_unit(
    board: HeatBoard, scenario: Scenario, heat: str, key: tuple[int, int]
) -> tuple[list[list[float]], list[list[float]]]:
    """Return the length of a bar on each eligible unit, and its start relative to that of its cast [min]."""
    batch = next(item for item in scenario.heats if item.name == heat)
    units = board.units(key)
    lengths = [[u, scenario.line.duration_min(batch.grade, board.problem.units[u]) or 0.0] for u in units]
    return lengths, [[u, board.offset_min(heat, key, u)] for u in units]


def _axis(view: View) -> dict[str, Any]:
    """Return the spans of view and horizon, and UTC offsets and names of days and months for the browser's clock."""
    horizon: Horizon = view.horizon
    offsets: list[list[float]] = []
    for minute in range(0, round(horizon.length_min) + 1, 60):
        offset = horizon.instant(minute).utcoffset()
        value = 0.0 if offset is None else offset.total_seconds() / 60
        if not offsets or offsets[-1][1] != value:
            offsets.append([minute, value])
    days, months = names(current())
    return {
        "span": list(view.span_min), "whole": [0.0, horizon.length_min],
        "epoch": horizon.instant(0).timestamp() * 1000, "offsets": offsets, "weekdays": days, "months": months,
    }  # fmt: skip
