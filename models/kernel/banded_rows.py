"""Rows over slots whose terms come and go: the slots in which a row has the same terms are a stretch.

A row such as Σ Y(t) − Y(t−p) ≤ n has no second term in its first p slots, and a unit has no start where it is shut. A
rule that asks for that at each slot is no template. So a row is indexed by its stretch and slot, and its sum goes over
the stretch's set of terms, each with its weight. A term's own slot is ``moves · t + at``: it keeps its distance to the
row's slot t, or stays where it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel import deadline
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint
from emberline.models.kernel.templates import Members, each, total

Row = tuple[Any, ...]
"""Name of a row without its slot."""
Runs = Sequence[tuple[int, int]]
"""First and last slot of each run of consecutive slots."""
_EVER = 2**31


class Terms:
    """Terms of rows over slots, each with a weight and the row's slots in which it is one."""

    def __init__(self, n_slots: int, width: int) -> None:
        """No terms yet.

        Args:
            n_slots: of the horizon.
            width: places in the index of the variable that they are of, its slot included.
        """
        self.n_slots, self.width = n_slots, width
        self.of: dict[Row, list[tuple[Row, float, int, int]]] = {}
        """By row: term, weight, first and last slot."""

    def add(self, row: Row, term: Row, weight: float, first: int, last: int) -> None:
        """Add a term in the row's slots from first to last."""
        if first <= last:
            self.of.setdefault(row, []).append((term, weight, first, last))

    def lagged(self, row: Row, key: Row, lag: int, weight: float, runs: Runs | None = None) -> None:
        """Add a variable as it is ``lag`` slots before the row's slot; it has members in some runs of slots, or all."""
        for first, last in [(0, self.n_slots - 1)] if runs is None else runs:
            self.add(row, (*key, 1, -lag), weight, first + lag, last + lag)

    def counted(self, row: Row, key: Row, lag: int, weight: float) -> None:
        """Add a count as it is ``lag`` slots before: zero before the horizon, after it what it is in the end."""
        self.lagged(row, key, lag, weight)
        end = self.n_slots - 1
        self.add(row, (*key, 0, end), weight, end + lag + 1, _EVER)


class Stretches:
    """Rows by stretch and slot, and the terms of each stretch: rows are cut where their terms change.

    Args:
        rows: by row its slots, ascending.
        kinds: terms of one variable each.
        empty: keep slots in which a row has no terms at all.
    """

    def __init__(self, rows: Mapping[Row, Sequence[int]], *kinds: Terms, empty: bool = True) -> None:
        self.index: list[Row] = []
        """Row, stretch and slot."""
        self.terms: list[dict[Row, list[Row]]] = [{} for _ in kinds]
        """For each kind of terms: by row and stretch its terms, each with its weight at the end."""
        self.widths = [kind.width for kind in kinds]
        """For each kind, of its variable."""
        for row, slots in rows.items():
            deadline.look()
            events: dict[int, list[tuple[int, int]]] = {slots[0]: []} if slots else {}
            for kind, one in enumerate(kinds):
                for number, (_, _, first, last) in enumerate(one.of.get(row, ())):
                    if slots and first <= slots[-1] and last >= slots[0]:
                        events.setdefault(max(first, slots[0]), []).append((kind, number))
                        events.setdefault(last + 1, []).append((kind, ~number))
            mine = [kind.of.get(row, ()) for kind in kinds]
            cuts, place = sorted(events), 0
            active: list[dict[int, None]] = [{} for _ in kinds]
            for stretch, cut in enumerate(cuts):
                for kind, number in events[cut]:
                    if number >= 0:
                        active[kind][number] = None
                    else:
                        del active[kind][~number]
                until = cuts[stretch + 1] if stretch + 1 < len(cuts) else slots[-1] + 1
                begin, place = place, bisect_left(slots, until)
                if place > begin and (empty or any(active)):
                    self.index += [(*row, stretch, t) for t in slots[begin:place]]
                    for kind, numbers in enumerate(active):
                        self.terms[kind][*row, stretch] = _merged(mine[kind], numbers)

    def rows(self) -> pyo.Set:
        """Index set of the rows: row, stretch and slot."""
        return pyo.Set(initialize=self.index, dimen=len(self.index[0]) if self.index else None)

    def set(self, kind: int = 0) -> Members:
        """Terms of a kind, indexed by row and stretch."""
        members = {key if len(key) > 1 else key[0]: terms for key, terms in self.terms[kind].items()}
        return Members(members, dimen=self.widths[kind] + 2)


def weighed(variable: Any, terms: Any, t: Any) -> Any:
    """Sum of terms, an expression for a rule.

    Args:
        variable: indexed by key and slot.
        terms: a member of ``Stretches.set``; the index may be a placeholder.
        t: slot of the row, or its placeholder.
    """
    return total(term[-1] * variable[(*term[:-3], term[-2] + term[-3] * t)] for term in each(terms))


def banded(
    block: Any, rows: Mapping[Row, Sequence[int]], *sums: tuple[Any, Terms], empty: bool = True
) -> Callable[[Callable[..., Any]], None]:
    """Decorator of a rule: adds rows over slots to a block under the rule's name.

    The rule is called with the block, one sum for each kind of terms, and the row with its slot.

    Args:
        block: to add to.
        rows: by row its slots, ascending.
        *sums: variables indexed by key and slot, each with its terms by row.
        empty: keep slots in which a row has no terms at all.
    """
    stretches = Stretches(rows, *(terms for _, terms in sums), empty=empty)
    parts = [(variable, stretches.set(kind)) for kind, (variable, _) in enumerate(sums)]

    def add(rule: Callable[..., Any]) -> None:
        def says(b: Any, *index: Any) -> Any:
            *row, stretch, t = index
            key = (*row, stretch) if row else stretch
            return rule(b, *(weighed(variable, terms[key], t) for variable, terms in parts), *row, t)

        places = stretches.rows()
        block.add_component(f"{rule.__name__}_places", places)
        block.add_component(rule.__name__, Rows(places, says=says))

    return add


def _merged(terms: Sequence[tuple[Row, float, int, int]], numbers: Iterable[int]) -> list[Row]:
    weights: dict[Row, float] = {}
    for number in numbers:
        term, weight, _, _ = terms[number]
        weights[term] = weights.get(term, 0) + weight
    return [(*term, weight) for term, weight in weights.items()]


Previous = Mapping[int, tuple[int, int]]
"""By row, which row comes before it, and how many slots earlier."""


def running_sum(
    block: pyo.Block,
    starts: pyo.Var,
    changes: Terms,
    previous: Previous,
    begin: Mapping[int, float] | None = None,
) -> pyo.Var:
    """Fill a block with courses.

    Args:
        block: empty.
        starts: variables with a slot at the end of their index.
        changes: of each row by the starts.
        previous: rows, and where each goes on from: ``{r: (r, 1)}`` for a course of its own.
        begin: what rows are before the first slot; 0 where nothing is said.

    Returns:
        The level, not negative, indexed by row and slot.
    """
    n = changes.n_slots
    block.ROW, block.T = pyo.Set(initialize=list(previous), dimen=1), pyo.RangeSet(0, n - 1)
    block.level = Variable(block.ROW, block.T, domain=pyo.NonNegativeReals)
    before = Terms(n, 2)
    for r, (row, lag) in previous.items():
        before.lagged((r,), (row,), lag, 1)
    stretches = Stretches({(r,): range(n) for r in previous}, before, changes)
    block.PLACE, block.BEFORE, block.CHANGE = stretches.rows(), stretches.set(0), stretches.set(1)
    # only the first slot has nothing before it
    begin_levels = [(begin or {}).get(r, 0.0) if not terms else 0.0 for (r, _), terms in stretches.terms[0].items()]
    block.STRETCH = pyo.Set(initialize=list(stretches.terms[0]), dimen=2)
    block.begin = Series(block.STRETCH, values=np.array(begin_levels))

    @constraint(block, block.PLACE)
    def changes_by(b: Any, r: int, stretch: int, t: int) -> Any:
        came = weighed(b.level, b.BEFORE[r, stretch], t) + weighed(starts, b.CHANGE[r, stretch], t)
        return b.level[r, t] == came + b.begin[r, stretch]

    return block.level


def profile(changes: Terms, row: int, key: tuple[Any, ...], cells: np.ndarray, runs: Runs, per: int = 1) -> None:
    """Add what a start adds from its slot on.

    Args:
        changes: to add to.
        row: of the first place in a slot; the others follow.
        key: of the start.
        cells: what it adds, by place.
        runs: slots in which it may start.
        per: places in a slot, each a row.
    """
    steps = np.diff(cells, prepend=0.0, append=0.0)
    for k in np.flatnonzero(np.abs(steps) > 1e-12).tolist():
        changes.lagged((row + k % per,), key, k // per, float(steps[k]), runs)
