"""A model as HiGHS takes it: arrays, and where the model's components stand in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.core as pyo
import xarray as xr

from emberline.models.kernel import arrays
from emberline.models.kernel.arrays import Positions


@dataclass(frozen=True)
class Compiled:
    """A model as arrays: minimize cost·x + offset, row_lower ≤ A x ≤ row_upper, lower ≤ x ≤ upper.

    A maximized objective has its sign turned; ``sense`` is −1 then, else 1.
    """

    sense: float
    cost: np.ndarray
    offset: float
    lower: np.ndarray
    upper: np.ndarray
    whole: np.ndarray
    """Which columns are integer or binary, shape (n_columns,)."""
    row_lower: np.ndarray
    row_upper: np.ndarray
    starts: np.ndarray
    """The matrix by columns: column j holds ``index[starts[j]:starts[j + 1]]`` and the same of ``values``."""
    index: np.ndarray
    values: np.ndarray
    _variables: dict[int, tuple[Any, np.ndarray]] = field(repr=False)
    """By identity of a Var component: itself, and the column of each of its members, −1 where it is none."""
    _constraints: dict[int, tuple[Any, np.ndarray]] = field(repr=False)
    """By identity of a Constraint component: itself, and the row of each of its members, −1 where it is none."""
    _model: Any = field(repr=False, default=None)
    """Kept for its components, which hold their parents by weak references only."""
    _positions: Positions = field(repr=False, default_factory=Positions)

    @classmethod
    def of_arrays(
        cls,
        cost: np.ndarray,
        matrix: Any,
        row_lower: np.ndarray,
        row_upper: np.ndarray,
        lower: np.ndarray | None = None,
        upper: np.ndarray | None = None,
    ) -> Compiled:
        """A linear program without a Pyomo model: minimize cost·x with lower ≤ x ≤ upper.

        Args:
            cost: shape (n_columns,).
            matrix: a SciPy matrix by columns (CSC).
            row_lower: shape (n_rows,), −∞ for none.
            row_upper: shape (n_rows,), ∞ for none.
            lower: shape (n_columns,); None: 0 for all.
            upper: shape (n_columns,); None: ∞ for all.
        """
        n = len(cost)
        return cls(
            sense=1.0, cost=cost, offset=0.0,
            lower=np.zeros(n) if lower is None else lower,
            upper=np.full(n, np.inf) if upper is None else upper, whole=np.zeros(n, dtype=bool),
            row_lower=row_lower, row_upper=row_upper, starts=matrix.indptr.astype(np.int32),
            index=matrix.indices.astype(np.int32), values=np.asarray(matrix.data, dtype=float),
            _variables={}, _constraints={},
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return len(self.row_lower), len(self.cost)

    @property
    def columns(self) -> list[Any]:
        """The variable of each column: an object for each."""
        return _members(self._variables, len(self.cost))

    @property
    def constraints(self) -> list[Any]:
        """The constraint of each row: an object for each."""
        return _members(self._constraints, len(self.row_lower))

    def column(self, variable: Any) -> int:
        """Column of one variable, −1 where it is none."""
        return self._place_of(self._variables, variable)

    def row(self, constraint: Any) -> int:
        """Row of one constraint, −1 where it is none."""
        return self._place_of(self._constraints, constraint)

    def _place_of(self, components: dict[int, tuple[Any, np.ndarray]], member: Any) -> int:
        component = member.parent_component()
        entry = components.get(id(component))
        return -1 if entry is None else int(entry[1][self._positions.of(component, member)])

    def load_values(self, values: np.ndarray) -> None:
        """Give the model's variables values by column, shape (n_columns,), unasked whether they keep their bounds."""
        for variable, places in self._variables.values():
            some = places >= 0
            if some.any():
                arrays.hold(variable, values[places], some)

    def column_values(self) -> np.ndarray:
        """Values of the model's variables by column, not a number where they have none, shape (n_columns,)."""
        values = np.full(len(self.cost), np.nan)
        for variable, places in self._variables.values():
            some = places >= 0
            values[places[some]] = arrays.values(variable)[some]
        return values

    def columns_of(self, variable: Any) -> np.ndarray:
        """Columns of a Var component in the order of its indices, −1 where there is none, shape (n,)."""
        return self._variables[id(variable)][1]

    def rows_of(self, constraint: Any) -> np.ndarray:
        """Rows of a Constraint component in the order of its indices, −1 where there is none, shape (n,)."""
        return self._constraints[id(constraint)][1]

    def labelled(self, component: Any, vector: np.ndarray, missing: float = np.nan) -> xr.DataArray:
        """A vector by column or row as the part of one component.

        Args:
            component: a Var (the vector is by column) or a Constraint (by row).
            vector: shape (n_columns,) or (n_rows,).
            missing: for members that are no column or row.

        Returns:
            One dimension for each dimension of the index, named by the sets where they have one each; what the index
            leaves out is ``missing`` too.
        """
        places = (self._variables if component.ctype is pyo.Var else self._constraints)[id(component)][1]
        keys = list(component.keys())
        entries = np.where(places >= 0, vector[places], missing) if len(vector) else np.full(len(places), missing)
        if not component.is_indexed():
            return xr.DataArray(entries[0] if len(entries) else missing, name=component.local_name)
        width = component.index_set().dimen
        parts = [keys] if width == 1 else [list(part) for part in zip(*keys, strict=True)] or [[]] * width
        names = [part.local_name for part in component.index_set().subsets()]
        if len(names) != width or len(set(names)) != width:
            names = [f"index_{d}" for d in range(width)]
        levels, codes = zip(*(_levels(part) for part in parts), strict=True)
        array = np.full([len(level) for level in levels], missing)
        array[codes] = entries
        return xr.DataArray(array, dict(zip(names, levels, strict=True)), names, name=component.local_name)


def _members(components: dict[int, tuple[Any, np.ndarray]], n: int) -> list[Any]:
    """Members of components by column or row."""
    members: list[Any] = [None] * n
    for component, places in components.values():
        for member, place in zip(component.values(), places.tolist(), strict=True):
            if place >= 0:
                members[place] = member
    return members


def _levels(part: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values in the order in which they come, and the place of each value among them."""
    order: dict[Any, int] = {}
    codes = np.array([order.setdefault(value, len(order)) for value in part], dtype=np.int64)
    return np.array(list(order)), codes
