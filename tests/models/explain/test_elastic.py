"""The elastic model: what gives way, how far, and the conflict that the solver finds, on sites solved by hand."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pyomo.environ as pyo
import pytest

from emberline import twin
from emberline.models.explain import Elastic, impossible, limits
from emberline.models.kernel.highs import Program
from emberline.scenarios import Case, loads

SITE = """
name: heat
horizon: {start: 2026-01-12, zone: UTC, length_h: 4, step_min: 60}
site:
  grid: {import_limit_mw: 5 MW, metered_interval_min: 60}
  carriers: [{name: gas}, {name: heat}]
  assets:
    - {kind: supply, name: gas, carrier: gas, price_per_unit: 30 EUR/MWh}
    - {kind: boiler, name: boiler, fuel: gas, heat: heat, heat_mw: 8 MW, efficiency: 1.0}
    - {kind: storage, name: tank, carrier: heat, capacity: 10 MWh, level_share: 0.4, end_level_share: 0, in_rate: 3, out_rate: 3}
    - {kind: load, name: users, carrier: heat, rate: 10 MW}
market: {price_per_mwh: 100, carbon_intensity_kg_per_mwh: 300}
goal: {minimize: cost}
"""  # noqa: E501


def elastic(*overrides: str) -> tuple[Case, Elastic]:
    scenario = loads(SITE, overrides=overrides)
    return scenario, Elastic(scenario, twin.envelope(scenario), None, limits(scenario))


def value(model: Elastic, key: str, **how: Any) -> float | None:
    limit = next(limit for limit in model.limits if limit.key == key)
    return model.alone(limit, work=10, **how)


def test_the_least_by_hand() -> None:
    """Proves: users take 40 MWh in 4 h, the boiler makes 32 and the tank holds 4: 4 MWh are missing.

    Alone: the boiler at 9 MW, or the users at 9 MW. A larger import limit, or a faster tank, is no help.
    """
    _, model = elastic()
    assert value(model, "site.assets.boiler.heat_mw") == pytest.approx(9.0, abs=1e-6)
    assert value(model, "site.assets.users.rate") == pytest.approx(0.9, abs=1e-6)
    assert value(model, "site.grid.import_limit_mw") is None
    assert value(model, "site.assets.tank.out_rate") is None


def test_the_cheapest_together() -> None:
    """Proves: the price decides: a machine by its own size counts 5 an eighth, users 6 a tenth."""
    _, model = elastic()
    least = model.smallest(work=10)
    assert least is not None
    assert set(least) == {"site.assets.users.rate"}
    assert least["site.assets.users.rate"] == pytest.approx(0.9, abs=1e-6)


def test_the_conflict_names_what_is_needed_for_it_only() -> None:
    """Proves: the irreducible subset holds demand, boiler and the tank's level; the grid has no part in it."""
    scenario, model = elastic()
    result = model.conflict(work=10)
    keys = {one.limit.key for one in result}
    assert {"site.assets.users.rate", "site.assets.boiler.heat_mw"} <= keys
    assert "site.grid.import_limit_mw" not in keys
    assert any("demand of users, 10 MW, Mon 12 Jan" in one.says(scenario) for one in result)


def test_multipliers_prove_the_same() -> None:
    """Proves: what the relaxation's multipliers hold is a conflict too: without the boiler's part there is none."""
    _, model = elastic()
    model.smallest(work=10)
    keys = {one.limit.key for one in model.proof()}
    assert {"site.assets.users.rate", "site.assets.boiler.heat_mw"} <= keys
    assert "site.grid.import_limit_mw" not in keys


def test_a_site_that_can_do_it_needs_nothing() -> None:
    """Proves: no slack where there is a plan, and no conflict either."""
    scenario, model = elastic("site.assets.boiler.heat_mw=9")
    assert model.smallest(work=10) == {}
    assert model.conflict(work=10) == []
    assert not impossible(scenario, twin.envelope(scenario), None, work=10)


def test_the_solver_tells_members_and_sides() -> None:
    """Proves: of ten rows and bounds the two that contradict each other are named, with the side that is meant."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var(range(4), bounds=(0, 2))
    model.least = pyo.Constraint(range(4), rule=lambda m, i: m.x[i] >= (3 if i == 2 else 1))
    model.sum = pyo.Constraint(expr=sum(model.x[i] for i in range(4)) <= 50)
    model.goal = pyo.Objective(expr=model.x[0])
    result = Program(model).conflict(work=10)
    assert result is not None
    assert sorted((member.name, side) for member, side in result) == [("least[2]", "lower"), ("x[2]", "upper")]
    model.least[2].deactivate()
    assert Program(model).conflict(work=10) is None


def test_a_conflict_found_first_leaves_the_solver_usable() -> None:
    """Proves: in a process whose first run is the search for a conflict, other models are solved after it.
    Sensitivity: HiGHS with another number of threads first refuses all later runs, and no repair is found."""
    code = """
import pyomo.core as pyo
from emberline.models.kernel.highs import Program
m = pyo.ConcreteModel()
m.x = pyo.Var(range(30), domain=pyo.NonNegativeReals)
m.more = pyo.Constraint(range(30), rule=lambda m, i: m.x[i] + m.x[(i + 1) % 30] >= 2)
m.fewer = pyo.Constraint(expr=sum(m.x[i] for i in range(30)) <= 1)
m.goal = pyo.Objective(expr=sum(m.x[i] for i in range(30)))
assert Program(m).conflict(work=5)
m.fewer.deactivate()
program = Program(m)
assert program.outcome(program.search(work=5)).status == "optimal"
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
