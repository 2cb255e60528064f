"""What each lock of a plan costs."""

from __future__ import annotations

from typing import Any

from emberline.reports.text.language import tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clauses, number, percent, signed

SAVED = (("carbon_kg", 1e-3, 2), ("cost", 1.0, 0), ("peak_mw", 1.0, 2))
"""What is saved, its factor and digits."""


def lock_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """A row by heading for each lock of ``LockPrices.summary``, and one for all; the first and the last are words."""
    rows = [_row(say(lock["says"]), lock["freed"], lock["at_most"], result) for lock in result["locks"]]
    every = result["all_freed"]
    if every is not None:
        at_most = None if every["low"] is None else max(0.0 - every["low"], 0.0)
        rows.append(_row(tr("without any lock"), every, at_most, result))
    return rows


def _row(says: str, freed: dict[str, Any], at_most: float | None, result: dict[str, Any]) -> dict[str, str]:
    more, reason, figures = freed["more"], "", ["–"] * 3
    if more is None:
        reason = say(freed["reason"])
    else:
        figures = [signed(0.0 - more[name] * factor, digits) for name, factor, digits in SAVED]
    gap = "" if freed["gap"] is None else tr("gap {gap}", gap=percent(freed["gap"]))
    return {
        tr("lock"): says,
        tr("carbon saved [t CO2e]"): figures[0],
        tr("cost saved [{unit}]", unit=result["currency"]): figures[1],
        tr("peak saved [MW]"): figures[2],
        tr("at most [{unit}]", unit=result["unit"]): number(at_most, 0),
        say("status"): clauses(filter(None, (say(freed["status"]), gap, reason))),
    }
