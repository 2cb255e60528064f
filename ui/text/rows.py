"""The figures of baseline and plan, a row each: what it is called, its unit, and what the plan saves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from emberline.plans.accounts import comparable, stock
from emberline.scenarios.metrics import FACTORS
from emberline.ui.text.language import mark, tr
from emberline.ui.text.metrics import NAMES
from emberline.ui.text.numbers import number


@dataclass(frozen=True)
class Row:
    """One figure: of the baseline, of the plan, and what the plan saves."""

    label: str
    """In English, by which it is known."""
    unit: str
    baseline: float | None
    plan: float | None
    digits: int
    less_is_better: bool = True
    comparable: bool = True
    """Whether both make the same; where not, nothing is saved."""

    @property
    def saved(self) -> float | None:
        """Baseline less plan."""
        if self.baseline is None or self.plan is None or not self.comparable:
            return None
        return self.baseline - self.plan

    @property
    def share(self) -> float | None:
        """What is saved as a share of the baseline figure."""
        return None if self.saved is None or not self.baseline else self.saved / abs(self.baseline)

    @property
    def part(self) -> bool:
        """Whether it is a part of the figure above it."""
        return self.label.startswith(" ")

    @property
    def called(self) -> str:
        """What it is called in the language of the page."""
        return tr(self.label.strip())

    def number(self, value: float | None) -> str:
        """A value with this figure's digits, without unit."""
        return number(value, self.digits)


def _of_which(label: str) -> str:
    """A part of the figure above it."""
    return f"  {label}"


CARBON = (
    (mark("carbon"), "carbon_kg"),
    (_of_which(mark("scope 1, direct")), "direct_kg"),
    (_of_which(mark("scope 2, average")), "grid_average_kg"),
    (_of_which(mark("scope 2, marginal")), "grid_marginal_kg"),
    (_of_which(mark("scope 2, market")), "grid_market_kg"),
    (_of_which(mark("scope 2, bought heat")), "bought_kg"),
    (_of_which(mark("biogenic, apart")), "biogenic_kg"),
)
MONEY = (
    (mark("cost"), "cost", 1.0),
    (_of_which(mark("electricity")), "energy_cost", 1.0),
    (_of_which(mark("demand charges")), "demand_cost", 1.0),
    (_of_which(mark("fixed charges")), "fixed_cost", 1.0),
    (_of_which(mark("taxes")), "tax_cost", 1.0),
    (_of_which(mark("imbalance")), "imbalance_cost", 1.0),
    (_of_which(mark("fuel and heat")), "fuel_cost", 1.0),
    (_of_which(mark("wear, starts, upkeep")), "upkeep_cost", 1.0),
    (_of_which(mark("carbon price")), "carbon_cost", 1.0),
    (_of_which(mark("less sales")), "sales", -1.0),
)
"""Parts of the cost add up to it."""
ONLY_WHERE_ANY = ("bought_kg", "biogenic_kg", "export_mwh", "tonnes", *(name for _, name, _ in MONEY[1:]))
ONLY_WHERE_ANY += tuple(row.figure for row in FACTORS.values())
"""Figures that are left out where baseline and plan have none of them."""
STOCK = _of_which(mark("to end with the baseline's stock"))
"""What the plan would emit or spend more to end with it; negative: less."""
CREDITED = {"carbon": mark("carbon, stock credited"), "cost": mark("cost, stock credited")}
"""The figure and what stands below it as ``STOCK`` together, where there is any: what is saved in all."""


def rows(baseline: Any, plan: Any) -> Iterator[Row]:
    """The figures of baseline and plan, for each its unit; ``plan`` may be None.

    What the plan has more in stock stands below carbon and cost, and then both together: rows and columns add up.
    """

    def of(figures: Any, name: str, factor: float) -> float | None:
        value = None if figures is None else getattr(figures, name)
        return None if value is None else value * factor

    same = plan is None or comparable(baseline, plan)
    of_processes = bool(baseline.stock or baseline.delivered)
    more = stock.difference(baseline, plan) if plan is not None and same else None
    credits = {} if more is None else {"carbon_kg": more.carbon_kg / 1000, "cost": more.cost}
    told = [(label, "t CO2e", name, 1e-3, 2) for label, name in CARBON]
    told += [(label, baseline.currency, name, sign, 0) for label, name, sign in MONEY]
    told += [(NAMES[name], row.shown[0], row.figure, *row.shown[1:]) for name, row in FACTORS.items()]
    told += [
        (mark("peak, metered mean"), "MW", "peak_mw", 1.0, 1),
        (mark("processes and base load") if of_processes else mark("line and base load"), "MWh", "energy_mwh", 1.0, 1),
        (mark("electricity imported"), "MWh", "import_mwh", 1.0, 1),
        (mark("electricity exported"), "MWh", "export_mwh", 1.0, 1),
        (mark("delivered") if of_processes else mark("steel"), "t", "tonnes", 1.0, 0),
    ]
    last, owed = {CARBON[-1][1]: "carbon_kg", MONEY[-1][1]: "cost"}, dict[str, Row]()
    for label, unit, name, factor, digits in told:
        values = (of(baseline, name, factor), of(plan, name, factor))
        less, credit = name not in ("tonnes", "export_mwh"), credits.get(name, 0.0)
        if name not in ONLY_WHERE_ANY or any(values):
            row = Row(label, unit, *values, digits, less, same)
            yield row
            if credit:
                owed[name] = row
        whole = owed.pop(last.get(name, ""), None)
        if whole is not None and whole.plan is not None:
            credit = credits[last[name]]
            yield replace(whole, label=STOCK, baseline=0.0, plan=0.0 - credit)
            yield replace(whole, label=CREDITED[whole.label], plan=whole.plan - credit)


def headlines(found: Iterable[Row]) -> dict[str, Row]:
    """Of each figure by its label the row that tells what is saved in all: with the stock credited where there is any.
    The same as ``Plan.saved``."""
    by_label = {row.label: row for row in found}
    return {label: by_label.get(CREDITED.get(label, ""), row) for label, row in by_label.items()}
