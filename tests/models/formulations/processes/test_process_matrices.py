"""The rules of processes are templates, and give the same matrix as one expression for each index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from enumerated import envelope, random_works, works

from emberline.models.formulations.processes import network
from emberline.models.kernel.arrays import Rows
from emberline.models.kernel.compile import compiled
from emberline.models.kernel.standard_form import Compiled
from emberline.models.kernel.templates import building, each, total
from emberline.models.problem import plant as plants
from emberline.scenarios import Case, load
from emberline.scenarios.assets.quantity import ELECTRICITY

ARRAYS = ("cost", "lower", "upper", "whole", "row_lower", "row_upper", "starts", "index", "values")
BUNDLED = {"aluminium-potline": [], "cement-week": ["horizon.step_min=30"], "steam-cracker-utilities": []}
"""Bundled plants, and what makes a large one smaller."""
FUELS = {"gj_per_t": 3.6, "fuels": [{"carrier": "coal", "share": 0.7, "most": 0.9},
                                    {"carrier": "gas", "share": 0.3, "least": 0.1}]}  # fmt: skip
BENT = [{"rate_tph": r, "power_mw": mw} for r, mw in ((10.0, 1.0), (20.0, 3.0), (30.0, 7.0))]


def plant_model(scenario: Case, *, templates: bool, ordered: bool = False) -> pyo.ConcreteModel:
    """The processes alone: they draw the least, stock beyond what is wanted credited, process emissions bounded."""
    plant, model = plants.read(scenario, envelope(scenario)), pyo.ConcreteModel()
    carriers = [c.name for c in scenario.site.carriers if c.name != ELECTRICITY]
    with building(on=templates):
        model.plant = pyo.Block()
        result = network.add(model.plant, plant, carriers, ordered=ordered)
        model.supply = pyo.Block(list(result.gives))
        for carrier, flow in result.gives.items():
            model.supply[carrier].all = Rows(
                model.plant.T, rule=lambda b, t, flow=flow: sum(w * v[t] for v, w in flow.parts) <= 1e6
            )
        if any(unit.added.get("scope1") for unit in result.units):
            model.emitted = pyo.Constraint(rule=lambda m: result.added("scope1") <= 1e9)
        model.goal = pyo.Objective(rule=lambda m: total(m.plant.electricity[t] for t in each(m.plant.T)))
    return model


def not_templates(model: pyo.ConcreteModel) -> set[str]:
    """Constraints of the plant that are expressions for each index."""
    listed = model.plant.component_objects(pyo.Constraint, descend_into=True)
    return {one.name for one in listed if isinstance(one, Rows) and one.template is None}


def assert_same(scenario: Case, ordered: bool = False) -> Compiled:
    """The model by templates and by index, compared; the first is returned."""
    model = plant_model(scenario, templates=True, ordered=ordered)
    assert not not_templates(model)
    by_template = compiled(model)
    by_index = compiled(plant_model(scenario, templates=False, ordered=ordered))
    assert [v.name for v in by_template.columns] == [v.name for v in by_index.columns]
    for name in ARRAYS:
        np.testing.assert_allclose(getattr(by_template, name), getattr(by_index, name), rtol=1e-9, err_msg=name)
    return by_template


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_plants_are_templates(name: str) -> None:
    """Proves: no rule looks at its index, and what the templates give is what the rules give for each index.

    Sensitivity: an ``if t`` in any rule makes it no template; a template that
    the compiler reads wrongly puts a coefficient elsewhere."""
    form = assert_same(load(name, BUNDLED[name]))
    assert form.shape[0] > 2000


@pytest.mark.parametrize("seed", range(25))
def test_random_plants_are_templates(seed: int) -> None:
    """Proves: likewise with ramps, outages, planned stops, least runs and rests, change-overs by pairs, orders."""
    assert_same(works(**random_works(seed)), ordered=bool(seed % 2))


@pytest.mark.parametrize("ordered", [False, True])
def test_fuels_curves_and_units_alike_are_templates(ordered: bool) -> None:
    """Proves: likewise for a mix of fuels in the run and in the start-up, power that bends, three orders at
    a time, and three units alike planned one by one."""
    carriers = [{"name": name, "unit": "MWh"} for name in ("coal", "gas")]
    supplies = [
        {"kind": "supply", "name": f"{c['name']} yard", "carrier": c["name"], "price_per_unit": 10.0} for c in carriers
    ]
    mill: dict[str, Any] = {
        "name": "mill", "count": 3, "rate": {"low": 10.0, "high": 30.0}, "power_by_rate": BENT, "heat": FUELS,
        "ramp_tph_per_h": 8.0, "min_run_h": 2.0, "outputs": [{"store": "meal"}],
        "start_up": {"hours": 1.5, "energy_mwh": 2.0, "heat_gj": 18.0, "off_spec_t": 7.0},
    }  # fmt: skip
    store = {"name": "meal", "capacity_t": 500.0, "level_t": 100.0}
    orders = [
        {"name": f"ship {i}", "store": "meal", "amount_t": 20.0, "release": f"{2 * i + 1} h", "due": f"{2 * i + 5} h"}
        for i in range(3)
    ]
    scenario = works([mill], [store], hours=12.0, step_min=30.0, deliveries=orders,
                     site={"carriers": carriers, "assets": supplies})  # fmt: skip
    form = assert_same(scenario, ordered)
    names = {v.parent_component().local_name for v in form.columns}
    assert {"kindling", "fuel", "started", "filled", "loaded"} <= names
    assert ("full" in names) == ordered
