"""What is compared of several plans: their figures, what their scenarios say, and whether they can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from emberline.plans.accounts import comparable
from emberline.plans.difference import Difference, difference
from emberline.plans.plan import Plan
from emberline.scenarios import Scenario
from emberline.scenarios.records.orders import Lock
from emberline.ui.pages.result import locks, result
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr
from emberline.ui.text.numbers import listed

NOT_THERE = "–"
LONGEST = 80


@dataclass(frozen=True)
class Compared:
    """One figure of all plans."""

    label: str
    unit: str
    digits: int
    values: dict[str, float | None]
    """By the letters of the plans; None: it has no such figure."""

    @property
    def first(self) -> float | None:
        """Of the first plan."""
        return next(iter(self.values.values()))

    @property
    def more(self) -> dict[str, float | None]:
        """What each other plan has more than the first."""
        rest = list(self.values.items())[1:]
        return {letter: None if value is None or self.first is None else value - self.first for letter, value in rest}

    @property
    def shares(self) -> dict[str, float | None]:
        """The same as shares of the first plan's figure; None where that is shown as nought."""
        return {
            letter: None if more is None or self.first is None or self._nought(self.first) else more / abs(self.first)
            for letter, more in self.more.items()
        }

    @property
    def relative(self) -> float:
        """The largest difference as a share of the larger of its two figures."""
        found = [0.0]
        for letter, value in self.values.items():
            if letter in self.more and (value is None) != (self.first is None):
                found.append(1.0)
            elif value is not None and self.first is not None and not self._nought(value - self.first):
                found.append(abs(value - self.first) / max(abs(value), abs(self.first)))
        return max(found)

    @property
    def same(self) -> bool:
        """Whether all plans have the same, as far as the digits tell."""
        return self.relative == 0

    def _nought(self, value: float) -> bool:
        return abs(value) < 0.5 * 10.0**-self.digits


def figures(made: Mapping[str, Plan]) -> list[Compared]:
    """Figures of the undisturbed replays, what is saved against the baseline, and how often the plans held; those that
    differ most first."""
    values: dict[tuple[str, str, int], dict[str, float | None]] = {}

    def tell(letter: str, label: str, unit: str, digits: int, value: float | None) -> None:
        row = values.setdefault((label, unit, digits), dict.fromkeys(made))
        row[letter] = value

    for letter, plan in made.items():
        if plan.replay_figures is None:
            continue
        for row in wording.rows(plan.baseline_figures, plan.replay_figures):
            # what is saved stands in rows of its own, stock credited
            if row.label not in (wording.STOCK, *wording.CREDITED.values()):
                tell(letter, row.called, row.unit, row.digits, row.plan)
        saved, money = plan.saved(), plan.scenario.market.currency
        tell(letter, tr("carbon saved against the baseline"), "t CO2e", 2, _scaled(saved.get("carbon_kg"), 1e-3))
        tell(letter, tr("cost saved against the baseline"), money, 0, saved.get("cost"))
        if plan.holding is not None:
            held, n = plan.holding
            tell(letter, tr("disturbed days in which it held"), "%", 0, 100 * held / n)
    rows = [Compared(*key, row) for key, row in values.items()]
    return sorted(rows, key=lambda row: -row.relative)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


@st.cache_resource(max_entries=32, show_spinner=False)
def between(one: str, other: str) -> Difference:
    """How a stored run differs from another one; neither ever changes, hence shared."""
    return difference(result.opened(one).plan, result.opened(other).plan)


def incomparable(made: Mapping[str, Plan]) -> Iterator[str]:
    """Why figures of the plans do not say which one is better; one sentence each."""
    (first, one), *rest = made.items()
    for letter, other in rest:
        a, b = one.scenario, other.scenario
        who = {"first": first, "other": letter}
        for plan, name in ((one, first), (other, letter)):
            if plan.replay_figures is None:
                yield tr("{plan} has no schedule: there is nothing to compare.", plan=name)
        if a.name != b.name:
            yield tr(
                "{other} is of another scenario than {first}: {theirs} instead of {ours}.",
                theirs=b.name, ours=a.name, **who,
            )  # fmt: skip
        if (a.horizon.instant(0), a.horizon.length_min) != (b.horizon.instant(0), b.horizon.length_min):
            yield tr(
                "{other} has another horizon than {first}: prices, sun and carbon of other hours. It is {span}.",
                span=wording.span(b.horizon), **who,
            )  # fmt: skip
        if a.market.currency != b.market.currency:
            yield tr("{other} counts in another currency than {first}.", **who)
        if a.goal.signal != b.goal.signal:
            yield tr("{other} counts carbon by another intensity of the grid than {first}.", **who)
        ours, theirs = one.replay_figures, other.replay_figures
        if ours is not None and theirs is not None and not comparable(ours, theirs):
            yield tr("{other} does not make or deliver the same as {first}: making less is not saving.", **who)


def foremen(made: Mapping[str, Plan]) -> Iterator[str]:
    """Where the foremen of plans of the same question differ: what is saved is counted from other days."""
    (first, one), *rest = made.items()
    for letter, other in rest:
        a, b = one.scenario, other.scenario
        if _question(a) != _question(b):
            continue  # told already
        parts = [
            tr("{figure} {ours} against {theirs} {unit}", figure=tr(label), ours=mine, theirs=others, unit=unit)
            for label, unit, mine, others in _differ(one, other)
        ]
        if parts:
            yield tr(
                "The foremen of {first} and {other} differ ({parts}): locks and limits bind them too, so compare the "
                "totals, not what is saved.",
                first=first, other=letter, parts=listed(parts),
            )  # fmt: skip


def _question(scenario: Scenario) -> tuple[Any, ...]:
    """What figures of two plans must have alike, or else they say nothing of each other."""
    horizon = scenario.horizon  # its span: steps may differ
    return scenario.name, horizon.instant(0), horizon.length_min, scenario.market.currency, scenario.goal.signal


def _differ(one: Plan, other: Plan) -> Iterator[tuple[str, str, str, str]]:
    """Label, unit and both numbers of what two foremen differ in as shown."""
    for label, unit, name, factor, digits in (
        (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 1),
        (mark("cost"), one.scenario.market.currency, "cost", 1.0, 0),
    ):
        ours, theirs = (wording.number(getattr(plan.baseline_figures, name) * factor, digits) for plan in (one, other))
        if ours != theirs:
            yield label, unit, ours, theirs


def asked(runs: Mapping[str, str], made: Mapping[str, Plan]) -> list[dict[str, str]]:
    """What the scenarios say differently: a row for each key and series, by the letters of the plans."""
    run, *_ = runs.values()
    ours, *_ = made.values()
    rest = list(runs.items())[1:]
    rows: dict[str, dict[str, str]] = {}
    for letter, other in rest:
        found = between(run, other)
        told = [(change.key, change.before, change.after) for change in found.keys]
        told += [
            (tr("{series}, mean [{unit}]", series=s.name, unit=s.unit), round(s.before, 4), round(s.after, 4))
            for s in found.series
        ]
        for key, before, after in told:
            said = [_short(_locks(plan, key, value)) for plan, value in ((ours, before), (made[letter], after))]
            row = rows.setdefault(key, {"": key} | dict.fromkeys(made, said[0]))
            row[letter] = said[1]
    return list(rows.values())


def _locks(plan: Plan, key: str, value: Any) -> Any:
    """Locks in words; any other value as it is."""
    if key.split(".")[0] != "locks" or value is None:
        return value
    several = value if isinstance(value, list) else [value]
    try:
        return listed(locks.called(plan.scenario, Lock.model_validate(lock)) for lock in several) or NOT_THERE
    except ValueError:  # a part of a lock
        return value


def _short(value: Any) -> str:
    if value is None:
        return NOT_THERE
    text = f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
