"""The state of a run in its middle: who plans on from there has exactly what the whole run has left."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rolled import TARIFF, works
from shops import cast, one_machine, scenario

from emberline import models, twin
from emberline.planning.accounts.bill import bill
from emberline.scenarios import Case
from emberline.scenarios.assets.converter import MachineState
from emberline.scenarios.assets.trade import Supply
from emberline.studies.rolling.budgets import carbon_by_step, direct_by_step
from emberline.studies.rolling.laying import cut, lay
from emberline.twin.state import later, remembered


def followed(scenario: Case) -> tuple[xr.Dataset, xr.Dataset]:
    """A plan and its run, which holds."""
    schedule = models.optimize(scenario, twin.envelope(scenario), twin.dispatch(scenario))
    run = twin.replay(scenario, schedule)
    assert schedule.attrs["found"]
    assert not run.sizes["violation"]
    return schedule, run


def total(scenario: Case, run: xr.Dataset) -> float:
    return bill(scenario, run, float(direct_by_step(scenario, run).sum())).total


@pytest.mark.parametrize("step", [15.0, 60.0])
def test_a_run_in_parts_is_the_whole_run(tmp_path: Path, step: float) -> None:
    """Proves: a plan cut at any hour, each part followed from the state that the part before left, comes to the flows,
    the bill (blocks, ratchet, month's and day's peaks, taxes) and the carbon of the whole, across the end of a month.
    Sensitivity: without the peak so far, or with the peak of February in March, the bills do not add up."""
    scenario = works(tmp_path, start="2026-02-28", hours=48, step=step, tariff=TARIFF)
    schedule, run = followed(scenario)
    meter_min = scenario.site.grid.metered_interval_min
    for hours in ([17, 24, 29], [5, 26, 47]):
        edges = [0, *(60 * h for h in hours), scenario.horizon.length_min]
        money, kg = 0.0, 0.0
        joined = run.copy(deep=True)
        for begin, end in itertools.pairwise(edges):
            part = later(scenario, run, begin, end)
            item = twin.replay(part, cut(schedule, part, begin))
            missed = set(item["violation_kind"].values.tolist())
            assert missed <= ({"level"} if end < edges[-1] else set())  # stores are asked for their level at each end
            money += total(part, item)
            kg += float(carbon_by_step(part, item).sum())
            joined = lay(joined, item[[name for name in item if "time" in item[name].dims]], begin, step, meter_min)
        for name in ("import_mw", "export_mw", "battery_mwh", "asset_level", "asset_rate", "asset_on"):
            assert joined[name].values == pytest.approx(run[name].values, abs=1e-9), name
        assert money == pytest.approx(total(scenario, run), rel=1e-9)
        assert kg == pytest.approx(float(carbon_by_step(scenario, run).sum()), rel=1e-9)


def test_the_least_run_goes_on_over_a_cut(tmp_path: Path) -> None:
    """Proves: an engine on for two hours of its least four must go on for two more, one off for one of three stays off
    for two, and the ramp that is under way can be ended as planned. Sensitivity: a state without ``since_h`` stops
    an engine at once where electricity is given away."""
    scenario = works(tmp_path, hours=48, step=60)
    schedule, run = followed(scenario)
    on = run["asset_on"].sel(machine="engine").to_numpy() > 0.5
    starts = np.flatnonzero(on[1:] & ~on[:-1]) + 1
    stops = np.flatnonzero(~on[1:] & on[:-1]) + 1
    assert min(len(starts), len(stops)) > 0, "the case has no switch to cut"
    begin = int(starts[0]) + 2
    engine = later(scenario, run, 60.0 * begin, scenario.horizon.length_min).site.cores["engine"]
    assert engine.on_at_start()
    assert engine.held_h() == pytest.approx(2)
    begin = int(stops[0]) + 1
    engine = later(scenario, run, 60.0 * begin, scenario.horizon.length_min).site.cores["engine"]
    assert not engine.on_at_start()
    assert engine.held_h() == pytest.approx(2)
    for begin in range(1, scenario.horizon.n_steps):
        part = later(scenario, run, 60.0 * begin, scenario.horizon.length_min)
        assert not twin.replay(part, cut(schedule, part, 60.0 * begin)).sizes["violation"], begin


def test_a_machine_that_nobody_touched_stands_as_long_as_before_and_since(tmp_path: Path) -> None:
    """Proves: an engine off for 30 h before the horizon and for 6 h in it has been off for 36 h; on before, for 6 h. A
    run that ends at the moment tells as much. Sensitivity: the time before the horizon forgotten, or always counted."""
    scenario = works(tmp_path, hours=24)
    run = twin.simulate(scenario)
    run["asset_on"].loc[{"machine": "engine"}] = 0
    (engine,) = [asset for asset in scenario.site.assets if asset.name == "engine"]
    for was_on, since_h in ((False, 36), (True, 6)):
        state = MachineState(on=was_on, since_h=30, load=0.5 if was_on else None)
        assets = tuple(
            asset.model_copy(update={"state": state}) if asset is engine else asset for asset in scenario.site.assets
        )
        before = scenario.model_copy(update={"site": scenario.site.model_copy(update={"assets": assets})})
        for item in (run, run.isel(time=slice(0, 6), meter=slice(0, 24))):
            then = later(before, item, 6 * 60, 24 * 60).site.cores["engine"].state
            assert then == MachineState(on=False, since_h=since_h)


def test_outages_that_are_not_over_stay() -> None:
    """Proves: an hour into a day an outage that is over is gone, one under way and one ahead are there, as instants.

    Sensitivity: a unit that is down taken for free, or an outage that moves with the window."""
    spans = (("10 min", "30 min"), ("45 min", "90 min"), ("3 h", "4 h"))
    outages = [{"unit": "M", "start": start, "end": end} for start, end in spans]
    whole = scenario(one_machine(30.0), [cast(count=2)], state={"outages": outages})
    remaining = later(whole, twin.simulate(whole), 60, 24 * 60)
    begins = [remaining.horizon.minutes(outage.start) for outage in remaining.state.outages]
    assert begins == [-15, 120]


def test_what_is_left_of_a_limit_is_left(tmp_path: Path) -> None:
    """Proves: the limit of a supply over the horizon shrinks by what was taken. Sensitivity: the whole limit again
    would let each plan take all of it."""
    scenario = works(tmp_path, hours=24, gas=400)
    _, run = followed(scenario)
    gas = run["asset_rate"].sel(flow="gas grid").to_numpy()
    for k in (6, 18):
        (supply,) = [a for a in later(scenario, run, 60.0 * k, 24 * 60.0).site.assets if isinstance(a, Supply)]
        assert supply.horizon_limit == pytest.approx(400 - gas[:k].sum())


def test_the_tariff_remembers_by_charge_and_month(tmp_path: Path) -> None:
    """Proves: by hand, in February and in March: energy and peaks of the month, of the day, of the month before.
    Sensitivity: a peak of 9 MW at 23:45 on 28 February is no part of March."""
    scenario = works(tmp_path, start="2026-02-28", hours=48, tariff=TARIFF)
    meter = np.full(48 * 4, 3.0)
    meter[95], meter[100] = 9.0, 5.0
    before, peak = remembered(scenario, meter, 12 * 60)
    assert before.peak_mw == {"month": 3}
    assert before.day_peak_mw == {"day": 3}
    assert peak == 3
    assert before.energy_mwh == pytest.approx(36)
    assert not before.earlier_peak_mw
    before, peak = remembered(scenario, meter, 24 * 60)
    assert before.peak_mw == {"month": 0}
    assert before.day_peak_mw == {"day": 0}
    assert peak == 0
    assert before.energy_mwh == 0
    assert before.earlier_peak_mw == {"2026-02": {"month": 9}}
    before, _ = remembered(scenario, meter, 30 * 60)
    assert before.peak_mw == {"month": 5}
    assert before.earlier_peak_mw == {"2026-02": {"month": 9}}
    assert before.energy_mwh == pytest.approx(18.5)


def test_a_moment_within_a_step_is_refused(tmp_path: Path) -> None:
    """Proves: a moment that no run tells exactly is refused. Sensitivity: rounding it would shift the state."""
    scenario = works(tmp_path, hours=24)
    _, run = followed(scenario)
    with pytest.raises(ValueError, match="not whole steps"):
        later(scenario, run, 50, 24 * 60)
