"""Roles of an imported series: its place in a scenario, its unit and its range of values."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emberline.scenarios.reading.document import Keys
from emberline.scenarios.reading.unit_spelling import named, of_name, spelled
from emberline.scenarios.records.quantity import CURRENCIES, UNIT, converts, factor

WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
"""Words used in files, as described in ``words.toml``."""


@dataclass(frozen=True)
class Role:
    """Role of an imported series."""

    name: str
    title: str
    path: Keys
    """Path in a scenario; empty: the series is not part of a scenario."""
    unit: str
    """Unit of measure; ``{currency}`` stands for the currency of the file."""
    minimum: float | None = None

    @property
    def words(self) -> list[str]:
        """Words in the names of suitable columns."""
        words: list[str] = WORDS["roles"][self.name]
        return words

    @property
    def column(self) -> str:
        """Column name in the normalised file: the last key of its path, or that of metered power."""
        return str(self.path[-1]) if self.path else "power_mw"

    @property
    def metered(self) -> bool:
        """Whether it may come from a meter, whose time stamps may mark the ends of intervals."""
        return self.unit in (POWER, SHARE)


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("price", "price of electricity", ("market", "price_per_mwh"), "{currency}/MWh"),
        Role("export-price", "price of exported electricity", ("market", "export_price_per_mwh"), "{currency}/MWh"),
        Role(
            "intensity",
            "carbon intensity of the grid, average",
            ("market", "carbon_intensity_kg_per_mwh"),
            "kg/MWh",
            0.0,
        ),
        Role(
            "marginal-intensity",
            "carbon intensity of the grid, marginal",
            ("market", "marginal_carbon_intensity_kg_per_mwh"),
            "kg/MWh",
            0.0,
        ),
        Role("load", "base load of the site", ("site", "base_load_mw"), "MW", 0.0),
        Role("pv", "yield of the PV plant", ("site", "pv", "capacity_factor"), "", 0.0),
        Role("actual", "metered power of the plant, to calibrate with", (), "MW", 0.0),
    )
}
"""Roles by name on the command line."""
POWER, ENERGY, SHARE = "MW", "MWh", ""


def standard(role: Role, unit: str | None, interval_min: float, peak_mw: float | None) -> tuple[float, str]:
    """Return the factor from the values of a file to the unit of a role, and that unit.

    Args:
        role: role of the series.
        unit: unit in the file; None: the unit of the role.
        interval_min: interval of energies, which are converted to mean power [min].
        peak_mw: peak power of a PV plant whose yield is given as power [MW].

    Raises:
        ValueError: the unit cannot be converted.
    """
    currency = money(unit)
    target_unit = role.unit.format(currency=currency or "EUR")
    if unit is None or not unit.strip():
        if "{currency}" in role.unit:
            raise ValueError(f"say the unit, such as {target_unit}: a price without its currency is none")
        return 1.0, target_unit
    source_unit = spelled(unit)
    if not re.fullmatch(UNIT, source_unit, re.ASCII):
        raise ValueError(
            f"unknown unit {unit[:40]!r}; this takes {target_unit or 'a share'} or a unit that converts to it"
        )
    if "{currency}" in role.unit and currency is None:
        raise ValueError(f"{unit[:40]!r} names no currency; say it, as in {target_unit}, of {', '.join(CURRENCIES)}")
    if role.unit == SHARE and converts(source_unit, POWER, ENERGY):
        if not peak_mw:
            raise ValueError(f"{unit} is a power or an energy: say the plant's peak (peak_mw), or give shares of it")
        return _power(source_unit, interval_min) / peak_mw, target_unit
    if role.unit == POWER:
        return _power(source_unit, interval_min), target_unit
    return factor(source_unit, target_unit), target_unit


def energy(unit: str | None) -> bool:
    """Return whether a unit measures energy."""
    return unit is not None and converts(spelled(unit), ENERGY)


def _power(source_unit: str, interval_min: float) -> float:
    """Return the megawatts of one ``source_unit``, which is a power or an energy per interval."""
    if converts(source_unit, ENERGY):
        return factor(source_unit, ENERGY) * 60 / interval_min
    return factor(source_unit, POWER)


def money(unit: str | None) -> str | None:
    """Return the currency of a unit, if any."""
    if unit is None:
        return None
    try:
        source_unit = spelled(unit)
    except ValueError:  # reported where the unit is used
        return None
    return next((currency for currency in CURRENCIES if re.match(rf"{currency}\b", source_unit)), None)


def unit_of(name: str, role: Role, interval_min: float) -> str | None:
    """Return the unit at the end of a column's name, in brackets or after an underscore, if it suits the role."""
    for candidate in of_name(name):
        try:
            unit = spelled(candidate)
            standard(role, unit, interval_min, 1.0)
        except ValueError:
            continue
        return unit
    return None


def fits(name: str, role: Role, interval_min: float) -> bool:
    """Return whether the name of a column is compatible with a role."""
    words = set(re.split(r"[^a-z0-9%]+", name.lower()))
    if words.intersection(WORDS["other_numbers"]):
        return False
    shares = {"%", "pct", "percent", "share", "prozent", "anteil"}
    if role.unit and words & shares:
        return False
    unit = named(name)
    if unit is None:
        return True
    try:
        standard(role, unit, interval_min, 1.0)
    except ValueError:
        return False
    return True
