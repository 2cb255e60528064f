"""The record of figures: carbon, cost, energy, peak and tonnes of a run or a schedule, with their parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from emberline.scenarios.plain import Plain

SAME_TONNES = 1e-6
SAME = 1e-6
"""Deliveries and levels of the site that differ by less than this share, and stocks by less tonnes, are the same."""


@dataclass(frozen=True)
class Figures(Plain):
    """Totals of a horizon. Carbon is CO2e; money is in ``currency``."""

    also = ("carbon_kg_per_t",)
    carbon_kg: float
    """Scope 1 and scope 2 by the goal's signal."""
    direct_kg: float
    """Scope 1."""
    grid_average_kg: float
    grid_marginal_kg: float | None
    """None: the market gives no marginal intensity."""
    cost: float
    """Energy, fuels, upkeep and carbon price, less what export and sales earn."""
    energy_cost: float
    """Imported electricity, contracts and the tariff's charges on energy, less what export earns."""
    carbon_cost: float
    currency: str
    energy_mwh: float
    """Electricity of line or processes, and base load."""
    import_mwh: float
    export_mwh: float
    peak_mw: float
    """Highest metered mean of the grid import."""
    tonnes: float
    """Finished heats, or what is delivered."""
    battery_end_mwh: float
    grid_market_kg: float = 0.0
    """Scope 2 of the grid, market-based."""
    bought_kg: float = 0.0
    """Scope 2 of heat and steam bought."""
    biogenic_kg: float = 0.0
    """Outside ``carbon_kg``."""
    demand_cost: float = 0.0
    """The tariff's charges on own peaks."""
    coincident_cost: float = 0.0
    """Those on the import at given hours."""
    fixed_cost: float = 0.0
    """The tariff's fixed charges."""
    tax_cost: float = 0.0
    imbalance_cost: float = 0.0
    """Of deviating from what was nominated."""
    recourse_cost: float = 0.0
    """Of what was done on a disturbed day so that limits are kept."""
    fuel_cost: float = 0.0
    """Fuel, heat and gas bought."""
    sales: float = 0.0
    """Earned in addition to the grid's export, as a positive number."""
    upkeep_cost: float = 0.0
    """Wear, running, starts and flares."""
    unserved: int = 0
    """Number of needs and deliveries not met, and of surpluses with no outlet: nothing to compare with. What a store
    lacks at the end is valued instead (``planning/accounts/stock.py``)."""
    by_product: dict[str, float] = field(default_factory=dict)
    """Sales by name, in the unit of the carrier; without the grid's export."""
    idle_mwh: float = 0.0
    """Part of ``energy_mwh`` that units of the line draw outside work."""
    stock: dict[str, float] = field(default_factory=dict)
    """Level of each store of material at the end [t]."""
    delivered: dict[str, float] = field(default_factory=dict)
    """Tonnes that leave by each delivery [t]."""
    stock_kg_per_t: dict[str, float] = field(default_factory=dict)
    """Emissions of a tonne in each store, as ``carbon_kg`` counts [kg CO2e/t]; stores into which nothing came are left
    out."""
    stock_cost_per_t: dict[str, float] = field(default_factory=dict)
    """Likewise energy, fuels and carbon price [currency/t]."""
    stock_mwh_per_t: dict[str, float] = field(default_factory=dict)
    """Likewise electricity of the units [MWh/t]; empty in runs of earlier releases."""
    levels: dict[str, float] = field(default_factory=dict)
    """Level of each store of the site at the end, battery included, in its carrier's unit."""
    level_kg_per_unit: dict[str, float] = field(default_factory=dict)
    """Emissions of a unit in each of them, as ``carbon_kg`` counts [kg CO2e]."""
    level_cost_per_unit: dict[str, float] = field(default_factory=dict)
    """Likewise energy, fuels and carbon price [currency]."""
    water_m3: float = 0.0
    other_carbon_kg: float | None = None
    """Scope 1, and scope 2 by the signal that the goal does not count with; None: the market does not give it."""
    dumped: dict[str, float] = field(default_factory=dict)
    """Amount of each carrier that is vented, in its unit; carriers of which nothing is are left out."""

    @property
    def carbon_kg_per_t(self) -> float | None:
        """Carbon for each tonne made."""
        return self.carbon_kg / self.tonnes if self.tonnes else None


@dataclass(frozen=True)
class Rule(Plain):
    """A rule that a shift follows without a computer, and the figures of its undisturbed run.

    It takes the place of the baseline where a saving is to be compared with the fairest alternative.
    """

    name: str
    """``rest``: units rest in the worst hours of each day; ``peak``: a peak is set and kept; ``rest and peak``: both;
    ``unlocked``: the baseline without the user's locks; ``as soon as possible``: what is the baseline else."""
    figures: Figures
    units: tuple[str, ...] = ()
    """Units that rest."""
    hours: float = 0.0
    """Hours of rest on each day."""
    ties: str = ""
    """Rest in tied hours where other hours count as much as some of these: ``first`` or ``last``."""
    peak_mw: float | None = None
    """The peak that is set."""
    days: int = 0
    """Disturbed days on which it was followed, the first of those of the plan; 0: none."""
    successes: int = 0
    """Of them those on which every limit was kept."""
    expected: dict[str, float] = field(default_factory=dict)
    """Saving of the goal's figure against the baseline on the same days: ``p10``, ``p50``, ``p90``; the plan's own
    median on them as ``plan_p50``."""


def comparable(baseline: Figures, plan: Figures) -> bool:
    """Whether the baseline makes and serves what a plan does; else nothing is saved against it."""
    if baseline.unserved:
        return False
    if plan.delivered or baseline.delivered:
        return same_deliveries(baseline, plan)
    return abs(plan.tonnes - baseline.tonnes) < SAME_TONNES


def same_deliveries(baseline: Figures, plan: Figures) -> bool:
    """Whether two runs deliver the same, each delivery by itself."""
    names = baseline.delivered.keys() | plan.delivered.keys()
    pairs = [(baseline.delivered.get(name, 0.0), plan.delivered.get(name, 0.0)) for name in names]
    return all(abs(a - b) <= SAME * max(a, b, 1.0) for a, b in pairs)
