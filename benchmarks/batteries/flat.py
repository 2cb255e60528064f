"""Flat prices and intensities: where nothing depends on the hour, nothing is saved by moving it, whatever is stored.

Random sites and works with stores, machines that are on or off, and prices and intensities that never change. The least
that a site can spend, with the baseline's levels at the end, is a sum: what the loads take and what the stores gain,
times what a unit takes to make. That sum knows no model. A plan may not claim to save more than a thousandth of what
the baseline spends beyond what it avoids of losses (self-loss and efficiency of stores, what is thrown away): neither
more than lies between the baseline and that sum, nor more than the plan's replay loses less than the baseline's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline.scenarios.checking.mistakes import between_nouns

CASES = 100
CLAIM = Bar(0.1, on="worst")
"""Percent of what the baseline spends."""
GAS_KG = 200.0


@dataclass(frozen=True)
class Site:
    """A random site, and what a unit of each carrier takes to make."""

    raw: dict[str, Any]
    unit_cost: dict[str, float]
    """What a unit of a carrier takes, by the goal [currency or kg CO2e]."""
    base: float
    """What the base load takes over the horizon."""
    load: dict[str, float]
    """What the loads take of each carrier over the horizon."""


@dataclass(frozen=True)
class Claim:
    """What a plan claims to save, as shares of what the baseline spends."""

    seed: int
    share: float | None
    """None: nothing is compared, as the baseline serves less, or no plan was found in time."""
    real: float
    """The most that can be saved, by the sum and by the losses of both replays."""
    stored: float = 0.0
    """By how much stores differ, as what that is worth."""

    @property
    def false(self) -> float:
        """Percent that is claimed and cannot be."""
        return 0.0 if self.share is None else 100 * max(self.share - max(self.real, 0.0), 0.0)


def site(seed: int) -> Site:
    """A random site by its seed."""
    draw = np.random.default_rng(seed)
    hours, price, gas = int(draw.choice([12, 24])), float(draw.uniform(30, 150)), float(draw.uniform(20, 60))
    kg, minimize = float(draw.uniform(100, 500)), str(draw.choice(["cost", "carbon"]))
    of = (lambda power, fuel: power * kg + fuel * GAS_KG) if minimize == "carbon" else (
        lambda power, fuel: power * price + fuel * gas
    )  # fmt: skip
    base = float(draw.choice([0.0, 5.0]))
    raw: dict[str, Any] = {
        "name": f"flat-{seed}",
        "horizon": {"start": "2026-01-05", "length_h": hours, "step_min": 60},
        "market": {"price_per_mwh": price, "carbon_intensity_kg_per_mwh": kg},
        "goal": {"minimize": minimize, "gap": 0.001, "time_limit_s": 60.0, "caps": {"extra_cost_share": None}},
    }
    carriers: list[dict[str, Any]] = [{"name": "gas"}]
    assets: list[dict[str, Any]] = [
        {"kind": "supply", "name": "gas grid", "carrier": "gas", "price_per_unit": gas, "fossil_kg_per_unit": GAS_KG}
    ]
    unit_cost, load = {"electricity": of(1.0, 0.0)}, {}
    kinds = [kind for kind in ("electrolyser", "boiler", "heat pump", "engine") if draw.random() < 0.5]
    for kind in kinds or ["electrolyser"]:
        carrier = {"electrolyser": "hydrogen", "boiler": "steam", "heat pump": "warmth", "engine": "heat"}[kind]
        size = float(draw.uniform(5, 40))
        switched: dict[str, Any] = {}
        if draw.random() < 0.7:
            low = float(draw.choice([0.4, 1.0]))
            switched = {"min_load": low, "min_up_h": int(draw.integers(1, 9)), "min_down_h": int(draw.integers(1, 4))}
        if kind == "electrolyser":
            each = float(draw.uniform(48, 56))
            machine = {"kind": kind, "electric_mw": size, "hydrogen": carrier, "kwh_per_kg": each}
            most, unit_cost[carrier] = size / each, of(each, 0.0)
        elif kind == "boiler":
            efficiency = float(draw.uniform(0.8, 0.95))
            machine = {"kind": kind, "heat_mw": size, "fuel": "gas", "heat": carrier, "efficiency": efficiency}
            most, unit_cost[carrier] = size, of(0.0, 1 / efficiency)
        elif kind == "heat pump":
            cop = float(draw.uniform(2, 4))
            machine = {"kind": "heat_pump", "electric_mw": size, "heat": carrier, "cop": cop}
            most, unit_cost[carrier] = size * cop, of(1 / cop, 0.0)
        else:
            power, warm = 0.4, 0.45
            machine = {
                "kind": "chp", "electric_mw": size, "fuel": "gas", "heat": carrier, "electric_efficiency": power,
                "heat_efficiency": warm,
            }  # fmt: skip
            most, unit_cost[carrier] = size * warm / power, of(-power / warm, 1 / warm)
        rate = most * float(draw.uniform(0.25, 0.7))
        carriers.append({"name": carrier, "unit": "t" if kind == "electrolyser" else "MWh"})
        assets.append(machine | switched | {"name": kind})
        assets.append({"kind": "load", "name": f"users of {carrier}", "carrier": carrier, "rate": rate})
        store = {
            "kind": "storage", "name": f"store of {carrier}", "carrier": carrier, "both_ways": True,
            "capacity": most * float(draw.uniform(4, 16)), "level_share": float(draw.uniform(0.3, 0.7)),
        }  # fmt: skip
        if draw.random() < 0.3:
            store["end_level_share"] = float(draw.uniform(0.1, 0.5))
        if draw.random() < 0.3 and kind != "engine":
            # one that could be filled and emptied at the same time would burn what is too much
            store |= {"in_efficiency": float(draw.uniform(0.9, 1.0)), "self_loss_per_h": float(draw.uniform(0, 0.004))}
            store["both_ways"] = False
        assets.append(store)
        load[carrier] = rate * hours
    raw["site"] = {"base_load_mw": base + 60.0 * ("engine" in kinds), "carriers": carriers, "assets": assets}
    if draw.random() < 0.5:
        raw["site"]["battery"] = {"energy_mwh": 20.0, "power_mw": 5.0, "level_share": float(draw.uniform(0.2, 0.8))}
        if draw.random() < 0.5:
            raw["site"]["battery"]["end_level_share"] = float(draw.uniform(0.1, 0.5))
    if draw.random() < 0.3:
        raw["market"]["tariff"] = {"currency": "EUR", "demand": [{"name": "peak", "rates": [{"per_mw": 1000.0}]}]}
    return Site(raw, unit_cost, raw["site"]["base_load_mw"] * hours * unit_cost["electricity"], load)


def works(seed: int) -> dict[str, Any]:
    """Random works with two units and two stores, one way to make each."""
    draw = np.random.default_rng(seed)
    hours, minimize = int(draw.choice([24, 48])), str(draw.choice(["cost", "carbon"]))
    kiln, grinding = float(draw.uniform(80, 140)), float(draw.uniform(0.7, 0.95))
    mill = kiln / grinding * float(draw.uniform(1.3, 2.2))
    sold = kiln / grinding * float(draw.uniform(0.55, 0.85))
    return {
        "name": f"flat-works-{seed}",
        "horizon": {"start": "2026-01-05", "length_h": hours, "step_min": 60},
        "market": {
            "price_per_mwh": float(draw.uniform(30, 150)),
            "carbon_intensity_kg_per_mwh": float(draw.uniform(100, 500)),
        },
        "site": {
            "base_load_mw": 1.0,
            "carriers": [{"name": "coal"}],
            "assets": [
                {"kind": "supply", "name": "yard", "carrier": "coal", "price_per_unit": 10.0, "fossil_kg_per_unit": 300}
            ],
        },
        "processes": [
            {
                "name": "kiln", "rate": {"low": 0.5 * kiln, "high": kiln}, "kwh_per_t": float(draw.uniform(30, 70)),
                "must_run": bool(draw.random() < 0.7), "outputs": [{"store": "clinker"}],
                "heat": {"gj_per_t": 3.4, "fuels": [{"carrier": "coal", "share": 1.0}]},
                "emissions": [{"source": "calcination", "kg_per_t": 520.0}],
            },
            {
                "name": "mill", "rate": mill, "kwh_per_t": float(draw.uniform(30, 60)),
                "min_run_h": int(draw.integers(1, 7)), "min_rest_h": int(draw.integers(1, 4)),
                "inputs": [{"store": "clinker", "per_t": grinding}], "outputs": [{"store": "cement"}],
            },
        ],
        "stores": [
            {"name": "clinker", "capacity_t": 40 * kiln, "level_t": 20 * kiln},
            {"name": "cement", "capacity_t": 30 * mill, "level_t": float(draw.uniform(6, 20)) * mill},
        ],
        "deliveries": [{"name": "trucks", "store": "cement", "rate": sold}],
        "goal": {"minimize": minimize, "gap": 0.001, "time_limit_s": 60.0, "caps": {"extra_cost_share": None}},
    }  # fmt: skip


def of_site(seed: int) -> Claim:
    """What the plan of a random site claims."""
    case = site(seed)
    result = _plan(case.raw)
    share, spent, stored = _share(result)
    if share is None or not spent:
        return Claim(seed, None, 0.0)
    levels, least = result.baseline_figures.levels, case.base
    for store in result.scenario.site.stores.values():
        gain = levels[store.name] - store.start_level
        least += case.unit_cost[store.carrier] * (case.load[store.carrier] + gain)
    battery = result.scenario.site.battery
    if battery is not None:
        gain = levels["battery"] - battery.level_share * battery.energy_mwh
        least += case.unit_cost["electricity"] * gain * (1 / battery.charge_efficiency if gain > 0 else 1.0)
    avoided = _lost(case, result.scenario, result.baseline) - _lost(case, result.scenario, result.replay)
    avoided += _filling(case, result)
    return Claim(seed, share, min(spent - least, avoided) / spent, stored / spent)


def _lost(case: Site, scenario: Any, replay: Any) -> float:
    """What stores lose in a replay and what is thrown away, by what a unit takes to make."""
    hours, rates = scenario.horizon.step_min / 60, replay["asset_rate"]
    lost = 0.0
    for store in scenario.site.stores.values():
        inputs = float(rates.values[rates["flow_asset"].values == store.name].sum()) * hours
        gain = float(replay["asset_level"].sel(store=store.name)[-1]) - store.start_level
        lost -= case.unit_cost[store.carrier] * (inputs + gain)
    for carrier, rate in zip(replay["carrier"].values, replay["dumped_rate"].values, strict=True):
        lost += case.unit_cost[str(carrier)] * float(rate.sum()) * hours
    battery = scenario.site.battery
    if battery is not None:
        inputs = float((replay["discharge_mw"] - replay["charge_mw"]).sum()) * hours
        gain = float(replay["battery_mwh"][-1]) - battery.level_share * battery.energy_mwh
        lost -= case.unit_cost["electricity"] * (inputs + gain)
    return lost


def _filling(case: Site, result: Any) -> float:
    """What is lost on the way into stores where the baseline fills them as far as the plan does, less than none where
    the plan would have to. The plan's own losses have it."""
    levels, baseline, lost = result.replay_figures.levels, result.baseline_figures.levels, 0.0
    for store in result.scenario.site.stores.values():
        more = levels[store.name] - baseline[store.name]
        lost += case.unit_cost[store.carrier] * more * (1 / store.in_efficiency - 1)
    battery = result.scenario.site.battery
    if battery is not None:
        more = levels["battery"] - baseline["battery"]
        lost += case.unit_cost["electricity"] * more * (1 / battery.charge_efficiency - 1)
    return lost


def of_works(seed: int) -> Claim:
    """What the plan of random works claims."""
    result = _plan(works(seed))
    share, spent, stored = _share(result)
    return Claim(seed, share, 0.0, stored / spent if spent else 0.0)


def _plan(raw: dict[str, Any]) -> Any:
    from emberline.planning.planner import PLAIN, make_plan
    from emberline.scenarios import Scenario, resolve

    scenario = resolve(Scenario.model_validate(raw, context={"currency": "EUR"}))
    wrong = list(between_nouns(scenario))
    if wrong:
        raise Wrong(f"{scenario.name}: {wrong[0]}")
    result = make_plan(scenario, PLAIN)
    hurried = result.status == "no plan within the limit"
    if not result.acceptable and (result.has_schedule or not (hurried or result.baseline_figures.unserved)):
        raise Wrong(f"{scenario.name}: {result.verdict}")
    return result


def _share(result: Any) -> tuple[float | None, float, float]:
    """Share that is claimed, what the baseline spends, and what the stores' difference is worth."""
    saved, sums = result.saved(), result.baseline_figures
    if result.scenario.goal.minimize == "carbon":
        spent, claim, stored = sums.carbon_kg, saved.get("carbon_kg"), saved.get("stock_carbon_kg", 0.0)
    else:
        spent = sums.cost - sums.demand_cost
        claim, stored = saved.get("cost_without_demand", saved.get("cost")), saved.get("stock_cost", 0.0)
    return (None if claim is None or not spent else claim / spent), spent, stored


@bench("flat", "what plans claim to save under flat prices and intensities", long=True)
def flat() -> Findings:
    """A hundred sites and a hundred works."""
    kinds: dict[str, Callable[[int], Claim]] = {"sites": of_site, "works": of_works}
    rows = []
    for name, claimed in kinds.items():
        claims = [claimed(seed) for seed in range(CASES)]
        worst = max(claims, key=lambda claim: claim.false)
        compared = [claim for claim in claims if claim.share is not None]
        differ = sum(abs(claim.stored) > 1e-6 for claim in compared)
        text = f"{len(compared)} compared, stores of {differ} end otherwise; worst: seed {worst.seed}"
        false = [claim.false for claim in claims]
        rows.append(measured(f"{name}: claimed and not there", false, "%", bars=[CLAIM], says=text))
    findings = Findings([Table("Flat prices and intensities", rows)])
    if findings.missed:
        raise Wrong("a saving is claimed that is none", findings)
    return findings
