"""Random small sites without a line or processes, whose assets mix: machines, stores, loads, fuels, tariff, battery."""

from __future__ import annotations

from typing import Any

import numpy as np
from small_works import Draw, frame, random_works


def random_site(seed: int) -> dict[str, Any]:
    """A site with heat, gas and maybe hydrogen in addition to electricity."""
    draw = Draw(seed)
    step_min = draw.pick(60, 60, 30, 20, 15)
    n = int(draw.rng.integers(6, 15))
    h = step_min / 60
    raw = frame(draw, n, step_min)
    raw["site"]["carriers"] = [{"name": "gas"}, {"name": "heat", "dump": draw.chance(0.3)}]
    assets = raw["site"]["assets"]
    assets.append(
        {"kind": "supply", "name": "gas grid", "carrier": "gas", "price_per_unit": draw.even(15, 60),
         "fossil_kg_per_unit": 202.0, **({"horizon_limit": draw.even(20, 80)} if draw.chance(0.2) else {}),
         **({"rate_limit": draw.even(6, 20)} if draw.chance(0.2) else {})}
    )  # fmt: skip
    raw["series"]["town.rate"] = np.round(draw.rng.uniform(1.0, 6.0, n), 2).tolist()
    assets.append({"kind": "load", "name": "town", "carrier": "heat", "rate": 0.0})
    assets.append(_machine(draw, "boiler", h, "heat", 8.0, [{"carrier": "gas", "per_unit": 1.1}], []))
    if draw.chance(0.6):
        flows: tuple[list[dict[str, Any]], list[dict[str, Any]]] = (
            [{"carrier": "gas", "per_unit": 2.5}], [{"carrier": "heat", "per_unit": 1.1}]
        )  # fmt: skip
        if draw.chance(0.5):
            points = [{"load": 0.5, "per_unit": draw.pick(2.9, 2.3)}, {"load": 1.0, "per_unit": 2.5}]
            flows = ([{"carrier": "gas", "by_load": points}], [{"carrier": "heat", "per_unit": 1.0}])
        assets.append(_machine(draw, "engine", h, "electricity", draw.even(1, 4), *flows))
    if draw.chance(0.5):
        rows = [{"carrier": "electricity", "per_unit": draw.even(0.25, 0.5)}]
        assets.append(_machine(draw, "pump", h, "heat", draw.even(1, 4), rows, []))
    if draw.chance(0.5):
        assets.append(_tank(draw, "heat store", "heat"))
    if draw.chance(0.3):
        assets.append({"kind": "flexible_load", "name": "crusher", "rate_limit": 2.0, "per_day": draw.even(4, 30)})
    if draw.chance(0.3):
        assets.append(
            {"kind": "sale", "name": "neighbour", "carrier": "heat", "price_per_unit": draw.even(5, 60),
             "rate_limit": 2.0}
        )  # fmt: skip
    if draw.chance(0.35):
        raw["site"]["carriers"].append({"name": "hydrogen"})
        electrolyser = _machine(
            draw, "electrolyser", h, "electricity", draw.even(1, 5), [], [{"carrier": "hydrogen", "per_unit": 0.65}]
        )
        assets.append(electrolyser | {"main": "input"})
        assets.append(_tank(draw, "tank", "hydrogen"))
        assets.append({"kind": "load", "name": "shop", "carrier": "hydrogen", "rate": draw.even(0.1, 0.8)})
    if draw.chance(0.4):
        raw["site"]["grid"]["import_limit_mw"] = draw.even(2.5, 7)
    return raw


def random_burner(seed: int, works: bool = False) -> dict[str, Any]:
    """A site, or a works, with a battery with losses, and hours in which taking electricity pays, so burning too."""
    raw = (random_works if works else random_site)(seed)
    draw = Draw(900_000 + seed)
    raw["site"]["battery"] = {
        "energy_mwh": draw.even(1, 5), "power_mw": draw.even(0.5, 4), "charge_efficiency": draw.pick(0.95, 0.8),
        "discharge_efficiency": draw.pick(0.95, 0.7), "self_loss_per_h": draw.pick(0.0, 0.02),
        "level_share": draw.even(0.3, 1.0), "end_level_share": draw.pick(None, 0.0, 0.5),
    }  # fmt: skip
    n = len(raw["series"]["price"])
    price = np.maximum(np.round(draw.rng.normal(40, 30, n), 2), 0.0)
    pays = draw.rng.random(n) < draw.pick(0.15, 0.4)
    raw["series"]["price"] = np.where(pays, -np.round(draw.rng.uniform(1, 120, n), 2), price).tolist()
    raw["series"]["base"] = np.round(draw.rng.uniform(0.0, draw.pick(0.1, 2.0), n), 3).tolist()
    if draw.chance(0.6):
        raw["series"]["pv"] = np.round(np.maximum(draw.rng.normal(1.0, 2.0, n), 0.0), 3).tolist()
    if draw.chance(0.7):
        raw["site"]["grid"].pop("export_limit_mw", None)
        raw["series"].pop("export", None)
    return raw


def _machine(
    draw: Draw, name: str, h: float, carrier: str, capacity: float, inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    machine: dict[str, Any] = {
        "kind": "converter", "name": name, "carrier": carrier, "capacity": capacity, "inputs": inputs,
        "outputs": outputs, "cost_per_unit": draw.pick(0, 0, 2.0),
    }  # fmt: skip
    if draw.chance(0.5):
        machine["min_load"] = draw.pick(0.5, 0.7, 1.0)
    if draw.chance(0.4):
        machine |= {"min_up_h": draw.pick(0, 2, 2.3) * h, "min_down_h": draw.pick(0, 2, 3) * h}
    if draw.chance(0.4):
        machine |= {"start_cost": draw.even(1, 80), "stop_cost": draw.pick(0, 10.0)}
    if draw.chance(0.2):
        machine["running_cost_per_h"] = draw.even(1, 20)
    if draw.chance(0.2) and name != "boiler":
        machine["start_fuel"] = {"carrier": "gas", "amount": draw.even(0.1, 1.5)}
    if draw.chance(0.25):
        machine["ramp_up_per_h"] = round(draw.even(0.2, 0.8) / h, 3)
    if draw.chance(0.25):
        machine["ramp_down_per_h"] = round(draw.even(0.2, 0.8) / h, 3)
    if draw.chance(0.5):
        on = draw.chance(0.5)
        machine["state"] = {"on": on, "since_h": draw.pick(0, 1, 50) * h}
        if on and draw.chance(0.5):
            machine["state"]["load"] = max(machine.get("min_load", 0.0), 0.6)
    return machine


def _tank(draw: Draw, name: str, carrier: str) -> dict[str, Any]:
    tank: dict[str, Any] = {
        "kind": "storage", "name": name, "carrier": carrier, "capacity": draw.even(3, 15),
        "in_efficiency": draw.pick(1.0, 0.95), "out_efficiency": draw.pick(1.0, 0.9),
        "self_loss_per_h": draw.pick(0.0, 0.01, 0.05), "level_share": draw.even(0.2, 0.9),
        "wear_cost_per_unit": draw.pick(0, 0, 1.5), "both_ways": draw.chance(0.3),
    }  # fmt: skip
    if draw.chance(0.5):
        tank |= {"in_rate": draw.even(1, 4), "out_rate": draw.even(1, 4)}
    if draw.chance(0.3):
        tank |= {"lowest_share": 0.1, "highest_share": 0.95}
    if draw.chance(0.6):
        tank["end_level_share"] = draw.even(0.1, 0.6)
    return tank
