"""Comparison of several plans: figures, differences of their scenarios, and whether they are comparable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from emberline.planning.accounts import comparable
from emberline.planning.answer import figure_totals, figures_of
from emberline.planning.plan import Plan, replan
from emberline.reports.text import mark, say, tr, wording
from emberline.reports.text.numbers import listed
from emberline.studies.difference import Difference, difference
from emberline.ui.pages.result import repairs
from emberline.ui.pages.session import stored_runs

NOT_THERE = "–"
LONGEST = 80


@dataclass(frozen=True)
class FigureComparison:
    """One figure of all plans."""

    label: str
    unit: str
    digits: int
    """Of differences."""
    values: dict[str, float | None]
    """By letter of the plan; None: not available."""
    texts: dict[str, str]
    """The values as they are written."""

    @property
    def first(self) -> float | None:
        """Value of the first plan."""
        return next(iter(self.values.values()))

    @property
    def more(self) -> dict[str, float | None]:
        """Difference of each other plan to the first."""
        rest = list(self.values.items())[1:]
        return {letter: None if value is None or self.first is None else value - self.first for letter, value in rest}

    @property
    def shares(self) -> dict[str, float | None]:
        """The differences as shares of the first plan's figure; None if that is displayed as zero."""
        return {
            letter: None if more is None or self.first is None or self._is_zero(self.first) else more / abs(self.first)
            for letter, more in self.more.items()
        }

    @property
    def relative(self) -> float:
        """Largest difference, as a share of the larger of the two figures."""
        ratios = [0.0]
        for letter, value in self.values.items():
            if letter in self.more and (value is None) != (self.first is None):
                ratios.append(1.0)
            elif value is not None and self.first is not None and not self._is_zero(value - self.first):
                ratios.append(abs(value - self.first) / max(abs(value), abs(self.first)))
        return max(ratios)

    @property
    def same(self) -> bool:
        """Whether all plans are equal with the digits shown."""
        return self.relative == 0

    def _is_zero(self, value: float) -> bool:
        return abs(value) < 0.5 * 10.0**-self.digits


def figures(plans: Mapping[str, Plan]) -> list[FigureComparison]:
    """Figures of the undisturbed replays, savings, and how often the plans held; largest differences first.

    Savings come after the totals: where the baselines differ, each is against another one, and its label says so.
    """
    one, *others = plans.values()
    apart, savings = any(list(_differ(one, other)) for other in others), set[str]()
    rows: dict[str, FigureComparison] = {}

    def tell(letter: str, label: str, unit: str, digits: int, value: float | None, text: str) -> None:
        row = rows.setdefault(label, FigureComparison(label, unit, digits, dict.fromkeys(plans), {}))
        row.values[letter], row.texts[letter] = value, text

    for letter, plan in plans.items():
        if plan.replay_figures is None:
            continue
        for row in figure_totals(plan.baseline_figures, plan.replay_figures):
            # savings have rows of their own, with stock credited
            if not row.stock:
                tell(letter, say(row.name), row.unit, row.digits, row.plan, say(row.cells[1]))
        for figure in figures_of(plan):
            label = say(figure.label)
            if figure.of_saving:
                label = tr("{figure}, each compared with its own baseline", figure=label) if apart else label
                savings.add(label)
            tell(letter, label, figure.unit, figure.digits, figure.value, say(figure.text))
    return sorted(rows.values(), key=lambda row: (row.label in savings, -row.relative))


@st.cache_resource(max_entries=32, show_spinner=False)
def between(one: str, other: str) -> Difference:
    """Difference between two stored runs; immutable, hence shared."""
    return difference(stored_runs.open_run(one).plan, stored_runs.open_run(other).plan)


def incomparable(plans: Mapping[str, Plan]) -> Iterator[str]:
    """Reasons why the figures of the plans are not comparable, one sentence each."""
    (first, one), *rest = plans.items()
    for letter, other in rest:
        a, b = one.scenario, other.scenario
        who = {"first": first, "other": letter}
        for plan, name in ((one, first), (other, letter)):
            if plan.replay_figures is None:
                yield tr("{plan} has no schedule, so there is nothing to compare.", plan=name)
        if a.name != b.name:
            yield tr(
                "{other} is of another scenario than {first}: {theirs} instead of {ours}.",
                theirs=b.name, ours=a.name, **who,
            )  # fmt: skip
        if (a.horizon.instant(0), a.horizon.length_min) != (b.horizon.instant(0), b.horizon.length_min):
            yield tr(
                "{other} has another horizon than {first}, so prices, sun and carbon differ. It is {span}.",
                span=wording.span(b.horizon), **who,
            )  # fmt: skip
        if a.market.currency != b.market.currency:
            yield tr("{other} uses another currency than {first}.", **who)
        if a.goal.signal != b.goal.signal:
            yield tr("{other} uses another grid intensity than {first}.", **who)
        ours, theirs = one.replay_figures, other.replay_figures
        if ours is not None and theirs is not None and not comparable(ours, theirs):
            yield tr("{other} does not make or deliver the same as {first}: making less is not saving.", **who)


def baseline_differences(plans: Mapping[str, Plan]) -> Iterator[str]:
    """Differences between the baselines of plans, which affect the savings."""
    (first, one), *rest = plans.items()
    for letter, other in rest:
        parts = [
            tr("{figure} {ours} instead of {theirs} {unit}", figure=tr(label), ours=mine, theirs=others, unit=unit)
            for label, unit, mine, others in _differ(one, other)
        ]
        if parts:
            locked = any(plan.scenario.locks or plan.scenario.run_locks for plan in (one, other))
            values = {"first": first, "other": letter, "parts": listed(parts)}
            if locked:
                yield tr(
                    "The baselines of {first} and {other} differ ({parts}), as locks bind them too: each saving is "
                    "against its own baseline, so compare the totals, not the savings.",
                    **values,
                )
            else:
                yield tr(
                    "The baselines of {first} and {other} differ ({parts}): each saving is against its own baseline, "
                    "so compare the totals, not the savings.",
                    **values,
                )


def _differ(one: Plan, other: Plan) -> Iterator[tuple[str, str, str, str]]:
    """Label, unit and both numbers of displayed differences between two baselines."""
    for label, unit, name, factor, digits in (
        (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 1),
        (mark("cost"), one.scenario.market.currency, "cost", 1.0, 0),
    ):
        ours, theirs = (wording.number(getattr(plan.baseline_figures, name) * factor, digits) for plan in (one, other))
        if ours != theirs:
            yield label, unit, ours, theirs


def scenario_changes(runs: Mapping[str, str], plans: Mapping[str, Plan]) -> list[dict[str, str]]:
    """Differences between the scenarios: a row per key and series, by letter of the plan."""
    run, *_ = runs.values()
    ours, *_ = plans.values()
    rest = list(runs.items())[1:]
    rows: dict[str, dict[str, str]] = {}
    for letter, other in rest:
        outcome = between(run, other)
        entries = [(change.key, change.before, change.after) for change in outcome.keys]
        entries += [
            (tr("{series}, mean [{unit}]", series=s.name, unit=s.unit), round(s.before, 4), round(s.after, 4))
            for s in outcome.series
        ]
        for key, before, after in entries:
            texts = [_short(_locks(plan, key, value)) for plan, value in ((ours, before), (plans[letter], after))]
            row = rows.setdefault(key, {"": key} | dict.fromkeys(plans, texts[0]))
            row[letter] = texts[1]
    return list(rows.values())


def _locks(plan: Plan, key: str, value: Any) -> Any:
    """Locks in words; any other value as it is."""
    if key.split(".")[0] not in ("locks", "run_locks") or value is None:
        return value
    several = value if isinstance(value, list) else [value]
    try:
        return listed(repairs.lock_text(plan.scenario, replan.read_lock(lock)) for lock in several) or NOT_THERE
    except ValueError:  # a part of a lock
        return value


def _short(value: Any) -> str:
    if value is None:
        return NOT_THERE
    text = f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
