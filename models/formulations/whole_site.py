"""Whole site in one model: connection, assets and processes under a given load of the line; goals are variables."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.processes.network import PlantPorts
from emberline.models.formulations.processes.network import add as add_processes
from emberline.models.formulations.processes.stock_value import bands, credits, slack_prices
from emberline.models.formulations.site import balance as sites
from emberline.models.formulations.site.assets import both_ways, simultaneous_slots
from emberline.models.formulations.site.assets.ports import Linear, slot_values
from emberline.models.formulations.site.balance import Ports
from emberline.models.formulations.site.objective import Aim
from emberline.models.kernel.arrays import Series, Variable
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building, each, total
from emberline.models.problem.plant import Plant
from emberline.models.problem.site import SiteData
from emberline.scenarios.assets.quantity import ELECTRICITY


@dataclass
class SiteModel:
    """Compiled model of a site under a given load of the line."""

    data: SiteData
    coarse: SiteData
    """The site with the metered intervals of the model."""
    model: pyo.ConcreteModel
    ports: Ports
    program: Program
    plant_ports: PlantPorts | None = None
    """The processes, if there are any."""

    def ask(self, aim: Aim) -> None:
        """Set another goal or other caps of the same site, by bounds and costs of the totals."""
        total, program = self.model.total, self.program
        program.restore()
        for name in self.data.metrics:
            program.restrict([(total[name], -math.inf, aim.tops.get(name, math.inf))])
        program.aim(total[aim.first])

    def simultaneous_slots(self) -> set[int]:
        """Return the slots of the solution in which a store is filled and emptied at once although it cannot be."""
        slots = set() if self.ports.hub is None else simultaneous_slots(self.ports.hub)
        site, n = self.model.site, len(self.data.wasting)
        if self.data.battery is not None and self.data.battery.one_way:
            slots |= both_ways(slot_values(site.put_in, n)[:n], slot_values(site.put_out, n)[:n])
        return slots


def build(
    data: SiteData,
    aim: Aim,
    load: np.ndarray | None = None,
    one_way_slots: Collection[int] | None = None,
    line_gives: Mapping[str, Linear] | None = None,
    plant: Plant | None = None,
    program: Callable[[pyo.ConcreteModel], Any] = Program,
) -> SiteModel:
    """Build and compile the model of a site with its processes; it minimizes the first goal under the caps.

    Args:
        data: the site.
        aim: goals and caps.
        load: energy of the line by cell [MWh], shape (n_cells,); None: there is no line.
        one_way_slots: slots in which stores may not be filled and emptied at once; None: all in which this pays.
        line_gives: output of other carriers by the line, in the carrier's unit.
        plant: the processes, which are then the load.
        program: function that compiles the model; a solver of an earlier model may receive it as changes.
    """
    coarse = data
    if load is None and data.step_min > data.meter_min and data.step_min % data.meter_min == 0:
        # nothing changes within a step, so that its limit is that of each of its metered intervals
        purchase = None if data.purchase is None else data.purchase.merged(round(data.step_min / data.meter_min))
        coarse = replace(data, meter_min=data.step_min, cell_min=data.step_min, purchase=purchase)
    n, per = len(data.base), coarse.cells_per_slot
    model = pyo.ConcreteModel()
    plant_ports: PlantPorts | None = None
    gives = dict(line_gives or {})
    with building():
        if plant is not None:
            model.plant = pyo.Block()
            carriers = [] if data.hub is None else [name for name in data.hub.carriers if name != ELECTRICITY]
            plant_ports = add_processes(model.plant, plant, carriers, ordered=not _always_costs(data))
            by_slot, gives = plant_ports.electricity, plant_ports.gives
        else:
            cells = np.zeros(n * per) if load is None else load
            model.CELL, model.T = pyo.RangeSet(0, n * per - 1), pyo.RangeSet(0, n - 1)
            model.by_cell = Series(model.CELL, values=cells)
            by_slot = model.by_slot = Series(model.T, values=cells.reshape(n, -1).sum(axis=1))

        def cell(c: Any, t: Any) -> Any:
            return model.by_cell[c] if plant is None else by_slot[t] / per

        model.site = pyo.Block()
        options: dict[str, Any] = {"one_way_slots": one_way_slots, "line_gives": gives or None}
        ports = sites.add(model.site, coarse, cell, lambda t: by_slot[t], **options)
        _goals(model, ports, data, coarse, aim, plant_ports)
        compiled = program(model)
    return SiteModel(data, coarse, model, ports, compiled, plant_ports)


def _goals(
    model: pyo.ConcreteModel,
    ports: Ports,
    data: SiteData,
    coarse: SiteData,
    aim: Aim,
    plant_ports: PlantPorts | None,
) -> None:
    """Make each goal a variable: caps are its bounds, and the objective can change without a new model."""
    tops = aim.tops
    if plant_ports is not None:
        ports = plant_ports.emitting(ports)
        # caps apply to actual payments and emissions
        ports.keep(model, tops)
        tops = {}
        plant = plant_ports.plant
        ports = plant_ports.crediting(ports, credits(plant, coarse), bands(plant), slack_prices(plant, coarse))
    model.GOAL = pyo.Set(initialize=list(data.metrics))
    model.total = Variable(model.GOAL)
    model.totals = pyo.Block(model.GOAL)
    for goal in data.metrics:
        model.total[goal].setub(tops.get(goal))
        model.totals[goal].added = pyo.Constraint(rule=_total(ports, goal, model.total[goal]))
    # draw of processes, to be minimized so that it is no more than their rates need where electricity is worth nothing
    model.draw = pyo.Var()
    if plant_ports is not None:
        electricity, every = plant_ports.electricity, model.site.T
        model.drawing = pyo.Constraint(rule=lambda m: m.draw - total(electricity[t] for t in each(every)) == 0)
    model.goal = pyo.Objective(expr=model.total[aim.first])


def _total(ports: Ports, goal: str, total: Any) -> Callable[[Any], Any]:
    return lambda block: ports.worth(goal) - total == 0


def _always_costs(data: SiteData) -> bool:
    """Return whether electricity costs something in every slot, by each goal."""
    return bool((data.price > 0).all() and (data.full_price > 0).all() and (data.carbon > 0).all())
