"""Emissions of combined heat and power shared out to heat and electricity.

Implementing Regulation (EU) 2025/2547, annex II, section C, and the cogeneration tool of the communication template::

    share of heat = (η_heat / ref_heat) / (η_heat / ref_heat + η_el / ref_el)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from emberline.scenarios.records.base import Record

Fuel = Literal["coal", "natural_gas", "blast_furnace_gas", "coke_oven_gas", "waste_heat"]
DEFAULT_HEAT_EFFICIENCY, DEFAULT_POWER_EFFICIENCY = 0.55, 0.25
"""Efficiencies of heat and electricity where they cannot be determined."""
REFERENCE_POWER_EFFICIENCY: dict[Fuel, float] = {
    "coal": 0.442,
    "natural_gas": 0.53,
    "blast_furnace_gas": 0.35,
    "coke_oven_gas": 0.35,
    "waste_heat": 0.30,
}
"""Of electricity made alone, by fuel."""
REFERENCE_HEAT_EFFICIENCY = 0.88
"""Of hot water made alone from coal."""
TJ_PER_MWH = 0.0036


@dataclass(frozen=True)
class Shared:
    """Emissions and fuel of cogeneration by product."""

    heat_t_co2: float
    power_t_co2: float
    heat_share: float
    heat_t_co2_per_tj: float | None
    """None: heat is not known."""
    power_t_co2_per_mwh: float | None


class Cogeneration(Record):
    """A unit of combined heat and power in a monitoring plan."""

    name: str = Field(min_length=1, max_length=80)
    fuel: Fuel
    """Fuel, which sets the reference efficiency of electricity made alone."""
    reference_heat: float = Field(default=REFERENCE_HEAT_EFFICIENCY, gt=0, le=1)
    """Reference efficiency of heat made alone."""

    def share_out(self, t_co2: float, fuel_tj: float, heat_tj: float, power_mwh: float) -> Shared:
        """Share out the emissions of a period.

        Args:
            t_co2: from fuel and flue gas cleaning.
            fuel_tj: net energy of the fuel; without it default efficiencies hold.
            heat_tj: net heat.
            power_mwh: net electricity.
        """
        heat, power = DEFAULT_HEAT_EFFICIENCY, DEFAULT_POWER_EFFICIENCY
        if fuel_tj:
            heat, power = heat_tj / fuel_tj, power_mwh * TJ_PER_MWH / fuel_tj
        of_heat, of_power = heat / self.reference_heat, power / REFERENCE_POWER_EFFICIENCY[self.fuel]
        share = of_heat / (of_heat + of_power) if of_heat + of_power else 0.0
        to_heat, to_power = t_co2 * share, t_co2 * (1 - share)
        by_heat, by_power = to_heat / heat_tj if heat_tj else None, to_power / power_mwh if power_mwh else None
        return Shared(to_heat, to_power, share, by_heat, by_power)
