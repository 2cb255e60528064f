"""Figures of many disturbed replays of a plan, and the limits that they miss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emberline.plans.robustness import Ensemble
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr

FIGURES = (
    (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 2),
    (mark("cost"), "", "cost", 1.0, 0),
    (mark("peak, metered mean"), "MW", "peak_mw", 1.0, 1),
    (mark("late heats"), mark("heats"), "late_heats", 1.0, 1),
    (mark("late"), "t", "late_t", 1.0, 0),
    (mark("missed deliveries"), mark("deliveries"), "missed_deliveries", 1.0, 1),
    (mark("not delivered"), "t", "short_t", 1.0, 1),
    (mark("carbon saved compared with the baseline"), "t CO2e", "saved_carbon_kg", 1e-3, 2),
    (mark("cost saved compared with the baseline"), "", "saved_cost", 1.0, 0),
)
"""Label, unit (empty: currency), name, factor and digits of figures with quantiles."""
OF_HEATS, OF_PROCESSES = ("late_heats", "late_t"), ("missed_deliveries", "short_t")


def figures(ensemble: Ensemble) -> Iterator[tuple[str, str, list[str]]]:
    """Label, unit, and P10, median and P90 of each figure."""
    money, quantiles = ensemble.scenario.market.currency, ensemble.quantiles()
    absent = (*(() if ensemble.scenario.heats else OF_HEATS), *(() if ensemble.scenario.processes else OF_PROCESSES))
    for label, unit, name, factor, digits in FIGURES:
        if name in quantiles and name not in absent:
            values = [wording.number(quantiles[name][q] * factor, digits) for q in ("p10", "p50", "p90")]
            yield tr(label), tr(unit) if unit else money, values


def limit_rows(ensemble: Ensemble, limits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row by heading for each limit that was missed.

    Args:
        ensemble: the replays.
        limits: of ``Ensemble.broke``.
    """
    return [
        {
            tr("limit"): tr(wording.KINDS.get(row["kind"], row["kind"])),
            tr("stage"): row["stage"] or ("" if row["unit"] else tr("site")),
            tr("unit"): row["unit"],
            tr("missed first [replays]"): row["first"],
            tr("missed [replays]"): row["replications"],
            tr("missed [%]"): 100 * row["replications"] / ensemble.n,
            tr("typically by"): f"{wording.number(row['typical'], 1)} {row['measure']}",
            tr("at most by"): f"{wording.number(row['amount'], 1)} {row['measure']}",
            tr("most often within the hour from"): _hour(ensemble, row["hour"]),
        }
        for row in limits
    ]


def _hour(ensemble: Ensemble, hour: int) -> str:
    horizon = ensemble.scenario.horizon
    if hour * 60 >= horizon.length_min:
        return tr("after the end")
    return wording.moment(horizon.instant(hour * 60))
