"""Rules called once, with placeholders for their indices, in the place of one expression for each index.

A rule of rows (``models/kernel/arrays.py``) may not look at its index: an ``if``, a ``dict`` or an array asked for a
placeholder raises an error, and the rule is called for each index then, which is slow. A sum within a rule goes over
the members of a set by ``total`` and ``each``::

    total(b.price[t] * b.imports[t] for t in each(b.T))

Everything else is Pyomo's public language of expressions. Nothing here is shared between threads.
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
    """A placeholder of an index; no ``dict`` or ``set`` takes it for a value: they would silently not find it."""

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
    """Placeholders of a set's members, one for each dimension."""
    dimen = over.dimen if isinstance(over.dimen, int) else 1
    return tuple(Place(over, i) for i in range(dimen))


def each(over: Any) -> Iterator[Any]:
    """Members of a set within ``total``: a placeholder that stands for all of them.

    Args:
        over: a set of Pyomo, or an item of an indexed set whose index may be a placeholder. Other iterables have no
            placeholder: their members come one by one.
    """
    if isinstance(over, GetItemExpression):
        lists = {index: list(one) for index, one in over.arg(0).items()}
        over = Among(Members(lists, dimen=next((one.dimen for one in over.arg(0).values()), 1)), tuple(over.args[1:]))
    if _STATE.by_index or not (isinstance(over, Among) or hasattr(over, "isfinite")):
        yield from over
        return
    group = places(over)
    _STATE.open.append(group)
    try:
        yield group if len(group) > 1 else group[0]
    finally:
        _STATE.open[:] = [one for one in _STATE.open if one is not group]


def total(terms: Iterable[Any]) -> Any:
    """Sum of terms, of which some may stand for many by the placeholders of ``each``; an expression."""
    before, sums = len(_STATE.open), []
    try:
        for term in terms:
            groups = tuple(_STATE.open[before:])
            sums.append(TemplateSumExpression((term,), groups) if groups else term)
    finally:
        del _STATE.open[before:]
    return sum(sums)


def unknown(part: Any) -> bool:
    """Whether an index holds a placeholder, so that it has no value yet."""
    if isinstance(part, IndexTemplate):
        return True
    return is_expression(part) and part.is_expression_type() and any(unknown(arg) for arg in part.args)


def item(component: Any, index: Any) -> tuple[Any, Any]:
    """Item of a component as an expression, or None, and the index as values where it is not."""
    # Pyomo asks with lists too
    parts = tuple(index) if isinstance(index, tuple | list) else (index,)
    if not any(map(is_expression, parts)):
        return None, parts if len(parts) > 1 else parts[0]
    if any(map(unknown, parts)):
        return GetItemExpression((component, *parts)), None
    parts = tuple(pyo.value(part) if is_expression(part) else part for part in parts)
    return None, parts if len(parts) > 1 else parts[0]


def templates_wanted() -> bool:
    """Whether rules are called with placeholders."""
    return not _STATE.by_index


@contextmanager
def by_index() -> Iterator[None]:
    """Let rules called in this thread say what they say of one index: sums go over the members themselves."""
    before, _STATE.by_index = _STATE.by_index, True
    try:
        yield
    finally:
        _STATE.by_index = before


@contextmanager
def building(*, on: bool = True) -> Iterator[None]:
    """Leave the garbage collector out, which takes most of building's time.

    Args:
        on: False: no templates but an expression for each index, to compare with; so within too.
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
    """Lists by index, which sums go over: ``block.OF = Members(by_row, dimen=2)``.

    Pyomo's own indexed set looks at every member, which takes longer than all else where rows are many. This one takes
    them as they are: tuples of ``dimen`` values, or single values where that is 1, none of them twice.
    """

    def __init__(self, members: Mapping[Any, Sequence[Any]], *, dimen: int) -> None:
        self._members, self.dimen = members, dimen

    def __getitem__(self, index: Any) -> Sequence[Any] | Among:
        """The list of an index, or what stands for it where the index is a placeholder.

        Raises:
            KeyError: an index without a list; an empty one is wanted then.
        """
        parts = index if isinstance(index, tuple) else (index,)
        return Among(self, parts) if any(map(is_expression, parts)) else self._members[index]

    def keys(self) -> KeysView[Any]:
        """Indices, in order."""
        return self._members.keys()

    def lists(self) -> list[Sequence[Any]]:
        """The lists, in the order of their indices."""
        return list(self._members.values())


class Among:
    """The list of an index that is a placeholder."""

    def __init__(self, base: Any, index: tuple[Any, ...]) -> None:
        self.base, self.index, self.dimen = base, index, base.dimen

    def __iter__(self) -> Iterator[Any]:
        """The list of the value that the placeholder has now."""
        parts = tuple(pyo.value(part) for part in self.index)
        return iter(self.base[parts if len(parts) > 1 else parts[0]])

    def __len__(self) -> int:
        return len(list(iter(self)))


def is_expression(part: Any) -> bool:
    """Whether a part of an index is Pyomo's: a placeholder, a parameter or an expression of them."""
    return hasattr(part, "is_expression_type")
