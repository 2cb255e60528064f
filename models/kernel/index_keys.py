"""Where the members of a Pyomo component stand, asked for many of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from emberline.models.kernel.arrays import as_range
from emberline.models.kernel.templates import Members

_MANY = 2**62


class NoTemplate(Exception):
    """A template that is not understood here: it is evaluated index by index."""


class Keys:
    """Where the members of a component stand, asked for many of them at once."""

    def __init__(self, columns: list[np.ndarray], size: int) -> None:
        self.size = size
        self.columns = columns
        """Of the index, by dimension, shape (size,) each."""
        self._codes: list[dict[Any, int] | None] = []
        self._lows: list[int] = []
        self._spans: list[int] = []
        code = np.zeros(size, dtype=np.int64)
        for column in columns:
            if column.dtype == object:
                found: dict[Any, int] = {}
                local = np.array([found.setdefault(value, len(found)) for value in column.tolist()], dtype=np.int64)
                self._codes.append(found)
                self._lows.append(0)
                self._spans.append(len(found))
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
        """From a list of keys, of one dimension or as tuples."""
        if not keys:
            return cls([np.zeros(0, dtype=np.int64)] * width, 0)
        parts = list(zip(*keys, strict=True)) if isinstance(keys[0], tuple) else [keys]
        return cls([column_of(part) for part in parts], len(keys))

    @classmethod
    def product(cls, parts: list[Keys]) -> Keys:
        """Of a product of sets, the last one changing fastest."""
        size, done, columns = int(np.prod([part.size for part in parts])), 1, []
        for part in parts:
            after = size // max(done * part.size, 1)
            columns += [np.tile(np.repeat(column, after), done) for column in part.columns]
            done *= part.size
        return cls(columns, size)

    def find(self, wanted: list[Any], size: int) -> np.ndarray:
        """Places of members by the columns of their index, shape (size,); −1 for those that there are not."""
        if len(wanted) != len(self.columns):
            raise NoTemplate
        code = np.zeros(size, dtype=np.int64)
        right = np.ones(size, dtype=bool)
        for column, codes, low, span in zip(wanted, self._codes, self._lows, self._spans, strict=True):
            if codes is None:
                number = np.asarray(column)
                if number.dtype == object:
                    number = number.astype(float)
                local = number.astype(np.int64) - low
                right &= (local == number - low) & (local >= 0) & (local < span)
            else:
                among = [codes.get(value, -1) for value in np.broadcast_to(column, size).tolist()]
                local = np.array(among, dtype=np.int64)
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
    """Keys of components and sets, each read once."""

    def __init__(self) -> None:
        self._keys: dict[int, Keys] = {}
        self._sparse: dict[int, Keys] = {}

    def of(self, component: Any) -> Keys:
        """Keys of a component in the order of its members."""
        array = getattr(component, "array", None)
        over, size = component.index_set(), len(component) if array is None else len(array)
        known = self.of_set(over)
        if known.size == size:
            return known  # members are made in the order of the index
        if id(component) not in self._sparse:
            self._sparse[id(component)] = Keys.of(list(component.keys()), max(len(known.columns), 1))
        return self._sparse[id(component)]

    def of_lists(self, members: Members) -> Keys:
        """Keys of lists by index."""
        if id(members) not in self._keys:
            self._keys[id(members)] = Keys.of(list(members.keys()), 1)
        return self._keys[id(members)]

    def of_set(self, one: Any) -> Keys:
        """Members of a set, by column."""
        if id(one) not in self._keys:
            self._keys[id(one)] = self._read(one)
        return self._keys[id(one)]

    def _read(self, one: Any) -> Keys:
        over = as_range(one)
        if over is not None:
            return Keys([np.arange(over.start, over.stop, over.step)], len(over))
        # a product of sets tells them, any other set is its only one
        parts = list(one.subsets(expand_all_set_operators=False))
        if len(parts) > 1:
            return Keys.product([self.of_set(part) for part in parts])
        return Keys.of(list(one), one.dimen if isinstance(one.dimen, int) else 1)


def column_of(part: Sequence[Any]) -> np.ndarray:
    """Values of one dimension of an index: whole numbers, or anything else as objects."""
    column = np.array(part)
    if column.dtype.kind == "i":
        return column
    made = np.empty(len(part), dtype=object)
    made[:] = part
    return made


def numbers(part: Sequence[Any]) -> np.ndarray:
    """Values that are weights or places: as numbers where they are."""
    column = np.array(part)
    return column if column.dtype.kind == "f" else column_of(part)
