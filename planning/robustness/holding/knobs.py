"""Margins of a plan, and which of them answers to which limit that was missed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from emberline.planning.robustness.holding.tuning import HOLDING
from emberline.scenarios import Case, Scenario
from emberline.scenarios.records.disturbances import Disturbances, Margin, StockMargin

Kind = Literal["slack", "wait", "quantile", "due", "import", "rates", "stock"]


class _MarginKind(NamedTuple):
    """One kind of margin: its words, its value, its upper limit, and the disturbances with another value."""

    text: str
    value: Callable[[Disturbances, str], float]
    most: Callable[[Scenario, str], float]
    changed: Callable[[Disturbances, str, float], Disturbances]
    scale: Callable[[Scenario, str], float] = lambda scenario, stage: 1.0
    """Unit in which its steps are counted."""
    fixed: bool = False
    """Whether it is raised by a step of its own, whatever was missed."""


@dataclass(frozen=True, order=True)
class Knob:
    """A margin that can be raised; ``stage`` is that of the line, the store of a stock, else empty."""

    kind: Kind
    stage: str = ""

    @property
    def says(self) -> str:
        """In words."""
        return _KINDS[self.kind].text.format(stage=self.stage)

    @property
    def fixed(self) -> bool:
        """Whether it is raised by a step of its own, whatever was missed."""
        return _KINDS[self.kind].fixed


def step(scenario: Scenario, knob: Knob) -> tuple[float, float]:
    """Least and largest raise of a margin in one round, in its unit."""
    least, largest = HOLDING.steps[knob.kind]
    scale = _KINDS[knob.kind].scale(scenario, knob.stage)
    return least * scale, largest * scale


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
    elif kind in ("delivery", "level", "process"):
        if kind == "delivery":
            yield from (Knob("stock", each.store) for each in scenario.deliveries if each.name == unit)
        yield from dict.fromkeys(Knob("rates") for _ in scenario.processes)


def value(disturbances: Disturbances, knob: Knob) -> float:
    """Value of a margin now, in its unit."""
    return _KINDS[knob.kind].value(disturbances, knob.stage)


def most(scenario: Scenario, knob: Knob) -> float:
    """Upper limit of a margin, the others as they are."""
    return _KINDS[knob.kind].most(scenario, knob.stage)


def _room(scenario: Scenario, stage: str, other_min: float, unlimited: float) -> float:
    """Time behind a stage that a margin may take next to another one [min]; ``unlimited`` where waits have no limit."""
    line = scenario.line
    at = [each.name for each in line.stages].index(stage)
    longest = line.stages[at].longest_wait_min
    if longest is None:
        return unlimited
    slowest = max(line.transfer_min(a.name, b.name) for a in line.stages[at].units for b in line.stages[at + 1].units)
    # a plan on slots needs a slot of play between the two
    return max(longest - slowest - other_min - scenario.horizon.step_min, 0.0)


def _of_stage(field: str) -> Callable[[Disturbances, str, float], Disturbances]:
    def changed(disturbances: Disturbances, stage: str, new: float) -> Disturbances:
        margin = disturbances.margin.get(stage, Margin(stage=stage)).model_copy(update={field: new})
        others = [margin for margin in disturbances.margins if margin.stage != stage]
        return disturbances.model_copy(update={"margins": (*others, margin)})

    return changed


def _of_plant(field: str) -> Callable[[Disturbances, str, float], Disturbances]:
    return lambda disturbances, stage, new: disturbances.model_copy(update={field: new})


def _of_store(disturbances: Disturbances, store: str, new: float) -> Disturbances:
    others = [margin for margin in disturbances.stock_margins if margin.store != store]
    return disturbances.model_copy(update={"stock_margins": (*others, StockMargin(store=store, reserve_t=new))})


_KINDS: dict[Kind, _MarginKind] = {
    "slack": _MarginKind(
        "slack after {stage}",
        Disturbances.slack_min,
        lambda case, stage: _room(case, stage, case.disturbances.wait_min(stage), case.horizon.length_min),
        _of_stage("slack_min"),
    ),
    "wait": _MarginKind(
        "wait after {stage} shorter than the longest",
        Disturbances.wait_min,
        lambda case, stage: _room(case, stage, case.disturbances.slack_min(stage), 0.0),
        _of_stage("wait_min"),
    ),
    "quantile": _MarginKind(
        "planning quantile of {stage}",
        Disturbances.quantile,
        lambda case, stage: HOLDING.most_quantile,
        _of_stage("quantile"),
        fixed=True,
    ),
    "due": _MarginKind(
        "time before heats are due",
        lambda disturbances, stage: disturbances.due_margin_min,
        lambda case, stage: case.horizon.length_min,
        _of_plant("due_margin_min"),
    ),
    "import": _MarginKind(
        "room below the import limit",
        lambda disturbances, stage: disturbances.import_margin_mw,
        lambda case, stage: HOLDING.most_limit_share * (case.site.grid.import_limit_mw or 0.0),
        _of_plant("import_margin_mw"),
    ),
    "rates": _MarginKind(
        "planning quantile of rates",
        lambda disturbances, stage: disturbances.planning_quantile,
        lambda case, stage: HOLDING.most_quantile,
        _of_plant("planning_quantile"),
        fixed=True,
    ),
    "stock": _MarginKind(
        "stock of {stage}",
        Disturbances.reserve_t,
        lambda case, store: case.store[store].start_t,
        _of_store,
        lambda case, store: case.store[store].capacity_t,
    ),
}


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
    least = HOLDING.multiples[knob.kind] * _KINDS[knob.kind].scale(scenario, knob.stage)
    return round(
        min(math.ceil(amount / least - 1e-9) * least, math.floor(most(scenario, knob) / least + 1e-9) * least), 6
    )


def _with(scenario: Case, knob: Knob, new: float) -> Case:
    """The scenario with a margin of some value."""
    disturbances = _KINDS[knob.kind].changed(scenario.disturbances, knob.stage, new)
    return scenario.model_copy(update={"disturbances": disturbances})


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
