"""Quantities with units: ``85 MW`` or ``85000 kW`` becomes 85.0 in a field named ``…_mw``.

Plain numbers are in the unit of the field. Texts must match a strict pattern before they are passed to pint, which
evaluates expressions (``9**9**9**9`` would never end).
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
"""Currencies with the sign ¥."""
_RUPEES = re.compile(r"\b(?:Rs|INR)\b\.?|(?<![A-Za-z])Rs\.?(?=\s*/)", re.IGNORECASE)
_APPARENT = re.compile(r"(?<![A-Za-z])[kMG]?VA(?:r|h|rh)?(?![A-Za-z])")


@contextmanager
def spared(*names: str) -> Iterator[None]:
    """Hide modules that are not yet loaded, to speed up the import of a library that would load them."""
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def signs(text: str, currency: str | None = None) -> str:
    """Replace signs of currencies in a unit by their codes.

    Args:
        text: unit with signs.
        currency: currency of the market, which resolves ambiguous signs.

    Raises:
        ValueError: a sign is ambiguous.
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
    """Return the unit registry: units of pint, currencies without exchange rates, watt-peak and normal cubic metres."""
    with spared("dask.array", "scipy"):
        import pint  # takes 0.2 s and is not needed for plain numbers

    units: pint.UnitRegistry[float] = pint.UnitRegistry(cache_folder=None)
    for currency in CURRENCIES:
        units.define(f"{currency} = [currency_{currency}]")
    units.define("Wp = watt")
    units.define("Nm3 = [normal_volume]")
    return units


def convert(text: str, unit: str) -> float:
    """Parse a quantity and convert it to ``unit``.

    Raises:
        ValueError: the text is not a quantity, or its dimension differs from that of ``unit``.
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
    """Return the conversion factor from ``source_unit`` to ``unit``."""
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
    except Exception:  # pint raises many types of exception; all mean that the unit is unknown
        raise ValueError(f"unknown unit {source_unit!r}; expected a unit like {unit or '%'!r}") from None
    try:
        return float(units.Quantity(1.0, source).to(unit).magnitude)
    except pint.DimensionalityError:
        takes = f"{unit!r} or a unit that converts to it" if unit else "a plain number or a share, such as 0.5 or 50 %"
        raise ValueError(f"wrong unit {source_unit!r}: this takes {takes}") from None


def converts(source_unit: str, *units: str) -> bool:
    """Return whether a unit can be converted to any of the others."""
    for unit in units:
        try:
            factor(source_unit, unit)
        except ValueError:
            continue
        return True
    return False


APPARENT = "apparent"
"""Key in the validation context for the prices per kVA found, as written."""


def per_apparent(source_unit: str) -> bool:
    """Return whether a unit is per apparent power; such prices are read as per active power (power factor 1)."""
    return re.search(r"/ ?[kM]VA$", source_unit.strip()) is not None


def in_unit(unit: str) -> Callable[[Any, ValidationInfo], Any]:
    """Return a validator that parses quantities; ``{currency}`` in the unit stands for the currency of the market."""

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
    """Return :func:`in_unit` as a validator whose input is a number or a text in forms."""
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
