"""Processes in their site: what they take of carriers is a need, what they give is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plants import schedule, violations, works

from emberline.scenarios import Case
from emberline.twin import dispatch, replay, simulate

BIG = {"capacity_t": 5000, "level_t": 2500, "end_level_t": 0}


def dryer(**rest: Any) -> dict[str, Any]:
    """Runs all the time at 10 t/h, takes 2 MWh of steam and gives 1 MWh of vapour for each tonne."""
    return {
        "name": "dryer", "must_run": True, "rate": 10, "kwh_per_t": 100.0,
        "inputs": [{"store": "S"}, {"carrier": "steam", "per_t": 2.0}],
        "outputs": [{"carrier": "vapour", "per_t": 1.0}], **rest,
    }  # fmt: skip


def dried(*assets: dict[str, Any], **rest: Any) -> Case:
    site = {
        "carriers": [{"name": "gas"}, {"name": "steam"}, {"name": "vapour", "waste": True}],
        "assets": [
            {"kind": "supply", "name": "gas grid", "carrier": "gas", "price_per_unit": 30.0},
            {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "steam", "heat_mw": 25, "efficiency": 0.8},
            *assets,
        ],
    }
    return works([dryer(**rest)], [{"name": "S", **BIG}], site=site)


def test_machines_serve_what_processes_take() -> None:
    """Proves: 20 MW of steam come from the boiler, 25 MW of gas, by the rule and by the list followed; the turbine
    runs on the vapour. Sensitivity: a need that nobody serves is a shortage, one served twice a surplus."""
    turbine = {"kind": "turbine", "name": "turbine", "input": "vapour", "electric_mw": 5, "mwh_per_unit": 0.2}
    scenario = dried(turbine)
    listed = dispatch(scenario)
    for run in (listed, simulate(scenario), replay(scenario, listed.assign_attrs(policy="schedule"))):
        rates = {flow: run["asset_rate"].sel(flow=flow).to_numpy() for flow in run["flow"].values.tolist()}
        assert rates["boiler.main"] == pytest.approx(20)
        assert rates["gas grid"] == pytest.approx(25)
        assert run["line_rate"].sel(given="steam").to_numpy() == pytest.approx(-20)
        assert run["line_rate"].sel(given="vapour").to_numpy() == pytest.approx(10)
        # 1 MW of the dryer less what 10 MW of vapour give in the turbine
        assert run["import_mw"].to_numpy() == pytest.approx(np.maximum(1 - 0.2 * 10, 0))
        assert "violation_kind" not in run or not run.sizes["violation"]


def test_a_need_that_cannot_be_served_is_a_shortage() -> None:
    """Proves: 30 MW of steam from a boiler of 25 MW miss 5 MWh in each hour. Sensitivity: heat from nowhere."""
    scenario = dried(inputs=[{"store": "S"}, {"carrier": "steam", "per_t": 3.0}])
    assert violations(simulate(scenario), "shortage") == [("steam", 60.0 * k, pytest.approx(5)) for k in range(24)]


def test_a_site_without_assets_lets_waste_go() -> None:
    """Proves: what processes give of waste is balanced and reported though the site has no asset. Sensitivity: a
    carrier that is left out where nothing uses it."""
    site = {"carriers": [{"name": "vapour", "waste": True}]}
    scenario = works([dryer(inputs=[{"store": "S"}])], [{"name": "S", **BIG}], site=site)
    run = simulate(scenario)
    assert run["dumped_rate"].sel(carrier="vapour").to_numpy() == pytest.approx(10)
    assert run["line_rate"].to_numpy() == pytest.approx(np.full((1, 24), 10))


def test_the_planned_mix_is_burnt() -> None:
    """Proves: a schedule's streams of fuels tell the mix of each step, and supplies give it; where the unit runs though
    it was not planned to, the usual mix. Sensitivity: the usual mix all the time."""
    fuels = [{"carrier": "coal", "share": 0.5, "least": 0.2}, {"carrier": "tyres", "share": 0.5}]
    site = {
        "carriers": [{"name": "coal"}, {"name": "tyres"}],
        "assets": [
            {"kind": "supply", "name": "coal yard", "carrier": "coal", "price_per_unit": 10.0},
            {"kind": "supply", "name": "tyres yard", "carrier": "tyres", "price_per_unit": 5.0},
        ],
    }
    kiln = {"name": "kiln", "rate": {"low": 5, "high": 10}, "heat": {"gj_per_t": 3.6, "fuels": fuels},
            "outputs": [{"store": "S"}]}  # fmt: skip
    scenario = works(
        [kiln],
        [{"name": "S", **BIG, "level_t": 0}],
        site=site,
        disturbances={"rate_spread": 0.1},
    )
    text = schedule(
        scenario,
        {"kiln": [("kiln", 8.0)]},
        fuels={"kiln.in.coal": [8.0, 1.6, 4.0], "kiln.in.tyres": [0.0, 6.4, 4.0]},
    )
    text = text.assign(asset_rate=(("flow", "time"), np.zeros((2, 24)))).assign_coords(flow=["coal yard", "tyres yard"])
    for disturbed in (False, True):
        run = replay(scenario, text, disturbed=disturbed)
        result = run["process_tph"].to_numpy()[0, :3]
        coal = run["asset_rate"].sel(flow="coal yard").to_numpy()[:3]
        assert coal == pytest.approx(result * [1.0, 0.2, 0.5])
        assert run["asset_rate"].sel(flow="tyres yard").to_numpy()[:3] == pytest.approx(result - coal)
        assert run.sizes["violation"] == 0
    assert result[0] != pytest.approx(8)


def test_assets_next_to_processes_miss_a_plan_with_them() -> None:
    """Proves: where a kiln scatters, the turbine on its gas cannot keep to its plan, which is reported undisturbed
    only; a battery or a boiler of its own is still reported. Sensitivity: every disturbed replay counts as not held."""
    turbine = {"kind": "turbine", "name": "turbine", "input": "vapour", "electric_mw": 5, "mwh_per_unit": 0.2}
    scenario = dried(turbine)
    scenario = scenario.model_copy(
        update={"disturbances": scenario.disturbances.model_copy(update={"rate_spread": 0.1})}
    )
    listed = dispatch(scenario).assign_attrs(policy="schedule")
    runs = [replay(scenario, listed, replication=i, disturbed=True) for i in range(4)]
    assert any(run["process_tph"].min() < 10 - 1e-3 for run in runs)
    assert not any(violations(run, "asset") for run in runs)
    # machines that are on answer to the steam that is taken
    assert not any(violations(run, kind) for run in runs for kind in ("shortage", "surplus"))
    assert any(run["asset_rate"].sel(flow="boiler.main").to_numpy().min() < 20 - 1e-3 for run in runs)
    less = replay(scenario, listed.assign(process_tph=listed["process_tph"] / 4))
    assert {unit for unit, _, _ in violations(less, "asset")} == {"turbine"}
    assert {unit for unit, _, _ in violations(less, "surplus")} == {"steam"}
