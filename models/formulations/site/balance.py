"""Site in the model: grid connection, PV, battery and assets by slot, with the cost and emissions of their flows.

Power balance by slot; the battery's level with its self-loss per hour as in ``Storage.after``; import and export limits
on the mean over the metered interval. Energies are in MWh by slot. Assets and the balances of carriers other than
electricity are in ``models/formulations/site/assets``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site import assets
from emberline.models.formulations.site import tariff as purchases
from emberline.models.formulations.site.assets.ports import HubPorts, Linear, Sum
from emberline.models.formulations.site.assets.storage import add_levels, one_way
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit, relax
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.site import SiteData
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.metrics import METRICS


@dataclass(frozen=True)
class Ports:
    """Contributions of the site to the objective, constants included.

    Each use within a rule builds a new expression, so that it is a template.
    """

    worth: Callable[[str], Any]
    """Expression of import, export and assets by the name of a metric (``emberline.scenarios.metrics``)."""
    over: Any = 0.0
    """MWh above the import limit, if a model may exceed it at a price."""
    hub: HubPorts | None = None
    """The assets."""

    def at_most(self, metric: str, top: float, above: Any = 0.0) -> Callable[[Any], Any]:
        """Return the rule of a constraint that limits a metric to a cap plus an excess."""
        return lambda block: self.worth(metric) - above <= top

    def keep(self, model: Any, tops: Mapping[str, float]) -> None:
        """Add caps to a model, by metric."""
        model.cap = pyo.Block(list(tops))
        for name, top in tops.items():
            model.cap[name].limit = pyo.Constraint(rule=self.at_most(name, top))

    def price_caps(self, model: Any, caps: Sequence[tuple[str, float, float]], over_price: float) -> Any:
        """Add caps that may be exceeded to a model; return the penalty for exceeding them and the import limit.

        Args:
            model: model that gets the excess of each cap.
            caps: metric, cap, and price of a unit above it.
            over_price: price of a MWh above the import limit.
        """
        model.CAP = pyo.RangeSet(0, len(caps) - 1)
        model.above = Variable(model.CAP, domain=pyo.NonNegativeReals)
        model.cap = pyo.Block(model.CAP)
        for k, (metric, top, _) in enumerate(caps):
            model.cap[k].limit = pyo.Constraint(rule=self.at_most(metric, top, model.above[k]))
        return over_price * self.over + sum(price * model.above[k] for k, (_, _, price) in enumerate(caps))

    def less(self, deduction: Callable[[str], Any]) -> Ports:
        """Return ports less a deduction by the name of the metric."""
        return replace(self, worth=lambda metric: self.worth(metric) - deduction(metric))


def of_cells(line: Any, per: int) -> tuple[Callable[[Any, Any], Any], Callable[[Any], Any]]:
    """Return the line's energy in a cell and in a slot, for ``add``, from a variable by cell."""
    return lambda c, t: line[c], lambda t: sum([line[t * per + k] for k in range(per)])


def add(
    block: pyo.Block,
    data: SiteData,
    line_cell: Callable[[Any, Any], Any],
    line_slot: Callable[[Any], Any],
    *,
    exclusive: bool = True,
    soft: bool = False,
    line_gives: Mapping[str, Linear] | None = None,
    one_way_slots: Collection[int] | None = None,
) -> Ports:
    """Add the site to a block.

    Args:
        block: empty block.
        data: the site.
        line_cell: expression of the line's energy in a cell, given with its slot [MWh]; both may be placeholders.
        line_slot: expression of the line's energy in a slot [MWh]; the slot may be a placeholder.
        exclusive: forbid import and export (charge and discharge) at the same time where this would pay.
        soft: allow the import limit to be exceeded; the objective must price it.
        line_gives: deliveries of other carriers by the line, such as heat of its off-gas, in the carrier's unit.
        one_way_slots: slots in which stores may not be filled and emptied at once; None: all in which this pays.
    """
    n = len(data.base)
    hub: HubPorts | None = None
    electricity: Sum | None = None
    block.T = pyo.RangeSet(0, n - 1)
    block.base = Series(block.T, values=data.base)
    block.earned = Series(block.T, values=data.export_price)
    block.metric = pyo.Block(list(data.metrics))
    for name, weight in data.per_mwh.items():
        block.metric[name].weight = Series(block.T, values=weight)

    if data.plain:
        block.available = Series(block.T, values=data.pv)
    else:
        block.imports = Variable(block.T, domain=pyo.NonNegativeReals)
        block.exports = Variable(block.T, domain=pyo.NonNegativeReals)
        limit(block.exports, upper=data.most_export)
        if data.pv.any():
            block.pv = Variable(block.T, domain=pyo.NonNegativeReals)
            limit(block.pv, upper=data.pv)
            if data.curtails_within:
                _curtail_within(block, data)
        else:
            block.pv = Series(block.T, values=data.pv)
        if data.battery:
            add_levels(block, data.battery, n, data.hours)
            slots = _one_way_slots(data, data.battery, one_way_slots) if exclusive else ()
            if slots:
                one_way(block, data.battery, data.hours, slots)
        if data.hub is not None:
            block.hub = pyo.Block()
            hub, electricity = assets.add(
                block.hub, data.hub, line_gives, exclusive=exclusive, one_way_slots=one_way_slots
            )

    def net_import(t: Any) -> Any:
        return line_slot(t) + block.base[t] - block.available[t] if data.plain else block.imports[t]

    def draw(t: Any) -> Any:
        """Return the draw of battery and assets from the balance, less their deliveries."""
        net: Any = 0.0 if data.plain or not data.battery else block.put_in[t] - block.put_out[t]
        return net if electricity is None else net - electricity.at(t)

    if not data.plain:

        @constraint(block, block.T)
        def balance(b: Any, t: int) -> Any:
            return b.imports[t] + b.pv[t] - b.exports[t] - draw(t) == line_slot(t) + b.base[t]

        if exclusive and data.most_export.any():
            _one_way(block, data)

    metered = _meter(block, data, line_cell, draw)
    n_meter = data.n_meters
    block.M = pyo.RangeSet(0, n_meter - 1 if np.isfinite(data.limit_mwh()) else -1)
    block.over = Variable(block.M if soft else [], domain=pyo.NonNegativeReals)
    # without a line, an import limit would have no variable at all
    block.zero = pyo.Var(bounds=(0.0, 0.0), initialize=0.0)

    @constraint(block, block.M)
    def import_limit(b: Any, i: int) -> Any:
        return metered(i) <= data.limit_mwh() + (b.over[i] if soft else b.zero)

    if data.export_rows:
        block.OUT = pyo.RangeSet(0, n_meter - 1)

        @constraint(block, block.OUT)
        def export_limit(b: Any, i: int) -> Any:
            return metered(i) >= -data.export_limit_mw * data.meter_min / 60

    paid: Callable[[], Any] | None = None
    if data.purchase is not None:
        block.purchase = pyo.Block()
        paid = purchases.add_purchase(block.purchase, data.purchase, net_import, metered, n, n_meter)
    credited, units = data.given_worth
    credit: Sum | None = None
    if line_gives and any(np.any(unit) for unit in units.values()):
        block.credit = pyo.Block()
        terms = [line_gives[carrier].scaled(unit) for carrier, unit in units.items() if carrier in line_gives]
        credit = Sum(block.credit, terms, n)
    if not data.whole:
        for variable in block.component_objects(pyo.Var):
            relax(variable)

    def worth(metric: str) -> Any:
        weight = block.metric[metric].weight
        amount = total(weight[t] * net_import(t) for t in each(block.T))
        if METRICS[metric].money:
            if not data.plain:
                amount -= total(block.earned[t] * block.exports[t] for t in each(block.T))
            if paid is not None:
                amount += paid()
        if hub is not None:
            amount += hub.worth(metric)
        return amount - credit.total() if credit is not None and metric == credited else amount

    over = total(block.over[i] for i in each(block.over.index_set()))
    return Ports(worth=worth, over=over, hub=hub)


def _meter(
    block: pyo.Block, data: SiteData, line_cell: Callable[[Any, Any], Any], draw: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """Return the net import in a metered interval as an expression [MWh]; the interval may be a placeholder."""
    n_cells = len(data.base) * data.cells_per_slot
    per, share = round(data.meter_min / data.cell_min), 1 / data.cells_per_slot
    block.CELL = pyo.RangeSet(0, n_cells - 1)
    block.slot = Series(block.CELL, values=np.arange(n_cells) // data.cells_per_slot)
    # a site without decisions uses all its PV
    sun = block.available if data.plain else block.pv

    def cell(c: Any) -> Any:
        # battery and assets are constant within a slot, the line is not
        t = c if data.cells_per_slot == 1 else block.slot[c]
        used = block.pv_cell[c] if data.curtails_within else share * sun[t]
        return line_cell(c, t) - used + share * (block.base[t] + draw(t))

    if data.balance_meters:
        return lambda i: block.imports[i] - block.exports[i]
    return lambda i: sum([cell(i * per + k) for k in range(per)])


def _curtail_within(block: pyo.Block, data: SiteData) -> None:
    """Add the PV used in each cell of a slot, where cells are metered intervals."""
    per = data.cells_per_slot
    block.SUN = pyo.RangeSet(0, len(data.base) * per - 1)
    block.pv_cell = Variable(block.SUN, domain=pyo.NonNegativeReals)
    limit(block.pv_cell, upper=np.repeat(data.pv / per, per))
    block.pv_of_cells = Rows(block.T, rule=lambda b, t: sum(b.pv_cell[t * per + k] for k in range(per)) == b.pv[t])


def _one_way_slots(data: SiteData, battery: Storage, only: Collection[int] | None) -> Collection[int]:
    """Return the slots in which the battery is either filled or emptied.

    Args:
        data: the site.
        battery: battery with its efficiencies.
        only: slots to which this is limited, in addition to those in which wasting electricity pays; None: all in which
            wasting it in the battery could pay.
    """
    if not battery.one_way:
        return ()
    return data.wasting if only is None else {*np.flatnonzero(data.pays).tolist(), *only}


def _one_way(block: pyo.Block, data: SiteData) -> None:
    """Forbid import during export where selling purchased energy would pay."""
    # importing saves the spread that an unused block would lose
    spread = 0.0 if data.purchase is None else data.purchase.most_spread
    pays = np.flatnonzero(data.export_price > data.price - spread).tolist()
    if not pays:
        return
    block.PAYS = pyo.Set(initialize=pays)
    block.most_export = Series(block.T, values=data.most_export)
    block.most_import = Series(block.T, values=data.most_import)
    # counted in a metered interval, whose slots are interchangeable: a branch on a count is one on all slots up to it
    per = max(round(data.meter_min / data.step_min), 1)
    block.exporting = Variable(block.PAYS, domain=pyo.NonNegativeIntegers, bounds=(0, per))
    before = {t for s, t in itertools.pairwise(pays) if t % per and s == t - 1}
    block.STEP = Members({t: [(t, 1.0), *([(t - 1, -1.0)] if t in before else ())] for t in pays}, dimen=2)

    def step(b: Any, t: Any) -> Any:
        """Return 1 in a slot of export, as an expression."""
        return total(weight * b.exporting[s] for s, weight in each(b.STEP[t]))

    block.export_step = Rows(block.PAYS, rule=lambda b, t: (0.0, step(b, t), 1.0))
    block.export_alone = Rows(block.PAYS, rule=lambda b, t: b.exports[t] <= b.most_export[t] * step(b, t))
    block.import_alone = Rows(block.PAYS, rule=lambda b, t: b.imports[t] <= b.most_import[t] * (1 - step(b, t)))
