"""What the commands that explain plans print."""

from __future__ import annotations

from collections.abc import Iterator

from emberline.reports.text import studies, wording
from emberline.reports.text.wording import number, percent, signed
from emberline.scenarios import Scenario
from emberline.scenarios.messages import clock
from emberline.studies.difference import DIFFERENT_HEATS, Difference
from emberline.studies.why import Answer, More, Why, lock_prices
from emberline.ui.cli import terminal

MAX_MOVES = 6
MAX_SLOTS = 6


def show_why(scenario: Scenario, explanation: Why) -> None:
    """Print the answer to a question about a decision."""
    print(*why_lines(scenario, explanation), sep="\n")


def why_lines(scenario: Scenario, explanation: Why) -> Iterator[str]:
    """The answer as lines of text."""
    gap = "no gap proven" if explanation.gap is None else f"gap {percent(explanation.gap)}"
    yield f"why {explanation.question}: {scenario.name}, plan {explanation.status}, {gap}"
    for i, fact in enumerate((*explanation.facts, *explanation.rest)):
        yield f"{'' if i else 'now':<9}{fact}"
    if explanation.worth is not None:
        price = f"{number(explanation.worth.value, 1)} {explanation.worth.unit}"
        yield f"{'worth':<9}one more MWh costs {price}; {explanation.worth.assumption}"
    for answer in explanation.answers:
        yield from answer_lines(scenario, answer, explanation.unit)
    yield from _slots(scenario, explanation)
    if not explanation.complete:
        yield f"{'note':<9}the time limit was reached before everything was tried; raise it with --time-limit"


def answer_lines(scenario: Scenario, answer: Answer, unit: str, head: str = "what if") -> Iterator[str]:
    """One answer as lines of text: its cost and proof, the limits in its way, and what else moves."""
    yield f"{head:<9}{answer.says}"
    gap = "" if answer.gap is None else f", gap {percent(answer.gap)}"
    if answer.more is None:
        why = f": {answer.reason}" if answer.reason else ""
        proven = {
            "infeasible": "no plan with it (proven)",
            "no plan on this grid": f"no plan with it on this grid of {scenario.horizon.step_min:g} min",
        }
        yield f"{'':<9}  {proven.get(answer.status, f'{answer.status}, no plan found')}{why}"
    else:
        where = ""
        if answer.start_min is not None:
            where = f", best at {clock(scenario.horizon.instant(answer.start_min))} on {answer.unit}"
        yield f"{'':<9}  {costs(answer.more, scenario.market.currency)}{where}"
        yield f"{'':<9}  {answer.status}{gap}; {answer.how}{between(answer, unit)}"
    for limit in answer.limits:
        yield f"{'':<9}  in the way: {limit}"
    if answer.because:
        yield f"{'':<9}  {answer.because}"
    if answer.moves:
        yield f"{'':<9}  others: {wording.shortened([move.says for move in answer.moves], MAX_MOVES)}"


def costs(more: More, currency: str) -> str:
    """Additional carbon [kg], cost and peak [MW] of a plan."""
    return f"{signed(more.carbon_kg, 0)} kg CO2e, {signed(more.cost, 0)} {currency}, {signed(more.peak_mw, 2)} MW peak"


def between(answer: Answer, unit: str) -> str:
    """Lower and upper bound on the change of the goal."""
    if answer.low is None or answer.high is None:
        return ""
    return f"; {signed(answer.low, 1)} to {signed(answer.high, 1)} {unit}"


def _slots(scenario: Scenario, explanation: Why) -> Iterator[str]:
    """Starts that are possible while all other heats stay in place."""
    open_slots = [slot for slot in explanation.slots if slot.more_of_goal is not None]
    if not explanation.slots:
        return
    best = sorted(open_slots, key=lambda slot: slot.more_of_goal or 0.0)[:MAX_SLOTS]
    count = f"{len(open_slots)} of {len(explanation.slots)}"
    yield f"{'starts':<9}{count} starts are possible while all other heats stay in place (estimate)"
    for slot in best:
        start = clock(scenario.horizon.instant(slot.start_min))
        yield f"{'':<9}  {start}: {signed(slot.more_of_goal or 0.0, 1)} {explanation.unit}"


DIGITS = {"MW": 2, "MWh": 2, "t": 1}


def show_difference(first: str, second: str, comparison: Difference) -> None:
    """Print the difference of two runs."""
    print(*difference_lines(comparison, first, second), sep="\n")


def difference_lines(comparison: Difference, first: str, second: str) -> Iterator[str]:
    """The difference as lines of text."""
    plans = zip((first, second), comparison.scenarios, comparison.statuses, comparison.gaps, strict=True)
    names = [
        f"{run} ({name}, {status}{'' if gap is None else f', gap {percent(gap)}'})" for run, name, status, gap in plans
    ]
    yield f"{names[1]} against {names[0]}"
    if comparison.empty:
        yield "no difference"
        return
    sections: list[tuple[str, list[str]]] = [
        ("asked", [key.says for key in comparison.keys]),
        ("series", [series.says for series in comparison.series]),
        ("heats", [DIFFERENT_HEATS] if comparison.different_heats else [heat.says for heat in comparison.heats]),
        ("uses", [use.says for use in comparison.uses]),
    ]
    figures = []
    for figure in comparison.figures:
        digits = DIGITS.get(figure.unit, 0)
        values = f"{number(figure.after, digits)} instead of {number(figure.before, digits)} {figure.unit}"
        more = "" if figure.more is None else f" ({signed(figure.more, digits)})"
        figures.append(f"{figure.label} {values}{more}")
    sections.append(("figures", figures))
    for head, texts in sections:
        for i, text in enumerate(texts):
            yield f"{'' if i else head:<9}{text}"


def show_locks(prices: lock_prices.LockPrices) -> None:
    """Print the saving from removing each lock."""
    console, rows = terminal.out(), studies.lock_rows(prices.summary())
    for row, price in zip(rows, prices.prices, strict=False):
        row["lock"] = f"{price.number}  {row['lock']}"
    console.print("saving from removing each lock, with everything else planned again")
    if rows:
        console.print(terminal.table_of(rows, more=1), soft_wrap=True)
    gap = "no gap proven" if prices.gap is None else f"gap {percent(prices.gap)}"
    console.print(f"compared with the stored plan: {prices.status}, {gap}; at most: from the bound without the lock")
    if not prices.complete:
        console.print("the time limit was reached before every lock was tried; raise it with --time-limit")
