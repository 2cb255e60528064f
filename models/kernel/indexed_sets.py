"""What the sums of rules go over where each row has terms of its own: an indexed set that is made at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyomo.core.base.indexed_component import IndexedComponent


class _Listed:
    """The members of one index."""

    __slots__ = ("_keys", "dimen")

    def __init__(self, keys: Sequence[Any], dimen: int) -> None:
        self._keys, self.dimen = keys, dimen

    def __iter__(self) -> Iterator[Any]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class Members(IndexedComponent):
    """Sets by index, which templates sum over: ``block.OF = Members(block.ROW, members=by_row, dimen=2)``.

    Pyomo's own indexed set looks at every member, which takes longer than all else where rows are many. This one takes
    them as they are: tuples of ``dimen`` values, or single values where that is 1, none of them twice.
    """

    _ComponentDataClass = _Listed

    def __init__(self, *sets: Any, members: Mapping[Any, Sequence[Any]], dimen: int) -> None:
        super().__init__(*sets, ctype=Members)
        self._constructed: bool
        self._members, self._dimen = members, dimen

    def construct(self, data: Any = None) -> None:
        """Called by Pyomo when the component is added to a block.

        Raises:
            KeyError: an index without members; an empty list is wanted then.
        """
        if self._constructed:
            return
        for part in self._anonymous_sets or ():
            part.construct()
        self._constructed = True
        self._data = {key: _Listed(self._members[key], self._dimen) for key in self.index_set()}
