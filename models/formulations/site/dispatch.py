"""Exact dispatch of the site for a fixed load of the line: flows, carbon and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyomo.core as pyo
import xarray as xr

from emberline.models.formulations.site import balance as site_model
from emberline.models.formulations.site.assets import read_flows
from emberline.models.formulations.site.assets.ports import Linear, Row, slot_values
from emberline.models.formulations.site.assets.storage import one_way_amounts
from emberline.models.formulations.site.balance import Ports
from emberline.models.formulations.site.objective import Aim
from emberline.models.kernel.arrays import Variable
from emberline.models.kernel.highs import Program, SearchRun
from emberline.models.kernel.templates import building, each, total
from emberline.models.problem.flows import NO_ASSETS, TIME_LIMIT_S, Flows, HubFlows
from emberline.models.problem.site import SiteData
from emberline.scenarios import Scenario
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.trade import used_within
from emberline.scenarios.metrics import METRICS

TOLERANCE_MWH = 1e-6


class Dispatcher:
    """Best use of the site under a load; the model is built once, and each load is set by bounds."""

    def __init__(self, data: SiteData, aim: Aim) -> None:
        """Build and compile the model, unless there is nothing to decide.

        Args:
            data: the site.
            aim: both its goals are minimized; its caps and the import limit have a price, so that flows exist even if a
                load breaks them.
        """
        self.data = data
        self.carriers = () if data.hub is None else tuple(data.hub.carriers)
        if data.plain:
            return
        model = self.model = pyo.ConcreteModel()
        with building():
            self.ports = add_under_line(model, data, self.carriers, soft=True)
            scale = 1e-6 * float(np.abs(data.carbon).mean() + np.abs(data.price).mean())
            broken = self.ports.price_caps(model, aim.caps(data), aim.over_price(data))

            @model.Objective()
            def least_cost(m: Any) -> Any:
                # to break ties: little throughput of the battery, no curtailment
                ties = -0.5 * total(m.site.pv[t] for t in each(m.site.T)) if data.pv.any() else 0.0
                if data.battery:
                    ties += total(m.site.put_in[t] + m.site.put_out[t] for t in each(m.site.T))
                return aim.expression(self.ports) + broken + scale * ties

            self.program = Program(model)

    def flows(
        self,
        line_cells: np.ndarray,
        *,
        work: float = TIME_LIMIT_S,
        cancel: Callable[[], bool] | None = None,
        line_gives: Mapping[str, np.ndarray] | None = None,
    ) -> Flows | None:
        """Return the best use of the site for a load.

        Args:
            line_cells: energy of the line by cell [MWh].
            work: maximum work (``scenarios/effort.py``).
            cancel: polled; True stops the search for flows.
            line_gives: deliveries of other carriers by the line, by slot, in the carrier's unit, shape (n_slots,) each.

        Returns:
            The flows; ``over_mwh`` is the amount by which they exceed the import limit. None if none were found in
            time, or battery or assets cannot supply the load.
        """
        data, gives = self.data, line_gives or {}
        if data.plain:
            return _plain(data, line_cells)
        model, none = self.model, np.zeros(len(data.base))
        amounts = [line_cells, *(gives.get(carrier, none) for carrier in self.carriers)]
        places = np.concatenate([self.program.columns_of(variable) for variable in (model.line, model.gives)])
        values = np.concatenate(amounts)[places >= 0]
        self.program.bound(places[places >= 0], values, values)
        if not self.program.run(work=work, gap=1e-6, cancel=cancel).has_solution:
            return None
        return held_flows(model.site, data, self.ports, line_cells)

    def worth(self, *, work: float = TIME_LIMIT_S) -> dict[str, np.ndarray]:
        """Return the value of an extra unit of each carrier except electricity in each slot, at the present flows.

        Shape (n_slots,) each; empty if there are no assets, or if machines are integer.
        """
        if self.data.hub is None or self.program.whole:
            return {}
        multipliers = self.program.multipliers(work=work)
        if multipliers is None:
            return {}
        hub = self.model.site.hub
        return {name: multipliers.of_rows(hub.carrier[name].balance) for name in hub.CARRIER}

    def slack(self) -> float | None:
        """Return the largest distance of the last flows from the optimum, by the solver's figures; None if unknown."""
        if self.data.plain:
            return 0.0
        outcome = self.program.outcome(SearchRun(relaxed=False, seconds=0.0))
        if outcome.bound is None or outcome.objective is None:
            return None
        return max(float(outcome.objective - outcome.bound), 0.0)


def add_under_line(model: pyo.ConcreteModel, data: SiteData, carriers: Sequence[str], **options: Any) -> Ports:
    """Add a site under any load of a line to a model: ``line`` by cell [MWh], ``gives`` by carrier and slot.

    Args:
        model: empty model.
        data: the site.
        carriers: carriers that the line gives.
        **options: options of ``balance.add``.
    """
    n, per = len(data.base), data.cells_per_slot
    model.CELL = pyo.RangeSet(0, n * per - 1)
    model.line = Variable(model.CELL)
    model.gives = Variable(pyo.RangeSet(0, len(carriers) - 1), pyo.RangeSet(0, n - 1))
    model.site = pyo.Block()
    gives = {carrier: Linear(((Row(model.gives, k), 1.0),)) for k, carrier in enumerate(carriers)}
    return site_model.add(model.site, data, *site_model.of_cells(model.line, per), line_gives=gives, **options)


def held_flows(block: pyo.Block, data: SiteData, ports: Ports, line_cells: np.ndarray) -> Flows:
    """Return the flows in the variables of a site's block after a solve."""
    if data.plain:
        return _plain(data, line_cells)
    n, zero = len(data.base), np.zeros(len(data.base))

    def values(name: str) -> np.ndarray:
        return slot_values(getattr(block, name), n)

    imports, pv = values("imports"), values("pv")
    charge, discharge, level = (values(name) if data.battery else zero for name in ("put_in", "put_out", "level"))
    spare = np.maximum(imports, 0.0) + np.maximum(pv, 0.0)
    freed = spare.copy()
    if data.battery:
        charge, discharge, level, less = one_way_amounts(data.battery, charge, discharge, level, spare, data.hours)
        spare -= less
    hub = None if ports.hub is None else read_flows(ports.hub, spare)
    freed -= spare
    if freed.any():
        less = np.minimum(np.maximum(imports, 0.0), freed)
        imports, pv = imports - less, pv - (freed - less)
    return _flows(data, line_cells, imports, values("exports"), pv, charge, discharge, level, hub)


def _plain(data: SiteData, line_cells: np.ndarray) -> Flows:
    """Return the flows of a site without decisions."""
    line, zero = line_cells.reshape(len(data.base), -1).sum(axis=1), np.zeros(len(data.base))
    return _flows(data, line_cells, line + data.base - data.pv, zero, data.pv.copy(), zero, zero, zero)


def columns(scenario: Scenario, data: SiteData, flows: Flows, line: np.ndarray) -> xr.Dataset:
    """Return flows as the variables of table ``FLOWS``.

    Args:
        scenario: scenario of the site.
        data: the site.
        flows: flows of the site.
        line: energy of the line by slot [MWh].
    """
    power = {
        "line_mw": line,
        "charge_mw": flows.charge,
        "discharge_mw": flows.discharge,
        "import_mw": flows.imported,
        "export_mw": flows.exported,
    }
    variables: dict[str, Any] = {name: ("time", np.asarray(values) / data.hours) for name, values in power.items()}
    variables["battery_mwh"] = ("time", flows.level)
    variables["meter_mw"] = ("meter", flows.meter_mw)
    # curtailment is shared by all plants in proportion
    share = np.divide(flows.pv, data.pv, out=np.ones_like(data.pv), where=data.pv > 0)
    others_mw = data.fixed_mw | {name: could * share for name, could in data.sun_mw.items()}
    hub_variables, coordinates = (flows.hub or NO_ASSETS).columns(scenario, others_mw)
    return xr.Dataset(variables | hub_variables, coords=coordinates)


def _flows(
    data: SiteData,
    line_cells: np.ndarray,
    imports: np.ndarray,
    exports: np.ndarray,
    pv: np.ndarray,
    charge: np.ndarray,
    discharge: np.ndarray,
    level: np.ndarray,
    hub: HubFlows | None = None,
) -> Flows:
    # import and export at the same time are a tie in the solver: the meter sees the difference
    circle = np.minimum(np.maximum(imports, 0.0), np.maximum(exports, 0.0))
    imports, exports = imports - circle, exports - circle
    per = data.cells_per_slot
    supply = np.zeros(len(data.base)) if hub is None else hub.delivered(ELECTRICITY)
    sun = np.repeat(pv, per) / per
    if data.curtails_within:
        sun = used_within(pv / per, data.pv / per, line_cells.reshape(-1, per)).reshape(-1)
    cells = line_cells - sun + np.repeat(data.base + charge - discharge - supply, per) / per
    meter = cells.reshape(-1, round(data.meter_min / data.cell_min)).sum(axis=1)
    over = np.maximum(meter - data.limit_mwh(), 0.0)
    paid = (0.0 if data.purchase is None else data.purchase.cost(imports, meter)) - float(exports @ data.export_price)
    return Flows(
        imported=np.maximum(imports, 0.0),
        exported=np.maximum(exports, 0.0),
        pv=pv,
        charge=charge,
        discharge=discharge,
        level=level,
        meter_mw=meter * 60 / data.meter_min,
        totals={
            name: float(imports @ weight) + (paid if METRICS[name].money else 0.0) + (hub.totals[name] if hub else 0.0)
            for name, weight in data.per_mwh.items()
        },
        over_mwh=float(over[over > TOLERANCE_MWH].sum()),
        hub=hub,
    )
