"""How figures, times and outcomes are said, the same on the command line and in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from plans.figures import comparable
from plans.plan import Plan
from plans.plan import filled as gaps_filled
from plans.stock import difference
from plans.unit_runs import Count, counts
from scenarios import Scenario
from scenarios.goal import Goal
from scenarios.horizon import Horizon

PHASES = {
    "twin": "the foreman's day",
    "optimize": "search for the best schedule",
    "replay": "the twin follows the schedule",
    "replays": "disturbed replays",
}
GOALS = {
    "carbon": "least carbon",
    "cost": "least cost",
    "cost_with_carbon_price": "least cost with the carbon price",
    "lateness": "least lateness",
}
SIGNALS = {"average": "average intensity", "marginal": "marginal intensity"}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
KINDS = {
    "wait": "waited too long",
    "cast": "cast interrupted",
    "import": "import limit exceeded",
    "export": "export limit exceeded",
    "due": "finished too late",
    "battery": "battery could not follow",
    "asset": "asset could not follow",
    "shortage": "shortage",
    "surplus": "surplus that can go nowhere",
    "level": "store outside its band, or below its end level",
    "unfinished": "not finished within the horizon",
    "process": "made less than planned",
    "delivery": "not delivered",
    "run": "run too short",
    "rest": "rest too short",
    "ramp": "rate changed too fast",
}


@dataclass(frozen=True)
class Row:
    """One figure: of the foreman, of the plan, and what the plan saves."""

    label: str
    unit: str
    foreman: float | None
    plan: float | None
    digits: int
    less_is_better: bool = True
    comparable: bool = True
    """Whether both make the same; where not, nothing is saved."""
    credit: float = 0.0
    """What the plan's stock is worth more than the foreman's."""

    @property
    def saved(self) -> float | None:
        """Foreman less plan, and what the plan has more in stock."""
        if self.foreman is None or self.plan is None or not self.comparable:
            return None
        return self.foreman - self.plan + self.credit

    @property
    def share(self) -> float | None:
        """What is saved as a share of the foreman's figure."""
        return None if self.saved is None or not self.foreman else self.saved / abs(self.foreman)

    def number(self, value: float | None) -> str:
        """A value with this figure's digits, without unit."""
        return number(value, self.digits)


def number(value: float | None, digits: int = 1) -> str:
    """A number with thin grouping; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:,.{digits}f}".replace(",", "\u202f").replace("-", "−")
    return text.lstrip("−") if not any(c in "123456789" for c in text) else text


def percent(share: float | None, digits: int = 2) -> str:
    """A share in percent."""
    return "–" if share is None else f"{number(100 * share, digits)} %"


CARBON = (
    ("carbon", "carbon_kg"),
    ("  scope 1, direct", "direct_kg"),
    ("  scope 2, average", "grid_average_kg"),
    ("  scope 2, marginal", "grid_marginal_kg"),
    ("  scope 2, market", "grid_market_kg"),
    ("  scope 2, bought heat", "bought_kg"),
    ("  biogenic, apart", "biogenic_kg"),
)
MONEY = (
    ("cost", "cost", 1.0),
    ("  electricity", "energy_cost", 1.0),
    ("  demand charges", "demand_cost", 1.0),
    ("  fixed charges", "fixed_cost", 1.0),
    ("  taxes", "tax_cost", 1.0),
    ("  imbalance", "imbalance_cost", 1.0),
    ("  fuel and heat", "fuel_cost", 1.0),
    ("  wear, starts, upkeep", "upkeep_cost", 1.0),
    ("  carbon price", "carbon_cost", 1.0),
    ("  less sales", "sales", -1.0),
)
"""Parts of the cost add up to it."""
ONLY_WHERE_ANY = ("bought_kg", "biogenic_kg", "export_mwh", "tonnes", *(name for _, name, _ in MONEY[1:]))
"""Figures that are left out where foreman and plan have none of them."""
STOCK = "  to end with foreman's stock"


def rows(baseline: Any, plan: Any) -> Iterator[Row]:
    """The figures of foreman and plan, for each its unit; ``plan`` may be None.

    What the plan has more in stock stands below carbon and cost as a part of what is saved.
    """

    def of(figures: Any, name: str, factor: float) -> float | None:
        value = None if figures is None else getattr(figures, name)
        return None if value is None else value * factor

    same = plan is None or comparable(baseline, plan)
    of_processes = bool(baseline.stock or baseline.delivered)
    more = difference(baseline, plan) if plan is not None and same and of_processes else None
    credits = {} if more is None else {"carbon_kg": more.carbon_kg / 1000, "cost": more.cost}
    told = [(label, "t CO2e", name, 1e-3, 2) for label, name in CARBON]
    told += [(label, baseline.currency, name, sign, 0) for label, name, sign in MONEY]
    told += [
        ("peak, metered mean", "MW", "peak_mw", 1.0, 1),
        ("processes and base load" if of_processes else "line and base load", "MWh", "energy_mwh", 1.0, 1),
        ("electricity imported", "MWh", "import_mwh", 1.0, 1),
        ("electricity exported", "MWh", "export_mwh", 1.0, 1),
        ("delivered" if of_processes else "steel", "t", "tonnes", 1.0, 0),
    ]
    for label, unit, name, factor, digits in told:
        values = (of(baseline, name, factor), of(plan, name, factor))
        if name in ONLY_WHERE_ANY and not any(values):
            continue
        less, credit = name not in ("tonnes", "export_mwh"), credits.get(name, 0.0)
        yield Row(label, unit, *values, digits, less, same, credit)
        if credit:
            yield Row(STOCK, unit, 0.0, 0.0 - credit, digits)


def foreman(plan: Plan) -> str | None:
    """What is to be said of the foreman where he does not keep every limit."""
    missed = plan.baseline_figures.unserved
    if missed:
        times = "once" if missed == 1 else f"{missed} times"
        what = "deliveries, needs or surpluses" if plan.scenario.processes else "needs, surpluses or end levels"
        return f"the foreman's rules miss {what} {times}: no saving is told"
    if plan.baseline_complete:
        return None
    if plan.comparable:
        return "the foreman's rules do not keep every limit here; the comparison is with what he does"
    made, asked = (number(tonnes, 0) for tonnes in (plan.baseline_figures.tonnes, plan.scenario.tonnes))
    if plan.scenario.processes:
        return f"the foreman's rules deliver {made} of {asked} t, the plan something else: no saving is told"
    return f"the foreman's rules make only {made} of {asked} t in time: no saving is told, no cap on extra cost holds"


def made(plan: Plan) -> Iterator[tuple[str, str]]:
    """What the processes of a plan make, as name and text: deliveries, products, units, and what is saved by tonne."""
    done, scenario = plan.replay_figures, plan.scenario
    if done is None or plan.replay is None or not scenario.processes:
        return
    if done.delivered:
        parts = [f"{name} {number(tonnes, 0)} t" for name, tonnes in done.delivered.items()]
        yield "delivered", f"{number(done.tonnes, 0)} t: {shortened(parts)}"
    parts = [f"{name} {number(kg, 1)} kg CO2e/t" for name, kg in done.stock_kg_per_t.items()]
    if parts:
        yield "products", f"{shortened(parts)}, scope 1 and 2 ({SIGNALS[scenario.goal.signal]})"
    foreman = counts(scenario, plan.baseline)
    for i, (unit, count) in enumerate(counts(scenario, plan.replay).items()):
        yield ("units" if i == 0 else "", f"{unit}: {used(count)}; the foreman's: {used(foreman[unit])}")
    saved, more = plan.saved(), plan.stock
    if saved and done.tonnes:
        kg, money = (number(saved[name] / done.tonnes, 2) for name in ("carbon_kg", "cost"))
        yield "saved", f"{kg} kg CO2e and {money} {done.currency} for each tonne delivered"
    if saved and more is not None and any(more.tonnes.values()):
        parts = [f"{name} {signed(tonnes, 0)} t" for name, tonnes in more.tonnes.items() if tonnes]
        worth = f"{signed(more.carbon_kg / 1000, 2)} t CO2e and {signed(more.cost, 0)} {done.currency} of what is saved"
        yield "stock", f"against the foreman's {shortened(parts)}: {worth}"
        if more.unknown:
            yield "", f"not valued, for neither makes any: {', '.join(more.unknown)}"


def used(of_unit: Count) -> str:
    """How a unit is used: 3 runs, 2 change-overs, 41.5 h."""
    changes = [count(of_unit.change_overs, "change-over")] if of_unit.change_overs else []
    return ", ".join([count(of_unit.runs, "run"), *changes, f"{number(of_unit.hours, 1)} h"])


def signed(value: float, digits: int) -> str:
    """A number that always tells its sign."""
    return f"{'+' if value > 0 else ''}{number(value, digits)}"


def shortened(parts: list[str], most: int = 8) -> str:
    """A list in a sentence, not too long."""
    rest = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {rest} more" if rest > 0 else "")


def measure(scenario: Scenario) -> tuple[str, float, int]:
    """Unit of measure of the objective as shown, the factor to it, and its digits."""
    target = scenario.goal.minimize
    if target == "carbon":
        return "t CO2e", 1e-3, 2
    return ("min", 1.0, 0) if target == "lateness" else (scenario.market.currency, 1.0, 0)


def objective(scenario: Scenario, value: float | None) -> str:
    """A value of the objective with its unit."""
    unit, factor, digits = measure(scenario)
    return "–" if value is None else f"{number(value * factor, digits)} {unit}"


def status(plan: Plan) -> str:
    """Status, gap and bound of the search in one sentence."""
    if not plan.found:
        return f"{plan.status}, no schedule"
    gap = "no gap proven" if plan.gap is None else f"gap {percent(plan.gap)} on what can be decided"
    if plan.objective is None or plan.bound is None:
        return f"{plan.status}, {gap}"
    best, bound = objective(plan.scenario, plan.objective), objective(plan.scenario, plan.bound)
    return f"{plan.status}, {gap} (of that the plan has {best}, any plan at least {bound})"


def count(number_of: int, noun: str) -> str:
    """How many of a thing."""
    return f"{number_of} {noun}{'' if number_of == 1 else 's'}"


def size(scenario: Scenario) -> str:
    """What a scenario makes, or that it is a site alone."""
    if scenario.heats:
        return f"{count(len(scenario.heats), 'heat')}, {number(scenario.tonnes, 0)} t"
    if scenario.processes:
        units, stores = count(len(scenario.process_units), "unit"), count(len(scenario.stores), "store")
        names = ", ".join(process.name for process in scenario.processes)
        return f"{units} ({names}), {stores}, {number(scenario.tonnes, 0)} t to deliver"
    assets = count(len(scenario.site.assets), "asset")
    return f"a site without a line: {count(len(scenario.site.carrier), 'carrier')}, {assets}"


def compared(scenario: Scenario) -> str:
    """Whom a plan is compared with."""
    if scenario.heats:
        return "the foreman, who makes the same heats by the same due times as soon as possible"
    if scenario.processes:
        return "the foreman, who makes what is short and does not look at prices; stocks are valued"
    return "the foreman, who runs the site by plain rules and does not look ahead"


def goal(asked: Goal) -> str:
    """The goal and its caps in words."""
    words = f"{GOALS[asked.minimize]} ({SIGNALS[asked.signal]})"
    caps = []
    if asked.caps.extra_cost_share is not None and asked.minimize == "carbon":
        caps.append(f"cost at most {percent(asked.caps.extra_cost_share, 1)} above the foreman's")
    if asked.caps.carbon_kg is not None:
        caps.append(f"carbon at most {number(asked.caps.carbon_kg / 1000, 1)} t")
    if asked.caps.cost is not None:
        caps.append(f"cost at most {number(asked.caps.cost, 0)}")
    if asked.caps.peak_mw is not None:
        caps.append(f"peak at most {number(asked.caps.peak_mw, 1)} MW")
    return "; ".join([words, *caps])


def offset(at: datetime) -> str:
    """Offset from UTC, as in +01:00."""
    minutes = round((at.utcoffset() or timedelta()).total_seconds() / 60)
    return f"{'−' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def moment(at: datetime, with_offset: bool = True) -> str:
    """A local time in full: Tue 16 Jun 2026 06:15 +02:00."""
    text = f"{DAYS[at.weekday()]} {at.day} {MONTHS[at.month - 1]} {at.year} {at:%H:%M}"
    return f"{text} {offset(at)}" if with_offset else text


def span(horizon: Horizon) -> str:
    """Start and end of a horizon, local with offset, and its length."""
    first, last = horizon.instant(0), horizon.instant(horizon.length_min)
    hours = number(horizon.length_min / 60, 0 if horizon.length_min % 60 == 0 else 2)
    return f"{moment(first)} to {moment(last)}, {horizon.zone}, {hours} h in steps of {horizon.step_min:g} min"


def violation(found: dict[str, Any], horizon: Horizon) -> str:
    """One violation in words."""
    what = KINDS.get(found["kind"], found["kind"])
    who = ", ".join(part for part in (found["heat"], found["unit"]) if part)
    amount = f"by {number(found['amount'], 2)} {found['measure']}"
    return f"{what}{f' ({who})' if who else ''} {amount}, {moment(horizon.instant(found['at_min']))}"


def luck(plan: Plan) -> list[str]:
    """What is saved against the foreman in the disturbed replays, on the same luck."""
    if plan.replays is None or not plan.replays.n or not plan.comparable:
        return []
    found = plan.replays.quantiles()
    lines = []
    for name, label, unit, factor, digits in (
        ("saved_carbon_kg", "carbon saved", "t CO2e", 1e-3, 2),
        ("saved_cost", "cost saved", plan.scenario.market.currency, 1.0, 0),
    ):
        low, middle, high = (number(found[name][q] * factor, digits) for q in ("p10", "p50", "p90"))
        lines.append(f"{label}: median {middle} {unit}, P10 {low} to P90 {high}")
    return lines


def filled(scenario: Scenario) -> list[str]:
    """Which series had gaps that were filled."""
    return [
        f"{name}: {gap['count']} value{'s' if gap['count'] > 1 else ''} filled, the first at {gap['first']}"
        for name, gap in gaps_filled(scenario).items()
    ]
