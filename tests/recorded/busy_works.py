"""Random works of a day or two in which much happens: stops, change-overs, full and empty stores, late orders.

They are for figures of the twin, not for plans: much of what they ask for cannot be done, and some have mistakes.
"""

from __future__ import annotations

from typing import Any

import xarray as xr
from small_works import Draw

STARTS = (
    ("2026-03-10T00:00+00:00", "UTC"),
    ("2026-03-28T18:00+01:00", "Europe/Berlin"),
    ("2026-06-07T05:30+05:30", "Asia/Kolkata"),
)


def busy_works(seed: int) -> dict[str, Any]:
    """A crusher, a kiln and mills between stores, each with whatever it may have."""
    draw = Draw(seed)
    start, zone = draw.pick(*STARTS)
    step_min = draw.pick(60, 60, 30, 30, 20)
    n = int(draw.rng.integers(24, 60))
    h = step_min / 60
    grades = ["A", "B", "C"][: draw.pick(1, 2, 2, 3)]
    raw: dict[str, Any] = {
        "name": f"works-{seed}",
        "horizon": {"start": start, "zone": zone, "length_h": n * h, "step_min": step_min},
        "market": {"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 400.0},
        "site": _site(draw, step_min),
        "processes": [_crusher(draw, h), _kiln(draw, h, n), _mill(draw, h, grades)],
        "stores": [_store(draw, name, size) for name, size in (("stone", 60.0), ("meal", 50.0), ("clinker", 45.0))]
        + [_store(draw, grade, 30.0) for grade in grades],
        "deliveries": [],
        "arrivals": [],
        "state": {"outages": []},
        "disturbances": _disturbances(draw),
    }  # fmt: skip
    raw["arrivals"].append({"name": "quarry", "store": "stone", "rate": draw.pick(0.0, 15.0, 45.0)})
    if draw.chance(0.3):
        trucks = {"weekdays": draw.pick("mon-sun", "tue,sat"), "hours": "6-18", "rate_tph": draw.even(3, 20)}
        raw["arrivals"].append({"name": "imports", "store": "clinker", "weekly": [trucks]})
    for grade in grades:
        raw["deliveries"] += _deliveries(draw, grade, n, h)
    if draw.chance(0.3):
        raw["deliveries"].append({"name": "sale", "store": "clinker", "rate": draw.even(2, 12)})
    units = [name for process in raw["processes"] for name in names(process)]
    if draw.chance(0.4):
        _make_round(raw)
    for name in units:
        if draw.chance(0.25):
            begin = 60 * draw.pick(draw.even(-2, n * h - 4), float(int(draw.even(0, n * h - 4))), 0.0)
            end = begin + 60 * draw.even(0.3, 7) + 1
            raw["state"]["outages"].append(
                {"unit": name, "start": f"{begin:.0f} min", "end": f"{end:.0f} min"}
            )  # fmt: skip
    if draw.chance(0.4):
        raw["site"]["grid"] = {
            "import_limit_mw": draw.even(4, 9),
            "metered_interval_min": draw.pick(step_min, step_min // 2),
        }
    return raw


def _make_round(raw: dict[str, Any]) -> None:
    """Give stores and flows numbers of which sums often are equal, so that much happens just at a limit."""
    for store in raw["stores"]:
        store |= {name: 10.0 * round(store[name] / 10) for name in ("level_t", "end_level_t")}
        store |= {"capacity_t": max(20.0 * round(store["capacity_t"] / 20), 20.0, store["level_t"]), "loss_per_h": 0}
    for process in raw["processes"]:
        for recipe in (process, *process.get("modes", ())):
            for flow in recipe.get("inputs", ()):
                if "store" in flow:
                    flow["per_t"] = 1.0
            if "rate" in recipe and "daily_energy_mwh" not in process and "ramp_tph_per_h" not in process:
                recipe["rate"] = 20.0 if not isinstance(recipe["rate"], dict) else {"low": 10, "high": 20}
        if "power_by_rate" in process:
            del process["power_by_rate"]
        for part in (process["start_up"], process.get("change_over", {})):
            part.pop("off_spec_t", None)
            part.pop("between", None)


def names(process: dict[str, Any]) -> list[str]:
    """Names of its units."""
    count = process["count"]
    return [process["name"]] if count == 1 else [f"{process['name']} {i + 1}" for i in range(count)]


def _site(draw: Draw, step_min: int) -> dict[str, Any]:
    site: dict[str, Any] = {
        "grid": {"metered_interval_min": step_min}, "base_load_mw": draw.even(0, 1),
        "carriers": [{"name": "coal"}, {"name": "waste"}, {"name": "gas", "waste": True}],
        "assets": [
            {"kind": "supply", "name": "coal yard", "carrier": "coal", "price_per_unit": 12.0},
            {"kind": "supply", "name": "waste yard", "carrier": "waste", "price_per_unit": 3.0,
             "rate_limit": draw.pick(30.0, 200.0)},
        ],
    }  # fmt: skip
    if draw.chance(0.3):
        site["assets"].append({"kind": "supply", "name": "burner", "carrier": "gas", "price_per_unit": 30.0})
    if draw.chance(0.3):
        turbine = {"kind": "turbine", "name": "turbine", "input": "gas", "electric_mw": 0.8, "mwh_per_unit": 0.3}
        site["assets"].append(turbine)
    return site


def _crusher(draw: Draw, h: float) -> dict[str, Any]:
    process: dict[str, Any] = {
        "name": "crusher", "count": draw.pick(1, 2, 3),
        "rate": draw.pick(40.0, 25.0, {"low": 15, "high": 40, "usual": 30}),
        "kwh_per_t": 22.5, "power_mw": draw.pick(0.0, 0.7),
        "inputs": [{"store": "stone", "per_t": draw.pick(1.0, 1.25)}],
        "outputs": [{"store": "meal"}],
    }  # fmt: skip
    _switching(draw, process, h, 15.0 if isinstance(process["rate"], dict) else process["rate"])
    if draw.chance(0.25):
        # drawn evenly each day
        process |= {
            "rate": {"low": 15, "high": 40},
            "daily_energy_mwh": draw.even(4, 25),
            "min_run_h": 0,
            "min_rest_h": 0,
        }
        process["start_up"] = {}
    _states(draw, process, ["crusher"], must=False)
    return process


def _kiln(draw: Draw, h: float, n: int) -> dict[str, Any]:
    low, high = draw.pick((10.0, 40.0), (20.0, 30.0), (25.0, 25.0), (0.0, 30.0))
    share = draw.even(0.2, 0.9)
    process: dict[str, Any] = {
        "name": "kiln", "count": draw.pick(1, 1, 2), "rate": {"low": low, "high": high},
        "inputs": [{"store": "meal", "per_t": draw.pick(1.0, 1.5)}],
        "outputs": [{"store": "clinker"}, {"carrier": "gas", "per_t": 0.25}],
        "heat": {"gj_per_t": draw.pick(3.6, 3.1),
                 "fuels": [{"carrier": "coal", "share": share}, {"carrier": "waste", "share": 1 - share}]},
    }  # fmt: skip
    if low < high:
        if draw.chance(0.6):
            process["rate"]["usual"] = low + 0.75 * (high - low)
        if draw.chance(0.5):
            process["ramp_tph_per_h"] = draw.even(2, 12)
    if low < high and draw.chance(0.5):
        middle = (low + high) / 2
        process["power_by_rate"] = [
            {"rate_tph": low, "power_mw": 0.5}, {"rate_tph": middle, "power_mw": draw.pick(0.9, 1.2)},
            {"rate_tph": high, "power_mw": 1.6},
        ]  # fmt: skip
    else:
        process["kwh_per_t"] = 30.0
    must = draw.chance(0.7)
    _switching(draw, process, h, low or high)
    if draw.chance(0.4):
        process["start_up"]["heat_gj"] = draw.even(5, 60)
    if must:
        process["must_run"] = True
        if process["count"] == 1 and draw.chance(0.8):
            process["planned_stop"] = {"hours": draw.pick(2.0, 3.5)}
            if draw.chance(0.6):
                process["planned_stop"] |= {"earliest": f"{draw.pick(3, 4.5)} h", "latest": f"{n * h / 2:.2f} h"}
    _states(draw, process, ["kiln"], must)
    return process


def _mill(draw: Draw, h: float, grades: list[str]) -> dict[str, Any]:
    rates = [draw.pick(15.0, 20.0, {"low": 8, "high": 20}, {"low": 0, "high": 18, "usual": 12}) for _ in grades]
    process: dict[str, Any] = {
        "name": "mill", "count": draw.pick(1, 2, 3), "kwh_per_t": 35.0,
        "inputs": [{"store": "clinker", "per_t": draw.pick(0.7, 0.95)}], "modes": [],
    }  # fmt: skip
    for grade, rate in zip(grades, rates, strict=True):
        mode: dict[str, Any] = {"name": f"mode {grade}", "rate": rate, "outputs": [{"store": grade}]}
        if draw.chance(0.3):
            mode["power_mw"] = 1.5
        if draw.chance(0.25):
            mode["inputs"] = [*process["inputs"], {"carrier": "gas", "per_t": draw.pick(0.1, 0.3)}]
        if draw.chance(0.2):
            mode["outputs"] = [*mode["outputs"], {"store": "stone", "per_t": 0.1}]
        process["modes"].append(mode)
    pace = min((rate["low"] or rate["high"]) if isinstance(rate, dict) else rate for rate in rates)
    _switching(draw, process, h, pace)
    if len(grades) > 1:
        change = {
            "minutes": draw.pick(0, 20, 60),
            "energy_mwh": draw.pick(0, 0.4),
            "off_spec_t": _lost(draw, process, pace),
        }
        if draw.chance(0.5):
            pair = {"start": process["modes"][0]["name"], "end": process["modes"][1]["name"]}
            change["between"] = [
                pair
                | {
                    "minutes": draw.pick(0, 45),
                    "energy_mwh": draw.pick(0, 1.0),
                    "off_spec_t": _lost(draw, process, pace),
                }
            ]
        process["change_over"] = change
    must = draw.chance(0.2)
    if must:
        process["must_run"] = True
    _states(draw, process, [mode["name"] for mode in process["modes"]], must)
    return process


def _lost(draw: Draw, process: dict[str, Any], pace: float) -> float:
    return round(draw.pick(0.0, 0.0, 0.4, 0.8) * pace * process["min_run_h"], 2)


def _switching(draw: Draw, process: dict[str, Any], h: float, pace: float) -> None:
    process["min_run_h"] = draw.pick(1, 2, 2.5, 4)
    process["min_rest_h"] = draw.pick(0, 1, 2.2)
    process["start_up"] = {
        "hours": draw.pick(0, 0, 0.5, 1.5), "energy_mwh": draw.pick(0, 0.8), "cold_after_h": draw.pick(0, 5, 0.5),
        "off_spec_t": _lost(draw, process, pace),
    }  # fmt: skip


def _states(draw: Draw, process: dict[str, Any], modes: list[str], must: bool) -> None:
    if not must and draw.chance(0.3):
        return
    process["state"] = []
    for _ in range(process["count"]):
        state: dict[str, Any] = {"since_h": draw.pick(0.0, 1.0, 1.7, 40.0)}
        if must or draw.chance(0.6):
            state["mode"] = draw.pick(*modes)
            if "ramp_tph_per_h" in process and draw.chance(0.7):
                state["rate_tph"] = process["rate"]["low"] or process["rate"]["high"]
        process["state"].append(state)


def _store(draw: Draw, name: str, most_tph: float) -> dict[str, Any]:
    size = most_tph * draw.pick(1, 3, 8, 20)
    store = {
        "name": name, "capacity_t": size, "level_t": size * draw.pick(0, 0.25, 0.5, 0.625, 1),
        "end_level_t": size * draw.pick(0, 0.25, 0.5, 0.75), "loss_per_h": draw.pick(0, 0, 0, 0, 0.01, 0.2, 1),
    }  # fmt: skip
    if draw.chance(0.4):
        store |= {"keep_low": draw.pick(0.125, 0.25), "keep_high": draw.pick(0.5, 0.75, 0.875)}
    return store


def _deliveries(draw: Draw, grade: str, n: int, h: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    hours = draw.pick("6-18", "0-24", "22-6")
    trucks = {"weekdays": draw.pick("mon-sun", "mon-fri"), "hours": hours, "rate_tph": draw.pick(2.5, 5.0, 10.0, 25.0)}
    rows.append({"name": f"trucks {grade}", "store": grade, "weekly": [trucks]})
    for i in range(draw.pick(0, 0, 1, 2)):
        first, last = draw.pick(0.0, 0.5, 1.0, 2.5), round(n * h * draw.even(0.5, 1.0), 2)
        loading = draw.pick(None, 4.0, 8.0, 30.0)
        # what may be loaded in whole steps of it, or a part of that
        most = min((loading or 30.0) * (last - first - 2 * h), 60.0)
        ship = {"name": f"ship {grade} {i}", "store": grade, "amount_t": round(draw.pick(0.3, 0.8, 1.0) * most, 1)}
        if first:
            ship["release"] = f"{first} h"
        if first or draw.chance(0.5):
            ship["due"] = f"{last} h"
        if loading is not None:
            ship["loading_tph"] = loading
        rows.append(ship)
    return rows


def _disturbances(draw: Draw) -> dict[str, Any]:
    table: dict[str, Any] = {
        "rate_spread": draw.pick(0, 0.1), "delivery_spread": draw.pick(0, 0.3), "seed": draw.pick(1, 2, 3),
        "planning_quantile": draw.pick(0.5, 0.9),
    }  # fmt: skip
    if draw.chance(0.3):
        table["units"] = [{"unit": draw.pick("mill", "kiln"), "rate": draw.pick(0.0, 0.2)}]
    table["breakdowns"] = [
        {"unit": name, "mtbf_h": draw.pick(4, 9), "mttr_min": draw.pick(30, 130)}
        for name in ("crusher", "kiln", "mill")
        if draw.chance(0.6)
    ]
    return table


def altered(schedule: xr.Dataset, raw: dict[str, Any], seed: int) -> xr.Dataset:
    """A schedule of processes that asks for something else here and there, so that much of it cannot be done."""
    draw = Draw(1000 + seed)
    modes, rates = schedule["process_mode"].values.astype("U20"), schedule["process_tph"].to_numpy().copy()
    by_unit = {name: process for process in raw["processes"] for name in names(process)}
    n = modes.shape[1]
    for u, name in enumerate(schedule["process"].values.tolist()):
        process, k = by_unit[name], 0
        restless = draw.chance(0.3)
        ways = process.get("modes") or [process]
        while k < n:
            steps = slice(k, k + int(draw.rng.integers(1, 9)))
            k = steps.stop
            what = draw.pick("as it is", "as it is", "stand", "go", "slower", "faster")
            if restless and what in ("as it is", "stand"):
                what = "go"
            if what == "stand":
                modes[u, steps], rates[u, steps] = "", 0.0
            elif what == "go":
                way = draw.pick(*ways)
                rate = way.get("rate", process.get("rate"))
                low, high = (rate["low"], rate["high"]) if isinstance(rate, dict) else (rate, rate)
                modes[u, steps], rates[u, steps] = way["name"], draw.pick(low, high, (low + 3 * high) / 4)
            elif what != "as it is":
                rates[u, steps] *= 0.5 if what == "slower" else 1.125
    streams, delivered = schedule["stream_rate"].to_numpy().copy(), schedule["delivered_t"].to_numpy().copy()
    for row, place in zip(streams, schedule["stream_place"].values.tolist(), strict=True):
        if place in ("coal", "wood", "waste"):
            row *= draw.rng.choice([0.0, 1.0, 1.0, 2.0], n)
    for row in delivered:
        row *= draw.rng.choice([0.0, 1.0, 1.5], n)
    return schedule.assign(
        process_mode=(("process", "time"), modes), process_tph=(("process", "time"), rates),
        stream_rate=(("stream", "time"), streams), delivered_t=(("delivery", "time"), delivered),
    ).assign_attrs(policy="schedule")  # fmt: skip
