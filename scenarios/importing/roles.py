"""Roles of an imported series: its place in a scenario, its unit and its range of values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emberline.scenarios.reading.document import Keys
from emberline.scenarios.reading.unit_spelling import named, of_name, spelled
from emberline.scenarios.records.quantity import CURRENCIES, UNIT, converts, factor


@dataclass(frozen=True)
class Role:
    """One thing that a series can be."""

    name: str
    title: str
    path: Keys
    """Keys that lead to it in a scenario; empty: none, it is read next to one."""
    unit: str
    """``{currency}`` stands for the currency that the file counts in."""
    minimum: float | None = None
    words: tuple[str, ...] = ()
    """Possible names of a column that holds it."""

    @property
    def column(self) -> str:
        """Its name in the normalised file: that of its key; a meter's power has none in a scenario."""
        return str(self.path[-1]) if self.path else "power_mw"

    @property
    def metered(self) -> bool:
        """Whether a meter tells it, which may stamp the ends of intervals."""
        return self.unit in (POWER, SHARE)


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("price", "price of electricity", ("market", "price_per_mwh"), "{currency}/MWh",
             words=("price", "spot", "day-ahead", "preis", "mcp", "lmp", "clearing", "cost", "电价")),
        Role("export-price", "price of exported electricity", ("market", "export_price_per_mwh"), "{currency}/MWh",
             words=("export", "feed-in", "price")),
        Role("intensity", "carbon intensity of the grid, average", ("market", "carbon_intensity_kg_per_mwh"),
             "kg/MWh", 0.0, ("intensity", "carbon", "co2", "emission", "average")),
        Role("marginal-intensity", "carbon intensity of the grid, marginal",
             ("market", "marginal_carbon_intensity_kg_per_mwh"), "kg/MWh", 0.0,
             ("marginal", "intensity", "carbon", "co2", "moer")),
        Role("load", "base load of the site", ("site", "base_load_mw"), "MW", 0.0,
             ("load", "power", "demand", "consumption", "usage", "energy", "last", "verbrauch", "kw")),
        Role("pv", "yield of the PV plant", ("site", "pv", "capacity_factor"), "", 0.0,
             ("pv", "solar", "capacity factor", "yield", "photovoltaic")),
        Role("actual", "metered power of the plant, to calibrate with", (), "MW", 0.0,
             ("power", "meter", "load", "usage", "energy", "actual", "kw")),
    )
}  # fmt: skip
"""By the name that the command line takes."""
NO_VALUES = {
    "hour", "hours", "hr", "block", "day", "month", "year", "week", "id", "index", "no", "nr", "row", "flag", "quality",
    "status", "estimated", "interval", "period", "stunde", "tag", "monat", "jahr", "weekday", "nsm", "zone",
}  # fmt: skip
"""Words in the names of columns of numbers that count something else."""
POWER, ENERGY, SHARE = "MW", "MWh", ""


def standard(role: Role, unit: str | None, interval_min: float, peak_mw: float | None) -> tuple[float, str]:
    """Factor that turns a file's values into the role's unit, and that unit.

    Args:
        role: what the series is.
        unit: of the file; None: the role's own.
        interval_min: energies are counted over it, and become the mean power.
        peak_mw: of a PV plant, whose yield may be given as power.

    Raises:
        ValueError: the unit does not convert.
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
    """Whether a unit counts energy."""
    return unit is not None and converts(spelled(unit), ENERGY)


def _power(source_unit: str, interval_min: float) -> float:
    """Megawatts of one ``source_unit``, which is a power or an energy for each interval."""
    if converts(source_unit, ENERGY):
        return factor(source_unit, ENERGY) * 60 / interval_min
    return factor(source_unit, POWER)


def money(unit: str | None) -> str | None:
    """The currency that a unit names."""
    if unit is None:
        return None
    try:
        source_unit = spelled(unit)
    except ValueError:  # reported where the unit is used
        return None
    return next((currency for currency in CURRENCIES if re.match(rf"{currency}\b", source_unit)), None)


def unit_of(name: str, role: Role, interval_min: float) -> str | None:
    """A unit at the end of a column's name, in brackets or after an underscore."""
    for candidate in of_name(name):
        try:
            unit = spelled(candidate)
            standard(role, unit, interval_min, 1.0)
        except ValueError:
            continue
        return unit
    return None


def fits(name: str, role: Role, interval_min: float) -> bool:
    """Whether a column's name does not say that it holds something else than the role."""
    words = set(re.split(r"[^a-z0-9%]+", name.lower()))
    if words & NO_VALUES:
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
