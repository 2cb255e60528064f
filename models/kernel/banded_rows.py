"""Rows over slots with varying terms: a stretch is a range of slots in which a row has the same terms.

A row such as Σ Y(t) − Y(t−p) ≤ n has no second term in its first p slots, and a unit has no start while it is shut. A
rule that checks this in each slot cannot be a template. So a row is indexed by its stretch and slot, and its sum runs
over the stretch's set of terms, each with its weight. The slot of a term is ``moves · t + at``: it either keeps its
distance to the row's slot t or is constant.
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
    """Terms of rows over slots, each with a weight and the slots of the row in which it is present."""

    def __init__(self, n_slots: int, width: int) -> None:
        """Start without terms.

        Args:
            n_slots: number of slots of the horizon.
            width: number of index places of the variable, its slot included.
        """
        self.n_slots, self.width = n_slots, width
        self.of: dict[Row, list[tuple[Row, float, int, int]]] = {}
        """Term, weight, first and last slot, by row."""

    def add(self, row: Row, term: Row, weight: float, first: int, last: int) -> None:
        """Add a term to a row from a first to a last slot."""
        if first <= last:
            self.of.setdefault(row, []).append((term, weight, first, last))

    def lagged(self, row: Row, key: Row, lag: int, weight: float, runs: Runs | None = None) -> None:
        """Add a variable ``lag`` slots before the row's slot; it has members in some runs of slots, or in all slots."""
        for first, last in [(0, self.n_slots - 1)] if runs is None else runs:
            self.add(row, (*key, 1, -lag), weight, first + lag, last + lag)

    def counted(self, row: Row, key: Row, lag: int, weight: float) -> None:
        """Add a count ``lag`` slots before: zero before the horizon, its final value after it."""
        self.lagged(row, key, lag, weight)
        end = self.n_slots - 1
        self.add(row, (*key, 0, end), weight, end + lag + 1, _EVER)


class Stretches:
    """Rows by stretch and slot, and the terms of each stretch: rows are split where their terms change.

    Args:
        rows: slots of each row, ascending.
        kinds: terms, each of one variable.
        empty: keep slots in which a row has no terms.
    """

    def __init__(self, rows: Mapping[Row, Sequence[int]], *kinds: Terms, empty: bool = True) -> None:
        self.index: list[Row] = []
        """Row, stretch and slot."""
        self.terms: list[dict[Row, list[Row]]] = [{} for _ in kinds]
        """Terms by row and stretch, each with its weight at the end, for each kind of terms."""
        self.widths = [kind.width for kind in kinds]
        """Width of the variable's index, for each kind of terms."""
        for row, slots in rows.items():
            deadline.look()
            events: dict[int, list[tuple[int, int]]] = {slots[0]: []} if slots else {}
            for kind, terms in enumerate(kinds):
                for number, (_, _, first, last) in enumerate(terms.of.get(row, ())):
                    if slots and first <= slots[-1] and last >= slots[0]:
                        events.setdefault(max(first, slots[0]), []).append((kind, number))
                        events.setdefault(last + 1, []).append((kind, ~number))
            by_kind = [kind.of.get(row, ()) for kind in kinds]
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
                        self.terms[kind][*row, stretch] = _merged(by_kind[kind], numbers)

    def rows(self) -> pyo.Set:
        """Return the index set of the rows: row, stretch and slot."""
        return pyo.Set(initialize=self.index, dimen=len(self.index[0]) if self.index else None)

    def set(self, kind: int = 0) -> Members:
        """Return the terms of a kind, indexed by row and stretch."""
        members = {key if len(key) > 1 else key[0]: terms for key, terms in self.terms[kind].items()}
        return Members(members, dimen=self.widths[kind] + 2)


def weighed(variable: Any, terms: Any, t: Any) -> Any:
    """Return a sum of terms as an expression for a rule.

    Args:
        variable: variable indexed by key and slot.
        terms: member of ``Stretches.set``; the index may be a placeholder.
        t: slot of the row, or its placeholder.
    """
    return total(term[-1] * variable[(*term[:-3], term[-2] + term[-3] * t)] for term in each(terms))


def banded(
    block: Any, rows: Mapping[Row, Sequence[int]], *sums: tuple[Any, Terms], empty: bool = True
) -> Callable[[Callable[..., Any]], None]:
    """Decorate a rule so that its rows over slots are added to a block under its name.

    The rule is called with the block, one sum for each kind of terms, and the row with its slot.

    Args:
        block: block to which rows are added.
        rows: slots of each row, ascending.
        *sums: variables indexed by key and slot, each with its terms by row.
        empty: keep slots in which a row has no terms.
    """
    stretches = Stretches(rows, *(terms for _, terms in sums), empty=empty)
    parts = [(variable, stretches.set(kind)) for kind, (variable, _) in enumerate(sums)]

    def add(rule: Callable[..., Any]) -> None:
        def expression(b: Any, *index: Any) -> Any:
            *row, stretch, t = index
            key = (*row, stretch) if row else stretch
            return rule(b, *(weighed(variable, terms[key], t) for variable, terms in parts), *row, t)

        places = stretches.rows()
        block.add_component(f"{rule.__name__}_places", places)
        block.add_component(rule.__name__, Rows(places, rule=expression))

    return add


def _merged(terms: Sequence[tuple[Row, float, int, int]], numbers: Iterable[int]) -> list[Row]:
    weights: dict[Row, float] = {}
    for number in numbers:
        term, weight, _, _ = terms[number]
        weights[term] = weights.get(term, 0) + weight
    return [(*term, weight) for term, weight in weights.items()]


Previous = Mapping[int, tuple[int, int]]
"""Predecessor of each row, and the slots between them."""


def running_sum(
    block: pyo.Block,
    starts: pyo.Var,
    changes: Terms,
    previous: Previous,
    begin: Mapping[int, float] | None = None,
) -> pyo.Var:
    """Fill a block with running sums.

    Args:
        block: empty block.
        starts: variables with a slot at the end of their index.
        changes: changes of each row by the starts.
        previous: predecessor of each row: ``{r: (r, 1)}`` for a separate sum.
        begin: values of rows before the first slot; 0 if not given.

    Returns:
        The level, which is not negative, indexed by row and slot.
    """
    n = changes.n_slots
    block.ROW, block.T = pyo.Set(initialize=list(previous), dimen=1), pyo.RangeSet(0, n - 1)
    block.level = Variable(block.ROW, block.T, domain=pyo.NonNegativeReals)
    before = Terms(n, 2)
    for r, (row, lag) in previous.items():
        before.lagged((r,), (row,), lag, 1)
    stretches = Stretches({(r,): range(n) for r in previous}, before, changes)
    block.PLACE, block.BEFORE, block.CHANGE = stretches.rows(), stretches.set(0), stretches.set(1)
    # only the first slot has no predecessor
    begin_levels = [(begin or {}).get(r, 0.0) if not terms else 0.0 for (r, _), terms in stretches.terms[0].items()]
    block.STRETCH = pyo.Set(initialize=list(stretches.terms[0]), dimen=2)
    block.begin = Series(block.STRETCH, values=np.array(begin_levels))

    @constraint(block, block.PLACE)
    def changes_by(b: Any, r: int, stretch: int, t: int) -> Any:
        level = weighed(b.level, b.BEFORE[r, stretch], t) + weighed(starts, b.CHANGE[r, stretch], t)
        return b.level[r, t] == level + b.begin[r, stretch]

    return block.level


def profile(changes: Terms, row: int, key: tuple[Any, ...], cells: np.ndarray, runs: Runs, per: int = 1) -> None:
    """Add the profile of a start from its slot on.

    Args:
        changes: terms to which it is added.
        row: row of the first place in a slot; the others follow.
        key: key of the start.
        cells: values of the profile, by place.
        runs: slots in which it may start.
        per: places in a slot, one row each.
    """
    steps = np.diff(cells, prepend=0.0, append=0.0)
    for k in np.flatnonzero(np.abs(steps) > 1e-12).tolist():
        changes.lagged((row + k % per,), key, k // per, float(steps[k]), runs)
