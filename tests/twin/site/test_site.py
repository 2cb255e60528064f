"""PV, battery and grid: the rules by hand, conservation, days of 23 and 25 hours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from shops import cast, energy_mwh, one_machine, scenario, violations

from emberline.scenarios import Case, load
from emberline.scenarios.flows.asset_flows import flow, load_mw
from emberline.twin import dispatch, replay, simulate
from emberline.twin.site.site import Setpoints, SiteGrid, balance


def conserved(run: xr.Dataset, case: Case) -> None:
    """Import and export close the balance; the battery's level follows from what goes in and out."""
    sun = np.zeros(case.horizon.n_steps) if case.site.sun is None else flow(run, case.site.sun.name)
    net = run["line_mw"] + load_mw(case, run) - sun + run["charge_mw"] - run["discharge_mw"]
    np.testing.assert_allclose((run["import_mw"] - run["export_mw"]).values, net.values, atol=1e-9)
    assert (sun <= case.inputs["pv_available_mw"].values + 1e-9).all()
    assert sun.min() >= -1e-9
    assert float(run["meter_mw"].mean()) == pytest.approx(float(net.mean()), abs=1e-9)
    for name in ("charge_mw", "discharge_mw", "import_mw", "export_mw"):
        assert float(run[name].min()) >= -1e-9, name
    battery = case.battery
    if battery is None:
        return
    level = battery.start_level
    for step in range(case.horizon.n_steps):
        charge, discharge = float(run["charge_mw"][step]), float(run["discharge_mw"][step])
        if case.horizon.step_min <= case.site.grid.metered_interval_min:
            level = battery.after(level, charge, discharge, case.horizon.step_h)
            assert float(run["battery_mwh"][step]) == pytest.approx(level, abs=1e-6)
            level = float(run["battery_mwh"][step])


def test_a_battery_that_keeps_nothing_is_left_empty() -> None:
    """Proves: with all of its level lost at once no charge counts, and none is taken."""
    site = {"battery": {"energy_mwh": 6.0, "power_mw": 3.0, "self_loss_per_h": 1.0, "end_level_share": 1.0}}
    case = scenario(one_machine(50.0, 20.0), [cast(count=2)], site=site)
    run = simulate(case)
    assert float(run["charge_mw"].sum()) == float(run["discharge_mw"].sum()) == 0
    assert float(run["battery_mwh"].max()) == 0


@settings(max_examples=40)
@given(
    st.sampled_from([5.0, 15.0, 60.0]),
    st.sampled_from([15, 30, 60]),
    st.floats(0, 40),
    st.floats(0, 10),
    st.floats(0, 0.1),
    st.one_of(st.none(), st.floats(5, 40)),
)
def test_conservation(step: float, meter: int, pv: float, export: float, loss: float, limit: float | None) -> None:
    """Proves: energy in = energy out + losses + change of level, whatever the rules do. Sensitivity: a clip unseen."""
    site: dict[str, Any] = {
        "grid": {"export_limit_mw": export, "import_limit_mw": limit, "metered_interval_min": meter},
        "base_load_mw": 4.0,
        "pv": {"peak_mw": pv, "capacity_factor": 0.5},
        "battery": {"energy_mwh": 6.0, "power_mw": 3.0, "self_loss_per_h": loss},
    }
    case = scenario(one_machine(50.0, 20.0), [cast(count=6)], horizon={"step_min": step}, site=site)
    conserved(simulate(case), case)
    conserved(simulate(case, disturbed=True), case)


def test_bundled_day_is_conserved() -> None:
    """Proves: the same for a real day with PV by the table. Sensitivity: PV shifted by an hour is not seen here."""
    case = load("melt-shop-small")
    conserved(simulate(case, disturbed=True), case)


def ruled(load_mw: list[float], **battery: float) -> tuple[dict[str, np.ndarray], list[Any]]:
    """The rules under a load per hour, PV 8 MW throughout, limits 10 MW import and 1 MW export."""
    case = scenario(
        one_machine(),
        [cast(count=1)],
        horizon={"length_h": float(len(load_mw)), "step_min": 60.0},
        site={
            "grid": {"import_limit_mw": 10.0, "export_limit_mw": 1.0, "metered_interval_min": 60},
            "pv": {"peak_mw": 8.0, "capacity_factor": 1.0},
            "battery": {
                "energy_mwh": 10.0,
                "power_mw": 4.0,
                "charge_efficiency": 0.5,
                "discharge_efficiency": 0.5,
                "level_share": 0.5,
                **battery,
            },
        },
    )
    flows, violations = balance(SiteGrid(case), np.array(load_mw))
    return {name: np.asarray(flow) for name, flow in flows.items()}, violations


def test_rules_by_hand() -> None:
    """Proves: surplus is stored, the limit is helped, the level comes back; each by the numbers.

    Load 3: surplus 5, one exported, four stored (+2 MWh). Load 21: 13 net, 3 above the limit, battery gives 3 (−6).
    Load 18: no room. Load 10: 2 net, eight to spare, charges 4 (+2), and again, then 4 → 5 with 2 MW.
    Sensitivity: charging without a look at the limit breaks the third hour.
    """
    flows, missed = ruled([3, 21, 18, 10, 10, 10, 10])
    assert flows["charge_mw"] == pytest.approx([4, 0, 0, 4, 4, 0, 0])
    assert flows["discharge_mw"] == pytest.approx([0, 3, 0, 0, 0, 0, 0])
    assert flows["battery_mwh"] == pytest.approx([7, 1, 1, 3, 5, 5, 5])
    assert flows["meter_mw"] == pytest.approx([-1, 10, 10, 6, 6, 2, 2])
    assert flows["export_mw"][0] == pytest.approx(1)
    assert missed == []
    assert ruled([10, 10, 10], end_level_share=0.8)[0]["charge_mw"] == pytest.approx([4, 2, 0])
    # at the limit exactly what is above the wanted level may go
    assert ruled([18], level_share=1.0, end_level_share=0.5)[0]["discharge_mw"] == pytest.approx([2.5])
    # 3 over, one exported: two are stored
    assert ruled([5])[0]["charge_mw"] == pytest.approx([2])


def test_what_the_battery_cannot_give_is_a_violation() -> None:
    """Proves: 6 MW above the limit with 4 MW of battery leaves 2; the next hour it is short of energy.

    Sensitivity: none.
    """
    _, missed = ruled([24, 22], level_share=1.0)
    assert [(kind, at, amount) for kind, _, _, at, amount, _ in missed] == [
        ("import", 0.0, pytest.approx(2.0)),
        ("import", 60.0, pytest.approx(4.0 - 1.0)),
    ]


def test_a_full_battery_curtails() -> None:
    """Proves: surplus beyond battery and export is curtailed, not exported.

    Sensitivity: an export violation instead.
    """
    flows, missed = ruled([3, 3], level_share=1.0, end_level_share=1.0)
    assert flows["asset_rate"][1] == pytest.approx([4, 4])
    assert flows["export_mw"] == pytest.approx([1, 1])
    assert missed == []


def test_export_is_curtailed_by_the_metered_mean() -> None:
    """Proves: surplus in one step, need in the next of the same metered interval: nothing is curtailed.

    Sensitivity: a limit on each step would curtail 4 MW in the first.
    """
    case = scenario(
        one_machine(),
        [cast(count=1)],
        horizon={"length_h": 1.0, "step_min": 30.0},
        site={"grid": {"metered_interval_min": 60}, "pv": {"peak_mw": 8.0, "capacity_factor": 1.0}},
    )
    flows, missed = balance(SiteGrid(case), np.array([4.0, 14.0]))
    assert np.asarray(flows["asset_rate"])[1] == pytest.approx([8, 8])
    assert flows["meter_mw"] == pytest.approx([1])
    assert missed == []


def test_a_battery_that_follows_counts_at_its_terminals() -> None:
    """Proves: set to charge 2 MW and then to give 1 at efficiencies of a half, it does, and its level goes from 5 to 6
    and to 4 MWh; set to give 4 it has 2.5, and 1.5 MWh are missed. Sensitivity: losses on the wrong side."""
    cell = {"energy_mwh": 10.0, "power_mw": 4.0, "charge_efficiency": 0.5, "discharge_efficiency": 0.5}
    case = scenario(
        one_machine(), [cast(count=1)], horizon={"length_h": 2.0, "step_min": 60.0},
        site={"grid": {"metered_interval_min": 60}, "battery": {**cell, "level_share": 0.5}},
    )  # fmt: skip
    setpoints = Setpoints(np.array([2.0, 0.0]), np.array([0.0, 1.0]))
    flows, missed = balance(SiteGrid(case), np.full(2, 5.0), setpoints)
    assert [np.asarray(flows[name]).tolist() for name in ("charge_mw", "discharge_mw")] == [[2, 0], [0, 1]]
    assert np.asarray(flows["battery_mwh"]).tolist() == pytest.approx([6, 4])
    assert np.asarray(flows["import_mw"]).tolist() == pytest.approx([7, 4])
    assert missed == []
    _, missed = balance(SiteGrid(case), np.full(2, 5.0), Setpoints(np.zeros(2), np.array([4.0, 0.0])))
    assert [(kind, at, round(amount, 9)) for kind, _, _, at, amount, _ in missed] == [("battery", 0.0, 1.5)]


def test_a_schedule_may_curtail() -> None:
    """Proves: curtailment that was decided is followed (negative prices). Sensitivity: the rule would use all PV."""
    case = scenario(
        one_machine(),
        [cast(count=1)],
        horizon={"length_h": 1.0, "step_min": 30.0},
        site={"pv": {"peak_mw": 8.0, "capacity_factor": 1.0}},
    )
    setpoints = Setpoints(np.zeros(2), np.zeros(2), {"PV": np.array([5.0, 8.0])})
    flows, _ = balance(SiteGrid(case), np.full(4, 10.0), setpoints)
    assert np.asarray(flows["asset_rate"])[1] == pytest.approx([5, 8])
    assert flows["import_mw"] == pytest.approx([5, 2])


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-16", 24)])
def test_days_where_the_clocks_change(day: str, hours: int) -> None:
    """Proves: 23 and 25 hours have as many metered quarters, no gap and no overlap. Sensitivity: 24 h assumed."""
    case = load("melt-shop-small", [f"horizon.start={day}"])
    run = simulate(case)
    assert run.sizes["meter"] == 4 * hours
    assert run.sizes["time"] == 4 * hours
    assert (np.diff(run["meter"].values) == np.timedelta64(15, "m")).all()
    assert violations(run) == []
    conserved(run, case)


def test_steps_agree_on_energy_and_peak() -> None:
    """Proves: one schedule on 5, 15 and 60 min has the same energy and the same metered means.

    Sensitivity: sampling.
    """
    grid = {"grid": {"metered_interval_min": 15}}
    runs = []
    schedule = dispatch(scenario(one_machine(50.0, 20.0), [cast(count=6)], horizon={"step_min": 60.0}, site=grid))
    for step in (5.0, 15.0, 60.0):
        case = scenario(one_machine(50.0, 20.0), [cast(count=6)], horizon={"step_min": step}, site=grid)
        part = dispatch(case)
        for name in ("unit", "start_min", "end_min", "extra_mwh"):
            part[name] = schedule[name]
        run = replay(case, part)
        runs.append((energy_mwh(run["line_mw"], case), energy_mwh(run["import_mw"], case), run["meter_mw"].values))
    for energy, imported, meter in runs:
        assert energy == pytest.approx(100.0)
        assert imported == pytest.approx(100.0)
        np.testing.assert_allclose(meter, runs[0][2], atol=1e-9)


@pytest.mark.parametrize(("step", "meter"), [(10.0, 15), (30.0, 15), (20.0, 15), (15.0, 30)])
def test_import_and_export_are_the_net_of_a_step(step: float, meter: int) -> None:
    """Proves: a load that is 9 and 1 MW in turn on cells of the grid, under 5 MW of PV, neither imports nor exports
    over a step that holds both; the meter reads its own means.

    Sensitivity: netted by cells, energy is bought and sold within the step, as no plan knows it."""
    case = scenario(
        one_machine(),
        [cast(count=1)],
        horizon={"length_h": 2.0, "step_min": step},
        site={
            "grid": {"export_limit_mw": 50.0, "metered_interval_min": meter},
            "pv": {"peak_mw": 5.0, "capacity_factor": 1.0},
        },
    )
    grid = SiteGrid(case)
    load = np.where(np.arange(len(grid.edges) - 1) % 2, 1.0, 9.0)
    flows, _ = balance(grid, load)
    net = grid.stepped(load) - 5.0
    assert np.asarray(flows["import_mw"]) == pytest.approx(np.maximum(net, 0.0))
    assert np.asarray(flows["export_mw"]) == pytest.approx(np.maximum(-net, 0.0))
    assert np.asarray(flows["meter_mw"]) == pytest.approx(grid.metered(load) - 5.0)
