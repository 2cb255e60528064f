"""One symbolic template for each indexed component, in the place of one expression for each index.

Pyomo can call a rule once, with placeholders for its indices, and keep what comes back as the template of the whole
component. ``building`` switches that on while a model is built, and makes it safe: a rule that looks at its index (by
an ``if``, in a ``dict``, to index an array) cannot be a template, and is called for each index as ever. Such rules are
slow, so that Emberline's own are written with index sets instead. Variables and constraints are arrays meanwhile
(``models/kernel/arrays.py``). All of Pyomo's internal names that this needs stand here and in
``models/kernel/arrays.py``, ``evaluate.py``, ``keys.py`` and ``compile.py``.
"""

from __future__ import annotations

import builtins
import gc
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.base import constraint, objective, var
from pyomo.core.base.param import IndexedParam
from pyomo.core.expr import template_expr
from pyomo.core.expr.numeric_expr import ARG_TYPE, register_arg_type
from pyomo.core.expr.template_expr import IndexTemplate, TemplateExpressionError

from emberline.models.kernel.arrays import ArrayConstraint, ArrayVar, unknown

_LOCK = threading.RLock()
"""Pyomo replaces ``sum`` and the iteration of sets for the whole process while it makes a template."""


class _Placeholder(IndexTemplate):
    """An index that no ``dict`` or ``set`` takes for a value: they would silently not find it."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


register_arg_type(_Placeholder, ARG_TYPE.NPV)


class _Context(template_expr._template_iter_context):
    """Pyomo's replacements, for the thread that builds; and sums may be empty."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self._sum = builtins.sum
        self._iter = {
            cls: cls.__iter__
            for cls in (
                template_expr.pyomo_core_base_set._FiniteSetMixin,
                template_expr.GetItemExpression,
                template_expr.GetAttrExpression,
            )
        }

    def get_iter(self, items: Any) -> Any:
        if threading.get_ident() != self._thread:
            return next(own(items) for cls, own in self._iter.items() if isinstance(items, cls))
        return super().get_iter(items)

    def sum_template(self, terms: Any, /, start: Any = 0) -> Any:
        if threading.get_ident() != self._thread or start.__class__ is not int or start:
            return self._sum(terms, start)
        try:
            return super().sum_template(terms)
        except StopIteration:
            return 0


def _templatize(rule: Any, *args: Any) -> Any:
    """Pyomo's own; a rule that fails with placeholders, or says ``Skip``, is no template, whatever it raises."""
    try:
        made = rule(*args)
    except TemplateExpressionError:
        raise
    except Exception as error:
        raise TemplateExpressionError(None, str(error)) from error
    if isinstance(made[0], type):
        raise TemplateExpressionError(None, f"the rule says {made[0].__name__}")
    return made


@contextmanager
def building(*, on: bool = True) -> Iterator[None]:
    """Make templates where rules allow it, and leave the garbage collector out, which takes most of building's time.

    Args:
        on: False: expressions for each index, to compare with.
    """
    with _LOCK:
        kept = constraint.TEMPLATIZE_CONSTRAINTS, objective.TEMPLATIZE_OBJECTIVES
        if kept[0] or not on:
            # already within, or not wanted
            constraint.TEMPLATIZE_CONSTRAINTS = objective.TEMPLATIZE_OBJECTIVES = on
            try:
                with _uncollected():
                    yield
            finally:
                constraint.TEMPLATIZE_CONSTRAINTS, objective.TEMPLATIZE_OBJECTIVES = kept
            return
        names = (
            (template_expr, "IndexTemplate", _Placeholder),
            (template_expr, "_template_iter_context", _Context),
            (constraint, "templatize_constraint", _caught(constraint.templatize_constraint)),
            (constraint, "IndexedConstraint", ArrayConstraint),
            (var, "IndexedVar", ArrayVar),
            (objective, "templatize_rule", _caught(objective.templatize_rule)),
            (constraint, "TEMPLATIZE_CONSTRAINTS", True),
            (objective, "TEMPLATIZE_OBJECTIVES", True),
        )
        before = [getattr(module, name) for module, name, _ in names]
        log = logging.getLogger(template_expr.__name__)
        level, silent = log.level, logging.CRITICAL + 1
        try:
            for module, name, value in names:
                setattr(module, name, value)
            log.setLevel(silent)  # that a rule is no template is no error
            with _uncollected():
                yield
        finally:
            log.setLevel(level)
            for (module, name, _), value in zip(names, before, strict=True):
                setattr(module, name, value)


def _caught(rule: Any) -> Any:
    return lambda *args: _templatize(rule, *args)


@contextmanager
def _uncollected() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Series(IndexedParam):
    """A parameter given as an array in the order of its index sets: ``block.price = Series(block.T, values=price)``.

    Made and read at once, where Pyomo's own asks for each value; only a rule that is no template asks for them one by
    one. ``put`` gives it other values, to compile again.

    Raises:
        ValueError: another number of values than of indices.
    """

    def __init__(self, *sets: Any, values: np.ndarray) -> None:
        self.array = np.asarray(values, dtype=float).reshape(-1)
        """Values, shape (n,)."""
        self._by_index: dict[Any, float] | None = None
        self._constructed: bool
        super().__init__(*sets, within=pyo.Any)

    @property
    def _data(self) -> dict[Any, float]:
        """Pyomo's store of values by index, made when it is first asked for."""
        if self._by_index is None and getattr(self, "_constructed", False):
            self._by_index = dict(zip(self.index_set(), self.array.tolist(), strict=True))
        return {} if self._by_index is None else self._by_index

    @_data.setter
    def _data(self, values: dict[Any, float]) -> None:
        pass  # Pyomo begins with an empty one

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if any(hasattr(part, "is_expression_type") for part in parts):
            if any(unknown(part) for part in parts):
                return template_expr.GetItemExpression((self, *parts))
            parts = tuple(pyo.value(part) if hasattr(part, "is_expression_type") else part for part in parts)
        return self._data[parts if len(parts) > 1 else parts[0]]

    def construct(self, data: Any = None) -> None:
        """Called by Pyomo when the parameter is added to a block."""
        if self._constructed:
            return
        for part in self._anonymous_sets or ():
            part.construct()
        self._constructed = True
        self.put(self.array)

    def put(self, values: np.ndarray) -> None:
        """Give it other values, shape (n,)."""
        self.array, self._by_index = np.asarray(values, dtype=float).reshape(-1), None
        if len(self.array) != len(self.index_set()):
            raise ValueError(f"{self.name} has {len(self.index_set())} indices and was given {len(self.array)} values")


def limit(variable: Any, lower: np.ndarray | float | None = None, upper: np.ndarray | float | None = None) -> None:
    """Set bounds of an indexed variable by arrays in the order of its indices; infinite ones are none.

    Args:
        variable: indexed.
        lower: shape (n,), or one for all; None leaves them.
        upper: likewise.
    """
    for name, bounds, none in (("_lb", lower, -np.inf), ("_ub", upper, np.inf)):
        if bounds is None:
            continue
        each = np.broadcast_to(np.array(bounds, dtype=float), len(variable))
        if isinstance(variable, ArrayVar):
            variable.put(name, each)
            continue
        for member, bound in zip(variable.values(), each.tolist(), strict=True):
            setattr(member, name, None if bound == none else bound)
