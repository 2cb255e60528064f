"""A limit that a plan must keep, as the scenario tells it: its key, its value, and how far it could be loosened."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from emberline.scenarios import Scenario
from emberline.scenarios.assets.base import Named
from emberline.scenarios.assets.trade import Load, Source
from emberline.scenarios.messages import Message
from emberline.scenarios.records.series import Series

R = TypeVar("R", bound=Any)
PRICES = {
    "step": 0.1,
    "lock": 0.5,
    "due": 1.0,
    "level": 1.0,
    "cap": 1.5,
    "wait": 2.0,
    "stop": 2.0,
    "run": 2.5,
    "grid": 3.0,
    "outage": 3.0,
    "supply": 3.0,
    "amount": 4.0,
    "horizon": 4.0,
    "rate": 5.0,
    "room": 5.0,
    "surplus": 5.0,
    "demand": 6.0,
    "order": 10.0,
}
"""Price of loosening a limit by its own size, by kind: little where the planner decides, much where a machine would
have to be another, most where less would be made."""
SERVED = ("amount", "demand")
"""Kinds of limits that say how much is to be delivered or served."""
WAYS = 1e-9
"""Share of a step below which rounding is forgiven."""


@dataclass(frozen=True)
class Limit:
    """One limit. Loosening moves its value from ``value`` towards ``loosest``; what may be dropped goes from 0 to 1."""

    key: str
    """As ``--set`` names it."""
    name: str
    kind: str
    """Of ``PRICES``."""
    value: float
    loosest: float
    step: float
    """Values of repairs are multiples of it."""
    scale: float
    """A change as large as this counts the price of the kind."""
    write: Callable[[float], tuple[str, ...]]
    """Overrides that give it a value."""
    tell: Callable[[float], str]
    """A value in words."""
    relative: bool = False
    """Whether its scale is its own value."""

    @property
    def sign(self) -> float:
        """Direction in which it is loosened."""
        return 1.0 if self.loosest >= self.value else -1.0

    @property
    def dropped(self) -> bool:
        """Whether it can only be dropped as a whole."""
        return self.step == 1.0 and (self.value, self.loosest) == (0.0, 1.0)

    def cancels(self, value: float) -> bool:
        """Whether a value leaves out what is to be delivered or served, as a whole."""
        return self.kind == "order" or (self.kind in SERVED and value == 0 and self.value != 0)

    def rounded(self, value: float) -> float:
        """The next value on its steps that is at least as loose, no looser than the loosest."""
        steps = value / self.step
        whole = math.ceil(steps - WAYS) if self.sign > 0 else math.floor(steps + WAYS)
        step_value = whole * self.step
        return min(step_value, self.loosest) if self.sign > 0 else max(step_value, self.loosest)

    def next_to(self, value: float) -> float:
        """The first value on its steps that is looser."""
        return self.rounded(value + self.sign * self.step * 1e-6)

    @property
    def statement(self) -> str:
        """The limit as it stands, in words."""
        return self.name if self.dropped else Message("{limit}, {value}", limit=self.name, value=self.tell(self.value))

    def price(self, value: float) -> float:
        """Price of loosening it to a value; the larger of the old value and the new one counts as its size."""
        size = max(self.scale, abs(value)) if self.relative else self.scale
        return PRICES[self.kind] * abs(value - self.value) / size

    def says(self, value: float) -> str:
        """A change to a value in words."""
        if self.dropped:
            return self.tell(value)
        return Message("{limit} to {new} (now {old})", limit=self.name, new=self.tell(value), old=self.tell(self.value))


def numeric(
    key: str,
    name: str,
    kind: str,
    value: float,
    loosest: float,
    unit: str,
    *,
    step: float | None = None,
    scale: float | None = None,
    factor: float = 1.0,
    write: Callable[[float], tuple[str, ...]] | None = None,
) -> Limit:
    """A limit that is one number of the scenario.

    Args:
        key: as ``--set`` names it.
        name: in words.
        kind: of ``PRICES``.
        value: as it stands.
        loosest: as far as it may go.
        unit: of measure.
        step: of repairs; None: three digits of the value.
        scale: a change that counts the kind's price; None: the value itself.
        factor: the value is worded times this.
        write: overrides of a value; None: the key itself.
    """
    size = abs(value) or abs(loosest - value) or 1.0
    return Limit(
        key=key,
        name=name,
        kind=kind,
        value=value,
        loosest=loosest,
        step=step or 10.0 ** (math.floor(math.log10(size)) - 2),
        scale=scale or size,
        write=write or (lambda new: (f"{key}={number(new)}",)),
        tell=lambda new: (
            Message("{amount} {unit}", amount=number(new * factor, 5), unit=unit) if unit else number(new * factor, 5)
        ),
        relative=scale is None,
    )


def droppable(key: str, name: str, change: str, kind: str, *overrides: str) -> Limit:
    """A limit that is kept, as ``name`` tells it, or dropped, as ``change`` does."""
    return Limit(key, name, kind, 0.0, 1.0, 1.0, 1.0, lambda _: overrides, lambda _: change)


def moment(key: str, name: str, kind: str, scenario: Scenario, minutes: float, loosest: float) -> Limit:
    """A limit that is a moment; minutes after the horizon's start inside, the plant's clock in words."""
    horizon = scenario.horizon
    return Limit(
        key=key,
        name=name,
        kind=kind,
        value=minutes,
        loosest=loosest,
        step=horizon.step_min,
        scale=24 * 60.0,
        write=lambda new: (f"{key}={number(new)} min",),
        tell=lambda new: Message("{time}", time=scenario.horizon.instant(new)),
    )


def factored(key: str, name: str, kind: str, series: Series, unit: str) -> Limit:
    """A series of the scenario as a whole, by a factor on it; it is worded as the number or the share."""
    if series.value is not None:
        unscaled, factor = series.value * series.scale, series.value * series.scale
    else:
        key, unscaled, factor, unit = f"{key}.scale", series.scale, 100.0, "%"

    def write(new: float) -> tuple[str, ...]:
        return (f"{key}={number(new * unscaled)}",)

    return numeric(key, name, kind, 1.0, 0.0, unit, step=0.001, factor=factor, write=write)


@dataclass(frozen=True)
class Number:
    """A number of a record that limits plans where it is set."""

    field: str
    words: str
    """Marked for translation."""
    kind: str
    """Of ``PRICES``."""
    times: float
    """As many times its value it may become; 0: it may go, and is no limit where it is 0."""
    unit: str
    step: float | None = None
    more: float = 0.0
    """As much more it may become besides."""
    scale: float | None = None
    """A change that counts the kind's price; None: the value itself."""


def numbers(record: Any, key: str, of: Mapping[str, Any], *rows: Number) -> Iterator[Limit]:
    """Limits that are numbers of one record.

    Args:
        record: of the scenario.
        key: of the record.
        of: parameters of the words.
        rows: the numbers.
    """
    for row in rows:
        value = getattr(record, row.field, None)
        if value is not None and (value > 0 or row.times):
            words = Message(row.words, **of)
            key_of_row, top = f"{key}.{row.field}", row.times * value + row.more
            yield numeric(key_of_row, words, row.kind, value, top, row.unit, step=row.step, scale=row.scale)


def moments(
    scenario: Scenario, record: Any, key: str, field: str, words: str, kind: str, loosest: float, **of: Any
) -> Iterator[Limit]:
    """The limit of a moment of one record, where it is set and may still be moved; the arguments are as of ``numbers``.

    Args:
        scenario: whose horizon counts.
        record: of the scenario.
        key: of the record.
        field: of the moment; ``release`` and ``earliest`` may come earlier, all others later.
        words: marked for translation.
        kind: of ``PRICES``.
        loosest: minutes after the horizon's start.
        **of: parameters of the words.
    """
    at = getattr(record, field)
    if at is not None:
        minutes = scenario.horizon.minutes(at)
        if minutes > loosest if field in ("release", "earliest") else minutes < loosest:
            yield moment(f"{key}.{field}", Message(words, **of), kind, scenario, minutes, loosest)


def assets(scenario: Scenario) -> Iterator[tuple[Named, str]]:
    """Every asset as the scenario spells it, with its key; the base load has that of its load."""
    yield scenario.site.base_load, "site.base_load_mw"
    if scenario.site.sun is not None:
        yield scenario.site.sun, "site.pv"
    yield from keyed("site.assets", scenario.site.assets)


def rate_key(asset: Load | Source, scenario: Scenario, key: str) -> str:
    """Key of what a load takes or a source gives."""
    return key if asset is scenario.site.base_load else f"{key}.rate"


def without(key: str, items: Iterable[Any], left_out: int) -> str:
    """An override that leaves one item out of a list of records."""
    rest = [item.model_dump(mode="json", exclude_defaults=True) for i, item in enumerate(items) if i != left_out]
    return f"{key}={json.dumps(rest, ensure_ascii=False)}"


def keyed(path: str, records: Sequence[R]) -> Iterator[tuple[R, str]]:
    """Records of a list that have names, each with its key.

    Args:
        path: key of the list.
        records: all of them.
    """
    names = [record.name for record in records]
    for i, record in enumerate(records):
        yield record, f"{path}.{item(record.name, i, names)}"


def item(name: str, place: int, names: Iterable[str]) -> str:
    """Name of a list's item in an override: its name, or its place where the name would not do."""
    plain = not any(sign in name for sign in ".=") and not name.isdigit() and list(names).count(name) == 1
    return name if plain else str(place)


def number(value: float, digits: int = 10) -> str:
    """A number as it is written, without a rest of rounding."""
    return f"{round(value, 9) + 0.0:.{digits}g}" if digits >= 10 or abs(value) < 10**digits else f"{value:.0f}"
