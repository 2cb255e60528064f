"""Figures fitted to a heat log, and how well they reproduce heats that they were not fitted to."""

from __future__ import annotations

from typing import Any

from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import number, percent

KINDS = {
    "duration": mark("duration"),
    "duration_spread": mark("spread of durations"),
    "energy": mark("energy"),
    "energy_spread": mark("spread of energies"),
    "mtbf": mark("time between breakdowns"),
    "mttr": mark("repair"),
}
"""Names of the figures by ``Estimate.kind``."""


def estimate_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """A row for each fitted figure of ``Calibration.summary``, by heading; unit, figure and grade are words."""
    return [_estimate(one, result["confidence"]) for one in result["estimates"] if one["value"] is not None]


def _estimate(one: dict[str, Any], confidence: float) -> dict[str, str]:
    unit = one["unit_of_measure"]
    span = "–" if one["low"] is None else f"{figure(one['low'], unit)} … {figure(one['high'], unit)}"
    return {
        tr("unit"): one["unit"],
        tr("figure"): tr(KINDS[one["kind"]]) + ("" if unit == "1" else f" [{unit}]"),
        tr("grade"): one["grade"] or tr("all"),
        tr("observations"): number(one["n"], 0),
        tr("scenario"): figure(one["before"], unit),
        tr("fitted"): figure(one["value"], unit),
        tr("{share} interval", share=percent(confidence, 1 if confidence * 100 % 1 else 0)): span,
    }


def check_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """A row for each check on heats that were not fitted to, by heading; the first and the last column are words."""
    return [
        {
            tr("figure"): say(one["what"]),
            tr("heats"): number(one["n"], 0),
            tr("log mean"): number(one["logged"], 2),
            tr("twin mean"): number(one["twin"], 2),
            tr("95 % of the twin's"): f"{number(one['low'], 2)} … {number(one['high'], 2)}",
            tr("p-value"): "" if one["p_value"] is None else number(one["p_value"], 3),
            say("unit"): one["unit_of_measure"],
        }
        for one in (result["hold_out"] or {"checks": ()})["checks"]
    ]


def figure(value: float | None, unit: str) -> str:
    """A value of an estimate without its unit; shares in percent."""
    if value is None:
        return "–"
    return percent(value, 2) if unit == "1" else number(value, 2 if abs(value) < 100 else 1)
