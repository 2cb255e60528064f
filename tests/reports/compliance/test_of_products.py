"""Embedded emissions of a plan's products add up to its ledger."""

from __future__ import annotations

import pytest

from emberline import twin
from emberline.planning.accounts.ledger import ledger
from emberline.reports.compliance import product_emissions
from emberline.scenarios import load


def test_grades_add_up_to_the_ledger() -> None:
    """Proves: tonnes times embedded emissions of all grades are scope 1 and 2 of the run. Sensitivity: a mean of
    heats that are not of the same mass."""
    shop = load("melt-shop-small")
    book = ledger(shop, twin.replay(shop, twin.dispatch(shop, twin.envelope(shop))))
    products = product_emissions(shop, book)
    assert set(products) == {heat.grade.name for heat in shop.heats}
    assert sum(p.tonnes * p.see_direct for p in products.values()) == pytest.approx(book.direct_kg / 1000, rel=1e-9)
    total = book.total_kg("average")
    assert total is not None
    assert sum(p.tonnes * p.see_total for p in products.values()) == pytest.approx(total / 1000, rel=1e-9)


def test_deliveries_of_a_works_carry_what_its_ledger_says() -> None:
    """Proves: the products that leave have the kilograms per tonne of the ledger. Sensitivity: scope 2 by market."""
    works = load("aluminium-potline")
    book = ledger(works, twin.simulate(works))
    products = product_emissions(works, book)
    assert book.products is not None
    carbon = book.products.carbon_per_t("average")
    assert products
    for name, result in products.items():
        assert result.see_total * 1000 == pytest.approx(float(carbon.sel(stock=name)), rel=1e-9)
