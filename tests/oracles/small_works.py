"""Random small scenarios whose features mix, as mappings that an oracle reads, and as the scenarios of them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns

STARTS = (
    ("2026-01-12T00:00+00:00", "UTC"),
    ("2026-04-01T00:00+05:30", "Asia/Kolkata"),
    ("2026-04-02T00:00+05:45", "Asia/Kathmandu"),
    ("2026-03-28T22:30+01:00", "Europe/Berlin"),
    ("2026-06-10T06:15+02:00", "Europe/Berlin"),
    ("2026-04-04T21:00+11:00", "Australia/Lord_Howe"),
)
GAP = 1e-4


class Draw:
    """Random choices of a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def pick(self, *values: Any) -> Any:
        """One of some values."""
        return values[int(self.rng.integers(len(values)))]

    def chance(self, share: float) -> bool:
        """True in a share of all cases."""
        return bool(self.rng.random() < share)

    def even(self, low: float, high: float, digits: int = 2) -> float:
        """A number between two."""
        return round(float(self.rng.uniform(low, high)), digits)


def scenario(raw: dict[str, Any], seconds: float = 20.0) -> Case:
    """The scenario of a mapping; series stand by step."""
    plain = copy.deepcopy(raw)
    series = plain.pop("series")
    plain["goal"] = {"gap": GAP, "effort": seconds, "caps": {"extra_cost_share": None}, **plain["goal"]}
    if series.get("export"):
        plain["market"]["export_price_per_mwh"] = 0.0
    if series.get("pv"):
        plain["site"]["pv"] = {"peak_mw": 1.0, "capacity_factor": 1.0}
    built = resolve(Scenario.model_validate(plain, context={"currency": "EUR"}))
    mistakes = list(between_nouns(built))
    assert not mistakes, mistakes
    names = {
        "price": "price_per_mwh", "intensity": "carbon_intensity_kg_per_mwh", "export": "export_price_per_mwh",
        "base": "base_load_mw", "pv": "pv_available_mw",
    }  # fmt: skip
    inputs = built.inputs
    loads = [key for key in series if key.endswith(".rate")]
    if loads:
        # known to the scenario as a series of a file would be
        table = np.array([series[key] for key in loads], float)
        inputs = inputs.assign(asset_values=(("series", "time"), table)).assign_coords(series=loads)
    values = {
        names[key]: ("time", np.array(series[key], float), inputs[names[key]].attrs) for key in names if key in series
    }
    return built.with_inputs(inputs.assign(values))


def envelope(built: Case) -> xr.Dataset:
    """What the twin says of it."""
    from emberline import twin

    return twin.envelope(built)


def frame(draw: Draw, n: int, step_min: int) -> dict[str, Any]:
    """Horizon, market, site and series."""
    start, zone = draw.pick(*STARTS)
    price = np.round(draw.rng.normal(draw.pick(30, 70), 40, n), 2)
    if draw.chance(0.6):
        price = np.maximum(price, 2.0)
    begins = int(start[14:16])
    meter = draw.pick(*(m for m in (5, 10, 15, 20, 30, 60) if not begins % m and not n * step_min % m))
    raw: dict[str, Any] = {
        "name": "small",
        "horizon": {"start": start, "zone": zone, "length_h": n * step_min / 60, "step_min": step_min},
        "market": {"price_per_mwh": 0.0, "carbon_intensity_kg_per_mwh": 0.0},
        "site": {"grid": {"metered_interval_min": meter}, "base_load_mw": 0.0, "carriers": [], "assets": []},
        "goal": {"minimize": draw.pick("cost", "cost", "carbon", "cost_with_carbon_price")},
        "series": {
            "price": price.tolist(),
            "intensity": np.round(draw.rng.uniform(50, 700, n), 1).tolist(),
            "base": np.round(draw.rng.uniform(0.0, 2.0, n), 3).tolist(),
        },
    }
    if raw["goal"]["minimize"] == "cost_with_carbon_price":
        raw["market"]["carbon_price"] = {
            "per_t": 70.0,
            "covers": draw.pick("all", "direct"),
            "free_share": draw.pick(0, 0.3),
        }
    tariff: dict[str, Any] = {}
    if draw.chance(0.4):
        rates: list[dict[str, Any]] = [{"per_mw": draw.even(50, 900)}]
        if draw.chance(0.3):
            rates[0]["hours"] = draw.pick("6-20", "22-6")
        tariff["demand"] = [{"name": "peak", "rates": rates}]
        if draw.chance(0.3) and not start.startswith("2026-04-01"):
            raw["state"] = {"peak_so_far_mw": draw.even(0.5, 4)}
    if draw.chance(0.3):
        tariff["energy"] = [{"name": "use", "rates": [{"per_mwh": 20.0}, {"per_mwh": 35.0, "hours": "7-21"}]}]
        tariff["levies"] = [{"name": "levy", "per_mwh": 3.0}]
    if tariff:
        raw["market"]["tariff"] = {"name": "tariff", **tariff}
    if draw.chance(0.35):
        raw["site"]["grid"]["export_limit_mw"] = draw.even(0.5, 4)
        raw["series"]["export"] = np.round(price - draw.pick(5, 30, -10), 2).tolist()
    if draw.chance(0.3):
        raw["series"]["pv"] = np.round(np.maximum(draw.rng.normal(0.5, 1.5, n), 0.0), 3).tolist()
    if draw.chance(0.3):
        raw["site"]["battery"] = {
            "energy_mwh": draw.even(1, 5), "power_mw": draw.even(0.5, 3), "charge_efficiency": draw.pick(1.0, 0.9),
            "discharge_efficiency": draw.pick(1.0, 0.92), "self_loss_per_h": draw.pick(0.0, 0.02),
            "level_share": draw.even(0.0, 1.0), "end_level_share": draw.pick(None, 0.0, 0.5),
        }  # fmt: skip
    return raw


def random_works(seed: int) -> dict[str, Any]:
    """One to three processes in a row between stores, whatever a process may have on each."""
    draw = Draw(seed)
    step_min = draw.pick(60, 60, 30, 30, 20, 15, 10)
    n = int(draw.rng.integers(6, 13))
    h = step_min / 60
    raw = frame(draw, n, step_min)
    stages = draw.pick(1, 2, 2, 3)
    raw |= {"processes": [], "stores": [], "deliveries": [], "arrivals": []}
    outages = []
    before: str | None = None
    for i in range(stages):
        last = i == stages - 1
        process = _process(draw, f"P{i}", h, raw, before, last)
        raw["processes"].append(process)
        if draw.chance(0.25) and "planned_stop" not in process:
            unit = process["name"] if process["count"] == 1 else f"{process['name']} {process['count']}"
            first = draw.even(0, n - 1) * h
            outages.append(
                {"unit": unit, "start": f"{first:.3f} h", "end": f"{first + draw.even(0.2, 3) * h + 0.001:.3f} h"}
            )
        before = process["outputs"][0]["store"] if "outputs" in process else None
    if outages:
        raw["state"] = {**raw.get("state", {}), "outages": outages}
    capacity = sum(_most_mw(process) for process in raw["processes"])
    if draw.chance(0.5):
        raw["site"]["grid"]["import_limit_mw"] = round(2.0 + capacity * draw.even(0.5, 1.1), 2)
    raw["goal"]["credit_stock"] = False
    return raw


def _most_mw(process: dict[str, Any]) -> float:
    from process_oracle import modes_of, power_at

    return float(process["count"] * max(power_at(mode, mode["high"]) for mode in modes_of(process)))


def _process(
    draw: Draw, name: str, h: float, raw: dict[str, Any], before: str | None, last: bool
) -> dict[str, Any]:  # fmt: skip
    pick, chance = draw.pick, draw.chance
    count = pick(1, 1, 2)
    grades = [f"{name} {letter}" for letter in "ABC"[: pick(1, 1, 2, 3) if last else 1]]
    high = pick(20.0, 30.0, 45.0)
    low = pick(high, high, 0.5 * high, 0.0)
    ranged = low < high
    process: dict[str, Any] = {"name": name, "count": count}
    process["rate"] = {"low": low, "high": high} if ranged else high
    shape = pick("plain", "plain", "up", "down") if ranged else "plain"
    top = pick(1.0, 2.5)
    if shape == "plain":
        process |= {"power_mw": pick(0.0, 0.6), "kwh_per_t": pick(20.0, 50.0)}
    else:
        middle = 0.4 if shape == "up" else 0.7
        process["power_by_rate"] = [
            {"rate_tph": low, "power_mw": 0.2}, {"rate_tph": (low + high) / 2, "power_mw": 0.2 + middle * top},
            {"rate_tph": high, "power_mw": 0.2 + top},
        ]  # fmt: skip
    run_h = float(pick(0, h, 2 * h, 2.3 * h, 3 * h))
    pace = low or high

    def lost() -> float:
        return round(pick(0.0, 0.0, 0.3, 0.9) * pace * run_h, 3)

    process |= {"min_run_h": run_h, "min_rest_h": float(pick(0, h, 2 * h))}
    process["start_up"] = {"hours": float(pick(0, 0, 0.7 * h, 1.5 * h)), "energy_mwh": pick(0.0, 0.5),
                           "off_spec_t": lost()}  # fmt: skip
    if ranged and chance(0.4):
        process["ramp_tph_per_h"] = round(draw.even(0.1, 0.6) * high / h, 2)
    must = chance(0.25)
    if must:
        process["must_run"] = True
    if before is not None:
        process["inputs"] = [{"store": before, "per_t": pick(0.7, 1.0, 1.3)}]
    if chance(0.2):
        if not any(c["name"] == "gas" for c in raw["site"]["carriers"]):
            raw["site"]["carriers"].append({"name": "gas", "waste": True})
            raw["site"]["assets"].append(
                {"kind": "turbine", "name": "turbine", "input": "gas", "electric_mw": 0.8, "mwh_per_unit": 0.3}
            )
            process["outputs"] = [{"carrier": "gas", "per_t": 0.08}]
        else:
            process.setdefault("inputs", []).append({"carrier": "gas", "per_t": 0.05})
    if chance(0.25):
        _fuels(raw, draw)
        share = draw.even(0.2, 0.8)
        process["heat"] = {
            "gj_per_t": draw.even(1, 4),
            "fuels": [
                {"carrier": "coal", "share": share, "least": pick(0.0, round(share / 2, 3)), "most": pick(1.0, share)},
                {"carrier": "wood", "share": 1 - share, "least": 0.0, "most": pick(1.0, 1 - share / 2)},
            ],
        }
        if chance(0.4):
            process["start_up"]["heat_gj"] = draw.even(1, 20)
    if chance(0.3):
        process["emissions"] = [{"source": "calcination", "kg_per_t": 100.0}]
    inputs = process.pop("outputs", [])
    if len(grades) > 1:
        process["change_over"] = {
            "minutes": pick(1, 15, 60, 80) * h,
            "energy_mwh": pick(0.0, 0.4),
            "off_spec_t": lost(),
        }
        if chance(0.25):
            process["change_over"].pop("minutes")
        if chance(0.4):
            process["change_over"]["between"] = [
                {"start": grades[1], "end": grades[0], "minutes": pick(30, 90) * h, "energy_mwh": pick(0.0, 1.0),
                 "off_spec_t": lost()}
            ]  # fmt: skip
        process["modes"] = []
        for grade in grades:
            factor = pick(1.0, 0.8)
            mode: dict[str, Any] = {"name": grade, "outputs": [{"store": grade, "per_t": factor}, *inputs]}
            process["modes"].append(mode)
    else:
        process["outputs"] = [{"store": grades[0], "per_t": pick(1.0, 0.8)}, *inputs]
    _states(draw, process, grades if len(grades) > 1 else [name], h, pace if ranged else None, must)
    n = round(raw["horizon"]["length_h"] / h)
    if must and count == 1 and chance(0.4):
        process["planned_stop"] = {"hours": float(pick(1, 2)) * h}
        if chance(0.5):
            process["planned_stop"] |= {"earliest": f"{h} h", "latest": f"{(n // 2) * h} h"}
    for grade in grades:
        _store(draw, raw, grade, high * count, h, n, last)
    return process


def _fuels(raw: dict[str, Any], draw: Draw) -> None:
    if any(c["name"] == "coal" for c in raw["site"]["carriers"]):
        return
    raw["site"]["carriers"] += [{"name": "coal"}, {"name": "wood"}]
    raw["site"]["assets"] += [
        {"kind": "supply", "name": "coal yard", "carrier": "coal", "price_per_unit": draw.even(5, 20),
         "fossil_kg_per_unit": 340.0},
        {"kind": "supply", "name": "wood yard", "carrier": "wood", "price_per_unit": draw.even(5, 40),
         "fossil_kg_per_unit": draw.pick(0.0, 20.0), "rate_limit": draw.even(5, 40)},
    ]  # fmt: skip


def _states(
    draw: Draw, process: dict[str, Any], names: list[str], h: float, pace: float | None, must: bool
) -> None:  # fmt: skip
    if not (must or draw.chance(0.6)):
        return
    process["state"] = []
    for _ in range(process["count"]):
        state: dict[str, Any] = {"since_h": float(draw.pick(0, h, 1.5 * h, 50))}
        if must or draw.chance(0.6):
            state["mode"] = draw.pick(*names)
            if pace is not None and draw.chance(0.6):
                state["rate_tph"] = pace
        process["state"].append(state)


def _store(
    draw: Draw, raw: dict[str, Any], name: str, most_tph: float, h: float, n: int, last: bool
) -> None:  # fmt: skip
    size = round(most_tph * h * draw.pick(4, 8, 20), 1)
    level = round(size * draw.even(0.3, 0.7), 1)
    store = {"name": name, "capacity_t": size, "level_t": level, "loss_per_h": draw.pick(0.0, 0.0, 0.0, 0.05)}
    store["end_level_t"] = round(level * draw.pick(0.0, 0.3, 0.7, 1.0), 1)
    raw["stores"].append(store)
    part = most_tph * draw.even(0.05, 0.4) / (1 if last else 3)
    kind = draw.pick("rate", "weekly", "order", "none" if not last else "rate")
    if kind == "rate":
        raw["deliveries"].append({"name": f"belt {name}", "store": name, "rate": round(part, 2)})
    elif kind == "weekly":
        window = {"weekdays": "mon-sun", "hours": draw.pick("6-18", "22-6", "0-5"), "rate_tph": round(part, 2)}
        raw["deliveries"].append({"name": f"trucks {name}", "store": name, "weekly": [window]})
    elif kind == "order":
        order: dict[str, Any] = {
            "name": f"ship {name}",
            "store": name,
            "amount_t": round(part * n * h * draw.even(0.3, 1.0), 1),
        }
        if draw.chance(0.6):
            order |= {"release": f"{draw.pick(0.5, 1, 2) * h} h", "due": f"{(n - draw.pick(0.4, 1, 2)) * h:.4f} h"}
        if draw.chance(0.5):
            order["loading_tph"] = round(max(most_tph, order["amount_t"] / h / 3), 1)
        raw["deliveries"].append(order)
    if draw.chance(0.15):
        raw["arrivals"].append({"name": f"pit {name}", "store": name, "rate": round(part / 2, 2)})
