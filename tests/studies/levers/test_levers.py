"""What each lever brings: a shop of two heats with battery, engine, recovery and stores, worked out by hand."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import planned
import pytest
from shops import cast, melt_shop, scenario
from works import works

from emberline.models.strategies.redispatch import Redispatch
from emberline.scenarios import Case
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.goal_metrics import goal_metric
from emberline.studies.levers.case import Lever, Levers, parts
from emberline.studies.levers.study import BATTERY, SHIFTING, candidates, levers, without
from emberline.ui.cli.studies.printing import show_levers
from emberline.ui.cli.studies.sweep import rows, write

GAS, PER_T = 200.0, 70.0
FUEL = 30.0 + PER_T * GAS / 1000
"""A MWh of gas with the carbon price on it: 44 EUR."""
GOAL = {"minimize": "cost_with_carbon_price", "gap": 0.001, "effort": 60, "caps": {"extra_cost_share": None}}


def shop(limit_mw: float = 60.0, tariff: bool = True) -> Case:
    """Two heats of 40 MW for 45 min; 4 MW of steam from boiler, engine or off-gas; a battery of 4 MWh, half full.

    Power costs 120 EUR/MWh until 3:00, 40 until 6:00, then 90; the peak 100 EUR/MW; gas 44 EUR with its carbon."""
    line = melt_shop(heat_loss=None)
    line["stages"][0]["gives"] = [{"carrier": "off_gas", "per_mwh": 0.3}]
    assets: list[dict[str, Any]] = [
        {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "steam", "heat_mw": 6, "efficiency": 0.9},
        {"kind": "supply", "name": "gas grid", "carrier": "gas", "price_per_unit": 30, "fossil_kg_per_unit": GAS},
        {"kind": "load", "name": "users", "carrier": "steam", "rate": 4},
        {"kind": "waste_heat_recovery", "name": "recovery", "source": "off_gas", "heat": "steam", "heat_mw": 10,
         "efficiency": 0.5},
        {"kind": "storage", "name": "store", "carrier": "steam", "capacity": 6, "level_share": 0},
        {"kind": "storage", "name": "nothing", "carrier": "steam", "capacity": 0},
        {"kind": "gas_engine", "name": "engine", "electric_mw": 3, "fuel": "gas", "heat": "steam",
         "electric_efficiency": 0.4, "heat_efficiency": 0.4, "min_load": 0.5, "start_cost": 5},
    ]  # fmt: skip
    site = {
        "grid": {"import_limit_mw": limit_mw},
        "base_load_mw": 2.0,
        "battery": {"energy_mwh": 4, "power_mw": 4, "charge_efficiency": 1, "discharge_efficiency": 1},
        "carriers": [{"name": "off_gas", "waste": True}, {"name": "gas"}, {"name": "steam"}],
        "assets": assets,
    }
    market: dict[str, Any] = {
        "price_per_mwh": 50,
        "carbon_intensity_kg_per_mwh": 400,
        "marginal_carbon_intensity_kg_per_mwh": 600,
        "carbon_price": {"per_t": PER_T, "covers": "direct"},
    }
    if tariff:
        market["tariff"] = {"name": "network", "demand": [{"name": "peak", "rates": [{"per_mw": 100}]}]}
    built = scenario(line, [cast("A", 1), cast("B", 1)], site=site, market=market, horizon={"length_h": 8}, goal=GOAL)
    inputs = built.inputs
    hour = np.arange(built.horizon.n_steps) / 4
    price = np.where(hour < 3, 120.0, np.where(hour < 6, 40.0, 90.0))
    return built.with_inputs(inputs.assign(price_per_mwh=("time", price, inputs["price_per_mwh"].attrs)))


@pytest.fixture(scope="module")
def study() -> Levers:
    """The study, which the tests share."""
    return levers(shop())


def one(result: Levers, name: str) -> Lever:
    """A lever by name."""
    return next(lever for lever in result.levers if lever.name == name)


def value(result: Levers, case: str) -> float:
    """The goal of a case that holds in the twin."""
    stored = getattr(result, case)
    assert stored.figures is not None
    assert not stored.broken
    assert not stored.reason
    return goal_metric(result.scenario).of(stored.figures)


def test_more_freedom_is_never_worse(study: Levers) -> None:
    """Proves: together ≤ production first ≤ … : each plan that may decide more costs no more, and none beats the bound.

    Sensitivity: a joint search from the baseline heats alone ends dearer than production first here."""
    assert value(study, "joint") <= value(study, "sequential") + 1e-6
    assert value(study, "joint") <= value(study, "managed") + 1e-6
    assert value(study, "managed") <= value(study, "baseline") + 1e-6
    assert value(study, "managed") <= value(study, "bare") + 1e-6
    assert study.bound is not None
    assert study.bound <= value(study, "joint") + 1e-6
    assert study.gap is not None
    assert study.has_plan


def test_what_is_a_lever(study: Levers) -> None:
    """Proves: the boiler stays, for nothing else serves the users without furnaces at work; all others are levers.

    Sensitivity: tried in declared order the boiler would go first and the engine stay."""
    assert study.essentials == ("boiler",)
    assert [lever.name for lever in study.levers] == [SHIFTING, BATTERY, "store", "nothing", "recovery", "engine"]
    assert [name for name, _ in candidates(study.scenario.site)][-1] == "boiler"


def test_a_battery_alone_by_hand(study: Levers) -> None:
    """Proves: on the baseline heats, both molten by 1:30, it cuts the peak from 46 to 42 MW (400 EUR) and gives
    its 2 MWh at 120 instead of 40 EUR (160), then buys 2 more at 40 and gives them at 90 (100); no kilogram changes.

    Sensitivity: by the baseline rules it brings nothing; without the tariff 260."""
    battery = one(study, BATTERY)
    assert battery.first is not None
    assert battery.first.cost == pytest.approx(400 + 160 + 100, rel=1e-6)
    assert battery.first.parts == pytest.approx({"energy": 260, "demand": 400, "fuel": 0, "carbon": 0, "other": 0})
    assert battery.first.peak_mw == pytest.approx(4)
    assert battery.first.carbon_kg == pytest.approx(0, abs=1e-6)
    assert battery.ruled is not None
    assert battery.ruled.cost == pytest.approx(0, abs=1e-6)


def test_recovery_alone_by_hand(study: Levers) -> None:
    """Proves: two melts give 6 MW of steam from off-gas for 1.5 h, 4 of which are used: 6 MWh less from the boiler.

    Sensitivity: with the store all 9 MWh are used, so that last in is more than first in: the two help each other."""
    recovery, store = one(study, "recovery"), one(study, "store")
    assert recovery.first is not None
    assert recovery.first.cost == pytest.approx(6 / 0.9 * FUEL, rel=1e-6)
    assert recovery.first.carbon_kg == pytest.approx(6 / 0.9 * GAS, rel=1e-6)
    assert recovery.first.marginal_kg == pytest.approx(6 / 0.9 * GAS, rel=1e-6)
    assert recovery.first.parts["fuel"] == pytest.approx(6 / 0.9 * 30, rel=1e-6)
    assert recovery.first.parts["carbon"] == pytest.approx(6 / 0.9 * (FUEL - 30), rel=1e-6)
    assert store.first is not None
    assert store.first.cost == pytest.approx(0, abs=1e-6)
    assert store.last is not None
    assert store.last.cost > 100


def test_shifting_by_hand(study: Levers) -> None:
    """Proves: 65.5 MWh of two heats at 40 instead of 120 EUR and the ladle furnace out of the melts save no more than
    5,240 EUR and 400 for the peak, and most of it; what moves keeps its kilograms, for the intensity is flat."""
    shifting = one(study, SHIFTING)
    assert shifting.first is not None
    assert 4800 < shifting.first.cost <= 65.5 * 80 + 400 + 1e-6
    assert shifting.first.carbon_kg == pytest.approx(0, abs=1e-6)
    assert shifting.ruled is None


def test_nothing_brings_nothing(study: Levers) -> None:
    """Proves: a store without room changes no figure, whether it comes first, last or by rules."""
    lever = one(study, "nothing")
    for change in (lever.first, lever.last, lever.ruled):
        assert change is not None
        assert change.cost == pytest.approx(0, abs=1e-3)
        assert change.carbon_kg == pytest.approx(0, abs=1e-2)


def test_everything_adds_up(study: Levers) -> None:
    """Proves: the bill's parts add up to the cost in every case and change; first in and interaction to the whole.

    Sensitivity: a column added up without its interaction misses what all bring together."""
    for _, case in study.cases():
        assert case.figures is not None
        assert sum(parts(case.figures).values()) == pytest.approx(case.figures.cost, rel=1e-9)
    whole = study.together
    assert whole is not None
    for column in ("first", "last"):
        changes = [getattr(lever, column) for lever in study.levers]
        remaining = study.interaction(column)
        assert remaining is not None
        for change in changes:
            assert sum(change.parts.values()) == pytest.approx(change.cost, abs=1e-6)
            assert change.low - 1e-6 <= change.goal <= change.high + 1e-6
        assert sum(change.cost for change in changes) + remaining["cost"] == pytest.approx(whole.cost)
        assert sum(change.carbon_kg for change in changes) + remaining["carbon_kg"] == pytest.approx(whole.carbon_kg)
        assert abs(remaining["cost"]) > 1


def test_both_signals_stand_next_to_each_other(study: Levers) -> None:
    """Proves: the goal's signal is the average one here; the engine saves 200 kg/MWh more by the marginal one."""
    engine = one(study, "engine")
    assert engine.first is not None
    assert engine.first.carbon_kg == pytest.approx(engine.first.average_kg)
    assert engine.first.marginal_kg is not None
    assert study.bare.figures is not None
    before = study.bare.figures
    assert engine.first.marginal_kg == pytest.approx(1.5 * engine.first.average_kg + 0.5 * fuel_kg(engine), rel=1e-6)
    assert before.grid_marginal_kg == pytest.approx(1.5 * before.grid_average_kg)


def fuel_kg(lever: Lever) -> float:
    """What a lever adds of the fuel's carbon, from the carbon price paid for it [kg]."""
    assert lever.first is not None
    return -lever.first.parts["carbon"] / PER_T * 1000


def test_it_can_be_kept_and_shown(study: Levers, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Proves: JSON without NaN, a table with all levers, and a text that says that the columns do not add up."""
    assert json.loads(json.dumps(study.summary(), allow_nan=False))["needed"] == ["boiler"]
    write(study, tmp_path / "levers.csv")
    with (tmp_path / "levers.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(list(rows(study)))
    assert float(next(row for row in table if row["lever"] == BATTERY)["demand_cost"]) == pytest.approx(400)
    write(study, tmp_path / "levers.json")
    assert json.loads((tmp_path / "levers.json").read_text(encoding="utf-8"))["levers"]
    show_levers(study)
    message = capsys.readouterr().out
    for name in (
        "shifting",
        "interaction",
        "all together",
        "the two savings differ",
        "boiler: the site cannot run without it",
    ):
        assert name in message


def test_what_is_taken_away_is_forgotten() -> None:
    """Proves: the site without its engine knows no engine, though it has looked its machines up before."""
    built = shop()
    assert "engine" in built.site.cores
    remaining = without(built, {"engine", BATTERY})
    assert "engine" not in remaining.site.cores
    assert remaining.site.battery is None
    assert not list(between_nouns(remaining))
    assert "engine" in built.site.cores


@pytest.mark.parametrize("tariff", [True, False])
def test_a_limit_that_cannot_be_kept_is_reported(tariff: bool) -> None:
    """Proves: heats that draw 46 MW under a limit of 44, their ladle furnace for half an hour at the same time as the
    furnace, are kept with the battery; without it there is no plan, or one that says that it draws 1 MWh too much.

    Sensitivity: taken for a plan like any other, the battery would be worth no more than its energy."""
    from emberline import twin

    loose, tight = shop(tariff=tariff), shop(44.0, tariff)
    envelope = twin.envelope(loose)
    heats = twin.dispatch(loose, envelope)
    with_it = Redispatch(without(tight, {"engine"}), envelope, None)
    assert with_it.least(heats) <= with_it.best(heats).rank + 1e-6
    assert not with_it.best(heats).reason
    bare = Redispatch(without(tight, {"engine", BATTERY}), envelope, None)
    assert bare.least(heats) == float("inf")
    stored = bare.best(heats)
    table = {True: "the site cannot do what is asked of it", False: "draws 1 MWh above the import limit"}
    assert stored.reason == table[stored.schedule is None]


def test_levers_of_a_works_by_hand() -> None:
    """Proves: a mill of 4 MW that must run in two of four hours, two at 100 and two at 20 EUR/MWh, saves what its runs
    cost more by the rule; a battery of 4 MWh, half full, saves 2 MWh x 80 EUR with both, as no run changes what it can
    do. All add up. Sensitivity: runs that stay where the rule has them, or a site planned for other runs."""
    mill = {"name": "mill", "rate": 100.0, "power_mw": 4.0, "outputs": [{"store": "cement"}]}
    store = {"name": "cement", "capacity_t": 1000.0, "level_t": 200.0}
    battery = {"energy_mwh": 4, "power_mw": 4, "charge_efficiency": 1, "discharge_efficiency": 1}
    trucks = {"name": "trucks", "store": "cement", "rate": 50.0}
    case = works(
        mill, hours=4, stores=[store], deliveries=[trucks], site={"battery": battery},
        goal={"minimize": "cost", "gap": 0.0, "effort": 20},
    )  # fmt: skip
    price = np.array([100.0, 100.0, 20.0, 20.0])
    inputs = case.inputs
    case = case.with_inputs(inputs.assign(price_per_mwh=("time", price, inputs["price_per_mwh"].attrs)))
    result = levers(case)
    shifted, battery_alone = result.levers
    assert (shifted.name, shifted.kind, battery_alone.name) == (SHIFTING, "runs", BATTERY)
    assert result.bare.figures is not None
    assert result.joint.figures is not None
    base = 1.0 * price.sum()
    ran = result.bare.figures.cost - base
    assert ran > 2 * 4 * 20
    for change_of in (shifted.first, shifted.last):
        assert change_of is not None
        assert change_of.cost == pytest.approx(ran - 2 * 4 * 20, abs=1e-4)
    for change_of in (battery_alone.first, battery_alone.last):
        assert change_of is not None
        assert change_of.cost == pytest.approx(2 * 80, abs=1e-4)
    assert result.joint.figures.cost == pytest.approx(base + 2 * 4 * 20 - 160, abs=1e-4)


def test_processes_are_planned_first_with_their_fuels() -> None:
    """Proves: a kiln that burns bought coal is planned before its site, from which only the battery is taken.
    Sensitivity: a plan of a kiln without coal, which there is none."""
    battery = {"energy_mwh": 4, "power_mw": 4, "charge_efficiency": 1, "discharge_efficiency": 1}
    result = levers(works(hours=4, site={"battery": battery}, goal={"minimize": "cost", "gap": 0.01, "effort": 20}))
    assert result.sequential.figures is not None
    assert not result.sequential.broken
    assert [lever.name for lever in result.levers] == [SHIFTING, BATTERY]


def test_what_has_no_levers_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Proves: a goal that plans no site is refused before anything is searched, with one line."""
    from emberline.ui.cli.main import main

    with pytest.raises(ValueError, match="lateness"):
        levers(planned.shop(goal={"minimize": "lateness"}))
    refusals = ((["works-hub-year"], "nothing is produced"), (["melt-shop-small", "-o", "levers.txt"], "formats"))
    for case, text in refusals:
        monkeypatch.setattr(sys, "argv", ["emberline", "levers", *case])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        assert text in capsys.readouterr().err
