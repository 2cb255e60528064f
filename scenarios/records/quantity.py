"""Quantities written with their unit: ``85 MW`` or ``85000 kW`` becomes 85.0 in a field named ``…_mw``.

A plain number is taken in the field's own unit. The text is matched against a strict pattern before pint sees it,
because pint evaluates expressions (``9**9**9**9`` would never end).
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

if TYPE_CHECKING:
    import pint

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
UNIT = r"[A-Za-z%€$¥£₹₩°][A-Za-z0-9%€$¥£₹₩° /._]{0,38}"
QUANTITY = re.compile(rf"\s*({NUMBER})\s*({UNIT})?\s*", re.ASCII)
CURRENCIES = ("EUR", "USD", "CNY", "GBP", "KRW", "JPY", "INR", "BRL")
SYMBOLS = {"€": "EUR", "R$": "BRL", "US$": "USD", "$": "USD", "£": "GBP", "₹": "INR", "₩": "KRW"}
YEN_OR_YUAN = ("JPY", "CNY")
"""Currencies that the sign ¥ may stand for."""
_RUPEES = re.compile(r"\b(?:Rs|INR)\b\.?|(?<![A-Za-z])Rs\.?(?=\s*/)", re.IGNORECASE)
_APPARENT = re.compile(r"(?<![A-Za-z])[kMG]?VA(?:r|h|rh)?(?![A-Za-z])")


@contextmanager
def spared(*names: str) -> Iterator[None]:
    """Let modules that are not loaded yet seem absent: a library that looks for them is imported faster."""
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def signs(text: str, currency: str | None = None) -> str:
    """A unit with the codes of currencies in place of their signs.

    Args:
        text: the unit.
        currency: in which is counted here; it tells which one a sign of several is.

    Raises:
        ValueError: a sign stands for several.
    """
    for symbol, code in SYMBOLS.items():
        text = text.replace(symbol, code)
    if "¥" in text:
        if currency not in YEN_OR_YUAN:
            raise ValueError(f"¥ stands for {' and '.join(YEN_OR_YUAN)}; write which one, as in {YEN_OR_YUAN[1]}/MWh")
        text = text.replace("¥", currency)
    return _RUPEES.sub("INR", text)


@cache
def registry() -> pint.UnitRegistry[float]:
    """The units known: pint's, one dimension for each currency (no exchange rates), watt-peak, normal cubic metres."""
    with spared("dask.array", "scipy"):
        import pint  # a fifth of a second that a scenario of plain numbers need not pay

    units: pint.UnitRegistry[float] = pint.UnitRegistry(cache_folder=None)
    for currency in CURRENCIES:
        units.define(f"{currency} = [currency_{currency}]")
    units.define("Wp = watt")
    units.define("Nm3 = [normal_volume]")
    return units


def convert(text: str, unit: str) -> float:
    """Read a quantity and express it in ``unit``.

    Raises:
        ValueError: the text is no quantity, or its dimension is another one than that of ``unit``.
    """
    match = QUANTITY.fullmatch(text[:80])
    if not match and QUANTITY.fullmatch(point := text[:80].replace(",", ".", 1)):
        raise ValueError(f"{text[:40]!r} has a comma; write decimals with a point, such as '{point[:40].strip()}'")
    if not match or len(text) > 80:
        raise ValueError(
            f"{text[:40]!r} is not a quantity; write a number, or a number with its unit such as '1 {unit or '%'}'"
        )
    magnitude = float(match[1])
    if not math.isfinite(magnitude):
        raise ValueError(f"{text!r} is not a finite number")
    if not match[2]:
        return magnitude
    source_unit = match[2].replace("CO2e", "").replace("CO2", "")
    currency = next((code for code in CURRENCIES if code in unit), None)
    source_unit = signs(source_unit, currency)
    return magnitude * factor(re.sub(r"\s+", " ", source_unit).strip().replace(" /", "/").replace("/ ", "/"), unit)


@cache
def factor(source_unit: str, unit: str) -> float:
    """Number of ``unit`` in one ``source_unit``."""
    if source_unit == unit:
        return 1.0
    if not re.fullmatch(rf"(?:1 ?/ ?)?{UNIT}", source_unit, re.ASCII):
        raise ValueError(f"unknown unit {source_unit[:40]!r}; expected a unit like {unit or '%'!r}")
    if _APPARENT.search(source_unit) and not _APPARENT.search(unit) and not per_apparent(source_unit):
        raise ValueError(
            f"{source_unit!r} counts apparent power, this takes {unit!r}: give kVA times the power factor, such as "
            "38 MVA x 0.95 = 36.1 MW"
        )
    units = registry()
    import pint

    try:
        source = units.parse_units(source_unit)
    except Exception:  # pint raises a dozen kinds here; to the user they are all one
        raise ValueError(f"unknown unit {source_unit!r}; expected a unit like {unit or '%'!r}") from None
    try:
        return float(units.Quantity(1.0, source).to(unit).magnitude)
    except pint.DimensionalityError:
        takes = f"{unit!r} or a unit that converts to it" if unit else "a plain number or a share, such as 0.5 or 50 %"
        raise ValueError(f"wrong unit {source_unit!r}: this takes {takes}") from None


def converts(source_unit: str, *units: str) -> bool:
    """Whether a unit converts to one of some others."""
    for unit in units:
        try:
            factor(source_unit, unit)
        except ValueError:
            continue
        return True
    return False


APPARENT = "apparent"
"""Key in the context of a validation: prices per kVA that were read, as written."""


def per_apparent(source_unit: str) -> bool:
    """Whether a unit is a price for apparent power, which is read as one for power, at a power factor of 1."""
    return re.search(r"/ ?[kM]VA$", source_unit.strip()) is not None


def in_unit(unit: str) -> Callable[[Any, ValidationInfo], Any]:
    """A validator that reads quantities; ``{currency}`` in the unit stands for the market's currency."""

    def read(raw: Any, info: ValidationInfo) -> Any:
        if isinstance(raw, bool):
            takes = (
                f"a quantity in {unit.format(currency='EUR')}" if unit else "a number or a share, such as 0.5 or 50 %"
            )
            raise ValueError(f"{str(raw).lower()} is not {takes}")
        if not isinstance(raw, str):
            return raw
        context = info.context or {}
        number = convert(raw, unit.format(currency=context.get("currency", "EUR")))
        if per_apparent(raw) and not per_apparent(unit):
            context.get(APPARENT, []).append(raw.strip())
        return number

    return read


def read_in(unit: str) -> BeforeValidator:
    """Reader of a field of quantities, as of :func:`in_unit`; a form offers a number or a text."""
    return BeforeValidator(in_unit(unit), json_schema_input_type=float | str)


def _schema(unit: str, **limits: float) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [{"type": "number", **limits}, {"type": "string", "pattern": rf"^\s*{NUMBER}\s*\S.*$"}],
            "description": f"a number in {unit}, or a quantity with its unit such as '1 {unit}'",
        }
    )


Megawatts = Annotated[float, BeforeValidator(in_unit("MW")), Field(ge=0, le=1e6), _schema("MW", minimum=0)]
MegawattHours = Annotated[float, BeforeValidator(in_unit("MWh")), Field(ge=0, le=1e9), _schema("MWh", minimum=0)]
Minutes = Annotated[float, BeforeValidator(in_unit("min")), Field(ge=0, le=1e6), _schema("min", minimum=0)]
SignedMinutes = Annotated[float, BeforeValidator(in_unit("min")), Field(ge=-1e6, le=1e6), _schema("min")]
PositiveMinutes = Annotated[float, BeforeValidator(in_unit("min")), Field(gt=0, le=1e6), _schema("min")]
Hours = Annotated[float, BeforeValidator(in_unit("h")), Field(gt=0, le=1e6), _schema("h")]
Tonnes = Annotated[float, BeforeValidator(in_unit("t")), Field(gt=0, le=1e6), _schema("t")]
TonnesPerHour = Annotated[float, BeforeValidator(in_unit("t/h")), Field(ge=0, le=1e6), _schema("t/h", minimum=0)]
Kilograms = Annotated[float, BeforeValidator(in_unit("kg")), Field(ge=0), _schema("kg", minimum=0)]
KilogramsPerTonne = Annotated[float, BeforeValidator(in_unit("kg/t")), Field(ge=0), _schema("kg/t", minimum=0)]
KilowattHoursPerTonne = Annotated[
    float, BeforeValidator(in_unit("kWh/t")), Field(ge=0, le=1e6), _schema("kWh/t", minimum=0)
]
KelvinPerMinute = Annotated[float, BeforeValidator(in_unit("K/min")), Field(ge=0, le=100), _schema("K/min", minimum=0)]
KilowattHoursPerTonneKelvin = Annotated[
    float, BeforeValidator(in_unit("kWh/t/K")), Field(ge=0, le=100), _schema("kWh/t/K", minimum=0)
]
Fraction = Annotated[float, BeforeValidator(in_unit("")), Field(ge=0, le=1), _schema("1 (or %)", minimum=0, maximum=1)]
PerHour = Annotated[float, BeforeValidator(in_unit("1/h")), Field(ge=0, le=1), _schema("1/h", minimum=0, maximum=1)]
Money = Annotated[float, BeforeValidator(in_unit("{currency}")), Field(), _schema("the market's currency")]
MoneyPerTonne = Annotated[
    float, BeforeValidator(in_unit("{currency}/t")), Field(ge=0), _schema("currency/t", minimum=0)
]
