"""A plant at a part of its order load: evenly fewer heats, casts kept whole; smaller deliveries and arrivals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import xarray as xr

from emberline.scenarios import Case, Problem, Scenario, ScenarioError
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.process.delivery import Arrival, Delivery
from emberline.scenarios.records.orders import HeatEntry, Order

Flow = TypeVar("Flow", bound=Arrival)


def scaled(scenario: Case, load: float) -> Case:
    """The scenario with a share of its orders, everything else as it is.

    Of heats so many are left as the share makes in whole ones, taken from the orders evenly and from the end of each,
    so that a cast stays one; heats that have begun stay in any case. Deliveries, and arrivals with them, are scaled.

    Args:
        scenario: the whole.
        load: share of it, above 0 up to 1.

    Raises:
        ScenarioError: what is left is no scenario.
    """
    if load == 1:
        return scenario
    orders = tuple(_orders(scenario, load))
    heats = {heat.name for heat in scenario.model_copy(update={"orders": orders}).heats}
    variant = scenario.with_inputs(
        _inputs(scenario.inputs, load),
        orders=orders,
        locks=tuple(lock for lock in scenario.locks if lock.heat in heats),
        deliveries=tuple(_delivery(delivery, load) for delivery in scenario.deliveries),
        arrivals=tuple(_flow(arrival, load) for arrival in scenario.arrivals),
    )
    problems = [Problem(scenario.name, ".".join(map(str, place)), says) for place, says in between_nouns(variant)]
    if problems:
        raise ScenarioError(problems)
    return variant


def _orders(scenario: Scenario, load: float) -> Iterator[Order]:
    fixed_heats = {item.heat for item in scenario.state.started}
    counts = {order.name: sum(entry.count for entry in order.heats) for order in scenario.orders}
    least = {
        order.name: max(
            (heat.position + 1 for heat in scenario.heats if heat.order == order.name and heat.name in fixed_heats),
            default=0,
        )
        for order in scenario.orders
    }
    quotas = _shares(counts, least, max(int(load * sum(counts.values()) + 0.5), 1))
    for order in scenario.orders:
        entries = tuple(_first(order.heats, quotas[order.name]))
        if entries:
            yield order.model_copy(update={"heats": entries})


def _shares(counts: dict[str, int], least: dict[str, int], total: int) -> dict[str, int]:
    """How many heats each order keeps: its share, whole, the largest remainders rounded up, no fewer than its least.

    Source: Hamilton's method of largest remainders; of equal ones the earlier order comes first.
    """
    whole = sum(counts.values())
    exact = {name: count * total / whole for name, count in counts.items()}
    quotas = {name: max(int(exact[name] + 1e-9), least[name]) for name in counts}
    by_rest = sorted(counts, key=lambda name: -(exact[name] - int(exact[name] + 1e-9)))
    for name in by_rest:
        if sum(quotas.values()) < total and quotas[name] < counts[name]:
            quotas[name] += 1
    return quotas


def _first(entries: tuple[HeatEntry, ...], count: int) -> Iterator[HeatEntry]:
    """The first heats of an order."""
    for entry in entries:
        if count <= 0:
            return
        yield entry.model_copy(update={"count": min(entry.count, count)})
        count -= entry.count


def _delivery(delivery: Delivery, load: float) -> Delivery:
    """A share of a delivery: of its amount, or of what it takes all the time."""
    amount_t = None if delivery.amount_t is None else delivery.amount_t * load
    return _flow(delivery, load).model_copy(update={"amount_t": amount_t})


def _flow(item: Flow, load: float) -> Flow:
    """A delivery or an arrival at a share of its rate."""
    changed: dict[str, object] = {}
    if item.rate is not None:
        new_rate = (
            {"value": item.rate.value * load} if item.rate.value is not None else {"scale": item.rate.scale * load}
        )
        changed["rate"] = item.rate.model_copy(update=new_rate)
    if item.weekly:
        changed["weekly"] = tuple(w.model_copy(update={"rate_tph": w.rate_tph * load}) for w in item.weekly)
    return item.model_copy(update=changed)


def _inputs(inputs: xr.Dataset, load: float) -> xr.Dataset:
    """Series with what is demanded and arrives scaled."""
    flows = {name: inputs[name] * load for name in ("demand_tph", "arrival_tph") if name in inputs}
    return inputs.assign({name: values.assign_attrs(inputs[name].attrs) for name, values in flows.items()})
