"""Carbon of a run as a Sankey diagram: from what emits, by scope, to what carries it."""

from __future__ import annotations

from collections.abc import Iterator

from emberline.planning.accounts.ledger import Ledger
from emberline.planning.accounts.origins import BOUGHT, DIRECT
from emberline.planning.accounts.sankey.diagram import Diagram, Drawing
from emberline.scenarios import Scenario

SITE, STOCK, LOST = "site", "stock", "lost"


def carbon(scenario: Scenario, book: Ledger, signal: str) -> Diagram:
    """Scope 1 and 2 by one signal [t CO2e]; biogenic CO2 is in no total and left out.

    Of a line it ends in the orders, of processes in deliveries and stocks, else with the site; what is sold carries its
    share where by-products do. A store that ends with less than it began with gives what its stock has carried.

    Args:
        scenario: with its orders.
        book: the ledger of the run.
        signal: ``average`` or ``marginal``.
    """
    drawing = Drawing("t CO2e")
    scopes = {DIRECT: "scope 1", BOUGHT: "scope 2, bought heat", f"grid_{signal}_kg": f"scope 2, grid, {signal}"}
    sources = {DIRECT: book.direct, BOUGHT: book.bought, f"grid_{signal}_kg": {"grid": book.grid.get(signal, 0.0)}}
    for column, scope in scopes.items():
        middle = drawing.node(column, scope, "scope")
        for name, kg in sources[column].items():
            grid = column.startswith("grid_")
            source = drawing.node(f"{column} from {name}", name, "grid" if grid else "source", named=not grid)
            drawing.add(source, middle, kg / 1000)
        for key, name, kind, named, kg in _ends(scenario, book, column):
            if kg >= 0:
                drawing.add(middle, drawing.node(f"to {key}", name, kind, named), kg / 1000)
            else:  # it was emitted earlier and leaves with what is made now
                drawing.add(drawing.node(f"from {key}", name, kind, named), middle, -kg / 1000)
    return drawing.diagram()


def _ends(scenario: Scenario, book: Ledger, column: str) -> Iterator[tuple[str, str, str, bool, float]]:
    """Key, name, kind, whether the name is the scenario's, and kilograms of what carries a column of the ledger."""
    for name, carried in book.by_product.items():
        yield f"sale {name}", name, "product", name != "export", carried.get(column, 0.0)
    if book.products is not None:
        products = book.products
        for name, kg in zip(products.deliveries["delivery"].values, products.delivered_kg(column).values, strict=True):
            yield f"delivery {name}", str(name), "product", True, float(kg)
        per_t = products.per_t(column).fillna(0.0)
        for name, kg in zip(products.table["stock"].values, (per_t * products.table["counted_t"]).values, strict=True):
            yield f"store {name}", str(name), "store", True, float(kg)
        yield LOST, "lost in stores", "site", False, float((per_t * products.table["lost_t"]).sum())
        yield SITE, "site", "site", False, products.site.get(column, 0.0)
    elif scenario.heats and column in book.by_heat:
        kg_of = dict(zip(book.by_heat["heat"].values.tolist(), book.by_heat[column].values.tolist(), strict=True))
        for order in scenario.orders:
            kg = sum(kg_of[heat.name] for heat in scenario.heats if heat.order == order.name)
            yield f"order {order.name}", order.name, "product", True, kg
    else:
        yield SITE, "site", "site", False, book.site.get(column, 0.0)
