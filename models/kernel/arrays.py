"""Indexed variables and constraints as arrays: a member is made when somebody asks for it.

Pyomo makes an object for each member of a component, which takes longer and more memory than all numbers of a year.
While a model is built (``models/kernel/templates.py``), indexed variables and constraints are of the classes here
instead: bounds and values stand in arrays, rows in one template, and an object is made for an index that is asked for.
Who goes over all members finds all of them; from then on the component is Pyomo's own. The functions answer for any
component.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
import pyomo.environ as pyo
from pyomo.core.base import constraint
from pyomo.core.base.indexed_component import IndexedComponent
from pyomo.core.base.set import FiniteScalarRangeSet, SetInitializer
from pyomo.core.base.var import IndexedVar, VarData
from pyomo.core.expr.template_expr import GetItemExpression, IndexTemplate, TemplateExpressionError

ONE_BY_ONE = 100
"""Members that are made one by one; who asks for more will want all of them."""
_NONE = {"_lb": -np.inf, "_ub": np.inf, "_value": np.nan}
"""What stands in an array for none."""


class Sparse(IndexedComponent):
    """What both have in common: the members that there are, and Pyomo's own class once all of them are wanted."""

    _constructed: bool
    _own: Any
    _made: dict[Any, Any]
    _places: dict[Any, int] | None = None

    @property
    def made(self) -> dict[Any, Any]:
        """Members that there are already, by index."""
        return self._made

    @property
    def _data(self) -> dict[Any, Any]:
        """Pyomo's store of members by index: asked for it, the component becomes Pyomo's own with all of them."""
        if not self._constructed:
            return self._made
        return self._become(self._all())

    @_data.setter
    def _data(self, members: dict[Any, Any]) -> None:
        if self._constructed:
            self._become(members)  # such as none at all
        else:
            self._made = members

    def _become(self, members: dict[Any, Any]) -> dict[Any, Any]:
        """Pyomo's own component with some members."""
        del self._made
        self.__class__ = self._own
        self._data = members
        return members

    def _create_objects_for_deepcopy(self, memo: Any, component_list: Any) -> Any:
        """Asked by Pyomo where a model is cloned: all members are."""
        self._data  # noqa: B018  Pyomo's own from here on
        return self._create_objects_for_deepcopy(memo, component_list)

    def is_reference(self) -> bool:
        """Asked by Pyomo: the members are the component's own."""
        return False

    def __len__(self) -> int:
        return len(self.index_set()) if self._constructed else 0

    def __getitem__(self, index: Any) -> Any:
        parts = index if index.__class__ is tuple else (index,)
        if any(hasattr(part, "is_expression_type") for part in parts):
            if any(unknown(part) for part in parts):
                return GetItemExpression((self, *parts))
        elif self._constructed and slice not in map(type, parts):
            if index in self._made:
                return self._made[index]
            if len(self._made) < ONE_BY_ONE and index in self.index_set():
                made = self._made[index] = self._member(index)
                return made
        return self._own.__getitem__(self, index)

    def place(self, index: Any) -> int:
        """Where the member of an index stands."""
        over = as_range(self.index_set())
        if over is not None:
            return over.index(index)
        if self._places is None:
            self._places = {key: i for i, key in enumerate(self.index_set())}
        return self._places[index]

    def _member(self, index: Any) -> Any:
        raise NotImplementedError

    def _all(self) -> dict[Any, Any]:
        raise NotImplementedError


class ArrayVar(Sparse, IndexedVar):
    """Variables that are alike but for bounds and values, which are arrays in the order of the index."""

    _own = IndexedVar

    def construct(self, data: Any = None) -> None:
        """Called by Pyomo when the component is added to a block."""
        if self._constructed:
            return
        for part in self._anonymous_sets or ():
            part.construct()
        rules = (self._rule_init, self._rule_domain, self._rule_bounds)
        alike = self._dense and all(rule is None or rule.constant() for rule in rules)
        if not alike or not self.index_set().isordered():
            self._become({})
            self.construct(data)
            return
        self.usual = self._getitem_when_not_present(None)
        """What each member is, but for what arrays tell."""
        self._made.clear()
        self._arrays: dict[str, np.ndarray] = {}
        """Bounds and values by attribute."""
        self._constructed = True

    def _member(self, index: Any) -> Any:
        member = VarData.copy(self.usual)
        member._index = index
        if self._arrays:
            place = self.place(index)
            for name, array in self._arrays.items():
                setattr(member, name, _held(name, float(array[place])))
        return member

    def _all(self) -> dict[Any, Any]:
        keys, copied = keys_of(self), VarData.copy
        members = [copied(self.usual) for _ in keys]
        for index, member in zip(keys, members, strict=True):
            member._index = index
        for name, array in self._arrays.items():
            for member, value in zip(members, array.tolist(), strict=True):
                setattr(member, name, _held(name, value))
        found = dict(zip(keys, members, strict=True)) | self._made
        del self.usual, self._arrays
        return found

    @property
    def domain(self) -> Any:
        """Of all members; it can only be set, as Pyomo has it."""
        return IndexedVar.domain.fget(self)

    @domain.setter
    def domain(self, domain: Any) -> None:
        rule = SetInitializer(domain)
        if not rule.constant():
            self._data  # noqa: B018  Pyomo's own from here on
            self.domain = domain
            return
        self.usual._domain = rule(self.parent_block(), None, self)
        for member in self._made.values():
            member._domain = self.usual._domain

    def numbers(self, name: str) -> np.ndarray:
        """Bounds (``_lb``, ``_ub``) or values (``_value``) of all members, shape (n,)."""
        found = self._arrays.get(name)
        if found is None:
            found = np.full(len(self), _number(name, getattr(self.usual, name)))
        elif self._made:
            found = found.copy()
        for index, member in self._made.items():
            found[self.place(index)] = _number(name, getattr(member, name))
        return found

    def put(self, name: str, array: np.ndarray) -> None:
        """Set bounds or values of all members, shape (n,)."""
        self._arrays[name] = array
        for index, member in self._made.items():
            setattr(member, name, _held(name, float(array[self.place(index)])))

    def differing(self, name: str) -> list[tuple[int, Any]]:
        """Members of which an attribute is not what it is of all others, each with its place."""
        usual = getattr(self.usual, name)
        return [(self.place(i), one) for i, one in self._made.items() if getattr(one, name) is not usual]


class ArrayConstraint(Sparse, constraint.IndexedConstraint):
    """Rows of one template."""

    _own = constraint.IndexedConstraint

    def construct(self, data: Any = None) -> None:
        """Called by Pyomo when the component is added to a block."""
        if self._constructed:
            return
        for part in self._anonymous_sets or ():
            part.construct()
        rule = self._rule
        asked = constraint.TEMPLATIZE_CONSTRAINTS
        apart = rule is None or rule.constant() or rule.contains_indices()
        if asked and not apart and self.index_set().isordered():
            try:
                self.template = constraint.templatize_constraint(self)
                """Expression, and the placeholders of its index."""
            except TemplateExpressionError:
                pass
            else:
                self._constructed = True
                return
        self._become({})
        constraint.TEMPLATIZE_CONSTRAINTS = False
        try:
            self.construct(data)
        finally:
            constraint.TEMPLATIZE_CONSTRAINTS = asked

    def _member(self, index: Any) -> Any:
        return constraint.TemplateConstraintData(self.template, ref(self), index)

    def _all(self) -> dict[Any, Any]:
        template, mine = self.template, ref(self)
        found = {index: constraint.TemplateConstraintData(template, mine, index) for index in keys_of(self)}
        return found | self._made


def as_range(over: Any) -> range | None:
    """An index set as a range of whole numbers; None where it is none."""
    if over.__class__ is not FiniteScalarRangeSet:
        return None
    spans = list(over.ranges())
    first, step = (spans[0].start, spans[0].step or 1) if len(spans) == 1 else (0.0, 0.0)
    if not (isinstance(first, int) and isinstance(step, int) and step > 0):
        return None
    return range(first, first + step * len(over), step)


def keys_of(component: Any) -> Any:
    """Indices of the members of a component, in order."""
    if not isinstance(component, Sparse):
        return component._data.keys()
    over = as_range(component.index_set())
    return list(component.index_set()) if over is None else over


def unknown(part: Any) -> bool:
    """Whether an index holds a placeholder, so that it has no value yet."""
    if isinstance(part, IndexTemplate):
        return True
    return hasattr(part, "is_expression_type") and part.is_expression_type() and any(unknown(arg) for arg in part.args)


def _number(name: str, held: Any) -> float:
    return _NONE[name] if held is None else float(pyo.value(held))


def _held(name: str, number: float) -> float | None:
    none = _NONE[name]
    return None if number == none or number != number else number


def fixed(variable: Any) -> np.ndarray:
    """Which members of a Var component are fixed, shape (n,)."""
    if isinstance(variable, ArrayVar):
        found = np.zeros(len(variable), dtype=bool)
        for place, member in variable.differing("_fixed"):
            found[place] = member._fixed
        return found
    return np.array([member._fixed for member in variable._data.values()], dtype=bool)


def values(variable: Any) -> np.ndarray:
    """Values of the members of a Var component, not a number where there is none, shape (n,)."""
    if isinstance(variable, ArrayVar):
        return variable.numbers("_value")
    return np.array([np.nan if member._value is None else member._value for member in variable._data.values()], float)


def hold(variable: Any, found: np.ndarray, some: np.ndarray) -> None:
    """Give members of a Var component values, unasked whether they keep their bounds.

    Args:
        variable: the component.
        found: values, shape (n,).
        some: which members get theirs, shape (n,).
    """
    if isinstance(variable, ArrayVar):
        variable.put("_value", found if some.all() else np.where(some, found, variable.numbers("_value")))
        return
    for member, value, mine in zip(variable._data.values(), found.tolist(), some.tolist(), strict=True):
        if mine:
            member._value = value


def whole(variable: Any) -> bool:
    """Whether the members of a Var component must be whole, by the first of them."""
    one = variable.usual if isinstance(variable, ArrayVar) else next(iter(variable._data.values()), None)
    return one is not None and not one.is_continuous()


def limits(variable: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bounds of the members of a Var component, those of domains too, and which must be whole; shape (n,) each."""
    if isinstance(variable, ArrayVar):
        lower, upper = variable.numbers("_lb"), variable.numbers("_ub")
        alike, which = [variable.usual], np.zeros(len(lower), dtype=np.int64)
        for place, member in variable.differing("_domain"):
            which[place] = len(alike)
            alike.append(member)
    else:
        members = list(variable._data.values())
        lower, upper = (_bounds([getattr(one, name) for one in members], _NONE[name]) for name in ("_lb", "_ub"))
        first = {id(one._domain): one for one in reversed(members)}
        alike, kinds = list(first.values()), {key: i for i, key in enumerate(first)}
        which = np.array([kinds[id(one._domain)] for one in members], dtype=np.int64)
    if not len(which):
        return lower, upper, np.zeros(0, dtype=bool)
    least, most = zip(*(one._domain.bounds() for one in alike), strict=True)
    integer = np.array([not one.is_continuous() for one in alike])
    return (
        np.maximum(lower, _bounds(list(least), -np.inf)[which]),
        np.minimum(upper, _bounds(list(most), np.inf)[which]),
        integer[which],
    )


def _bounds(held: list[Any], none: float) -> np.ndarray:
    numbers = [none if bound is None else bound for bound in held]
    try:
        return np.array(numbers, dtype=float)
    except TypeError:
        return np.array([float(pyo.value(bound)) for bound in numbers])
