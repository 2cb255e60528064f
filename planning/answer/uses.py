"""Differences in the use of process units, machines, stores and PV between two plans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.models import site
from emberline.planning.accounts.unit_runs import counts
from emberline.planning.plan.record import Plan
from emberline.scenarios import Case
from emberline.scenarios.flows.asset_flows import label, unused_mw
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.plain import Plain

SAME = 1e-4
"""Relative tolerance for equal hours or amounts."""
NOTHING = 1e-9
"""Amounts in a step below this are within the solver's tolerance."""
WORTH_TELLING = 0.005
"""Relative difference of mean intensity or price below which it is not given as a reason."""
MIN_SHARE = 0.9
"""Share of a unit's change in output by which its store must end differently, to count as the reason."""

SIGNALS = {
    "average": mark("carbon intensity"),
    "marginal": mark("marginal carbon intensity"),
    "price": mark("electricity"),
}
"""Value of an imported MWh by the goal."""
MEANWHILE = {
    "average": mark("carbon intensity is {new} instead of {old} {unit} while it does"),
    "marginal": mark("marginal carbon intensity is {new} instead of {old} {unit} while it does"),
    "price": mark("electricity is {new} instead of {old} {unit} while it does"),
}
"""Reasons for a shift in use, by the signal of the goal."""


@dataclass(frozen=True)
class UseChange(Plain):
    """Change in the use of an item: hours on, or an amount over the horizon."""

    also = ("says",)
    name: str
    what: str
    """``runs``, ``makes``, ``is on``, ``delivers``, ``takes``, ``charges`` or ``curtails``."""
    unit: str
    """``h``, or the unit of the amount."""
    before: float
    after: float
    moved: float = 0.0
    """Part that moved to other steps, if the total is unchanged."""
    because: str = ""

    @property
    def says(self) -> str:
        """Change in words."""
        more = self.after - self.before
        how = mark("{name} {does} {more:,.4g} {unit} more ({after:,.4g} {unit})")
        if self.moved:
            how = mark("{name} {does} {moved:,.4g} {unit} at other times")
        elif more <= 0:
            how = mark("{name} {does} {more:,.4g} {unit} less ({after:,.4g} {unit})")
        amounts = {"more": abs(more), "after": self.after, "moved": self.moved}
        text = Message(how, name=self.name, does=Message(self.what), unit=self.unit, **amounts)
        return Message("{text}, because {reason}", text=text, reason=self.because) if self.because else text


@dataclass(frozen=True)
class Use:
    """Item and time of its use, with a weight for each step."""

    name: str
    what: str
    unit: str
    amount: float
    by_step: np.ndarray
    taking: bool
    """Whether it consumes electricity or purchased energy, so that cleaner hours are preferable."""


def uses(before: Plan, after: Plan) -> Iterator[UseChange]:
    """Yield differences in use; items that exist in only one of the plants are left out, as the scenario lists them."""
    assert before.schedule is not None
    assert after.schedule is not None
    yield from use_changes(after, before.schedule, after.schedule, before.scenario)


def use_changes(plan: Plan, one: xr.Dataset, two: xr.Dataset, scenario: Case | None = None) -> Iterator[UseChange]:
    """Yield differences in use between two runs or schedules.

    Args:
        plan: plan with the scenario of the second dataset; its goal defines which hours are preferable.
        one, two: datasets of table ``RUN`` or ``SCHEDULE``.
        scenario: scenario of the first dataset; None: the same.
    """
    # matched by unit, as the verb of an unused item is undefined
    first = scenario or plan.scenario
    others = {(use.name, use.unit): use for use in used(plan.scenario, two)}
    hours = first.horizon.step_h, plan.scenario.horizon.step_h
    for mine in used(first, one):
        other = others.get((mine.name, mine.unit))
        if other is None:
            continue
        moved = 0.0
        if np.isclose(mine.amount, other.amount, rtol=SAME, atol=SAME):
            if not mine.taking or mine.by_step.shape != other.by_step.shape:
                continue
            moved = float(np.abs(mine.by_step - other.by_step).sum()) / 2
            if moved <= SAME * max(mine.amount, 1.0):
                continue
        because = _cheaper(plan, mine, other) if moved else _in_stock(mine.name, (one, two), hours)
        what = other.what if other.amount else mine.what
        yield UseChange(mine.name, what, mine.unit, mine.amount, other.amount, moved, because)


def _in_stock(unit: str, runs: tuple[xr.Dataset, xr.Dataset], hours: tuple[float, float]) -> str:
    """Store whose final stock explains most of the change in a unit's output; empty: there is none."""
    if any("stock_t" not in run or "stream_rate" not in run for run in runs):
        return ""
    before, after = (
        dict(zip(run["stock"].values.tolist(), run["stock_t"].to_numpy()[:, -1], strict=True)) for run in runs
    )
    more: dict[str, float] = {}
    for run, h, sign in zip(runs, hours, (-1, 1), strict=True):
        mine = run["stream_process"].values == unit
        tonnes = sign * run["stream_rate"].to_numpy()[mine].sum(axis=1) * h
        for place, amount in zip(run["stream_place"].values[mine].tolist(), tonnes.tolist(), strict=True):
            more[place] = more.get(place, 0.0) + amount
    for store in sorted(before.keys() & after.keys() & more.keys(), key=lambda name: -abs(more[name])):
        rise = float(after[store] - before[store])
        if rise * more[store] > 0 and abs(rise) >= MIN_SHARE * abs(more[store]):
            ends = {"after": float(after[store]), "before": float(before[store])}
            return Message("{store} ends with {after:,.4g} t in stock instead of {before:,.4g} t", store=store, **ends)
    return ""


def _cheaper(after: Plan, mine: Use, other: Use) -> str:
    """Mention cleaner or cheaper hours for the same amount, if the data of the second plan show them."""
    if not mine.taking:
        return ""
    worth, kind, unit = signal(after)
    here, there = (float(use.by_step @ worth / use.by_step.sum()) for use in (mine, other))
    if there >= here - WORTH_TELLING * abs(here):
        return ""
    return Message(MEANWHILE[kind], new=signal_text(there), old=signal_text(here), unit=unit)


def signal_text(value: float) -> str:
    """Format an intensity or a price with one decimal below 100, else without decimals."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def signal(plan: Plan) -> tuple[np.ndarray, str, str]:
    """Value of an imported MWh by the goal: by step, shape (n_steps,), its name in ``SIGNALS``, and its unit."""
    scenario = plan.scenario
    metric = goal_metric(scenario)
    kind = str(scenario.goal.signal) if metric.name == "carbon" else "price"
    weight = site.read(scenario, plan.envelope).guide_per_mwh[metric.name]
    return weight, kind, f"{metric.unit_in(scenario.market.currency).split()[0]}/MWh"


def mean_over(values: np.ndarray, step_min: float, at_min: float, minutes: float) -> float:
    """Mean of a series over a time span, with partly covered steps in proportion; nan if it covers none."""
    edges = np.arange(len(values) + 1) * step_min
    inside = np.clip(np.minimum(edges[1:], at_min + minutes) - np.maximum(edges[:-1], at_min), 0.0, None)
    return float(values @ inside / inside.sum()) if inside.sum() else float("nan")


def used(scenario: Case, schedule: xr.Dataset) -> Iterator[Use]:
    """Yield the use of process units, battery, PV, machines and stores in a schedule."""
    hours = scenario.horizon.step_h
    for unit, count in counts(scenario, schedule).items():
        on = (schedule["process_tph"].sel(process=unit).to_numpy() > 0) * hours
        yield Use(unit, "runs", "h", count.hours, on, True)
        tonnes = schedule["process_tph"].sel(process=unit).to_numpy() * hours
        yield Use(unit, "makes", "t", float(tonnes.sum()), tonnes, False)
    if scenario.site.battery is not None:
        charged = schedule["charge_mw"].to_numpy() * hours
        yield Use("battery", "charges", "MWh", float(charged.sum()), charged, True)
    for plant in scenario.site.renewables:
        gone = unused_mw(scenario, schedule, plant) * hours
        yield Use(plant.name, "curtails", "MWh", float(gone.sum()), gone, False)
    if "asset_rate" not in schedule:
        return
    switched = schedule["machine"].values.tolist() if "asset_on" in schedule else []
    labels = schedule["flow"].values.tolist()
    units = dict(zip(labels, schedule["flow_unit"].values.tolist(), strict=True))
    for asset in scenario.site.moving:
        counted = label(asset.name, asset.counted)
        if counted not in labels:
            continue
        if asset.name in switched:
            on = schedule["asset_on"].sel(machine=asset.name).to_numpy() * hours
            yield Use(asset.name, "is on", "h", float(on.sum()), on, False)
        amount = schedule["asset_rate"].sel(flow=counted).to_numpy() * hours
        amount = np.where(np.abs(amount) < NOTHING, 0.0, amount)
        verb = "takes" if amount.sum() < 0 else "delivers"
        unit = "MWh" if units[counted] == "MW" else str(units[counted]).removesuffix("/h")
        yield Use(asset.name, verb, unit, float(np.abs(amount).sum()), np.abs(amount), False)
