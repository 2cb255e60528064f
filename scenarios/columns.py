"""Runs as plain arrays, for thousands of runs that are only summed up; creating datasets would take too long.

The classes implement the small part of the xarray interface that accounts use, with bitwise identical results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Rows:
    """Variable over time, with the labels of its first dimension."""

    values: np.ndarray
    """Values, shape (n_rows, n_steps)."""
    labels: dict[str, np.ndarray]
    """Labels by coordinate, shape (n_rows,) each; the first coordinate is the dimension."""

    @property
    def dims(self) -> tuple[str, str]:
        """Names of the dimensions."""
        return next(iter(self.labels)), "time"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype, copy=copy)

    def as_data(self) -> xr.DataArray:
        """Return the variable as a ``DataArray``."""
        dim = self.dims[0]
        return xr.DataArray(self.values, {name: (dim, labels) for name, labels in self.labels.items()}, self.dims)


class Column:
    """Array with named dimensions, whose labels are in ``table``."""

    __slots__ = ("dims", "table", "values")

    def __init__(self, values: np.ndarray, dims: tuple[str, ...], table: Columns) -> None:
        self.values, self.dims, self.table = values, dims, table

    def to_numpy(self) -> np.ndarray:
        """Return the array."""
        return self.values

    def sel(self, **by_dim: str) -> Column:
        """Select one label along one dimension.

        Raises:
            KeyError: there is no such label.
        """
        ((dim, name),) = by_dim.items()
        axis = self.dims.index(dim)
        at = self.table.place(dim)[name]
        return Column(self.values.take(at, axis), (*self.dims[:axis], *self.dims[axis + 1 :]), self.table)

    def sum(self) -> float:
        """Return the sum, ignoring NaN."""
        return float(np.nansum(self.values))

    def item(self) -> Any:
        """Return the only value."""
        return self.values.item()

    def __add__(self, other: Column) -> Column:
        return Column(self.values + other.values, self.dims, self.table)

    def __getitem__(self, place: int) -> Any:
        return self.values[place]


class Columns:
    """Variables and coordinates by name, each with its dimensions."""

    def __init__(self, variables: Mapping[str, Any], coordinates: Mapping[str, Any], attrs: dict[str, Any]) -> None:
        """Args:
        variables: dimensions and array as for a dataset, or rows.
        coordinates: labels of dimensions.
        attrs: attributes of the run.
        """
        self.attrs = attrs
        self._columns: dict[str, Column] = {}
        self._places: dict[str, dict[str, int]] = {}
        for name, labels in coordinates.items():
            self._add(name, labels if isinstance(labels, tuple) else (name, labels))
        for name, variable in variables.items():
            if isinstance(variable, Rows):
                for key, labels in variable.labels.items():
                    self._add(key, (variable.dims[0], labels))
                variable = variable.dims, variable.values
            self._add(name, variable)

    def _add(self, name: str, variable: tuple[Any, Any]) -> None:
        dims, values = variable
        self._columns[name] = Column(np.asarray(values), (dims,) if isinstance(dims, str) else tuple(dims), self)

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each dimension."""
        return {
            dim: size
            for column in self._columns.values()
            for dim, size in zip(column.dims, column.values.shape, strict=True)
        }

    def place(self, dim: str) -> dict[str, int]:
        """Return the indices of the labels of a dimension."""
        if dim not in self._places:
            self._places[dim] = {name: i for i, name in enumerate(self._columns[dim].values.tolist())}
        return self._places[dim]
