"""Figures of baseline and plan, one row each: name, unit, and the plan's saving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from emberline.planning.accounts import comparable, stock
from emberline.reports.text.language import mark, tr
from emberline.reports.text.numbers import number
from emberline.scenarios.goal_metrics import NAMES
from emberline.scenarios.metrics import FACTORS


@dataclass(frozen=True)
class FigureRow:
    """One figure of baseline and plan, and the saving."""

    label: str
    """English name, used as key."""
    unit: str
    baseline: float | None
    plan: float | None
    digits: int
    less_is_better: bool = True
    comparable: bool = True
    """Whether both make the same; otherwise there is no saving."""

    @property
    def saved(self) -> float | None:
        """Baseline minus plan."""
        if self.baseline is None or self.plan is None or not self.comparable:
            return None
        return self.baseline - self.plan

    @property
    def share(self) -> float | None:
        """Saving as a share of the baseline figure."""
        return None if self.saved is None or not self.baseline else self.saved / abs(self.baseline)

    @property
    def part(self) -> bool:
        """Whether it is part of the figure above it."""
        return self.label.startswith(" ")

    @property
    def title(self) -> str:
        """Name in the language of the page."""
        return tr(self.label.strip())

    def number(self, value: float | None) -> str:
        """A value with this figure's digits, without its unit."""
        return number(value, self.digits)


def _of_which(label: str) -> str:
    """Mark a label as part of the figure above it."""
    return f"  {label}"


CARBON = (
    (mark("carbon"), "carbon_kg"),
    (_of_which(mark("scope 1, direct")), "direct_kg"),
    (_of_which(mark("scope 2, average")), "grid_average_kg"),
    (_of_which(mark("scope 2, marginal")), "grid_marginal_kg"),
    (_of_which(mark("scope 2, market")), "grid_market_kg"),
    (_of_which(mark("scope 2, bought heat")), "bought_kg"),
    (_of_which(mark("biogenic, separate")), "biogenic_kg"),
)
MONEY = (
    (mark("cost"), "cost", 1.0),
    (_of_which(mark("electricity")), "energy_cost", 1.0),
    (_of_which(mark("demand charges")), "demand_cost", 1.0),
    (_of_which(mark("coincident charges")), "coincident_cost", 1.0),
    (_of_which(mark("fixed charges")), "fixed_cost", 1.0),
    (_of_which(mark("taxes")), "tax_cost", 1.0),
    (_of_which(mark("imbalance")), "imbalance_cost", 1.0),
    (_of_which(mark("recourse")), "recourse_cost", 1.0),
    (_of_which(mark("fuel and heat")), "fuel_cost", 1.0),
    (_of_which(mark("wear, starts, upkeep")), "upkeep_cost", 1.0),
    (_of_which(mark("carbon price")), "carbon_cost", 1.0),
    (_of_which(mark("less sales")), "sales", -1.0),
)
"""The parts add up to the cost."""
ONLY_WHERE_ANY = ("bought_kg", "biogenic_kg", "export_mwh", "tonnes", *(name for _, name, _ in MONEY[1:]))
ONLY_WHERE_ANY += tuple(row.figure for row in FACTORS.values())
"""Figures that are left out if neither baseline nor plan has any."""
STOCK = _of_which(mark("to end with the baseline's stock"))
"""Additional emissions or cost if the plan ended with the baseline's stock; negative: less."""
CREDITED = {"carbon": mark("carbon, stock credited"), "cost": mark("cost, stock credited")}
"""The figure and ``STOCK`` together, if there is any: the total saving."""


def rows(baseline: Any, plan: Any, money_first: bool = False) -> Iterator[FigureRow]:
    """Figures of baseline and plan with units; ``plan`` may be None. Carbon comes first, or what it costs.

    Additional stock of the plan is listed below carbon and cost, followed by the sum, so that rows and columns add
    up.
    """

    def of(figures: Any, name: str, factor: float) -> float | None:
        value = None if figures is None else getattr(figures, name)
        return None if value is None else value * factor

    same = plan is None or comparable(baseline, plan)
    of_processes = bool(baseline.stock or baseline.delivered)
    more = stock.difference(baseline, plan) if plan is not None and same else None
    credits = {} if more is None else {"carbon_kg": more.carbon_kg / 1000, "cost": more.cost}
    of_carbon = [(label, "t CO2e", name, 1e-3, 2) for label, name in CARBON]
    of_money = [(label, baseline.currency, name, sign, 0) for label, name, sign in MONEY]
    entries = [*of_money, *of_carbon] if money_first else [*of_carbon, *of_money]
    entries += [(NAMES[name], row.display[0], row.figure, *row.display[1:]) for name, row in FACTORS.items()]
    entries += [
        (mark("peak, metered mean"), "MW", "peak_mw", 1.0, 1),
        (mark("processes and base load") if of_processes else mark("line and base load"), "MWh", "energy_mwh", 1.0, 1),
        (mark("electricity imported"), "MWh", "import_mwh", 1.0, 1),
        (mark("electricity exported"), "MWh", "export_mwh", 1.0, 1),
        (mark("delivered") if of_processes else mark("production"), "t", "tonnes", 1.0, 0),
    ]
    last, owed = {CARBON[-1][1]: "carbon_kg", MONEY[-1][1]: "cost"}, dict[str, FigureRow]()
    for label, unit, name, factor, digits in entries:
        values = (of(baseline, name, factor), of(plan, name, factor))
        less, credit = name not in ("tonnes", "export_mwh"), credits.get(name, 0.0)
        if name not in ONLY_WHERE_ANY or any(values):
            row = FigureRow(label, unit, *values, digits, less, same)
            yield row
            if credit:
                owed[name] = row
        whole = owed.pop(last.get(name, ""), None)
        if whole is not None and whole.plan is not None:
            credit = credits[last[name]]
            yield replace(whole, label=STOCK, baseline=0.0, plan=0.0 - credit)
            yield replace(whole, label=CREDITED[whole.label], plan=whole.plan - credit)


def headlines(rows: Iterable[FigureRow]) -> dict[str, FigureRow]:
    """By label, the row with the total saving of a figure: with stock credited if there is any. Equal to
    ``Plan.saved``."""
    by_label = {row.label: row for row in rows}
    return {label: by_label.get(CREDITED.get(label, ""), row) for label, row in by_label.items()}
