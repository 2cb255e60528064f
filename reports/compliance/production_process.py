"""Production processes of an installation, the precursors they buy, and what leaves them as a credit.

Implementing Regulation (EU) 2025/2547, annex II: emissions attributed to a process are its direct emissions, plus
measurable heat and waste gases that come in, less heat, waste gases and electricity that leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from emberline.reports.compliance.source_stream import SourceStream, StreamEmissions
from emberline.scenarios.records.base import Record

NATURAL_GAS_T_CO2_PER_TJ = 56.1
WASTE_GAS_CORRECTION = 0.667
"""Of waste gas that leaves: its lower efficiency in use than that of natural gas, which it replaces."""


class Precursor(Record):
    """A precursor that is bought: its amount used, and the embedded emissions that its maker declares."""

    name: str = Field(default="precursor", min_length=1, max_length=80)
    amount_t: float = Field(ge=0)
    see_direct: float = Field(ge=0)
    """t CO2e/t."""
    mwh_per_t: float = Field(default=0.0, ge=0)
    """Electricity used for a tonne."""
    electricity_t_co2_per_mwh: float | None = Field(default=None, ge=0)
    """Of that electricity; None: it is open, and with it the indirect emissions."""
    see_indirect: float | None = Field(default=None, ge=0)
    """t CO2e/t; None: from the electricity used."""
    default_value: bool = False
    """A default value stands for what its maker does not declare."""

    @property
    def indirect(self) -> float | None:
        """Indirect embedded emissions [t CO2e/t]; None: its electricity has no factor."""
        if self.see_indirect is not None or not self.mwh_per_t:
            return self.see_indirect or 0.0
        factor = self.electricity_t_co2_per_mwh
        return None if factor is None else self.mwh_per_t * factor


class Energy(Record):
    """Heat or waste gas that crosses the boundary of a process."""

    tj: float = Field(ge=0)
    t_co2_per_tj: float = Field(ge=0)
    correction: float = Field(default=1.0, gt=0, le=1)

    @property
    def t_co2(self) -> float:
        """t CO2."""
        return self.tj * self.t_co2_per_tj * self.correction


class ProductionProcess(Record):
    """A production process over a period: one good, its production, its emissions and what it takes and hands on."""

    name: str = Field(min_length=1, max_length=80)
    production_t: float = Field(gt=0)
    """All that is made, for the market and for other processes."""
    to_market_t: float | None = Field(default=None, ge=0)
    direct_t_co2: float | None = None
    """Directly attributed emissions; None: those of its streams."""
    streams: tuple[tuple[SourceStream, float], ...] = ()
    """Source streams of this process alone, with their amounts."""
    heat_imported: Energy | None = None
    heat_exported: Energy | None = None
    waste_gas_imported: Energy | None = None
    waste_gas_exported: Energy | None = None
    electricity_mwh: float = Field(default=0.0, ge=0)
    electricity_t_co2_per_mwh: float = Field(default=0.0, ge=0)
    electricity_exported_mwh: float = Field(default=0.0, ge=0)
    electricity_exported_t_co2_per_mwh: float | None = Field(default=None, ge=0)
    """None: as of the electricity used."""
    precursors: tuple[Precursor, ...] = ()
    takes_t: Mapping[str, float] = {}
    """Products of other processes of the installation that this one uses."""

    @model_validator(mode="after")
    def _whole(self) -> ProductionProcess:
        if self.direct_t_co2 is not None and self.streams:
            raise ValueError(f"process {self.name}: give direct_t_co2 or source streams, not both")
        negative = [name for name, amount in self.takes_t.items() if not amount >= 0]
        if negative:
            raise ValueError(f"process {self.name}: takes a negative amount of {negative[0]}")
        return self

    @property
    def emissions(self) -> StreamEmissions:
        """Of its streams, before heat, gas and electricity that come in or leave [t CO2]."""
        if self.direct_t_co2 is not None:
            return StreamEmissions(self.direct_t_co2, 0.0)
        parts = [stream.emissions(amount) for stream, amount in self.streams]
        return StreamEmissions(
            sum(part.fossil_t_co2 for part in parts),
            sum(part.biogenic_t_co2 for part in parts),
            sum(part.energy_tj for part in parts),
        )

    @property
    def additions_t_co2(self) -> dict[str, float]:
        """Emissions of imported heat and waste gas, by name [t CO2]."""
        parts = {"heat": self.heat_imported, "waste_gas": self.waste_gas_imported}
        return {name: energy.t_co2 for name, energy in parts.items() if energy is not None}

    @property
    def credits_t_co2(self) -> dict[str, float]:
        """Emissions of exported heat, waste gas and electricity, which are subtracted, by name [t CO2]."""
        parts = {"heat": self.heat_exported, "waste_gas": self.waste_gas_exported}
        table = {name: energy.t_co2 for name, energy in parts.items() if energy is not None}
        if self.electricity_exported_mwh:
            factor = self.electricity_exported_t_co2_per_mwh
            factor = self.electricity_t_co2_per_mwh if factor is None else factor
            table["electricity"] = self.electricity_exported_mwh * factor
        return table

    @property
    def attributed_t_co2(self) -> float:
        """Direct emissions attributed to the process [t CO2]."""
        return self.emissions.fossil_t_co2 + sum(self.additions_t_co2.values()) - sum(self.credits_t_co2.values())

    def figures(self) -> dict[str, Any]:
        """Tonnes of CO2 of the process alone, as plain data."""
        figures = {
            "direct_t_co2": self.attributed_t_co2,
            "direct_t_co2_before_credit": self.emissions.fossil_t_co2 + sum(self.additions_t_co2.values()),
            "biogenic_t_co2": self.emissions.biogenic_t_co2,
        }
        figures |= {f"{name}_credit_t_co2": t_co2 for name, t_co2 in self.credits_t_co2.items()}
        gas = self.waste_gas_exported
        if gas is not None:
            figures["waste_gas_credit_without_correction_t_co2"] = gas.tj * gas.t_co2_per_tj
        return figures
