"""The saving at each order load."""

from __future__ import annotations

from typing import Any

from emberline.reports.text.language import tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import number, percent


def load_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """A row for each load of ``Headroom.summary``, by heading."""
    return [_row(load, result["currency"]) for load in result["loads"]]


def _row(load: dict[str, Any], currency: str) -> dict[str, str]:
    saved = load["saved"] or {}
    refused = not load["acceptable"] and load["status"] != "not planned"
    goal = percent(load["goal_share"], 1) + _interval(load["goal_low"], load["goal_high"], 100, 1)
    return {
        tr("load [%]"): number(100 * load["share"], 0),
        tr("tonnes [t]"): number(load["tonnes"], 0),
        tr("carbon saved [t CO2e]"): _saving(saved.get("carbon_kg"), 1e-3, 2),
        tr("cost saved [{unit}]", unit=currency): _saving(saved.get("cost"), 1.0, 0),
        tr("saving of the goal"): goal,
        tr("at most"): percent(load["goal_most"], 1),
        tr("gap"): percent(load["gap"]),
        tr("held"): tr("{held} of {n}", held=load["held"], n=load["replications"]) if load["replications"] else "–",
        say("status"): f"{say(load['status'])}{', ' + tr('not acceptable') if refused else ''}",
    }


def _saving(saving: dict[str, Any] | None, factor: float, digits: int) -> str:
    """The undisturbed saving, with the interval of the mean over disturbed days."""
    if saving is None:
        return "–"
    return number(saving["undisturbed"] * factor, digits) + _interval(saving["low"], saving["high"], factor, digits)


def _interval(low: float | None, high: float | None, factor: float, digits: int) -> str:
    if low is None or high is None:
        return ""
    return f" ({number(low * factor, digits)}…{number(high * factor, digits)})"
