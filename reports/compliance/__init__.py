"""Compliance of a plant: monitored emissions, embedded emissions of its goods, reports, and their evidence."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.reports.compliance.embedded_emissions import AVERAGE, ProductEmissions, product_emissions

__all__ = ["AVERAGE", "ProductEmissions", "product_emissions"]


__getattr__ = door(__name__)
