"""Orders and store levels as tables, and the corresponding overrides."""

from __future__ import annotations

import json

import pandas as pd

from emberline.scenarios import Scenario


def casts(original: Scenario) -> pd.DataFrame:
    """Orders as a table: a row per entry of equal heats."""
    rows = [
        {"cast": order.name, "grade": entry.grade, "heats": entry.count}
        for order in original.orders
        for entry in order.heats
    ]
    return pd.DataFrame(rows, columns=["cast", "grade", "heats"])


def orders_override(original: Scenario, counts: list[int]) -> str:
    """Override that sets the number of heats of each entry of :func:`casts`; entries without heats are removed."""
    numbers = iter(counts)
    orders = []
    for order in original.orders:
        plain = order.model_dump(mode="json", exclude_defaults=True)
        entries = [{**entry, "count": count} for entry in plain["heats"] if (count := next(numbers)) > 0]
        if entries:
            orders.append({**plain, "heats": entries})
    return f"orders={json.dumps(orders)}"


NOW, END = "now [t]", "at the end [t]"


def levels(original: Scenario) -> pd.DataFrame:
    """Stores as a table: level now, and minimum level at the end."""
    rows = [{"store": store.name, NOW: store.start_t, END: store.end_t} for store in original.stores]
    return pd.DataFrame(rows, columns=["store", NOW, END])


def stores_override(original: Scenario, amounts: list[list[float]]) -> str:
    """Override that sets the levels of stores: for each store of :func:`levels` now and at the end."""
    stores = []
    for store, (now, end) in zip(original.stores, amounts, strict=True):
        changes = {} if (now, end) == (store.start_t, store.end_t) else {"level_t": now, "end_level_t": end}
        stores.append({**store.model_dump(mode="json", exclude_defaults=True), **changes})
    return f"stores={json.dumps(stores)}"
