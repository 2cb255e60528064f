"""Templates evaluated with NumPy: one traversal for all indices of a component at once.

A template is an expression with placeholders (``models/kernel/templates.py``). ``Evaluator.emit`` adds it to the rows
of some points, each with a value for every placeholder: coefficients as triplets of row, column and value, constants
separately. A sum over a set creates more points, each with the row of its outer point. ``Keys`` looks up the positions
of many members of a component at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.core import expr as nodes

from emberline.models.kernel import arrays
from emberline.models.kernel.arrays import Positions, as_range
from emberline.models.kernel.templates import Among, Members

_MANY = 2**62


class NoTemplate(Exception):
    """Template that cannot be evaluated here; it is evaluated index by index."""


class Keys:
    """Positions of the members of a component, looked up for many of them at once."""

    def __init__(self, columns: list[np.ndarray], size: int) -> None:
        self.size = size
        self.columns = columns
        """Columns of the index by dimension, shape (size,) each."""
        self._codes: list[dict[Any, int] | None] = []
        self._lows: list[int] = []
        self._spans: list[int] = []
        code = np.zeros(size, dtype=np.int64)
        for column in columns:
            if column.dtype == object:
                codes: dict[Any, int] = {}
                local = np.array([codes.setdefault(value, len(codes)) for value in column.tolist()], dtype=np.int64)
                self._codes.append(codes)
                self._lows.append(0)
                self._spans.append(len(codes))
            else:
                self._codes.append(None)
                self._lows.append(int(column.min(initial=_MANY)) if size else 0)
                self._spans.append(int(column.max(initial=-_MANY)) - self._lows[-1] + 1 if size else 0)
                local = column - self._lows[-1]
            code = code * self._spans[-1] + local
        self._even = bool((code == np.arange(size)).all())
        self._order = None if self._even else np.argsort(code, kind="stable")
        self._sorted = code if self._order is None else code[self._order]

    @classmethod
    def of(cls, keys: list[Any], width: int) -> Keys:
        """Build from a list of keys, either scalars or tuples."""
        if not keys:
            return cls([np.zeros(0, dtype=np.int64)] * width, 0)
        parts = list(zip(*keys, strict=True)) if isinstance(keys[0], tuple) else [keys]
        return cls([column_of(part) for part in parts], len(keys))

    @classmethod
    def product(cls, parts: list[Keys]) -> Keys:
        """Build from a product of sets, the last one changing fastest."""
        size, repeats, columns = int(np.prod([part.size for part in parts])), 1, []
        for part in parts:
            after = size // max(repeats * part.size, 1)
            columns += [np.tile(np.repeat(column, after), repeats) for column in part.columns]
            repeats *= part.size
        return cls(columns, size)

    def find(self, index: list[Any], size: int) -> np.ndarray:
        """Return the places of members by the columns of their index, shape (size,); −1 for missing members."""
        if len(index) != len(self.columns):
            raise NoTemplate
        code = np.zeros(size, dtype=np.int64)
        right = np.ones(size, dtype=bool)
        for column, codes, low, span in zip(index, self._codes, self._lows, self._spans, strict=True):
            if codes is None:
                number = np.asarray(column)
                if number.dtype == object:
                    number = number.astype(float)
                local = number.astype(np.int64) - low
                right &= (local == number - low) & (local >= 0) & (local < span)
            else:
                local_codes = [codes.get(value, -1) for value in np.broadcast_to(column, size).tolist()]
                local = np.array(local_codes, dtype=np.int64)
                right &= local >= 0
            code = code * span + local
        if not self.size:
            return np.full(size, -1)
        if self._even:
            return np.where(right & (code < self.size), code, -1)
        assert self._order is not None
        place = np.minimum(np.searchsorted(self._sorted, code), self.size - 1)
        return np.where(right & (self._sorted[place] == code), self._order[place], -1)


class Index:
    """Keys of components and sets, each read only once."""

    def __init__(self) -> None:
        self._keys: dict[int, Keys] = {}
        self._sparse: dict[int, Keys] = {}

    def of(self, component: Any) -> Keys:
        """Return the keys of a component in the order of its members."""
        array = getattr(component, "array", None)
        over, size = component.index_set(), len(component) if array is None else len(array)
        keys = self.of_set(over)
        if keys.size == size:
            return keys  # members are created in index order
        if id(component) not in self._sparse:
            self._sparse[id(component)] = Keys.of(list(component.keys()), max(len(keys.columns), 1))
        return self._sparse[id(component)]

    def of_lists(self, members: Members) -> Keys:
        """Return the keys of lists by index."""
        if id(members) not in self._keys:
            self._keys[id(members)] = Keys.of(list(members.keys()), 1)
        return self._keys[id(members)]

    def of_set(self, index_set: Any) -> Keys:
        """Return the members of a set, by column."""
        if id(index_set) not in self._keys:
            self._keys[id(index_set)] = self._read(index_set)
        return self._keys[id(index_set)]

    def _read(self, index_set: Any) -> Keys:
        over = as_range(index_set)
        if over is not None:
            return Keys([np.arange(over.start, over.stop, over.step)], len(over))
        # a product has its factors as subsets, any other set only itself
        parts = list(index_set.subsets(expand_all_set_operators=False))
        if len(parts) > 1:
            return Keys.product([self.of_set(part) for part in parts])
        return Keys.of(list(index_set), index_set.dimen if isinstance(index_set.dimen, int) else 1)


def column_of(part: Sequence[Any]) -> np.ndarray:
    """Return the values of one dimension of an index: integers, or anything else as objects."""
    column = np.array(part)
    if column.dtype.kind == "i":
        return column
    objects = np.empty(len(part), dtype=object)
    objects[:] = part
    return objects


def numbers(part: Sequence[Any]) -> np.ndarray:
    """Return values that are weights or places, as numbers if they are numeric."""
    column = np.array(part)
    return column if column.dtype.kind == "f" else column_of(part)


Numbers = Any
"""A number for all points, or one for each: shape (n_points,)."""


class Variables:
    """All variables of a model in one sequence: their places, and which are fixed."""

    def __init__(self, model: Any) -> None:
        self.components: list[Any] = list(model.component_objects(pyo.Var, descend_into=True))
        self.first: dict[int, int] = {}
        """Place of a Var component's first member, by identity."""
        self.size = 0
        """Number of variables."""
        for variable in self.components:
            self.first[id(variable)] = self.size
            self.size += len(variable.index_set())
        self.fixed = self.by_place(arrays.fixed).astype(bool)
        self.any_fixed = bool(self.fixed.any())
        self.positions = Positions()

    def spans(self) -> Iterator[tuple[Any, slice]]:
        """Yield each Var component with the places of its members."""
        for variable, first in zip(self.components, self.first.values(), strict=True):
            yield variable, slice(first, first + len(variable))

    def by_place(self, read: Callable[[Any], np.ndarray]) -> np.ndarray:
        """Return values read from all variables, component by component, shape (size,)."""
        return np.concatenate([read(variable) for variable in self.components] or [np.zeros(0)])

    def place(self, member: Any) -> int:
        """Return the place of a variable."""
        owner = member.parent_component()
        return self.first[id(owner)] + self.positions.of(owner, member)

    def values_at(self, places: np.ndarray) -> np.ndarray:
        """Return the values at which variables are fixed.

        Raises:
            ValueError: a variable is fixed and has no value.
        """
        values = self._values[places]
        if np.isnan(values).any():
            raise ValueError("a variable is fixed and has no value")
        return values

    @cached_property
    def _values(self) -> np.ndarray:
        return self.by_place(arrays.values)


@dataclass
class Points:
    """Points at which a template is evaluated: a value of each placeholder, and the row of each point."""

    row: np.ndarray
    values: dict[int, Numbers]

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.row)


class Evaluator:
    """Evaluator of the templates of one model."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        self._index = Index()
        self._parameters: dict[int, np.ndarray] = {}
        self._listed: dict[int, tuple[np.ndarray, list[np.ndarray]]] = {}
        self.triplets: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        """Rows, places of variables, and coefficients."""

    def points(self, component: Any, indices: tuple[Any, ...], here: np.ndarray) -> Points:
        """Return a point for each of some members of a component, with the values of its template's indices."""
        columns = self._index.of(component).columns if indices else []
        return Points(
            np.arange(len(here)),
            {id(index): column[here] for index, column in zip(indices, columns, strict=True)},
        )

    def emit(self, node: Any, factor: Numbers, points: Points, first: int, here: np.ndarray, const: np.ndarray) -> None:
        """Add factor · node to the rows of the points: coefficients are stored, constants added."""
        if not is_variable(node):
            amount = np.broadcast_to(np.asarray(factor * self.number(node, points), dtype=float), points.size)
            const += np.bincount(points.row, amount, len(const)) if points.size else 0.0
            return
        kind = node.__class__
        if kind in SUMS:
            for part in node.args:
                self.emit(part, factor, points, first, here, const)
        elif kind in _PRODUCTS:
            lhs, rhs = node.args
            if is_variable(lhs) and is_variable(rhs):
                try:
                    number, lhs = self.number(lhs, points), rhs
                except NoTemplate:
                    number = self.number(rhs, points)
                self.emit(lhs, factor * number, points, first, here, const)
            elif is_variable(lhs):
                self.emit(lhs, factor * self.number(rhs, points), points, first, here, const)
            else:
                self.emit(rhs, factor * self.number(lhs, points), points, first, here, const)
        elif kind is nodes.DivisionExpression:
            self.emit(node.arg(0), factor / self.number(node.arg(1), points), points, first, here, const)
        elif kind is nodes.NegationExpression:
            self.emit(node.arg(0), -1.0 * factor, points, first, here, const)
        elif is_named(node):
            self.emit(node.expr, factor, points, first, here, const)
        elif kind is nodes.TemplateSumExpression:
            inner, source = self._inner(node, points)
            more = factor if np.ndim(factor) == 0 else np.asarray(factor)[source]
            self.emit(node.template_args()[0], more, inner, first, here, const)
        elif isinstance(node, nodes.GetItemExpression):
            for component, columns, subset in self._items(node, points):
                places = self._places(component, columns, points.size if subset is None else len(subset), node)
                rows = points.row if subset is None else points.row[subset]
                amount = np.broadcast_to(np.asarray(factor, dtype=float), points.size)
                self._coefficients(rows, places, amount if subset is None else amount[subset], first, here, const)
        elif node.is_variable_type():
            places = np.full(points.size, self._variables.place(node))
            amount = np.broadcast_to(np.asarray(factor, dtype=float), points.size)
            self._coefficients(points.row, places, amount, first, here, const)
        else:
            raise NoTemplate

    def _coefficients(
        self, rows: np.ndarray, places: np.ndarray, amount: np.ndarray, first: int, here: np.ndarray, const: np.ndarray
    ) -> None:
        if self._variables.any_fixed and (fixed := self._variables.fixed[places]).any():
            values = self._variables.values_at(places[fixed])
            const += np.bincount(rows[fixed], amount[fixed] * values, len(const))
            rows, places, amount = rows[~fixed], places[~fixed], amount[~fixed]
        self.triplets.append((here[rows] + first, places, amount))

    def _places(self, component: Any, columns: list[Numbers], size: int, node: Any) -> np.ndarray:
        if component.ctype is not pyo.Var or id(component) not in self._variables.first:
            raise NoTemplate
        positions = self._index.of(component).find(columns, size)
        if (positions < 0).any():
            raise NoTemplate  # the evaluation by index names the missing member
        return positions + self._variables.first[id(component)]

    def _inner(self, node: Any, points: Points) -> tuple[Points, np.ndarray]:
        """Return the points of a sum within other points, and the outer point of each."""
        source = np.arange(points.size)
        values = points.values
        for group, over in zip(node.template_iters(), node.template_args()[1:], strict=True):
            if isinstance(over, Among):
                at, columns = self._gathered(over, Points(source, values), len(group))
            else:
                keys = self._index.of_set(over)
                at = np.repeat(np.arange(len(source)), keys.size)
                columns = [np.tile(column, len(source)) for column in keys.columns]
            if len(columns) != len(group):
                raise NoTemplate
            values = {key: value if np.ndim(value) == 0 else np.asarray(value)[at] for key, value in values.items()}
            values |= {id(index): column for index, column in zip(group, columns, strict=True)}
            source = source[at]
        return Points(points.row[source], values), source

    def _gathered(self, among: Among, points: Points, width: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the set members of all points, one point after the other: the point of each, and their columns."""
        base = among.base
        place = self._index.of_lists(base).find([self.number(part, points) for part in among.index], points.size)
        if (place < 0).any():
            raise NoTemplate
        sizes, columns = self._members_of(base, width)
        count = sizes[place]
        begin = (np.cumsum(sizes) - sizes)[place]
        at = np.repeat(np.arange(points.size), count)
        positions = np.arange(len(at)) + np.repeat(begin - np.cumsum(count) + count, count)
        return at, [column[positions] for column in columns]

    def _members_of(self, base: Members, width: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the size of each set of an indexed set, and the columns of all members, set by set."""
        if id(base) not in self._listed:
            members = base.lists()
            together = list(itertools.chain.from_iterable(members))
            parts: list[Any] = [together] if together else []
            if together and isinstance(together[0], tuple):
                parts = list(zip(*together, strict=True))
            columns = [numbers(part) for part in parts] or [np.zeros(0, dtype=np.int64)] * width
            self._listed[id(base)] = np.array([len(group) for group in members], dtype=np.int64), columns
        return self._listed[id(base)]

    def _items(self, node: Any, points: Points) -> Iterator[tuple[Any, list[Numbers], np.ndarray | None]]:
        """Yield the components of an item, the columns of its index, and the points concerned (None: all)."""
        base, *index = node.args
        columns = [self.number(part, points) for part in index]
        for component, subset in self._bases(base, points):
            selection = columns if subset is None else [
                column if np.ndim(column) == 0 else np.asarray(column)[subset] for column in columns
            ]  # fmt: skip
            yield component, selection, subset

    def _bases(self, base: Any, points: Points) -> list[tuple[Any, np.ndarray | None]]:
        """Return the components that an expression such as ``block.mode[m].on`` stands for, each with its points."""
        if isinstance(base, nodes.GetAttrExpression):
            owner, name = base.args
            return [(getattr(parent, name), subset) for parent, subset in self._bases(owner, points)]
        if isinstance(base, nodes.GetItemExpression):
            components = []
            for component, columns, subset in self._items(base, points):
                size = points.size if subset is None else len(subset)
                lists = [np.broadcast_to(column, size).tolist() for column in columns]
                by_key: dict[Any, list[int]] = {}
                for i, key in enumerate(zip(*lists, strict=True)):
                    by_key.setdefault(key if len(key) > 1 else key[0], []).append(i)
                for key, places in by_key.items():
                    at = np.array(places)
                    components.append((component[key], at if subset is None else subset[at]))
            return components
        return [(base, None)]

    def number(self, node: Any, points: Points) -> Numbers:
        """Return the value of an expression without free variables, by point or one for all."""
        if node.__class__ in (int, float, str):
            return node
        if isinstance(node, nodes.IndexTemplate):
            if id(node) not in points.values:
                raise NoTemplate
            return points.values[id(node)]
        if not hasattr(node, "is_expression_type"):
            return float(node)
        if isinstance(node, nodes.GetItemExpression):
            return self._looked_up(node, points)
        if node.__class__ is nodes.TemplateSumExpression:
            inner, source = self._inner(node, points)
            amount = np.broadcast_to(np.asarray(self.number(node.template_args()[0], inner), dtype=float), inner.size)
            return np.bincount(source, amount, points.size)
        if is_named(node):
            return self.number(node.expr, points)
        arithmetic = _ARITHMETIC.get(node.__class__)
        if arithmetic is not None:
            return arithmetic([self.number(part, points) for part in node.args])
        if node.is_expression_type():
            raise NoTemplate
        if node.is_variable_type() and not node.fixed:
            raise NoTemplate
        return float(pyo.value(node))

    def _looked_up(self, node: Any, points: Points) -> np.ndarray:
        amounts = np.zeros(points.size)
        for component, columns, subset in self._items(node, points):
            size = points.size if subset is None else len(subset)
            if component.ctype is pyo.Var:
                places = self._places(component, columns, size, node)
                if not self._variables.fixed[places].all():
                    raise NoTemplate
                values = self._variables.values_at(places)
            elif component.ctype is pyo.Param:
                at = self._index.of(component).find(columns, size)
                if (at < 0).any():
                    raise NoTemplate
                values = self._parameter(component)[at]
            else:
                raise NoTemplate
            if subset is None:
                return values
            amounts[subset] = values
        return amounts

    def _parameter(self, component: Any) -> np.ndarray:
        array = getattr(component, "array", None)
        if array is not None:
            return array
        if id(component) not in self._parameters:
            try:
                values = [float(pyo.value(value)) for value in component.values()]
            except (TypeError, ValueError):
                raise NoTemplate from None
            self._parameters[id(component)] = np.array(values)
        return self._parameters[id(component)]


SUMS = frozenset({nodes.SumExpression, nodes.LinearExpression})
NUMBERS = frozenset({int, float, np.float64})
_PRODUCTS = frozenset({nodes.ProductExpression, nodes.MonomialTermExpression})
_ARITHMETIC: dict[type, Callable[[list[Numbers]], Numbers]] = {
    **dict.fromkeys((nodes.NPV_SumExpression, nodes.SumExpression, nodes.LinearExpression), sum),
    **dict.fromkeys((nodes.NPV_ProductExpression, *_PRODUCTS), lambda parts: parts[0] * parts[1]),
    **dict.fromkeys((nodes.NPV_DivisionExpression, nodes.DivisionExpression), lambda parts: parts[0] / parts[1]),
    **dict.fromkeys((nodes.NPV_NegationExpression, nodes.NegationExpression), lambda parts: -parts[0]),
    nodes.NPV_PowExpression: lambda parts: parts[0] ** parts[1],
    nodes.NPV_AbsExpression: lambda parts: abs(parts[0]),
}


def is_named(node: Any) -> bool:
    """Return whether an expression is a named ``Expression`` of Pyomo."""
    return bool(node.is_named_expression_type()) if hasattr(node, "is_named_expression_type") else False


def is_variable(node: Any) -> bool:
    """Return whether an expression may contain a variable."""
    return hasattr(node, "is_potentially_variable") and bool(node.is_potentially_variable())
