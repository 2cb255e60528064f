"""Sankey diagrams of a run: energy from sources to uses, carbon from sources to products.

Flows are conserved at intermediate nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, singledispatch

import numpy as np
import xarray as xr

from emberline.planning.accounts.carrier_allocation import BOUGHT, DIRECT
from emberline.planning.accounts.ledger import Ledger
from emberline.scenarios import Scenario
from emberline.scenarios.assets.base import Named, of
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Flare
from emberline.scenarios.flows.asset_flows import flow
from emberline.scenarios.flows.process_flows import streams

__all__ = ["Diagram", "Link", "Node", "carbon", "energy"]


NOTHING = 1e-9
"""Share of the total flow below which a link counts as rounding."""


@dataclass(frozen=True)
class Node:
    """Node at which flows begin, meet or end."""

    name: str
    kind: str
    """For energy ``grid``, ``source``, ``carrier``, ``machine``, ``store``, ``use``, ``loss``; for carbon ``grid``,
    ``source``, ``scope``, ``product``, ``store``, ``site``."""
    named: bool = False
    """Whether the name comes from the scenario; otherwise it is a fixed label."""


@dataclass(frozen=True)
class Link:
    """Flow from one node to another over the horizon."""

    source: str
    target: str
    """Keys of nodes."""
    amount: float
    """Amount in the diagram's unit, positive."""


@dataclass(frozen=True)
class Diagram:
    """Nodes by key, and links; each node has a link."""

    unit: str
    nodes: dict[str, Node]
    links: tuple[Link, ...]

    @cached_property
    def inflow(self) -> dict[str, float]:
        """Inflow of each node that has any."""
        return _sums((link.target, link.amount) for link in self.links)

    @cached_property
    def outflow(self) -> dict[str, float]:
        """Outflow of each node that has any."""
        return _sums((link.source, link.amount) for link in self.links)

    @property
    def total(self) -> float:
        """Total inflow from outside."""
        return sum(amount for key, amount in self.outflow.items() if key not in self.inflow)

    def without(self, least: float) -> Diagram:
        """Return the diagram without links below an amount."""
        links = tuple(link for link in self.links if link.amount >= least)
        used = {key for link in links for key in (link.source, link.target)}
        return Diagram(self.unit, {key: node for key, node in self.nodes.items() if key in used}, links)

    def through(self, key: str) -> float:
        """Return the flow through a node."""
        return max(self.inflow.get(key, 0.0), self.outflow.get(key, 0.0))

    def between(self, source: str, target: str) -> float:
        """Return the flow from one node to another."""
        return sum(link.amount for link in self.links if (link.source, link.target) == (source, target))


class Drawing:
    """Builder of a diagram."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.nodes: dict[str, Node] = {}
        self.flows: dict[tuple[str, str], float] = {}

    def node(self, key: str, name: str, kind: str, named: bool = False) -> str:
        """Return the key of a node, adding the node if it is missing."""
        self.nodes.setdefault(key, Node(name, kind, named))
        return key

    def add(self, source: str, target: str, amount: float) -> None:
        """Add a flow; negative amounts are ignored."""
        if amount > 0:
            self.flows[source, target] = self.flows.get((source, target), 0.0) + amount

    def net(self, key: str) -> float:
        """Return the net flow into a node."""
        into = sum(amount for (_, target), amount in self.flows.items() if target == key)
        return into - sum(amount for (source, _), amount in self.flows.items() if source == key)

    def diagram(self) -> Diagram:
        """Return the diagram without links that are only rounding errors."""
        links = tuple(Link(*ends, amount) for ends, amount in self.flows.items())
        return Diagram(self.unit, self.nodes, links).without(NOTHING * max(self.flows.values(), default=0.0))


def _sums(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for key, amount in parts:
        sums[key] = sums.get(key, 0.0) + amount
    return sums


SITE, STOCK, LOST = "site", "stock", "lost"


def carbon(scenario: Scenario, book: Ledger, signal: str) -> Diagram:
    """Diagram of scopes 1 and 2 by one signal [t CO2e]; biogenic CO2 is in no total and left out.

    For a line it ends at the orders, for processes at deliveries and stocks, otherwise at the site; sales carry their
    share if by-products do. A store whose stock decreases is a source of the emissions that its stock carried.

    Args:
        scenario: scenario with its orders.
        book: ledger of the run.
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
            else:  # emitted earlier, leaves with this horizon's products
                drawing.add(drawing.node(f"from {key}", name, kind, named), middle, -kg / 1000)
    return drawing.diagram()


def _ends(scenario: Scenario, book: Ledger, column: str) -> Iterator[tuple[str, str, str, bool, float]]:
    """Yield key, name, kind, whether the scenario gives the name, and kilograms of each destination of a column."""
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
    elif book.by_heat.sizes.get("heat") and column in book.by_heat:
        kg_of = dict(zip(book.by_heat["heat"].values.tolist(), book.by_heat[column].values.tolist(), strict=True))
        for order in scenario.orders:
            kg = sum(kg_of[heat.name] for heat in scenario.heats if heat.order == order.name)
            yield f"order {order.name}", order.name, "product", True, kg
    else:
        yield SITE, "site", "site", False, book.site.get(column, 0.0)


def energy(scenario: Scenario, run: xr.Dataset) -> Diagram:
    """Diagram of energy from sources to uses over a horizon [MWh], through carriers and machines.

    Only carriers in MWh are included. If a machine's output is in tonnes or cubic metres, its energy ends there. An
    output above the input comes from outside (a heat pump's surroundings) or, for processes, from their materials (gas
    from feedstock). A store shows its losses and its change of level; the throughput appears only at its carrier.

    Args:
        scenario: scenario with site, line and processes.
        run: dataset of table ``RUN``.
    """
    drawing = Drawing("MWh")
    energies = [name for name, carrier in scenario.site.carrier.items() if carrier.unit == "MWh"]
    for name in energies:
        drawing.node(_of(name), name, "carrier", named=name != ELECTRICITY)
    _site(drawing, scenario, run)
    for record in scenario.site.equipment:
        _asset(record, drawing, scenario, run)
    _processes(drawing, scenario, run)
    _line(drawing, scenario, run)
    if "dumped_rate" in run:
        for name in run["carrier"].values.tolist():
            if _of(name) in drawing.nodes:
                amount = _mwh(scenario, run["dumped_rate"].sel(carrier=name).to_numpy())
                drawing.add(_of(name), drawing.node("vented", "vented", "loss"), amount)
    # imbalances left by violated limits
    for key in map(_of, energies):
        drawing.add(drawing.node("shortage", "shortage", "source"), key, -drawing.net(key))
        drawing.add(key, drawing.node("surplus", "surplus", "loss"), drawing.net(key))
    return drawing.diagram()


def _of(carrier: str) -> str:
    return f"carrier {carrier}"


def _mwh(scenario: Scenario, power: np.ndarray) -> float:
    return float(power.sum()) * scenario.horizon.step_h


def _site(drawing: Drawing, scenario: Scenario, run: xr.Dataset) -> None:
    power = _of(ELECTRICITY)
    drawing.add(drawing.node("grid", "grid", "grid"), power, _mwh(scenario, run["import_mw"].to_numpy()))
    drawing.add(power, drawing.node("export", "export", "use"), _mwh(scenario, run["export_mw"].to_numpy()))
    battery = scenario.battery
    if battery is not None:
        drawing.node("battery", "battery", "store")
        into, out = (_mwh(scenario, run[name].to_numpy()) for name in ("charge_mw", "discharge_mw"))
        _store(drawing, "battery", power, into, out, float(run["battery_mwh"][-1]) - battery.start_level)


def _store(drawing: Drawing, key: str, carrier: str, into: float, out: float, more: float) -> None:
    """Draw the losses of a store and its change of level."""
    net = into - out
    drawing.add(carrier, key, net)
    drawing.add(key, carrier, -net)
    drawing.add(key, drawing.node("kept", "kept in stores", "store"), more)
    drawing.add(drawing.node("taken", "taken from stores", "store"), key, -more)
    drawing.add(key, drawing.node("losses", "losses", "loss"), net - more)


@singledispatch
def _asset(record: Named, drawing: Drawing, scenario: Scenario, run: xr.Dataset) -> None:
    """Draw each flow of an asset as a source, a use or a loss."""
    for flow_key, carrier in record.flows.items():
        if scenario.site.carrier[carrier].unit != "MWh":
            continue
        rate, key = flow(run, record.name, flow_key), f"asset {record.name} {flow_key}".rstrip()
        gives, takes = (_mwh(scenario, np.maximum(part, 0.0)) for part in (rate, -rate))
        kind = "source" if gives > takes else "loss" if of((record,), Flare) else "use"
        drawing.node(key, record.name, kind, named=record not in scenario.site.short)
        drawing.add(key, _of(carrier), gives)
        drawing.add(_of(carrier), key, takes)


@_asset.register(Storage)
def _(record: Storage, drawing: Drawing, scenario: Scenario, run: xr.Dataset) -> None:
    name, key = record.name, f"asset {record.name}"
    if scenario.site.carrier[record.carrier].unit != "MWh":
        return
    drawing.node(key, name, "store", named=True)
    rates = (flow(run, name, "in"), flow(run, name, "out"))
    into = sum(_mwh(scenario, np.maximum(-rate, 0.0)) for rate in rates)
    out = sum(_mwh(scenario, np.maximum(rate, 0.0)) for rate in rates)
    more = float(run["asset_level"].sel(store=name)[-1]) - record.start_level
    _store(drawing, key, _of(record.carrier), into, out, more)


@_asset.register(Converter)
def _(record: Converter, drawing: Drawing, scenario: Scenario, run: xr.Dataset) -> None:
    name, key = record.name, f"asset {record.name}"
    drawing.node(key, name, "machine", named=True)
    others = {"gives": "", "takes": ""}
    for flow_key, carrier in record.flows.items():
        rate = flow(run, name, flow_key)
        gives, takes = (_mwh(scenario, np.maximum(part, 0.0)) for part in (rate, -rate))
        if scenario.site.carrier[carrier].unit != "MWh":
            others["gives" if gives > takes else "takes"] = carrier
            continue
        drawing.add(_of(carrier), key, takes)
        drawing.add(key, _of(carrier), gives)
    _close(drawing, key, others["gives"], others["takes"])


def _close(drawing: Drawing, key: str, gives: str, takes: str) -> None:
    """Close the balance of a machine: a difference in MWh is a loss or part of its input or output in other units."""
    net_mwh = drawing.net(key)
    if net_mwh > 0:
        end = drawing.node(f"in {gives}", gives, "use", named=True) if gives else ""
        drawing.add(key, end or drawing.node("losses", "losses", "loss"), net_mwh)
    elif net_mwh < 0:
        begin = drawing.node(f"of {takes}", takes, "source", named=True) if takes else ""
        drawing.add(begin or drawing.node("surroundings", "from surroundings", "source"), key, -net_mwh)


def _processes(drawing: Drawing, scenario: Scenario, run: xr.Dataset) -> None:
    for process in scenario.processes:
        key = drawing.node(f"process {process.name}", process.name, "use", named=True)
        process_mw = run["process_mw"].sel(process=list(process.units)).to_numpy()
        drawing.add(_of(ELECTRICITY), key, _mwh(scenario, process_mw))
    for stream in streams(scenario):
        if stream.material or scenario.site.carrier[stream.place].unit != "MWh":
            continue
        rate = run["stream_rate"].sel(stream=stream.label).to_numpy()
        key = f"process {stream.process.name}"
        drawing.add(_of(stream.place), key, _mwh(scenario, np.maximum(-rate, 0.0)))
        drawing.add(key, _of(stream.place), _mwh(scenario, np.maximum(rate, 0.0)))
    for process in scenario.processes:
        _given_on(drawing, f"process {process.name}")


def _line(drawing: Drawing, scenario: Scenario, run: xr.Dataset) -> None:
    """Draw the electricity of the stages in proportion to the energy of their heats, and the stages' other outputs."""
    line, power = scenario.line, _of(ELECTRICITY)
    if not line.stages:
        return
    idle = _mwh(scenario, run["idle_mw"].to_numpy()) if "idle_mw" in run else 0.0
    drawing.add(power, drawing.node("idle", "units that idle", "use"), idle)
    of_stages, mwh = run["op_stage"].values, run["op_energy_mwh"].to_numpy()
    net = mwh - run["op_extra_mwh"].to_numpy()
    by_stage = {stage.name: float(mwh[of_stages == stage.name].sum()) for stage in line.stages}
    bare = np.array([float(net[of_stages == stage.name].sum()) for stage in line.stages])
    work = _mwh(scenario, run["line_mw"].to_numpy()) - idle
    whole = sum(by_stage.values())
    for stage in line.stages:
        key = drawing.node(f"stage {stage.name}", stage.name, "use", named=True)
        drawing.add(power, key, work * by_stage[stage.name] / whole if whole else 0.0)
    for carrier, weight in line.gives.items():
        if scenario.site.carrier[carrier].unit != "MWh" or "line_rate" not in run:
            continue
        output_mwh = _mwh(scenario, run["line_rate"].sel(given=carrier).to_numpy())
        shares = weight * bare
        for stage, share in zip(line.stages, shares.tolist(), strict=True):
            drawing.add(f"stage {stage.name}", _of(carrier), output_mwh * share / shares.sum() if shares.sum() else 0.0)
    for stage in line.stages:
        _given_on(drawing, f"stage {stage.name}")


def _given_on(drawing: Drawing, key: str) -> None:
    """Close the balance of a node with outputs: a surplus is used on site, a deficit comes from its materials."""
    if not any(source == key for source, _ in drawing.flows):
        return
    net_mwh = drawing.net(key)
    drawing.add(key, drawing.node("used", "used on site", "use"), net_mwh)
    drawing.add(drawing.node("materials", "from materials", "source"), key, -net_mwh)
