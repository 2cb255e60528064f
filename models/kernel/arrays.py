"""Indexed variables, rows and parameters as arrays; a Pyomo member is created only when it is accessed.

Pyomo creates an object for each member of a component, which takes more time and memory than all numbers of a year.
``Variable`` is a sparse Pyomo ``Var`` with bounds and values in arrays; ``Rows`` is a ``Constraint`` that stores one
template for all rows; ``Series`` is a ``Param`` that stores an array. Iteration visits all members, so that any tool of
Pyomo can read the model. The functions work for any variable of Pyomo.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.core.base.var import VarData

from emberline.models.kernel.templates import by_index, item, places, templates_wanted


def _import_past_hooks(name: str) -> None:
    """Import a package with Python's own finder only."""
    if name not in sys.modules and (spec := PathFinder.find_spec(name)) is not None and spec.loader is not None:
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)


# Pyomo's hook would import scipy.stats with any part of SciPy, which takes 0.6 s and is not needed here.
_import_past_hooks("scipy")

WEIGHT = 1e-5
"""Smallest value that counts as weight in a relaxation."""
NONE = {"lower": -np.inf, "upper": np.inf, "value": np.nan}
"""Array entries that stand for no value."""


class Variable(pyo.Var):
    """Indexed variables with bounds and values in arrays: ``Variable(block.T, bounds=(0, 1))``.

    Args:
        *sets: index sets.
        domain: domain of all members.
        bounds: lower and upper bound of all members, None for none.
        initialize: value of all members.
    """

    def __init__(
        self,
        *sets: Any,
        domain: Any = pyo.Reals,
        bounds: tuple[Any, Any] = (None, None),
        initialize: float | None = None,
    ) -> None:
        super().__init__(*sets, domain=domain, dense=False)
        self.kind = domain
        self.members: dict[Any, Any] = {}
        """Members that already exist, by index."""
        alike = dict(zip(NONE, (*bounds, initialize), strict=True))
        self._arrays = {name: np.array(_number(name, setting)) for name, setting in alike.items()}
        """Bounds and values, shape (n,), or () if all are equal."""
        self._fixed: np.ndarray | None = None
        self._whole: np.ndarray | None = None
        """Mask of integer members in addition to those of an integer domain."""
        self._places: dict[Any, int] | None = None

    def __len__(self) -> int:
        return len(self.index_set())

    def __contains__(self, index: Any) -> bool:
        return index in self.index_set()

    def __getitem__(self, index: Any) -> Any:
        if index.__class__ is int and index in self.members:
            return self.members[index]
        expression, key = item(self, index)
        if expression is not None:
            return expression
        member = self.members.get(key) if slice not in map(type, key if key.__class__ is tuple else (key,)) else None
        if member is None:
            member = super().__getitem__(key)
            if isinstance(member, VarData):
                self.members[key] = member
                self._fill(member, self.place(key))
        return member

    def _fill(self, member: Any, place: int) -> None:
        for name, array in self._arrays.items():
            _set(member, name, float(array[place] if array.ndim else array))
        domain = pyo.Integers if self._whole is not None and self._whole[place] else self.kind
        if member.domain is not domain:
            member.domain = domain
        if self._fixed is not None and self._fixed[place]:
            member.fix()

    def place(self, index: Any) -> int:
        """Return the position of the member with an index."""
        over = as_range(self.index_set())
        if over is not None:
            return over.index(index)
        if self._places is None:
            self._places = {key: i for i, key in enumerate(self.index_set())}
        return self._places[index]

    def numbers(self, name: str) -> np.ndarray:
        """Return the ``lower`` or ``upper`` bounds or ``value`` of all members, shape (n,); do not modify the array."""
        array = self._arrays[name]
        if not array.ndim:
            array = np.full(len(self), array)
        elif self.members:
            array = array.copy()
        for index, member in self.members.items():
            array[self.place(index)] = _get(member, name)
        return array

    def write(self, name: str, array: np.ndarray) -> None:
        """Set the bounds or values of all members, shape (n,)."""
        self._arrays[name] = array
        for index, member in self.members.items():
            _set(member, name, float(array[self.place(index)]))

    def fixed_ones(self) -> np.ndarray:
        """Return the mask of fixed members, shape (n,)."""
        fixed = np.zeros(len(self), dtype=bool) if self._fixed is None else self._fixed.copy()
        for index, member in self.members.items():
            fixed[self.place(index)] = member.fixed
        return fixed

    def fix_some(self, some: np.ndarray, value: float) -> None:
        """Fix the members of a mask, shape (n,), at a value."""
        self._fixed = self.fixed_ones() | some
        self.write("value", np.where(some, value, self.numbers("value")))
        for index, member in self.members.items():
            if some[self.place(index)]:
                member.fix()

    def whole_ones(self) -> np.ndarray:
        """Return the mask of integer members, shape (n,)."""
        whole = np.full(len(self), self.kind.isdiscrete())
        if self._whole is not None:
            whole |= self._whole
        for index, member in self.members.items():
            whole[self.place(index)] = not member.is_continuous()
        return whole

    def ask_whole(self, some: np.ndarray) -> None:
        """Make the members of a mask, shape (n,), integer."""
        some = np.asarray(some, dtype=bool)
        self._whole = some if self._whole is None else self._whole | some
        for index, member in self.members.items():
            if some[self.place(index)]:
                member.domain = pyo.Integers

    def relax(self) -> None:
        """Let integer variables take any value between their bounds."""
        lower, upper, whole = limits(self)
        if whole.any():
            self.kind, self._whole = pyo.Reals, None
            self._arrays |= {"lower": lower, "upper": upper}
            for index, member in self.members.items():
                self._fill(member, self.place(index))


class Rows(pyo.Constraint):
    """Constraints of one rule, which is called once with placeholders; see ``constraint``."""

    def __init__(self, *sets: Any, rule: Callable[..., Any]) -> None:
        super().__init__(*sets)
        self._row_rule = rule
        self.template: tuple[Any, tuple[Any, ...]] | None = None
        """Expression and the placeholders of its index; None if there is one expression per index."""

    def construct(self, data: Any = None) -> None:
        """Called by Pyomo when the component is added to a block."""
        super().construct(data)
        over = self.index_set()
        if templates_wanted():
            places_ = places(over)
            try:
                expression = self._row_rule(self.parent_block(), *places_)
                if expression.__class__ is tuple:
                    expression = pyo.inequality(*expression)
            except Exception:  # the rule uses its index, or has an error that shows below
                expression = None
            if hasattr(expression, "is_expression_type"):
                self.template = expression, places_
                return
        for index in over:
            self._make(index)

    def __len__(self) -> int:
        return super().__len__() if self.template is None else len(self.index_set())

    def __getitem__(self, index: Any) -> Any:
        if self.template is not None and not super().__contains__(index) and index in self.index_set():
            self._make(index)
        return super().__getitem__(index)

    def _make(self, index: Any) -> None:
        with by_index():
            self[index] = self._row_rule(self.parent_block(), *(index if index.__class__ is tuple else (index,)))

    def active_ones(self) -> np.ndarray:
        """Return the mask of active rows of the template, shape (n,)."""
        active = np.ones(len(self), dtype=bool)
        if super().__len__():
            for place, index in enumerate(self.index_set()):
                if super().__contains__(index) and not super().__getitem__(index).active:
                    active[place] = False
        return active


def constraint(block: Any, *sets: Any) -> Callable[[Callable[..., Any]], None]:
    """Decorate a rule so that its rows are added to a block under its name, one for each member of the sets.

    The rule is called with the block and the index, and returns a comparison of linear expressions. Without sets it is
    called with the block only and gives one row.
    """

    def add(rule: Callable[..., Any]) -> None:
        name = rule.__name__
        block.add_component(name, Rows(*sets, rule=rule) if sets else pyo.Constraint(rule=rule))

    return add


class Series(pyo.Param):
    """A parameter given as an array in the order of its index sets: ``block.price = Series(block.T, values=price)``.

    It is created and read at once, whereas Pyomo's own reads each value. ``replace`` sets new values for recompilation.

    Raises:
        ValueError: the number of values differs from the number of indices.
    """

    def __init__(self, *sets: Any, values: np.ndarray) -> None:
        self.array = np.asarray(values, dtype=float).reshape(-1)
        """Values, shape (n,)."""
        self._by_index: dict[Any, float] | None = None
        super().__init__(*sets, within=pyo.Any, default=0.0)

    def construct(self, data: Any = None) -> None:
        """Called by Pyomo when the parameter is added to a block."""
        super().construct(data)
        self.replace(self.array)

    def __getitem__(self, index: Any) -> Any:
        expression, key = item(self, index)
        if expression is not None:
            return expression
        if self._by_index is None:
            self._by_index = dict(zip(self.index_set(), self.array.tolist(), strict=True))
        return self._by_index[key]

    def replace(self, values: np.ndarray) -> None:
        """Replace the values, shape (n,)."""
        self.array, self._by_index = np.asarray(values, dtype=float).reshape(-1), None
        if len(self.array) != len(self.index_set()):
            raise ValueError(f"{self.name} has {len(self.index_set())} indices but {len(self.array)} values")


def limit(variable: Any, lower: np.ndarray | float | None = None, upper: np.ndarray | float | None = None) -> None:
    """Set the bounds of an indexed variable from arrays in index order; infinite values mean no bound.

    Args:
        variable: indexed variable.
        lower: shape (n,), or one value for all; None keeps the bounds.
        upper: likewise.
    """
    for name, bounds in (("lower", lower), ("upper", upper)):
        if bounds is None:
            continue
        array = np.broadcast_to(np.array(bounds, dtype=float), len(variable))
        if isinstance(variable, Variable):
            variable.write(name, array)
            continue
        for member, bound in zip(variable.values(), array.tolist(), strict=True):
            _set(member, name, bound)


def relax(variable: Any) -> None:
    """Let integer members of a Var component take any value between their bounds."""
    if isinstance(variable, Variable):
        variable.relax()
        return
    for member in variable.values():
        if not member.is_continuous():
            member.setlb(member.lb)
            member.setub(member.ub)
            member.domain = pyo.Reals


def as_range(over: Any) -> range | None:
    """Return an index set as a range of integers; None if it is not one."""
    if not isinstance(over, pyo.RangeSet) or not over.isfinite():
        return None
    spans = list(over.ranges())
    first, step = (spans[0].start, spans[0].step or 1) if len(spans) == 1 else (0.0, 0.0)
    if not (isinstance(first, int) and isinstance(step, int) and step > 0):
        return None
    return range(first, first + step * len(over), step)


def _get(member: Any, name: str) -> float:
    return _number(name, member.lb if name == "lower" else member.ub if name == "upper" else member.value)


def _set(member: Any, name: str, number: float) -> None:
    setting = None if number == NONE[name] or number != number else number
    if name == "lower":
        member.setlb(setting)
    elif name == "upper":
        member.setub(setting)
    else:
        member.set_value(setting, skip_validation=True)


def _number(name: str, setting: Any) -> float:
    return NONE[name] if setting is None else float(pyo.value(setting))


def fixed(variable: Any) -> np.ndarray:
    """Return the mask of fixed members of a Var component, shape (n,)."""
    if isinstance(variable, Variable):
        return variable.fixed_ones()
    return np.array([member.fixed for member in variable.values()], dtype=bool)


def values(variable: Any) -> np.ndarray:
    """Return the values of the members of a Var component, NaN if there is none, shape (n,)."""
    if isinstance(variable, Variable):
        return variable.numbers("value")
    return np.array([_get(member, "value") for member in variable.values()], dtype=float)


def support(variable: Any, least: float = 0.5) -> list[Any]:
    """Return the indices of a Var component whose value is above a number."""
    over = values(variable) > least
    return [index for index, above in zip(variable.index_set(), over.tolist(), strict=True) if above]


def hold(variable: Any, amounts: np.ndarray, some: np.ndarray) -> None:
    """Set values of members of a Var component without checking their bounds.

    Args:
        variable: the component.
        amounts: values, shape (n,).
        some: mask of the members to set, shape (n,).
    """
    if isinstance(variable, Variable):
        variable.write("value", amounts if some.all() else np.where(some, amounts, variable.numbers("value")))
        return
    for member, value, selected in zip(variable.values(), amounts.tolist(), some.tolist(), strict=True):
        if selected:
            member.set_value(value, skip_validation=True)


def whole(variable: Any) -> bool:
    """Return whether any member of a Var component must be integer."""
    if isinstance(variable, Variable):
        return bool(variable.kind.isdiscrete())
    return any(not member.is_continuous() for member in variable.values())


def limits(variable: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the bounds of a Var component's members, with those of domains, and the integer mask; shape (n,) each."""
    if isinstance(variable, Variable):
        least, most = (_number(name, bound) for name, bound in zip(NONE, variable.kind.bounds(), strict=False))
        lower = np.maximum(variable.numbers("lower"), least)
        return lower, np.minimum(variable.numbers("upper"), most), variable.whole_ones()
    members = list(variable.values())
    lower, upper = (np.array([_get(member, name) for member in members], dtype=float) for name in ("lower", "upper"))
    return lower, upper, np.array([not member.is_continuous() for member in members], dtype=bool)


class Positions:
    """Positions of single members within their components."""

    def __init__(self) -> None:
        self._within: dict[int, dict[Any, int]] = {}

    def of(self, component: Any, member: Any) -> int:
        """Return the position of a member of a component by its index."""
        if component is member:
            return 0
        if isinstance(component, Variable):
            return component.place(member.index())
        within = self._within.get(id(component))
        if within is None:
            within = self._within[id(component)] = {index: i for i, index in enumerate(component.keys())}
        return within[member.index()]


Neighbourhood = tuple[Any, np.ndarray, np.ndarray]
"""A Var component with lower and upper bounds of its members in the order of their indices, shape (n,) each."""
