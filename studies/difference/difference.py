"""Differences between two plans in the plant's terms, and the reasons for them, derived from the data alone.

A reason is given only if the data show it: the scenario was changed there, energy is cleaner or cheaper at the new
time, the unit is occupied at the old time, or the heat moves with others of its order. A price or an intensity explains
the time of use, never its amount: a change of amount is explained by a stock, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from emberline.planning.accounts.figures import Figures
from emberline.planning.answer.uses import UseChange, uses
from emberline.planning.plan.record import Plan
from emberline.scenarios.messages import mark
from emberline.scenarios.plain import Plain
from emberline.studies.difference.keys import KeyChange, SeriesChange, changed_keys, changed_series
from emberline.studies.difference.moves import HeatMove, moves, same_heats

SAME = 1e-6
"""Relative tolerance for equal figures."""
DIFFERENT_HEATS = mark("Different heats: moves cannot be listed.")
FIGURE_ROWS = (
    ("carbon", "carbon_kg", "kg CO2e"),
    ("scope 1", "direct_kg", "kg CO2e"),
    ("cost", "cost", "{currency}"),
    ("electricity cost", "energy_cost", "{currency}"),
    ("demand charges", "demand_cost", "{currency}"),
    ("coincident charges", "coincident_cost", "{currency}"),
    ("fuel cost", "fuel_cost", "{currency}"),
    ("carbon price", "carbon_cost", "{currency}"),
    ("sales", "sales", "{currency}"),
    ("peak", "peak_mw", "MW"),
    ("electricity", "energy_mwh", "MWh"),
    ("import", "import_mwh", "MWh"),
    ("export", "export_mwh", "MWh"),
    ("tonnes", "tonnes", "t"),
)
"""Label, figure and unit of measure."""


@dataclass(frozen=True)
class FigureChange(Plain):
    """Change of a figure of the undisturbed replays."""

    also = ("more",)
    label: str
    name: str
    """Field of ``Figures``."""
    unit: str
    before: float | None
    """None: there is no plan, or it has no such figure."""
    after: float | None

    @property
    def more(self) -> float | None:
        """After minus before."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class Difference(Plain):
    """Differences of the second of two plans from the first."""

    also, named = ("empty",), {"empty": "same"}
    scenarios: tuple[str, str]
    statuses: tuple[str, str]
    gaps: tuple[float | None, float | None]
    heats: tuple[HeatMove, ...] = ()
    different_heats: bool = False
    """Whether the plans share fewer than half of their heats, so that moves are meaningless."""
    uses: tuple[UseChange, ...] = ()
    """Changed uses of process units, machines, stores, battery and PV."""
    figures: tuple[FigureChange, ...] = ()
    keys: tuple[KeyChange, ...] = ()
    """Changed keys of the scenario."""
    series: tuple[SeriesChange, ...] = ()
    """Series whose values differ."""

    @property
    def empty(self) -> bool:
        """Whether the plans are the same."""
        return not any((self.heats, self.different_heats, self.uses, self.figures, self.keys, self.series))


def difference(before: Plan, after: Plan) -> Difference:
    """Compare two plans.

    Times are relative to the start of each plan's horizon, so that different days can be compared.
    """
    keys = tuple(changed_keys(before.scenario, after.scenario))
    planned = before.schedule is not None and after.schedule is not None
    same = same_heats(before.scenario, after.scenario)
    return Difference(
        scenarios=(before.scenario.name, after.scenario.name),
        statuses=(before.status, after.status),
        gaps=(before.gap, after.gap),
        heats=tuple(moves(before, after, keys)) if planned and same else (),
        different_heats=planned and same is False,
        uses=tuple(uses(before, after)) if planned else (),
        figures=tuple(changed_figures(before.replay_figures, after.replay_figures)),
        keys=keys,
        series=tuple(changed_series(before.scenario, after.scenario)),
    )


def changed_figures(before: Figures | None, after: Figures | None) -> Iterator[FigureChange]:
    """Yield figures that differ, with both values."""
    for label, name, unit in FIGURE_ROWS:
        one, two = (None if sums is None else getattr(sums, name) for sums in (before, after))
        if one == two or (one is not None and two is not None and math.isclose(one, two, rel_tol=SAME, abs_tol=SAME)):
            continue
        currency = next(sums.currency for sums in (after, before) if sums is not None)
        yield FigureChange(label, name, unit.format(currency=currency), one, two)
