"""Table of figures: name, unit, basis, treatment of the month's demand charge, and rounding of each.

Page, tiles, selector, lists, files, JSON and command line take their figures from this table, so that a figure has the
same value and text everywhere. Savings have a basis, which is part of their name; totals refer to the undisturbed day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from emberline.planning.accounts import comparable, stock
from emberline.planning.accounts.figures import Figures
from emberline.planning.answer.headline import compared, headline
from emberline.planning.answer.record import BASES, UNDISTURBED, Headline, Holding, Saving
from emberline.planning.answer.wording import amount, fixed, percent
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replays import of_days
from emberline.scenarios.goal_metrics import NAMES, goal_metric
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import CURRENCY, FACTORS, METRICS, amount_digits, share_digits
from emberline.scenarios.records.replanning import Using

MISSING = "–"
"""Placeholder for an unknown figure."""


@dataclass(frozen=True)
class Definition:
    """Definition of a figure that has a basis."""

    label: str
    unit: str
    factor: float = 1.0
    """Conversion factor to ``unit``."""
    demand_charge: str = ""
    """Whether the month's demand charge is included (``in``), excluded (``out``), or the figure itself (``only``); else
    empty."""


SAVINGS = {
    "average": Definition(mark("carbon saved, average intensity"), "t CO2e", 1e-3),
    "marginal": Definition(mark("carbon saved, marginal intensity"), "t CO2e", 1e-3),
    "cost": Definition(mark("cost saved"), CURRENCY, demand_charge="in"),
    "demand": Definition(mark("demand charge of the month saved"), CURRENCY, demand_charge="only"),
    "all else": Definition(mark("cost saved without the demand charge of the month"), CURRENCY, demand_charge="out"),
}
DAYS = {
    "days": Definition(mark("days without a missed limit"), "%", 100.0),
    "baseline days": Definition(mark("days without a missed limit, baseline"), "%", 100.0),
}
BY_SIGNAL = ("average", "marginal")


@dataclass(frozen=True)
class Figure:
    """Figure of a plan by a basis."""

    name: str
    """Key of ``SAVINGS`` or ``DAYS``."""
    basis: str
    """Key of ``BASES``."""
    label: str
    """Definition and basis, in words."""
    unit: str
    demand_charge: str
    """As in its definition."""
    value: float
    """Value in its unit."""
    text: str
    """Rounded value."""
    share: float | None = None
    """Share of the baseline's figure."""
    low: float | None = None
    """P10 of disturbed days."""
    high: float | None = None

    @property
    def of_saving(self) -> bool:
        """Whether it is a saving."""
        return self.name in SAVINGS

    @property
    def size(self) -> str:
        """Rounded absolute value."""
        return amount(abs(self.value))

    @property
    def digits(self) -> int:
        """Decimals of a difference between two such figures."""
        return 1 if self.unit == "%" else 2 if self.unit == METRICS["carbon"].display[0] else 0

    @property
    def basis_text(self) -> Message:
        """Basis in words."""
        return Message(BASES[self.basis])

    @property
    def id(self) -> str:
        """Name and basis."""
        return f"{self.name}, {self.basis}"


def figure_list(first: Headline) -> tuple[Figure, ...]:
    """Figures of a plan that have a basis: savings, starting with the goal's, then days."""
    return (*_savings(first), *_of_days(first))


def figures_of(plan: Plan) -> tuple[Figure, ...]:
    """Figures of a plan that have a basis; empty if there is no plan."""
    first = headline(plan)
    return () if first is None else figure_list(first)


def figure_data(figures: Iterable[Figure]) -> dict[str, Any]:
    """Plain data for JSON, by id."""
    return {figure.id: asdict(figure) for figure in figures}


def of_summary(stored: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the figures of a stored summary by name, by the policy of its plan if possible; ``carbon`` is by its
    signal.

    For runs of an earlier release, savings are undisturbed and days are as printed.
    """
    by_name: dict[str, Figure] = {}
    figures: Iterable[Figure] = map(_read, stored["figures"].values()) if "figures" in stored else _earlier(stored)
    for figure in figures:
        by_name.setdefault(figure.name, figure)
        if figure.name in BY_SIGNAL:
            by_name.setdefault("carbon", figure)
    return by_name


def _read(data: Mapping[str, Any]) -> Figure:
    return Figure(**{name: data[name] for name in Figure.__dataclass_fields__ if name in data})


def _earlier(stored: Mapping[str, Any]) -> Iterator[Figure]:
    signal, currency = str(stored.get("signal", "average")), str(stored["baseline"]["currency"])
    saved, replays = stored["saved"], stored["replays"]
    for name, key in ((signal, "carbon_kg"), ("cost", "cost")):
        if saved.get(key) is not None:
            yield _figure(name, UNDISTURBED, currency, float(saved[key]), saved.get(f"{key}_share"))
    days = stored.get("holding") or {}
    n = days.get("days") or replays["n"]
    if n:
        share = float(days["share"] if days else replays["held"] / n)
        yield _figure("days", Using.FOLLOW, currency, share, text=of_days(share, n))


def _savings(first: Headline) -> Iterator[Figure]:
    by_signal: dict[str, Saving | None] = {name: getattr(first, name) for name in BY_SIGNAL}
    parts = {str(first.signal): first.carbon, **by_signal, "cost": first.cost}
    if first.of_money:
        parts = {"cost": first.cost, **parts}
    if first.demand is not None:
        parts["demand"] = first.demand.saved
    for name, saving in parts.items():
        if saving is None:
            continue
        if saving.p50 is not None:
            yield _figure(name, first.policy, first.currency, saving.p50, saving.share, saving.p10, saving.p90)
        share = saving.net / abs(saving.baseline) if saving.baseline else 0.0
        yield _figure(name, UNDISTURBED, first.currency, saving.net, share)
    if first.cost is not None and first.demand is not None:
        whole, part = first.cost, first.demand.saved
        basis = UNDISTURBED if whole.p50 is None else first.policy
        yield _figure("all else", basis, first.currency, whole.expected - part.expected)
    printed = None if first.printed is None else first.printed.saving
    name = str(first.signal) if first.goal == "carbon" else "cost" if first.of_money else ""
    if name and printed is not None and printed.p50 is not None:
        yield _figure(name, Using.FOLLOW, first.currency, printed.p50, printed.share, printed.p10, printed.p90)


def _of_days(first: Headline) -> Iterator[Figure]:
    sides: list[tuple[str, Holding]] = [] if first.holding is None else [(first.policy, first.holding)]
    sides += [] if first.printed is None else [(Using.FOLLOW, first.printed.holding)]
    for basis, holding in sides:
        text = of_days(holding.share, holding.n)
        yield _figure("days", basis, first.currency, holding.share, None, holding.low, holding.high, text)
        share = holding.baseline_share
        if share is not None:
            yield _figure("baseline days", basis, first.currency, share, text=of_days(share, holding.n))


def _figure(
    name: str, basis: str, currency: str, value: float, share: float | None = None, low: float | None = None,
    high: float | None = None, text: Message | None = None,
) -> Figure:  # fmt: skip
    definition = SAVINGS[name] if name in SAVINGS else DAYS[name]
    whole, ends = value * definition.factor, (None if end is None else end * definition.factor for end in (low, high))
    label = Message("{figure}, {basis}", figure=Message(definition.label), basis=Message(BASES[basis]))
    unit = definition.unit.format(currency=currency)
    return Figure(name, str(basis), label, unit, definition.demand_charge, whole, text or amount(whole), share, *ends)


@dataclass(frozen=True)
class FigureRow:
    """Figure of baseline and plan, and the saving."""

    label: str
    """English name, used as key."""
    unit: str
    baseline: float | None
    plan: float | None
    digits: int
    less_is_better: bool = True
    comparable: bool = True
    """Whether both have the same output; otherwise no saving is defined."""
    figure: Figure | None = None
    """Saving by a basis, which has no totals."""

    @property
    def saved(self) -> float | None:
        """Baseline minus plan."""
        if self.figure is not None:
            return self.figure.value
        if self.baseline is None or self.plan is None or not self.comparable:
            return None
        return self.baseline - self.plan

    @property
    def share(self) -> float | None:
        """Saving as a share of the baseline figure."""
        if self.figure is not None:
            return self.figure.share
        return None if self.saved is None or not self.baseline else self.saved / abs(self.baseline)

    @property
    def part(self) -> bool:
        """Whether it is part of the figure above it."""
        return self.label.startswith(" ")

    @property
    def stock(self) -> bool:
        """Whether it includes the stock credit, or is the credit."""
        return self.label in (STOCK, *CREDITED.values())

    @property
    def name(self) -> str:
        """Label as a message."""
        return self.label if isinstance(self.label, Message) else Message(self.label.strip())

    @property
    def values(self) -> tuple[tuple[float | None, int], ...]:
        """Baseline, plan, saving and its percentage, each with its number of decimals."""
        saved, share = (self.saved, self.share) if self.less_is_better else (None, None)
        fine = self.digits if self.unit in MEASURED else amount_digits(saved or 0.0)
        in_percent = None if share is None else 100 * share, share_digits(share or 0.0)
        return (self.baseline, self.digits), (self.plan, self.digits), (saved, fine), in_percent

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Formatted baseline, plan, saving and percentage."""
        texts = [MISSING if value is None else fixed(value, digits) for value, digits in self.values[:3]]
        share = MISSING if self.share is None or not self.less_is_better else percent(self.share)
        return texts[0], texts[1], texts[2], share


def _of_which(label: str) -> str:
    """Mark a label as part of the figure above it."""
    return f"  {label}"


MEASURED = ("MW", "MWh", "t", "m3")
"""Units whose savings have as many digits as their totals."""
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
"""Figures that are left out if they are zero for both baseline and plan."""
STOCK = _of_which(mark("to end with the baseline's stock"))
"""Additional emissions or cost if the plan ended with the baseline's stock; negative: less."""
CREDITED = {"carbon": mark("carbon, stock credited"), "cost": mark("cost, stock credited")}
"""Sum of the figure and ``STOCK``, if there is any: the total saving."""


def figure_rows(plan: Plan) -> Iterator[FigureRow]:
    """Yield undisturbed figures of baseline and plan, then savings by basis; those of the goal come first.

    A plan with locks is compared with the baseline without them, as in its headline.
    """
    baseline, money = compared(plan).baseline_figures, goal_metric(plan.scenario).money
    yield from figure_totals(baseline, plan.replay_figures, money)
    for figure in figures_of(plan):
        if figure.of_saving:
            yield FigureRow(figure.label, figure.unit, None, None, 0, figure=figure)


def figure_totals(baseline: Figures, plan: Figures | None, money_first: bool = False) -> Iterator[FigureRow]:
    """Yield figures of baseline and plan with units, carbon first unless ``money_first``.

    Additional stock of the plan is listed below carbon and cost, followed by the sum, so that rows and columns add up.
    """

    def of(figures: Figures | None, name: str, factor: float) -> float | None:
        value = None if figures is None else getattr(figures, name)
        return None if value is None else value * factor

    same = plan is None or comparable(baseline, plan)
    of_processes = bool(baseline.stock or baseline.delivered)
    more = stock.difference(baseline, plan) if plan is not None and same else None
    credits = {} if more is None else {"carbon_kg": more.carbon_kg / 1000, "cost": more.cost}
    tonnes, to_tonnes, of_tonnes = METRICS["carbon"].display_in(baseline.currency)
    money, _, of_money = METRICS["cost"].display_in(baseline.currency)
    carbon = [(label, tonnes, name, to_tonnes, of_tonnes) for label, name in CARBON]
    cost = [(label, money, name, sign, of_money) for label, name, sign in MONEY]
    entries = [*cost, *carbon] if money_first else [*carbon, *cost]
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
