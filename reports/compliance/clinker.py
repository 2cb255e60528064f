"""Clinker from cement delivered, and cement kiln dust.

Implementing Regulation (EU) 2025/2547, annex II, and Implementing Regulation (EU) 2018/2066, annex IV, section 9.
"""

from __future__ import annotations

from pydantic import Field

from emberline.scenarios.records.base import Record

MIN_T_CO2_PER_T_CLINKER = 0.525
"""Least emission factor of clinker where calcium and magnesium oxides are not analysed, and default of kiln dust."""
T_CO2_PER_T_CAO, T_CO2_PER_T_MGO = 0.785, 1.092


def clinker_t(
    cement_delivered_t: float,
    clinker_ratio: float,
    *,
    cement_stock_increase_t: float = 0.0,
    clinker_bought_t: float = 0.0,
    clinker_sold_t: float = 0.0,
    clinker_stock_increase_t: float = 0.0,
) -> float:
    """Clinker that a kiln made [t]: ``(cement delivered + stock) · ratio − bought + sold + stock of clinker``.

    Args:
        cement_delivered_t: cement that left the works.
        clinker_ratio: clinker in a tonne of cement, 0 to 1.
        cement_stock_increase_t: stock of cement at the end less that at the start.
        clinker_bought_t: clinker from elsewhere.
        clinker_sold_t: clinker that left as such.
        clinker_stock_increase_t: stock of clinker at the end less that at the start.

    Raises:
        ValueError: a ratio outside 0 to 1, or a negative production.
    """
    if not 0 < clinker_ratio <= 1:
        raise ValueError(f"clinker_ratio {clinker_ratio:g} must be above 0 and at most 1")
    ground_t = (cement_delivered_t + cement_stock_increase_t) * clinker_ratio
    production_t = ground_t - clinker_bought_t + clinker_sold_t + clinker_stock_increase_t
    if not production_t >= 0:
        raise ValueError(
            f"clinker production is {production_t:g} t: deliveries and changes of stock do not fit together"
        )
    return production_t


class Oxides(Record):
    """Analysis of clinker, in a monitoring plan."""

    cao: float = Field(ge=0, le=1)
    """Share of calcium oxide in clinker."""
    mgo: float = Field(default=0.0, ge=0, le=1)
    """Share of magnesium oxide in clinker."""
    cao_in_meal: float = Field(default=0.0, ge=0, le=1)
    """From inputs that were no carbonate, for each tonne of clinker."""
    mgo_in_meal: float = Field(default=0.0, ge=0, le=1)
    """The same of magnesium oxide."""

    @property
    def t_co2_per_t(self) -> float:
        """Emission factor of clinker by its oxides [t CO2/t], without those that came in uncarbonated."""
        return (self.cao - self.cao_in_meal) * T_CO2_PER_T_CAO + (self.mgo - self.mgo_in_meal) * T_CO2_PER_T_MGO


class KilnDust(Record):
    """Dust that leaves the kiln, in a monitoring plan."""

    clinker_t_co2_per_t: float = Field(default=MIN_T_CO2_PER_T_CLINKER, gt=0)
    """Emission factor of the clinker."""
    calcination: float | None = Field(default=None, ge=0, le=1)
    """Share of its carbonate that is calcined; None: not known."""

    @property
    def t_co2_per_t(self) -> float:
        """Emission factor of the dust [t CO2/t].

        With clinker's factor E and degree of calcination d: ``E/(1+E)·d / (1 − E/(1+E)·d)``; without d, 0.525.
        """
        if self.calcination is None:
            return MIN_T_CO2_PER_T_CLINKER
        loss = self.clinker_t_co2_per_t / (1 + self.clinker_t_co2_per_t) * self.calcination
        return loss / (1 - loss)
