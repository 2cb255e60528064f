"""What a plant must hand over: monitored emissions, embedded emissions of its goods, reports, and their evidence."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.reports.compliance.of_products import AVERAGE, ProductEmissions, product_emissions

__all__ = ["AVERAGE", "ProductEmissions", "product_emissions"]
_PLACES = {"AVERAGE": "of_products", "ProductEmissions": "of_products", "product_emissions": "of_products"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
