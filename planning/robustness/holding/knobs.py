"""What a plan can keep more margin of, and which margin answers to which limit that was missed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from emberline.planning.robustness.holding.tuning import HOLDING
from emberline.scenarios import Case, Scenario
from emberline.scenarios.records.disturbances import Disturbances, Margin, StockMargin

Kind = Literal["slack", "wait", "quantile", "due", "import", "rates", "stock"]


@dataclass(frozen=True, order=True)
class Knob:
    """A margin that can be raised; ``stage`` is that of the line, the store of a stock, else empty."""

    kind: Kind
    stage: str = ""

    @property
    def says(self) -> str:
        """In words."""
        return {
            "slack": f"slack after {self.stage}",
            "wait": f"wait after {self.stage} shorter than the longest",
            "quantile": f"planning quantile of {self.stage}",
            "due": "time before heats are due",
            "import": "room below the import limit",
            "rates": "planning quantile of rates",
            "stock": f"stock of {self.stage}",
        }[self.kind]


def step(scenario: Scenario, knob: Knob) -> tuple[float, float]:
    """Least and largest raise of a margin in one round, in its unit."""
    least, largest = HOLDING.steps[knob.kind]
    return least * _scale(scenario, knob), largest * _scale(scenario, knob)


def _scale(scenario: Scenario, knob: Knob) -> float:
    """What steps of a margin are counted in."""
    return scenario.store[knob.stage].capacity_t if knob.kind == "stock" else 1.0


def answering(scenario: Scenario, kind: str, stage: str, unit: str = "") -> Iterator[Knob]:
    """Margins that answer to a limit that was missed, the one to be tried first first.

    Args:
        scenario: what is asked.
        kind: of the violation.
        stage: of the line, at which it was missed.
        unit: that missed it, or the delivery.
    """
    names = [each.name for each in scenario.line.stages]
    before = names[: names.index(stage)] if stage in names else []
    if kind == "cast" and before:
        yield Knob("slack", before[-1])
        yield Knob("quantile", before[-1])
    elif kind == "lock":
        for name in before[-1:]:
            yield Knob("slack", name)
        if stage in names:
            yield Knob("quantile", stage)
    elif kind == "wait":
        limited = [name for name in before if scenario.line.stages[names.index(name)].longest_wait_min is not None]
        if limited:
            yield Knob("wait", limited[-1])
    elif kind in ("due", "unfinished"):
        yield Knob("due")
    elif kind == "import":
        yield Knob("import")
    elif kind in ("delivery", "level", "process") and scenario.processes:
        if kind == "delivery":
            yield from (Knob("stock", each.store) for each in scenario.deliveries if each.name == unit)
        yield Knob("rates")


def value(disturbances: Disturbances, knob: Knob) -> float:
    """What a margin is now, in its unit."""
    return {
        "slack": lambda: disturbances.slack_min(knob.stage),
        "wait": lambda: disturbances.wait_min(knob.stage),
        "quantile": lambda: disturbances.quantile(knob.stage),
        "due": lambda: disturbances.due_margin_min,
        "import": lambda: disturbances.import_margin_mw,
        "rates": lambda: disturbances.planning_quantile,
        "stock": lambda: disturbances.reserve_t(knob.stage),
    }[knob.kind]()


def most(scenario: Scenario, knob: Knob) -> float:
    """What a margin can be at most, the others as they are."""
    disturbances, line = scenario.disturbances, scenario.line
    if knob.kind in ("quantile", "rates"):
        return HOLDING.most_quantile
    if knob.kind == "due":
        return scenario.horizon.length_min
    if knob.kind == "import":
        return HOLDING.most_limit_share * (scenario.site.grid.import_limit_mw or 0.0)
    if knob.kind == "stock":
        return scenario.store[knob.stage].start_t
    at = [stage.name for stage in line.stages].index(knob.stage)
    longest = line.stages[at].longest_wait_min
    if longest is None:
        return 0.0 if knob.kind == "wait" else scenario.horizon.length_min
    slowest = max(line.transfer_min(a.name, b.name) for a in line.stages[at].units for b in line.stages[at + 1].units)
    other = Knob("wait" if knob.kind == "slack" else "slack", knob.stage)
    # a plan on slots needs a slot of play between the two
    return max(longest - slowest - value(disturbances, other) - scenario.horizon.step_min, 0.0)


def raised(scenario: Case, knob: Knob, by: float) -> Case | None:
    """The scenario with a margin raised, in whole steps and as far as it can be; None: it is there already."""
    now = value(scenario.disturbances, knob)
    new = _whole(scenario, knob, now + by)
    return None if new <= now + 1e-9 else _with(scenario, knob, new)


def varied(scenario: Case, knobs: Iterable[Knob], chance: np.random.Generator) -> Case:
    """The scenario with each of some margins a little larger or smaller, or as it is, by chance."""
    for knob in knobs:
        by = float(chance.choice(HOLDING.varied)) * step(scenario, knob)[1]
        scenario = _with(scenario, knob, _whole(scenario, knob, max(value(scenario.disturbances, knob) + by, 0.0)))
    return scenario


def _whole(scenario: Scenario, knob: Knob, amount: float) -> float:
    """A value in whole steps, as far as the margin can be."""
    least, top = HOLDING.multiples[knob.kind] * _scale(scenario, knob), most(scenario, knob)
    return round(min(math.ceil(amount / least - 1e-9) * least, math.floor(top / least + 1e-9) * least), 6)


def _with(scenario: Case, knob: Knob, new: float) -> Case:
    """The scenario with a margin of some value."""
    disturbances = scenario.disturbances
    field = {"due": "due_margin_min", "import": "import_margin_mw", "rates": "planning_quantile"}.get(knob.kind)
    if field is not None:
        changed = disturbances.model_copy(update={field: new})
    elif knob.kind == "stock":
        others = [margin for margin in disturbances.stock_margins if margin.store != knob.stage]
        stock = StockMargin(store=knob.stage, reserve_t=new)
        changed = disturbances.model_copy(update={"stock_margins": (*others, stock)})
    else:
        stage_margin = disturbances.margin.get(knob.stage, Margin(stage=knob.stage))
        name = {"slack": "slack_min", "wait": "wait_min", "quantile": "quantile"}[knob.kind]
        rest = [margin for margin in disturbances.margins if margin.stage != knob.stage]
        changed = disturbances.model_copy(update={"margins": (*rest, stage_margin.model_copy(update={name: new}))})
    return scenario.model_copy(update={"disturbances": changed})


def margins(scenario: Scenario) -> dict[str, float]:
    """The margins that a scenario keeps, by key of its file."""
    disturbances = scenario.disturbances
    by_key = {"planning_quantile": disturbances.planning_quantile}
    for margin in disturbances.margins:
        for name in ("quantile", "slack_min", "wait_min"):
            amount = getattr(margin, name)
            if amount:
                by_key[f"{margin.stage}.{name}"] = amount
    by_key |= {f"{one.store}.reserve_t": one.reserve_t for one in disturbances.stock_margins if one.reserve_t}
    for name in ("due_margin_min", "import_margin_mw"):
        if getattr(disturbances, name):
            by_key[name] = getattr(disturbances, name)
    return by_key


def settings(scenario: Scenario) -> list[str]:
    """The overrides that give a scenario these margins."""
    disturbances = scenario.disturbances
    overrides = [f"disturbances.planning_quantile={disturbances.planning_quantile:g}"]
    if disturbances.margins:
        rows = []
        for margin in disturbances.margins:
            amounts = {"quantile": margin.quantile, "slack_min": margin.slack_min, "wait_min": margin.wait_min}
            parts = [f"stage: {margin.stage}", *(f"{name}: {amounts[name]:g}" for name in amounts if amounts[name])]
            rows.append("{" + ", ".join(parts) + "}")
        overrides.append(f"disturbances.margins=[{', '.join(rows)}]")
    if disturbances.stock_margins:
        rows = [f"{{store: {one.store}, reserve_t: {one.reserve_t:g}}}" for one in disturbances.stock_margins]
        overrides.append(f"disturbances.stock_margins=[{', '.join(rows)}]")
    for name in ("due_margin_min", "import_margin_mw"):
        if getattr(disturbances, name):
            overrides.append(f"disturbances.{name}={getattr(disturbances, name):g}")
    return overrides
