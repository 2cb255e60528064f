"""Differences between two scenarios: keys with both values, and series with both means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from emberline.scenarios import Case, Scenario
from emberline.scenarios.plain import Plain

LEFT_OUT = ("name", "title", "description")
"""Keys that are not compared, because a scenario's name and description change no plan."""
ABSENT = "not there"


@dataclass(frozen=True)
class KeyChange:
    """Key of the scenario with both values; None: the key is absent."""

    key: str
    """Key as in ``--set``."""
    before: Any
    after: Any

    @property
    def says(self) -> str:
        """Change in words."""
        return f"{self.key}: {_text(self.after)} instead of {_text(self.before)}"


@dataclass(frozen=True)
class SeriesChange(Plain):
    """Series whose values differ."""

    also = ("says",)
    name: str
    unit: str
    before: float
    """Mean over the horizon."""
    after: float
    most: float
    """Largest change of a value."""

    @property
    def says(self) -> str:
        """Change in words."""
        values = f"mean {self.after:.4g} instead of {self.before:.4g} {self.unit}".rstrip()
        return f"{self.name}: {values}, by up to {self.most:.4g} in a step"


def changed_keys(before: Scenario, after: Scenario) -> Iterator[KeyChange]:
    """Yield keys whose values differ, in the order of the scenario's records."""
    one, two = (scenario.model_dump(mode="json", exclude=set(LEFT_OUT)) for scenario in (before, after))
    yield from changes_between((), one, two)


def changes_between(path: tuple[str, ...], one: Any, two: Any) -> Iterator[KeyChange]:
    """Yield keys below a path whose values differ, for two records or lists of records as plain data."""
    if one == two:
        return
    mine, other = _items(one), _items(two)
    if mine is None or other is None:
        yield KeyChange(".".join(path), one, two)
        return
    for name in dict.fromkeys([*mine, *other]):
        values = mine.get(name), other.get(name)
        if None not in values:
            yield from changes_between((*path, name), *values)
        elif values != (None, None):
            yield KeyChange(".".join((*path, name)), *values)


def _items(value: Any) -> dict[str, Any] | None:
    """Keys of a record, or items of a list of records by name, else by index; None: it is neither."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    names = [item.get("name") for item in value]
    if None in names or len(set(names)) < len(names):
        return {str(i): item for i, item in enumerate(value)}
    return dict(zip(names, value, strict=True))


def _text(value: Any) -> str:
    if value is None:
        return ABSENT
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def changed_series(before: Case, after: Case) -> Iterator[SeriesChange]:
    """Yield series of both scenarios whose values differ; none if the horizons differ in length."""
    one, two = before.inputs, after.inputs
    if one.sizes["time"] != two.sizes["time"]:
        return
    for name in one.data_vars:
        if name not in two or one[name].shape != two[name].shape:
            continue
        a, b = one[name].to_numpy(), two[name].to_numpy()
        unit = str(two[name].attrs.get("units", "")).format(currency=after.market.currency)
        rows: list[tuple[str, np.ndarray, np.ndarray]] = [(str(name), a, b)]
        if a.ndim == 2:
            labels = one[name][one[name].dims[0]].values.tolist()
            rows = [(str(label), a[i], b[i]) for i, label in enumerate(labels)]
        for label, mine, other in rows:
            if not np.allclose(mine, other, rtol=1e-9, atol=1e-9):
                yield SeriesChange(
                    label, unit, float(mine.mean()), float(other.mean()), float(np.abs(other - mine).max())
                )
