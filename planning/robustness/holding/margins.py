"""Margins of a plan, and the violations that each of them addresses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from emberline.planning.robustness.holding.tuning import HOLDING
from emberline.scenarios import Case, Scenario
from emberline.scenarios.records.disturbances import Disturbances, StageMargin, StockMargin

Kind = Literal["slack", "wait", "quantile", "due", "import", "rates", "stock"]


class _Kind(NamedTuple):
    """Kind of margin: its text, its value, its upper limit, and a function that changes it."""

    text: str
    value: Callable[[Disturbances, str], float]
    most: Callable[[Scenario, str], float]
    changed: Callable[[Disturbances, str, float], Disturbances]
    scale: Callable[[Scenario, str], float] = lambda scenario, stage: 1.0
    """Unit in which its steps are counted."""
    fixed: bool = False
    """Whether each raise is a fixed step, independent of the violation."""


@dataclass(frozen=True, order=True)
class Margin:
    """Margin that can be raised; ``stage`` is a stage of the line, or the store of a stock, or empty."""

    kind: Kind
    stage: str = ""

    @property
    def says(self) -> str:
        """Description in words."""
        return _KINDS[self.kind].text.format(stage=self.stage)

    @property
    def fixed(self) -> bool:
        """Whether each raise is a fixed step, independent of the violation."""
        return _KINDS[self.kind].fixed


def step(scenario: Scenario, margin: Margin) -> tuple[float, float]:
    """Smallest and largest raise of a margin in one round, in its unit."""
    least, largest = HOLDING.steps[margin.kind]
    scale = _KINDS[margin.kind].scale(scenario, margin.stage)
    return least * scale, largest * scale


def answering(scenario: Scenario, kind: str, stage: str, unit: str = "") -> Iterator[Margin]:
    """Yield the margins that address a violated limit, in the order to try them.

    Args:
        scenario: scenario that was planned.
        kind: kind of the violation.
        stage: stage of the line where it occurred.
        unit: unit or delivery concerned.
    """
    names = [each.name for each in scenario.line.stages]
    before = names[: names.index(stage)] if stage in names else []
    if kind == "cast" and before:
        yield Margin("slack", before[-1])
        yield Margin("quantile", before[-1])
    elif kind == "lock":
        for name in before[-1:]:
            yield Margin("slack", name)
        if stage in names:
            yield Margin("quantile", stage)
    elif kind == "wait":
        limited = [name for name in before if scenario.line.stages[names.index(name)].longest_wait_min is not None]
        if limited:
            yield Margin("wait", limited[-1])
    elif kind in ("due", "unfinished"):
        yield Margin("due")
    elif kind == "import":
        yield Margin("import")
    elif kind in ("delivery", "level", "process"):
        if kind == "delivery":
            yield from (Margin("stock", each.store) for each in scenario.deliveries if each.name == unit)
        yield from dict.fromkeys(Margin("rates") for _ in scenario.processes)


def value(disturbances: Disturbances, margin: Margin) -> float:
    """Current value of a margin, in its unit."""
    return _KINDS[margin.kind].value(disturbances, margin.stage)


def most(scenario: Scenario, margin: Margin) -> float:
    """Upper limit of a margin, given the others."""
    return _KINDS[margin.kind].most(scenario, margin.stage)


def _room(scenario: Scenario, stage: str, other_min: float, unlimited: float) -> float:
    """Waiting time after a stage that a margin may take, given another one [min]; ``unlimited`` without a maximum."""
    line = scenario.line
    at = [each.name for each in line.stages].index(stage)
    longest = line.stages[at].longest_wait_min
    if longest is None:
        return unlimited
    slowest = max((lag.least for lag in line.lags(line.stages[at])), default=0.0)
    # a plan on a time grid needs one step of play between the two operations
    return max(longest - slowest - other_min - scenario.horizon.step_min, 0.0)


def _of_stage(field: str) -> Callable[[Disturbances, str, float], Disturbances]:
    def changed(disturbances: Disturbances, stage: str, new: float) -> Disturbances:
        margin = disturbances.margin.get(stage, StageMargin(stage=stage)).model_copy(update={field: new})
        others = [margin for margin in disturbances.margins if margin.stage != stage]
        return disturbances.model_copy(update={"margins": (*others, margin)})

    return changed


def _of_plant(field: str) -> Callable[[Disturbances, str, float], Disturbances]:
    return lambda disturbances, stage, new: disturbances.model_copy(update={field: new})


def _of_store(disturbances: Disturbances, store: str, new: float) -> Disturbances:
    others = [margin for margin in disturbances.stock_margins if margin.store != store]
    return disturbances.model_copy(update={"stock_margins": (*others, StockMargin(store=store, reserve_t=new))})


_KINDS: dict[Kind, _Kind] = {
    "slack": _Kind(
        "slack after {stage}",
        Disturbances.slack_min,
        lambda case, stage: _room(case, stage, case.disturbances.wait_min(stage), case.horizon.length_min),
        _of_stage("slack_min"),
    ),
    "wait": _Kind(
        "wait after {stage} shorter than the longest",
        Disturbances.wait_min,
        lambda case, stage: _room(case, stage, case.disturbances.slack_min(stage), 0.0),
        _of_stage("wait_min"),
    ),
    "quantile": _Kind(
        "planning quantile of {stage}",
        Disturbances.quantile,
        lambda case, stage: HOLDING.most_quantile,
        _of_stage("quantile"),
        fixed=True,
    ),
    "due": _Kind(
        "time before heats are due",
        lambda disturbances, stage: disturbances.due_margin_min,
        lambda case, stage: case.horizon.length_min,
        _of_plant("due_margin_min"),
    ),
    "import": _Kind(
        "room below the import limit",
        lambda disturbances, stage: disturbances.import_margin_mw,
        lambda case, stage: HOLDING.most_limit_share * (case.site.grid.import_limit_mw or 0.0),
        _of_plant("import_margin_mw"),
    ),
    "rates": _Kind(
        "planning quantile of rates",
        lambda disturbances, stage: disturbances.planning_quantile,
        lambda case, stage: HOLDING.most_quantile,
        _of_plant("planning_quantile"),
        fixed=True,
    ),
    "stock": _Kind(
        "stock of {stage}",
        Disturbances.reserve_t,
        lambda case, store: case.store[store].start_t,
        _of_store,
        lambda case, store: case.store[store].capacity_t,
    ),
}


def raised(scenario: Case, margin: Margin, by: float) -> Case | None:
    """Return the scenario with a margin raised in whole steps, up to its limit; None: it is there already."""
    now = value(scenario.disturbances, margin)
    new = _whole(scenario, margin, now + by)
    return None if new <= now + 1e-9 else _with(scenario, margin, new)


def varied(scenario: Case, margins: Iterable[Margin], chance: np.random.Generator) -> Case:
    """Return the scenario with each of some margins randomly increased, decreased or unchanged."""
    for margin in margins:
        by = float(chance.choice(HOLDING.varied)) * step(scenario, margin)[1]
        new = max(value(scenario.disturbances, margin) + by, 0.0)
        scenario = _with(scenario, margin, _whole(scenario, margin, new))
    return scenario


def _whole(scenario: Scenario, margin: Margin, amount: float) -> float:
    """Round a value up to whole steps, limited to the margin's maximum."""
    least = HOLDING.multiples[margin.kind] * _KINDS[margin.kind].scale(scenario, margin.stage)
    return round(
        min(math.ceil(amount / least - 1e-9) * least, math.floor(most(scenario, margin) / least + 1e-9) * least), 6
    )


def _with(scenario: Case, margin: Margin, new: float) -> Case:
    """Return the scenario with a margin set to a value."""
    disturbances = _KINDS[margin.kind].changed(scenario.disturbances, margin.stage, new)
    return scenario.model_copy(update={"disturbances": disturbances})


def margin_values(scenario: Scenario) -> dict[str, float]:
    """Margins of a scenario, by key of its file."""
    disturbances = scenario.disturbances
    by_key = {"planning_quantile": disturbances.planning_quantile}
    for margin in disturbances.margins:
        for name in ("quantile", "slack_min", "wait_min"):
            amount = getattr(margin, name)
            if amount:
                by_key[f"{margin.stage}.{name}"] = amount
    by_key |= {
        f"{stock_margin.store}.reserve_t": stock_margin.reserve_t
        for stock_margin in disturbances.stock_margins
        if stock_margin.reserve_t
    }
    for name in ("due_margin_min", "import_margin_mw"):
        if getattr(disturbances, name):
            by_key[name] = getattr(disturbances, name)
    return by_key


def settings(scenario: Scenario) -> list[str]:
    """Overrides that give a scenario these margins."""
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
        rows = [
            f"{{store: {stock_margin.store}, reserve_t: {stock_margin.reserve_t:g}}}"
            for stock_margin in disturbances.stock_margins
        ]
        overrides.append(f"disturbances.stock_margins=[{', '.join(rows)}]")
    for name in ("due_margin_min", "import_margin_mw"):
        if getattr(disturbances, name):
            overrides.append(f"disturbances.{name}={getattr(disturbances, name):g}")
    return overrides
