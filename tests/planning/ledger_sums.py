"""That a ledger adds up: steps, heats, products and rows are each its total."""

from __future__ import annotations

import pytest
import xarray as xr

from emberline.planning.accounts.ledger import Ledger
from emberline.planning.accounts.products import Products
from emberline.planning.accounts.sums import figures
from emberline.scenarios import Case


def assert_adds_up(scenario: Case, book: Ledger, run: xr.Dataset) -> None:
    """Steps, heats, by-products, site and rows of the ledger are each the total, to 1e-9."""
    totals = {"direct_kg": book.direct_kg, "grid_market_kg": book.market}
    totals |= {f"grid_{signal}_kg": kg for signal, kg in book.grid.items()}
    if book.bought:
        totals["bought_kg"] = book.bought_kg
    assert set(totals) == set(map(str, book.by_step.data_vars))
    for name, kg in totals.items():
        shared = float(book.by_heat[name].sum()) if name in book.by_heat else 0.0
        shared += sum(parts.get(name, 0.0) for parts in book.by_product.values()) + book.site.get(name, 0.0)
        if book.products is not None:
            shared += sum(book.products.leaves(name)[where] for where in ("delivered", "stock", "lost"))
        assert shared == pytest.approx(kg, rel=1e-9, abs=1e-9), name
        assert float(book.by_step[name].sum()) == pytest.approx(kg, rel=1e-9, abs=1e-9), name
        assert float(book.by_hour(scenario.horizon.zone)[name].sum()) == pytest.approx(kg, rel=1e-9, abs=1e-9), name
    rows = {"1": book.direct_kg, "2 bought": book.bought_kg, "2 market": book.market}
    rows |= {f"2 {signal}": kg for signal, kg in book.grid.items()} | {"biogenic": sum(book.biogenic.values())}
    for scope, kg in rows.items():
        assert sum(e.kg for e in book.entries if e.scope == scope) == pytest.approx(kg, rel=1e-9, abs=1e-9), scope
    for entry in book.entries:
        assert entry.activity * entry.factor == pytest.approx(entry.kg, rel=1e-9, abs=1e-9), entry
    if len(book.by_heat["heat"]) and not book.by_product:
        for signal in (*book.grid, "market"):
            tonnes = book.by_heat["mass_t"]
            assert float((book.kg_per_t(signal) * tonnes).sum()) == pytest.approx(book.total_kg(signal), rel=1e-9)
    sums = figures(scenario, run)
    assert sums.direct_kg == pytest.approx(book.direct_kg, rel=1e-9, abs=1e-9)
    assert sums.bought_kg == pytest.approx(book.bought_kg, rel=1e-9, abs=1e-9)
    assert sums.grid_market_kg == pytest.approx(book.market, rel=1e-9, abs=1e-9)
    assert sums.carbon_kg == pytest.approx(book.total_kg(scenario.goal.signal), rel=1e-9, abs=1e-9)
    assert sums.biogenic_kg == pytest.approx(sum(book.biogenic.values()), rel=1e-9, abs=1e-9)


def assert_closes(book: Ledger, products: Products) -> None:
    """Deliveries, stocks, losses, sold and site are the ledger's total of every column, biogenic too, to 1e-9."""
    totals = {"direct_kg": book.direct_kg, "grid_market_kg": book.market, "biogenic_kg": sum(book.biogenic.values())}
    totals |= {f"grid_{signal}_kg": kg for signal, kg in book.grid.items()}
    totals |= {"bought_kg": book.bought_kg} if book.bought else {}
    assert set(products.columns) == set(totals)
    for column, kg in totals.items():
        assert sum(products.leaves(column).values()) == pytest.approx(kg, rel=1e-9, abs=1e-9), column
