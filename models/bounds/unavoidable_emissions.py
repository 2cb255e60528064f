"""Process emissions that no plan can avoid."""

from __future__ import annotations

import pyomo.core as pyo

from emberline.models.kernel.highs import solve
from emberline.models.problem.plant import Plant, Units


def unavoidable_kg(plant: Plant) -> float:
    """Return the process emissions of every plan, by a balance of all stores over the whole horizon [kg CO2e]."""
    model = pyo.ConcreteModel()
    modes = [(units, mode) for units in plant.units for mode in units.modes]
    if not any(mode.emissions for _, mode in modes):
        return 0.0
    hours = plant.hours * plant.n
    most = [units.high_tph(mode) * units.count * hours for units, mode in modes]
    model.MODE = pyo.RangeSet(0, len(modes) - 1)
    least = [
        mode.rates.low * units.count * (hours - _stopped_h(plant, units))
        if units.process.must_run and len(units.modes) == 1 and (units.available == units.count).all()
        else 0.0
        for units, mode in modes
    ]
    model.output = pyo.Var(model.MODE, bounds=lambda b, k: (min(least[k], most[k]), most[k]))
    model.STORE = pyo.Set(initialize=[store.name for store in plant.stores], dimen=1)
    ends = {store.name: store.end_t for store in plant.stores}
    ordered = {name: sum(d.amount_t or 0.0 for d, *_ in plant.orders if d.store == name) for name in ends}

    @model.Constraint(model.STORE)
    def enough(b: pyo.ConcreteModel, name: str) -> object:
        gains = [
            sum(s.per_t for s in mode.outputs if s.store == name) - sum(s.per_t for s in mode.inputs if s.store == name)
            for _, mode in modes
        ]
        requirement_t = float(plant.demand[name].sum()) + ordered[name] + ends[name] - plant.start_t[name]
        if not any(gains):
            return pyo.Constraint.Skip
        return pyo.quicksum(gain * b.output[k] for k, gain in enumerate(gains) if gain) >= requirement_t

    kg = [sum(e.kg_per_t for e in mode.emissions if not e.biogenic) for _, mode in modes]
    model.goal = pyo.Objective(expr=pyo.quicksum(kg[k] * model.output[k] for k in model.MODE))
    outcome = solve(model, work=SECONDS)
    return max(float(outcome.bound or 0.0), 0.0) if outcome.status == "optimal" else 0.0


SECONDS = 10.0


def _stopped_h(plant: Plant, units: Units) -> float:
    """Return the hours in which a must-run process does not run: its planned stop and the start-up after it."""
    if units.process.name not in plant.stops:
        return 0.0
    return (plant.stops[units.process.name][2] + plant.steps(units.process.start_up.hours)) * plant.hours
