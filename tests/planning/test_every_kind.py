"""Every kind of asset is planned, replayed, taken over in mid-run, explained and named: a place left out is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hubs import ELECTRODE, GAS, hub

from emberline.models.explain import Elastic, limits
from emberline.models.formulations.site.assets import ADD
from emberline.planning import Plan
from emberline.planning.accounts import sankey
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.charts.flow_sheet import sheet
from emberline.reports.text import facts
from emberline.scenarios import Case
from emberline.scenarios.assets.base import KINDS, of
from emberline.scenarios.assets.converter import Machine
from emberline.twin import envelope, replay, simulate
from emberline.twin.site.grids import SiteGrid
from emberline.twin.state import later

HOURS, MID = 8, 3
PRICES = [20.0, 90.0, 80.0, 85.0, 25.0, 95.0, 40.0, 60.0]
DUMPED = {"unit": "t", "dump": True}
CARRIERS: list[dict[str, Any]] = [{"name": "hot", "waste": True}, {"name": "h2", **DUMPED}, {"name": "o2", **DUMPED}]
AROUND: tuple[dict[str, Any], ...] = (
    GAS,
    {**ELECTRODE, "name": "around"},
    {"kind": "load", "name": "need", "carrier": "heat", "rate": 4.0},
    {"kind": "source", "name": "furnace", "carrier": "hot", "rate": 5.0},
)
"""What the kinds need: gas, a boiler and a load of heat, waste heat."""
ENGINE: dict[str, Any] = {"electric_mw": 3.0, "fuel": "gas", "electric_efficiency": 0.6, "min_load": 0.3}
ENGINE["ramp_up_per_h"] = 0.4
TURBINE: dict[str, Any] = {"electric_mw": 1.0, "input": "hot", "mwh_per_unit": 0.3, "min_load": 0.4, "min_up_h": 2.0}
RATES: dict[str, Any] = {"carrier": "heat", "capacity": 6.0, "in_rate": 3.0, "out_rate": 3.0, "self_loss_per_h": 0.01}
CURVE = [{"level_share": share, "in_rate": 3.0 - share, "out_rate": 1.0 + share} for share in (0.0, 0.5, 1.0)]
FIELDS: dict[str, dict[str, Any]] = {
    "gas_engine": ENGINE,
    "chp": ENGINE | {"heat": "heat", "heat_efficiency": 0.3},
    "boiler": {"heat_mw": 3.0, "fuel": "gas", "heat": "heat", "efficiency": 0.9, "min_load": 0.5, "start_cost": 5.0},
    "heat_pump": {"electric_mw": 1.0, "heat": "heat", "cop": 3.0, "ramp_down_per_h": 0.3},
    "electrolyser": {"electric_mw": 1.0, "hydrogen": "h2", "kwh_per_kg": 50.0},
    "turbine": TURBINE,
    "orc": TURBINE,
    "waste_heat_recovery": {"heat_mw": 2.0, "source": "hot", "heat": "heat", "efficiency": 0.5},
    "oxygen_plant": {"oxygen": "o2", "rate_tph": 2.0, "kwh_per_t": 400.0},
    "flexible_load": {"rate_limit": 2.0, "per_day": 15.0},
    "converter": {"carrier": "heat", "capacity": 2.0, "inputs": [{"carrier": "gas", "per_unit": 1.2}]},
    "storage": RATES,
    "latent_heat_store": RATES | {"limits": CURVE},
    "supply": {"carrier": "heat", "price_per_unit": 35.0, "rate_limit": 2.0, "horizon_limit": 6.0},
    "sale": {"carrier": "heat", "price_per_unit": 65.0, "rate_limit": 2.0, "horizon_limit": 6.0},
    "flare": {"carrier": "hot", "rate_limit": 5.0},
    "vent": {"carrier": "hot", "rate_limit": 5.0},
    "load": {"carrier": "electricity", "rate": 2.0},
    "source": {"carrier": "electricity", "rate": 1.0},
    "pv": {"peak_mw": 2.0, "capacity_factor": 0.5},
    "wind": {"peak_mw": 2.0, "capacity_factor": 0.5},
}
"""An asset of each kind."""
UNLIMITED = {"pv", "wind"}
"""Kinds of which no change of the scenario makes more."""


def case(kind: str, **how: Any) -> Case:
    """A site with an asset of a kind, which has the kind's name."""
    return hub({"kind": kind, "name": kind} | FIELDS[kind], *AROUND, price=PRICES, base=1.0, more=CARRIERS, **how)


@contextmanager
def place(kind: str, step: str, where: str) -> Iterator[None]:
    """Context in which a failure names the kind and the place that is probably missing."""
    try:
        yield
    except Exception as error:
        pytest.fail(f"kind {kind!r} cannot be {step}: see {where} ({type(error).__name__}: {error})")


def rates(scenario: Case, run: xr.Dataset, name: str) -> np.ndarray:
    """Rates of an asset's flows, shape (n_flows, n_steps)."""
    core = next(asset for asset in scenario.site.equipment if asset.name == name)
    labels = [f"{name}.{key}" if key else name for key in core.flows]
    return np.asarray(run["asset_rate"].sel(flow=labels).to_numpy())


def planned(kind: str, scenario: Case) -> Plan:
    """A plan of a site whose replay does what it says."""
    with place(kind, "planned", "ADD in models/formulations/site/assets/, twin/site/assets/"):
        plan = make_plan(scenario, PLAIN)
    assert plan.acceptable, (kind, plan.verdict, plan.violations)
    assert plan.schedule is not None
    assert plan.replay is not None
    assert rates(scenario, plan.replay, kind) == pytest.approx(rates(scenario, plan.schedule, kind), abs=1e-5), kind
    return plan


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_in_its_places(kind: str) -> None:
    """Proves: an asset of the kind is in the model, in the twin, and in what is said of it. After part of a run its
    state is enough to follow the rest of the plan with the same flows, with what is left of a limit over the horizon,
    and to plan on. Sensitivity: a place that a new kind was not entered in; a level, load or limit that starts again
    from its first value."""
    assert kind in FIELDS, f"kind {kind!r} has no asset in FIELDS of {__file__}"
    scenario = case(kind)
    asset = next(asset for asset in scenario.site.assets if asset.name == kind)
    core = scenario.site.cores.get(kind, asset)
    assert type(core) in ADD, f"kind {kind!r} is missing in ADD of models/formulations/site/assets/__init__.py"
    plan = planned(kind, scenario)
    assert plan.schedule is not None
    assert plan.replay is not None

    with place(kind, "taken over in mid-run", "later() of its record, twin/state.py"):
        rest = later(scenario, plan.replay, 60.0 * MID, 60.0 * HOURS)
        again = replay(rest, plan.schedule.isel(time=slice(MID, None), meter=slice(4 * MID, None)))
        assert not again.sizes["violation"], again["violation_kind"].values
        assert rates(rest, again, kind) == pytest.approx(rates(scenario, plan.replay, kind)[:, MID:], abs=1e-6)
        if kind in scenario.site.limited:
            amount = float(np.abs(rates(scenario, plan.replay, kind)[:, :MID]).sum())
            assert amount > 0
            assert rest.site.limited[kind] == pytest.approx(scenario.site.limited[kind] - amount)
    planned(kind, rest)

    with place(kind, "explained", "_asset in models/explain/all_limits.py and elastic.py"):
        keys = [limit.key for limit in limits(scenario) if limit.key.startswith(f"site.assets.{kind}")]
        loosened = {limit.key for limit in Elastic(scenario, envelope(scenario), None, limits(scenario)).limits}
    assert keys or kind in UNLIMITED, (
        f"no limit of kind {kind!r} is explained: see _asset in models/explain/all_limits.py"
    )
    softened = any(key in loosened for key in keys)
    assert softened or kind in UNLIMITED or getattr(core, "switched", False), (
        f"no limit of kind {kind!r} can be loosened: see _asset in models/explain/elastic.py"
    )
    assert plan.schedule_figures is not None
    where = "items() and emitted() of its record, cost and scopes of its ports"
    assert plan.objective == pytest.approx(plan.schedule_figures.cost), f"cost of kind {kind!r}: see {where}"
    clean = make_plan(case(kind, minimize="carbon"), PLAIN)
    assert clean.schedule_figures is not None
    assert clean.objective == pytest.approx(clean.schedule_figures.carbon_kg), f"carbon of kind {kind!r}: see {where}"
    sides = {*core.gives, *core.takes}
    assert core.counted == "out" or sides == set(core.flows.values()), f"gives and takes of kind {kind!r}'s record"
    with place(kind, "drawn in the energy diagram", "_asset in planning/accounts/sankey.py"):
        sankey.energy(scenario, plan.replay)
    with place(kind, "named", "_size in reports/text/facts.py"):
        (size,) = [size for name, _, size, _ in facts.assets(scenario) if name == kind]
    assert size != "no limit", f"the size of kind {kind!r} is not said: see _size in reports/text/facts.py"
    with place(kind, "drawn", "asset_box in reports/charts/flow_sheet/"):
        assert kind in {box.name for box in sheet(scenario, plan.replay, None).boxes}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_baseline_always_draws_is_committed(kind: str) -> None:
    """Proves: electricity that the asset draws in the baseline, with nothing that needs it, counts as certain where
    heats are placed. Sensitivity: ``committed_mw`` of a record that was left out."""
    scenario = hub({"kind": kind, "name": kind} | FIELDS[kind], *AROUND[:1], price=PRICES, more=CARRIERS)
    if of(scenario.site.assets, Machine) and not scenario.site.flexible:
        return  # a machine runs when it is needed
    draw = simulate(scenario)["import_mw"].to_numpy().mean()
    assert np.maximum(SiteGrid(scenario).committed_mw, 0).mean() == pytest.approx(draw), (
        f"kind {kind!r} always draws electricity: see committed_mw() of its record"
    )
