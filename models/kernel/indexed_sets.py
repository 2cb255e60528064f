"""The terms of rows where each row has terms of its own: lists by index, taken as they are."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping, Sequence
from typing import Any

import pyomo.environ as pyo


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
