"""Embedded emissions of what a run makes: direct and indirect t CO2e per tonne of each grade or product.

What a plan changes in them is the difference to the baseline. Precursors that are bought are not in them: a plan does
not change what they carry.
"""

from __future__ import annotations

from dataclasses import dataclass

from emberline.planning.accounts.ledger import Ledger
from emberline.scenarios import Scenario

AVERAGE = "average"
"""Indirect emissions count the grid's average, as CBAM does."""


@dataclass(frozen=True)
class ProductEmissions:
    """What a tonne of a product carries."""

    tonnes: float
    see_direct: float
    """t CO2e/t."""
    see_indirect: float

    @property
    def see_total(self) -> float:
        """t CO2e/t."""
        return self.see_direct + self.see_indirect


def product_emissions(scenario: Scenario, book: Ledger) -> dict[str, ProductEmissions]:
    """Embedded emissions by product: grades of heats, and stores that are delivered from.

    Args:
        scenario: what was run.
        book: ledger of the run.
    """
    products = _of_grades(scenario, book) if scenario.heats else {}
    return products | (_of_stores(scenario, book) if book.products is not None else {})


def _of_grades(scenario: Scenario, book: Ledger) -> dict[str, ProductEmissions]:
    by_heat = book.by_heat
    grade = {heat.name: heat.grade.name for heat in scenario.heats}
    sums: dict[str, list[float]] = {}
    columns = [by_heat[name].to_numpy() for name in ("mass_t", "direct_kg", f"grid_{AVERAGE}_kg")]
    bought = by_heat["bought_kg"].to_numpy() if "bought_kg" in by_heat else 0.0 * columns[0]
    for name, mass, direct, grid, heat in zip(by_heat["heat"].values.tolist(), *columns, bought, strict=True):
        part = sums.setdefault(grade[name], [0.0, 0.0, 0.0])
        for place, value in enumerate((mass, direct, grid + heat)):
            part[place] += float(value)
    return {
        name: ProductEmissions(mass, direct / mass / 1000, indirect / mass / 1000)
        for name, (mass, direct, indirect) in sums.items()
        if mass
    }


def _of_stores(scenario: Scenario, book: Ledger) -> dict[str, ProductEmissions]:
    assert book.products is not None
    table = book.products.table
    direct, grid = book.products.per_t("direct_kg"), book.products.per_t(f"grid_{AVERAGE}_kg")
    bought = book.products.per_t("bought_kg").fillna(0.0)
    stores = {}
    for name in dict.fromkeys(delivery.store for delivery in scenario.deliveries):
        values = [float(part.sel(stock=name)) for part in (direct, grid, bought)]
        if values[0] == values[0]:
            delivered_t = float(table["delivered_t"].sel(stock=name))
            stores[name] = ProductEmissions(delivered_t, values[0] / 1000, (values[1] + values[2]) / 1000)
    return stores
