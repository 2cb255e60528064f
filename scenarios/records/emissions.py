"""Emission accounting of a scenario: factors by name, gases covered, and allocation to exported energy.

Factors are looked up for the days of the horizon while a scenario is loaded, and saved with their rows, so that a
stored plan needs no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from emberline.scenarios.records.base import NAME, UP, Misplaced, Record, Unjudged
from emberline.scenarios.records.factors import Factor, FactorRow, Gases, Warming
from emberline.scenarios.records.quantity import Fraction, KilogramsPerTonne, convert

READ, TABLE, DAYS, ACCOUNTING = "read_factors", "factors", "days", "accounting"
"""Keys of the validation context: function that reads a table by name (``None``: the bundled one); the table; first and
last day of the horizon; the accounting rules."""


class Accounting(Record):
    """Rules for accounting and allocation of emissions."""

    table: str | None = None
    """Custom factor table, relative to the scenario's folder; its names take precedence over the bundled ones."""
    gases: Gases = "CO2"
    """``CO2``: as in emissions trading; ``all``: including methane and nitrous oxide, as CO2e."""
    warming: Warming = "AR5"
    by_products: Literal["none", "energy", "efficiency"] = "none"
    """Allocation of emissions to exported electricity and sold heat or gas. ``none``: all emissions are allocated to
    the heats. ``energy``: emissions of on-site generation and import are allocated by energy. ``efficiency``: as
    ``energy``, with a machine's electricity and heat divided by the efficiencies below. The total is unchanged."""
    power_efficiency: Fraction = Field(default=0.35, gt=0)
    """Efficiency of separate power generation; default of the GHG Protocol's tool for combined heat and power."""
    heat_efficiency: Fraction = Field(default=0.80, gt=0)
    """Efficiency of separate heat generation; default of the same tool."""

    @field_validator("table")
    @classmethod
    def _table(cls, name: str | None, info: ValidationInfo) -> str | None:
        # the factors of later fields are looked up in this table
        if name is not None and info.context is not None and READ in info.context:
            info.context[TABLE] = info.context[READ](name)
        return name


def _look_up(raw: Any, info: ValidationInfo) -> Any:
    if not isinstance(raw, str):
        return raw
    context = info.context or {}
    if DAYS not in context or READ not in context:
        raise Unjudged("a factor's name can be looked up only while a scenario is loaded and its horizon is right")
    counts = context.get(ACCOUNTING) or Accounting()
    table = context.get(TABLE) or context[READ](None)
    first, last = context[DAYS]
    rows = table.find(raw, first, last, counts.gases)
    return {"name": raw, "rows": [row.model_dump() for row in rows], "warming": counts.warming}


FactorByName = Annotated[Factor | None, BeforeValidator(_look_up, json_schema_input_type=str | Factor | None)]
"""Factor given by name; stored with its rows, so that a stored plan needs no table."""


def by_factor(raw: Any, value: float, factor_name: str, field: str) -> float:
    """Return the value of a factor, unless the record gives a different number.

    Raises:
        ValueError: the record gives a different number.
    """
    if raw in (None, 0, 0.0) or (isinstance(raw, int | float) and abs(raw - value) <= 1e-9 * max(value, 1e-9)):
        return value
    raise ValueError(f"give {field} or factor, not both: {raw} is not the {value:g} of {factor_name}")


def emitted(raw: Any, info: ValidationInfo) -> Any:
    """Return the emissions per tonne processed [kg CO2e/t]: the number given, or a factor times the amount used.

    Raises:
        ValueError: only one of factor and ``used`` is given, or the relevant part of the factor is zero.
    """
    if not {"factor", "used", "biogenic"} <= set(info.data):
        raise Unjudged("a value from which it is computed is invalid")
    factor, used, biogenic = (info.data[field] for field in ("factor", "used", "biogenic"))
    stated = None if raw == -1.0 else raw
    if factor is None and used is None:
        if stated is None:
            raise PydanticCustomError("missing", "Field required")
        return raw
    if factor is None or used is None:
        raise ValueError("factor and used go together: the emission factor and the amount used per tonne")
    per = factor.rows[0].per
    try:
        amount = convert(used, f"{per}/t")
    except ValueError as error:
        raise Misplaced(str(error), UP, "used") from None
    kg = amount * (factor.biogenic_kg_per(per) if biogenic else factor.fossil_kg_per(per))
    if amount and not kg:
        lacks, other = ("biogenic", "false") if biogenic else ("fossil", "true")
        raise ValueError(f"factor {factor.name} has no {lacks} part; say biogenic: {other}")
    return by_factor(stated, kg, factor.name, "kg_per_t")


@dataclass(frozen=True)
class Used:
    """Row of a factor used by part of a scenario."""

    by: str
    row: FactorRow

    def __str__(self) -> str:
        apart = ", biogenic" if self.row.biogenic else ""
        return (
            f"{self.by}: {self.row.name}, {self.row.value:g} {self.row.unit} {self.row.gas}{apart} "
            f"({self.row.basis} heating value), valid {self.row.span}: {self.row.source}"
        )


class Emission(Record):
    """Direct emission of a stage, proportional to the tonnes processed (electrodes, charge carbon, burner gas)."""

    source: str = Field(pattern=NAME)
    biogenic: bool = False
    factor: FactorByName = None
    """Name of an emission factor; together with ``used`` it replaces ``kg_per_t``."""
    used: str | None = None
    """Amount used per tonne processed, with its unit: ``2.5 kg/t`` of electrodes, ``0.8 GJ/t`` of gas."""
    kg_per_t: Annotated[KilogramsPerTonne, BeforeValidator(emitted), Field(validate_default=True)] = -1.0
    """Emissions per tonne processed [kg CO2e/t]."""


def _with_gases(emissions: tuple[Emission, ...]) -> tuple[Emission, ...]:
    """Add the methane and nitrous oxide of biogenic emissions by factor, which count like fossil ones.

    Emissions already listed with the same factor and amount are not added again.
    """
    pairs = {(e.factor.name, e.used) for e in emissions if e.factor is not None and not e.biogenic}
    all_emissions = list(emissions)
    for emission in emissions:
        factor, used = emission.factor, emission.used
        if factor is None or used is None or not emission.biogenic or (factor.name, used) in pairs:
            continue
        per = factor.rows[0].per
        kg = convert(used, f"{per}/t") * factor.fossil_kg_per(per)
        if kg:
            all_emissions.append(emission.model_copy(update={"biogenic": False, "kg_per_t": kg}))
    return tuple(all_emissions)


Emissions = Annotated[tuple[Emission, ...], AfterValidator(_with_gases)]
