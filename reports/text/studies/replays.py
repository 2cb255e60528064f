"""Figures of many disturbed replays of a plan, and the limits that they miss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import goal_first

if TYPE_CHECKING:
    import pandas as pd

    from emberline.planning.robustness import Ensemble

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


def figures(scenario: Scenario, quantiles: dict[str, dict[str, float]]) -> Iterator[tuple[str, str, list[str]]]:
    """Label, unit, and P10, median and P90 of each figure; of goals of money cost before carbon.

    Args:
        scenario: which names the currency, and tells what a plan can be late with.
        quantiles: of an ensemble or of a plan's replays; those of earlier releases have fewer figures.
    """
    absent = (*(() if scenario.heats else OF_HEATS), *(() if scenario.processes else OF_PROCESSES))
    carbon, cost, *others, saved_carbon, saved_cost = FIGURES
    totals, savings = goal_first(scenario, carbon, cost), goal_first(scenario, saved_carbon, saved_cost)
    for label, unit, name, factor, digits in (*totals, *others, *savings):
        if name in quantiles and name not in absent:
            values = [wording.number(quantiles[name][q] * factor, digits) for q in ("p10", "p50", "p90")]
            yield tr(label), tr(unit) if unit else scenario.market.currency, values


def quantile_table(scenario: Scenario, quantiles: dict[str, dict[str, float]]) -> pd.DataFrame:
    """The figures as a table of text, named by their label."""
    import pandas as pd

    rows = [(label, unit, *values) for label, unit, values in figures(scenario, quantiles)]
    names = [tr("figure"), say("unit"), "P10", tr("median"), "P90"]
    return pd.DataFrame(rows, columns=names).set_index(names[0])


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
