"""Key figures of a run or a schedule: carbon, cost, energy, peak and tonnes, with their parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from emberline.scenarios.plain import Plain

SAME_TONNES = 1e-6
SAME = 1e-6
"""Relative tolerance for equal deliveries and site levels; absolute tolerance for stocks [t]."""


@dataclass(frozen=True)
class Figures(Plain):
    """Totals of a horizon. Carbon is CO2e; money is in ``currency``."""

    also = ("carbon_kg_per_t",)
    carbon_kg: float
    """Scopes 1 and 2 by the goal's signal."""
    direct_kg: float
    """Scope 1."""
    grid_average_kg: float
    grid_marginal_kg: float | None
    """Location-based scope 2 by marginal intensity; None: the market gives no marginal intensity."""
    cost: float
    """Energy, fuels, upkeep and carbon price, minus revenue from export and sales."""
    energy_cost: float
    """Imported electricity, contracts and the tariff's energy charges, minus revenue from export."""
    carbon_cost: float
    currency: str
    energy_mwh: float
    """Electricity of line or processes, and base load."""
    import_mwh: float
    export_mwh: float
    peak_mw: float
    """Highest metered mean of the grid import."""
    tonnes: float
    """Tonnes of finished heats or of deliveries."""
    battery_end_mwh: float
    grid_market_kg: float = 0.0
    """Market-based scope 2 of the grid."""
    bought_kg: float = 0.0
    """Scope 2 of purchased heat and steam."""
    biogenic_kg: float = 0.0
    """Biogenic emissions, not included in ``carbon_kg``."""
    demand_cost: float = 0.0
    """The tariff's charges on the site's own peaks."""
    coincident_cost: float = 0.0
    """The tariff's charges on the import at given hours."""
    fixed_cost: float = 0.0
    """The tariff's fixed charges."""
    tax_cost: float = 0.0
    imbalance_cost: float = 0.0
    """Cost of deviations from the nomination."""
    recourse_cost: float = 0.0
    """Cost of recourse actions that keep limits on a disturbed day."""
    fuel_cost: float = 0.0
    """Cost of purchased fuel, heat and gas."""
    sales: float = 0.0
    """Revenue from sales other than grid export, as a positive number."""
    upkeep_cost: float = 0.0
    """Cost of wear, operation, starts and flares."""
    unserved: int = 0
    """Number of unmet needs and deliveries, and of surpluses without an outlet; such a run cannot be compared. Missing
    stock at the end is valued instead (``planning/accounts/stock.py``)."""
    by_product: dict[str, float] = field(default_factory=dict)
    """Sales by name, in the unit of the carrier; without the grid's export."""
    idle_mwh: float = 0.0
    """Part of ``energy_mwh`` that idle units of the line draw."""
    stock: dict[str, float] = field(default_factory=dict)
    """Final level of each store of material [t]."""
    delivered: dict[str, float] = field(default_factory=dict)
    """Tonnes supplied to each delivery [t]."""
    stock_kg_per_t: dict[str, float] = field(default_factory=dict)
    """Emissions per tonne in each store, consistent with ``carbon_kg`` [kg CO2e/t]; stores without inflow are left
    out."""
    stock_cost_per_t: dict[str, float] = field(default_factory=dict)
    """Energy, fuel and carbon cost per tonne in each store [currency/t]."""
    stock_mwh_per_t: dict[str, float] = field(default_factory=dict)
    """Electricity of the units per tonne in each store [MWh/t]; empty in runs of earlier releases."""
    levels: dict[str, float] = field(default_factory=dict)
    """Final level of each store of the site, battery included, in its carrier's unit."""
    level_kg_per_unit: dict[str, float] = field(default_factory=dict)
    """Emissions per unit in each of these stores, consistent with ``carbon_kg`` [kg CO2e]."""
    level_cost_per_unit: dict[str, float] = field(default_factory=dict)
    """Energy, fuel and carbon cost per unit in each of these stores [currency]."""
    water_m3: float = 0.0
    other_carbon_kg: float | None = None
    """Scope 1, and scope 2 by the signal outside the goal; None: the market does not give it."""
    dumped: dict[str, float] = field(default_factory=dict)
    """Vented amount of each carrier, in its unit; carriers with none are left out."""

    @property
    def carbon_kg_per_t(self) -> float | None:
        """Carbon per tonne produced."""
        return self.carbon_kg / self.tonnes if self.tonnes else None


@dataclass(frozen=True)
class Rule(Plain):
    """Simple rule that a shift can follow without a computer, and the figures of its undisturbed run.

    It replaces the baseline when a saving is compared with the fairest alternative.
    """

    name: str
    """``rest``: units rest in the worst hours of each day; ``peak``: a peak limit is set and kept; ``rest and peak``:
    both; ``unlocked``: the baseline without the user's locks; ``as soon as possible``: the ordinary baseline rule."""
    figures: Figures
    units: tuple[str, ...] = ()
    """Units that rest."""
    hours: float = 0.0
    """Hours of rest on each day."""
    ties: str = ""
    """Choice among tied hours: ``first`` or ``last``; empty without ties."""
    peak_mw: float | None = None
    """Peak limit."""
    days: int = 0
    """Number of disturbed days on which it was followed, the first ones of the plan; 0: none."""
    successes: int = 0
    """Number of these days on which every limit was kept."""
    expected: dict[str, float] = field(default_factory=dict)
    """Saving of the goal's figure against the baseline on the same days: ``p10``, ``p50``, ``p90``; the plan's own
    median as ``plan_p50``."""


def comparable(baseline: Figures, plan: Figures) -> bool:
    """Return whether the baseline has the same output and service as a plan; otherwise no saving is defined."""
    if baseline.unserved:
        return False
    if plan.delivered or baseline.delivered:
        return same_deliveries(baseline, plan)
    return abs(plan.tonnes - baseline.tonnes) < SAME_TONNES


def same_deliveries(baseline: Figures, plan: Figures) -> bool:
    """Return whether two runs supply the same amount to each delivery."""
    names = baseline.delivered.keys() | plan.delivered.keys()
    pairs = [(baseline.delivered.get(name, 0.0), plan.delivered.get(name, 0.0)) for name in names]
    return all(abs(a - b) <= SAME * max(a, b, 1.0) for a, b in pairs)
