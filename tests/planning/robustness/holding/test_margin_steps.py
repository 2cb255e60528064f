"""Margins by kind: what each answers to, how far and in which steps it is raised, and how it is written."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emberline import twin
from emberline.planning.robustness.holding import margin_updates
from emberline.planning.robustness.holding.margin_steps import larger, listed
from emberline.planning.robustness.holding.margin_updates import amounts, causes, steps
from emberline.planning.robustness.holding.margins import (
    Margin,
    answering,
    margin_values,
    most,
    raised,
    settings,
    step,
    value,
    varied,
)
from emberline.planning.robustness.holding.robustness import Robustness
from emberline.planning.robustness.holding.violation_amounts import Limit, ViolationAmounts
from emberline.scenarios import Case, load

SLACK, WAIT, QUANTILE = Margin("slack", "ladle"), Margin("wait", "ladle"), Margin("quantile", "ladle")


@cache
def shop() -> Case:
    """Three stages; 30 min of wait after the ladle furnace of which 15 are the transfer, an import limit of 100 MW."""
    return load("melt-shop-small", ["site.grid.import_limit_mw=100", "horizon.step_min=5"])


def mill() -> Case:
    """Processes with stores and deliveries by truck."""
    return load("cement-week")


def limit_rows(scenario: Case) -> tuple[float, float]:
    """Longest wait after the ladle furnace less the transfer, and the step."""
    stage = scenario.line.stages[1]
    assert stage.longest_wait_min is not None
    slowest = max(
        scenario.line.transfer_min(a.name, b.name) for a in stage.units for b in scenario.line.stages[2].units
    )
    return stage.longest_wait_min - slowest, scenario.horizon.step_min


@pytest.mark.parametrize(
    ("kind", "stage", "unit", "margins"),
    [
        ("cast", "casting", "", [SLACK, QUANTILE]), ("cast", "melting", "", []),
        ("lock", "casting", "", [SLACK, Margin("quantile", "casting")]),
        ("lock", "melting", "", [Margin("quantile", "melting")]),
        ("lock", "", "", []), ("wait", "casting", "", [WAIT]), ("wait", "ladle", "", [Margin("wait", "melting")]),
        ("wait", "melting", "", []), ("due", "casting", "", [Margin("due")]),
        ("unfinished", "casting", "", [Margin("due")]),
        ("import", "", "", [Margin("import")]), ("delivery", "", "", []), ("battery", "", "", []),
    ],
)  # fmt: skip
def test_margins_that_answer(kind: str, stage: str, unit: str, margins: list[Margin]) -> None:
    """Proves: each limit asks for the margins at or before its stage, in their order. Sensitivity: another stage."""
    assert list(answering(shop(), kind, stage, unit)) == margins


def test_margins_of_processes_that_answer() -> None:
    """Proves: a missed delivery asks for stock of its store, then for rates; levels and runs for rates alone."""
    case = mill()
    delivery = case.deliveries[0]
    assert list(answering(case, "delivery", "", delivery.name)) == [Margin("stock", delivery.store), Margin("rates")]
    for kind in ("level", "process"):
        assert list(answering(case, kind, "", delivery.name)) == [Margin("rates")]


@pytest.mark.parametrize(
    ("margin", "by", "values"),
    [
        (Margin("due"), 7.2, [8, 16]), (Margin("import"), 0.53, [0.6, 1.2]), (QUANTILE, 0.1, [0.6, 0.7]),
        (Margin("rates"), 0.12, [0.65, 0.8]), (Margin("slack", "casting"), 3.0, [3, 6]),
    ],
)  # fmt: skip
def test_raises_are_whole_steps(margin: Margin, by: float, values: list[float]) -> None:
    """Proves: a raise is rounded up to whole minutes, tenths of a megawatt or twentieths of a quantile, and changes
    that margin alone. Sensitivity: rounding down, or another field."""
    case = shop()
    before = {
        other: value(case.disturbances, other) for other in (Margin("due"), Margin("import"), QUANTILE, SLACK, WAIT)
    }
    for expected in values:
        after = raised(case, margin, by)
        assert after is not None
        assert value(after.disturbances, margin) == pytest.approx(expected)
        case = after
    for other, amount in before.items():
        assert (
            other == margin
            or (margin.kind == "rates" and other == QUANTILE)
            or value(case.disturbances, other) == amount
        )


def test_how_far_margins_go() -> None:
    """Proves: slack and shorter waits share what the longest wait leaves beyond the transfer and a step; half of the
    import limit, the horizon and a quantile of 0.95 are the most. Sensitivity: a step more, or both in full."""
    case = shop()
    room, slot = limit_rows(case)
    for margin in (SLACK, WAIT):
        assert most(case, margin) == max(room - slot, 0.0)
    assert most(case, Margin("due")) == most(case, Margin("slack", "casting")) == case.horizon.length_min
    assert most(case, Margin("wait", "casting")) == 0.0
    assert (most(case, Margin("import")), most(case, Margin("rates")), most(case, QUANTILE)) == (50.0, 0.95, 0.95)
    one = raised(case, SLACK, 3.0)
    assert one is not None
    assert most(one, WAIT) == max(room - slot, 0.0) - 3
    assert most(one, SLACK) == max(room - slot, 0.0)
    top = raised(case, Margin("import"), 80.0)
    assert top is not None
    assert value(top.disturbances, Margin("import")) == 50.0
    assert raised(top, Margin("import"), 0.5) is None
    assert raised(load("melt-shop-small", ["site.grid.import_limit_mw=null"]), Margin("import"), 1.0) is None


def test_stock_is_counted_by_what_its_store_holds() -> None:
    """Proves: a stock is raised by hundredths of the capacity, 2 % at least and 20 % at most in a round, up to what is
    in store at the start. Sensitivity: tonnes taken for shares."""
    case = mill()
    store = case.store[case.deliveries[0].store]
    margin = Margin("stock", store.name)
    assert step(case, margin) == pytest.approx((0.02 * store.capacity_t, 0.2 * store.capacity_t))
    assert step(case, Margin("due")) == (5.0, 60.0)
    assert most(case, margin) == store.start_t
    now = value(case.disturbances, margin)
    after = raised(case, margin, 0.013 * store.capacity_t)
    assert after is not None
    unit = 0.01 * store.capacity_t
    assert value(after.disturbances, margin) == pytest.approx(np.ceil((now + 0.013 * store.capacity_t) / unit) * unit)
    others = {one.store: one.reserve_t for one in case.disturbances.stock_margins if one.store != store.name}
    assert {o.store: o.reserve_t for o in after.disturbances.stock_margins if o.store != store.name} == others


def test_margins_are_written_as_overrides() -> None:
    """Proves: the overrides of margins give them back, with nothing that is zero. Sensitivity: a field left out."""
    case = shop()
    for margin, by in ((SLACK, 2.0), (WAIT, 1.0), (QUANTILE, 0.2), (Margin("due"), 9.0), (Margin("import"), 1.5)):
        case = raised(case, margin, by) or case
    base = ["site.grid.import_limit_mw=100", "horizon.step_min=5"]
    again = load("melt-shop-small", [*base, *settings(case)])
    assert margin_values(again) == margin_values(case)
    assert set(margin_values(case)) >= {"ladle.slack_min", "ladle.quantile", "due_margin_min", "import_margin_mw"}
    assert (margin_values(case)["due_margin_min"], margin_values(case)["import_margin_mw"]) == (9.0, 1.5)
    assert margin_values(case)["planning_quantile"] == case.disturbances.planning_quantile
    assert not [row for row in settings(load("melt-shop-small")) if row.startswith("disturbances.due")]
    stock = raised(mill(), Margin("stock", mill().deliveries[0].store), 1.0)
    assert stock is not None
    again = load("cement-week", settings(stock))
    assert again.disturbances.stock_margins == stock.disturbances.stock_margins


@pytest.mark.parametrize(
    ("rows", "allowed", "scales", "remaining"),
    [
        ([[10], [9], [4], [1], [0]], 0, [1], [10, 9, 4, 1, 0]), ([[10], [9], [4], [1], [0]], -1, [1], [10, 9, 4, 1, 0]),
        ([[10], [9], [4], [1], [0]], 1, [1], [9, 4, 1, 0]),
        # two days that lower it by 6 before one that lowers it by 1
        ([[10], [9], [4], [1], [0]], 2, [1], [4, 1, 0]), ([[0], [9], [1], [10], [4]], 3, [1], [0, 1]),
        ([[10], [8], [8], [0]], 2, [1], [8, 8, 0]), ([[10], [8], [8], [0]], 3, [1], [0]),
        ([[5], [5], [5]], 2, [1], [5, 5, 5]), ([[7], [6]], 5, [1], [6]), ([[0], [0]], 1, [1], [0, 0]),
        ([[20, 0], [0, 3], [0, 0]], 1, [20, 1], [20, 0, 0, 0]), ([[20, 0], [0, 3], [0, 0]], 2, [20, 1], [0, 0]),
        ([[20, 0], [0, 3], [0, 0]], 1, [1, 20], [0, 3, 0, 0]), ([[1, 0], [0, 1], [0, 0]], 1, [1, 1], [0, 1, 0, 0]),
        ([[6, 6], [5, 0], [0, 5], [0, 0]], 1, [1, 1], [5, 0, 0, 5, 0, 0]),
        ([[9, 0], [8, 0], [0, 4], [0, 0]], 3, [1, 1], [0, 0]), ([[0, 2], [0, 1]], 1, [1, 1], [0, 1]),
    ],
)  # fmt: skip
def test_days_are_given_up_where_each_lowers_the_raises_most(
    rows: list[list[float]], allowed: int, scales: list[float], remaining: list[float]
) -> None:
    """Proves: of so many days that may break, those are given up that lower a raise most for each of them, measured by
    its largest step; none where that lowers nothing, and never the last. Sensitivity: the largest misses by number, a
    day too many."""
    assert margin_updates._covered(np.array(rows, dtype=float), allowed, scales).ravel().tolist() == remaining


@pytest.mark.parametrize(
    ("margin", "words"),
    [
        (SLACK, "slack after ladle"), (WAIT, "wait after ladle shorter than the longest"),
        (QUANTILE, "planning quantile of ladle"), (Margin("due"), "time before heats are due"),
        (Margin("import"), "room below the import limit"), (Margin("rates"), "planning quantile of rates"),
        (Margin("stock", "silo"), "stock of silo"),
    ],
)  # fmt: skip
def test_margins_in_words(margin: Margin, words: str) -> None:
    """Proves: each margin has its words."""
    assert margin.says == words


class Draws:
    """Draws that are given, in turn, and what they were drawn from."""

    def __init__(self, *shares: float) -> None:
        self.shares, self.options = list(shares), list[tuple[float, ...]]()

    def choice(self, options: tuple[float, ...]) -> float:
        self.options.append(options)
        return self.shares.pop(0)


def test_varied_margins_by_hand() -> None:
    """Proves: each margin changes by the share that is drawn of its largest raise, 20 min of slack, 30 of waits and 60
    before due times, in whole steps, none below zero or beyond its room; the share may be zero. Sensitivity: the least
    raise, a margin that is set to the draw."""
    case = raised(shop(), Margin("due"), 40.0)
    assert case is not None
    draws: Any = Draws(0.25, 0.0, -0.5)
    after = varied(case, (SLACK, WAIT, Margin("due")), draws)
    assert [value(after.disturbances, margin) for margin in (SLACK, WAIT, Margin("due"))] == [5.0, 0.0, 10.0]
    assert draws.options == [(-0.5, -0.25, 0.0, 0.25, 0.5, 1.0)] * 3
    draws = Draws(-0.5, 1.0)
    lower = varied(after, (SLACK, Margin("due")), draws)
    assert [value(lower.disturbances, margin) for margin in (SLACK, Margin("due"))] == [0.0, 70.0]


LATE, GAP, OTHER = Limit("due", "casting", "C"), Limit("cast", "casting", "C"), Limit("battery", "", "")


def batch(*rows: dict[Limit, float]) -> ViolationAmounts:
    """Days of which only what is missed is known."""
    limits = (LATE, GAP, OTHER)
    amount = np.array([[row.get(limit, 0.0) for limit in limits] for row in rows])
    return ViolationAmounts(shop(), limits, amount, np.array([int(bool(row)) for row in rows]))


def test_raises_of_a_day() -> None:
    """Proves: each margin would have to be raised by the largest miss that it answers to; a day with a miss that none
    answers to is beyond all; causes come in the order of their days, as words. Sensitivity: sums, or first misses."""
    days = batch({LATE: 7.0}, {LATE: 3.0, GAP: 2.0}, {GAP: 1.0, OTHER: 1.0}, {}, {LATE: 1.0})
    margins, table = amounts(days)
    assert margins == (Margin("due"), SLACK)
    np.testing.assert_array_equal(table, [[7, 0], [3, 2], [np.inf, np.inf], [0, 0], [1, 0]])
    assert (days.n, days.successes) == (5, 1)
    assert causes(days) == ("time before heats are due", "slack after ladle")
    assert amounts(days, {SLACK})[0] == (Margin("due"), QUANTILE)
    assert causes(batch({})) == ()


@pytest.mark.parametrize(
    ("late", "more", "level", "outcome"),
    [
        # of 100 days 3 of the 4 that the level allows are given up
        ([30.0] * 3 + [12.0] * 5, 92, 0.96, 12.0), ([30.0] * 4 + [12.0] * 5, 91, 0.96, 30.0),
        ([2.0] * 10, 90, 0.99, 5.0), ([500.0] * 10, 90, 0.99, 60.0), ([], 100, 0.9, None),
    ],
)  # fmt: skip
def test_which_days_are_given_up(late: list[float], more: int, level: float, outcome: float | None) -> None:
    """Proves: three quarters of the days that the level allows are given up, the worst; a raise is 5 min at least and
    60 at most. Sensitivity: a day more or less."""
    rows = steps(batch(*[{LATE: minutes} for minutes in late], *[{}] * more), level)
    assert rows == ([] if outcome is None else [(Margin("due"), outcome)])


def test_margins_of_a_step_of_their_own() -> None:
    """Proves: a quantile is raised by its step, whatever was missed; the margin of most days comes first."""
    days = batch(*[{GAP: 50.0}] * 60, *[{LATE: 20.0}] * 30, *[{}] * 10)
    assert steps(days, 0.9, {SLACK}) == [(QUANTILE, 0.1), (Margin("due"), 20.0)]
    room, slot = limit_rows(shop())
    assert room > slot
    assert steps(days, 0.9) == [(SLACK, 20.0), (Margin("due"), 20.0)]


def test_larger_margins_to_be_tried() -> None:
    """Proves: far from the level all raises in full come first, then three quarters, half and a quarter, then each by
    half; near it half first. Lists that keep the margins come with them, those without are tried last, two at most.
    Sensitivity: another order of shares."""
    case = shop()
    like = twin.dispatch(case)
    raises: list[tuple[Margin, float]] = [(Margin("due"), 40.0), (QUANTILE, 0.2)]

    def margins_of(**how: Any) -> list[list[float]]:
        rows = larger(case, raises, like, over=lambda: False, **how)
        return [[value(one.disturbances, margin) for margin, _ in raises] for one, _ in rows]

    now = value(case.disturbances, QUANTILE)
    every = [
        [40, now + 0.2], [30, now + 0.15], [20, now + 0.1], [10, now + 0.05], [20, now], [0, now + 0.1]
    ]  # fmt: skip
    assert margins_of(far=True) == [pytest.approx(row) for row in every]
    assert margins_of(far=False) == [pytest.approx(row) for row in every[2:]]
    lists = listed(case, like, lambda: False)
    assert lists is not None
    assert len(lists) == 1
    raises = [(Margin("due"), 1e9)]
    assert margins_of(far=False) == []
    assert margins_of(far=True) == [[case.horizon.length_min]]
    beyond = raised(case, Margin("due"), 1e9)
    assert beyond is not None
    rows = larger(beyond, [(QUANTILE, 0.2), (SLACK, 10.0)], like, over=lambda: False, far=True)
    tries = [[value(one.disturbances, margin) for margin in (QUANTILE, SLACK)] for one, lists in rows if not lists]
    # the smallest raise of all, and that of the first margin
    assert tries == [pytest.approx([now + 0.05, 3.0]), pytest.approx([now + 0.1, 0.0])]


@pytest.mark.parametrize(("share", "text"), [(0.94, "94 %"), (0.9439, "94.3 %"), (0.29, "")])
def test_the_baseline_helps_where_it_reaches_the_level(share: float, text: str) -> None:
    """Proves: the baseline is named with its share, rounded down, where it reaches the level. Sensitivity: 93.9 for
    94 %, or a baseline that reaches less."""
    result = SimpleNamespace(judged=SimpleNamespace(n=100), status="cannot", level=0.9)
    lines = list(Robustness._reasons(result, shop(), (), share, None))  # type: ignore[arg-type]
    assert ("holds on " + text in " ".join(lines)) if text else "baseline" not in " ".join(lines)
