"""Rules called once, with placeholders for their indices, in the place of one expression for each index.

A rule of rows (``models/kernel/arrays.py``) may not look at its index: an ``if``, a ``dict`` or an array asked for a
placeholder raises an error, and the rule is called for each index then, which is slow. A sum within a rule goes over
the members of a set by ``total`` and ``each``::

    total(b.price[t] * b.taken[t] for t in each(b.T))

Everything else is Pyomo's public language of expressions. Nothing here is shared between threads.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pyomo.environ as pyo
from pyomo.core.expr import GetItemExpression, IndexTemplate, TemplateSumExpression

from emberline.models.kernel.indexed_sets import Among, Members, is_expression


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
