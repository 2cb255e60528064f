"""Rules that are called once with placeholders for their indices, instead of one expression per index.

A rule of rows (``models/kernel/arrays.py``) must not use the value of its index: an ``if``, a ``dict`` or an array
lookup with a placeholder raises an error, and the rule is then called for each index, which is slow. A sum within a
rule goes over the members of a set by ``total`` and ``each``::

    total(b.price[t] * b.imports[t] for t in each(b.T))

Everything else is Pyomo's public expression language. Nothing here is shared between threads.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyomo.core as pyo
from pyomo.core.expr import GetItemExpression, IndexTemplate, TemplateSumExpression


class Place(IndexTemplate):
    """Placeholder of an index; it is not hashable, because a ``dict`` or ``set`` would silently not find it."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


class _State(threading.local):
    by_index = False
    """Whether sums go over the members themselves, for the expression of one index."""

    def __init__(self) -> None:
        self.open: list[tuple[Place, ...]] = []
        """Placeholders of the sums that are being read."""


_STATE = _State()


def places(over: Any) -> tuple[Place, ...]:
    """Return placeholders for a set's members, one per dimension."""
    dimen = over.dimen if isinstance(over.dimen, int) else 1
    return tuple(Place(over, i) for i in range(dimen))


def each(over: Any) -> Iterator[Any]:
    """Yield the members of a set within ``total``, as a placeholder that represents all of them.

    Args:
        over: Pyomo set, or an item of an indexed set whose index may be a placeholder. Other iterables have no
            placeholder, and their members are yielded one by one.
    """
    if isinstance(over, GetItemExpression):
        lists = {index: list(s) for index, s in over.arg(0).items()}
        over = Among(Members(lists, dimen=next((s.dimen for s in over.arg(0).values()), 1)), tuple(over.args[1:]))
    if _STATE.by_index or not (isinstance(over, Among) or hasattr(over, "isfinite")):
        yield from over
        return
    group = places(over)
    _STATE.open.append(group)
    try:
        yield group if len(group) > 1 else group[0]
    finally:
        _STATE.open[:] = [other for other in _STATE.open if other is not group]


def total(terms: Iterable[Any]) -> Any:
    """Return the sum of terms as an expression; a term may represent many by the placeholders of ``each``."""
    before, sums = len(_STATE.open), []
    try:
        for term in terms:
            groups = tuple(_STATE.open[before:])
            sums.append(TemplateSumExpression((term,), groups) if groups else term)
    finally:
        del _STATE.open[before:]
    return sum(sums)


def unknown(part: Any) -> bool:
    """Return whether an index contains a placeholder, so that it has no value yet."""
    if isinstance(part, IndexTemplate):
        return True
    return is_expression(part) and part.is_expression_type() and any(unknown(arg) for arg in part.args)


def item(component: Any, index: Any) -> tuple[Any, Any]:
    """Return an item of a component as an expression, or None and the index as values if it has no placeholder."""
    # Pyomo also uses lists as indices
    parts = tuple(index) if isinstance(index, tuple | list) else (index,)
    if not any(map(is_expression, parts)):
        return None, parts if len(parts) > 1 else parts[0]
    if any(map(unknown, parts)):
        return GetItemExpression((component, *parts)), None
    parts = tuple(pyo.value(part) if is_expression(part) else part for part in parts)
    return None, parts if len(parts) > 1 else parts[0]


def templates_wanted() -> bool:
    """Return whether rules are called with placeholders."""
    return not _STATE.by_index


@contextmanager
def by_index() -> Iterator[None]:
    """Evaluate rules in this thread for one index at a time: sums go over the members themselves."""
    before, _STATE.by_index = _STATE.by_index, True
    try:
        yield
    finally:
        _STATE.by_index = before


@contextmanager
def building(*, on: bool = True) -> Iterator[None]:
    """Disable the garbage collector, which takes most of the time for building a model.

    Args:
        on: False: one expression per index instead of templates, for comparison; also in nested calls.
    """
    enabled = gc.isenabled()
    gc.disable()
    before = _STATE.by_index
    _STATE.by_index = before or not on
    try:
        yield
    finally:
        _STATE.by_index = before
        if enabled:
            gc.enable()


class Members:
    """Lists by index for sums: ``block.OF = Members(by_row, dimen=2)``.

    Pyomo's own indexed set checks every member, which takes longer than all else if there are many rows. This class
    takes them unchecked: tuples of ``dimen`` values, or single values if that is 1, without duplicates.
    """

    def __init__(self, members: Mapping[Any, Sequence[Any]], *, dimen: int) -> None:
        self._members, self.dimen = members, dimen

    def __getitem__(self, index: Any) -> Sequence[Any] | Among:
        """Return the list of an index, or its representation if the index is a placeholder.

        Raises:
            KeyError: an index has no list, not even an empty one.
        """
        parts = index if isinstance(index, tuple) else (index,)
        return Among(self, parts) if any(map(is_expression, parts)) else self._members[index]

    def keys(self) -> KeysView[Any]:
        """Return the indices, in order."""
        return self._members.keys()

    def lists(self) -> list[Sequence[Any]]:
        """Return the lists, in the order of their indices."""
        return list(self._members.values())


class Among:
    """List of an index that is a placeholder."""

    def __init__(self, base: Any, index: tuple[Any, ...]) -> None:
        self.base, self.index, self.dimen = base, index, base.dimen

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the list of the placeholder's present value."""
        parts = tuple(pyo.value(part) for part in self.index)
        return iter(self.base[parts if len(parts) > 1 else parts[0]])

    def __len__(self) -> int:
        return len(list(iter(self)))


def is_expression(part: Any) -> bool:
    """Return whether a part of an index is a Pyomo object: a placeholder, a parameter or an expression of them."""
    return hasattr(part, "is_expression_type")
