"""Published cement days by the command: the product's model finds the optimum, its twin pays the same."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.published import cement_stn

PLANT: dict[str, Any] = {
    "rate_t_per_h_on": [100, 50],
    "power_kW_on": [1000, 2000],
    "off": {"rate": 0, "power": 0},
    "store_after_stage_max_t": [150, 1000],
    "store_initial_t": [50, 0],
    "store_final_min_t": [50, 150],
    "slots": 6,
    "slot_h": 1,
    "min_up_down": None,
}
"""The second stage needs three of six slots, the first one and a half of them: two."""


def command(folder: Path, plant: dict[str, Any], rows: list[list[float]], *more: str) -> tuple[int, list[str]]:
    """Exit code of the command on a plant and days; the files are written into one folder."""
    (folder / "plant.json").write_text(json.dumps(plant), encoding="utf-8")
    with (folder / "days.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["day", *(f"price_h{i}_usd_per_MWh" for i in range(len(rows[0])))])
        table.writerows([i + 1, *row] for i, row in enumerate(rows))
    arguments = ["--plant", str(folder / "plant.json"), "--prices", str(folder / "days.csv"), *more]
    return cement_stn.main(arguments), arguments


def by_trial(plant: dict[str, Any], price: list[float]) -> float:
    """Least cost of a plant of two stages by trying every pattern of being on."""
    rates, powers = plant["rate_t_per_h_on"], plant["power_kW_on"]
    least = plant["min_up_down"] or 0
    patterns = list(itertools.product((0, 1), repeat=len(price)))
    rows = [p for p in patterns if not least or _long_enough(p, least)]
    best = np.inf
    for first, second in itertools.product(rows, rows):
        moved = np.cumsum(rates[0] * np.array(first) - rates[1] * np.array(second)) + plant["store_initial_t"][0]
        result = rates[1] * sum(second) + plant["store_initial_t"][1]
        if moved.min() < 0 or moved.max() > plant["store_after_stage_max_t"][0]:
            continue
        if moved[-1] < plant["store_final_min_t"][0] or result < plant["store_final_min_t"][1]:
            continue
        value = powers[0] * np.array(first) + powers[1] * np.array(second)
        best = min(best, float(value @ np.array(price)) / 1000)
    return best


def _long_enough(pattern: tuple[int, ...], least: int) -> bool:
    """Whether each run, and each rest between two runs, lasts long enough; one that the end cuts does."""
    runs = [(on, len(list(group))) for on, group in itertools.groupby(pattern)]
    return all(length >= least or i == len(runs) - 1 or (i == 0 and not on) for i, (on, length) in enumerate(runs))


PRICES: list[list[float]] = [
    [30, 10, 50, 20, 60, 40],
    [5, 80, 80, 5, 5, 80],
    [10, 10, 10, 10, 10, 10],
    [-20, 30, -5, 70, 1, 90],
]


@pytest.mark.parametrize("least", [None, 2])
def test_small_plants_are_solved_as_by_trial(least: int | None, tmp_path: Path, capfd: Any) -> None:
    """Proves: every day's objective is the least over all patterns, the twin pays the same, stdout is JSON alone.

    Sensitivity: a slot's product that may be used only in the next slot, or a store that may overflow within it.
    """
    plant = PLANT | {"min_up_down": least}
    code, _ = command(tmp_path, plant, PRICES, "--json")
    answer = json.loads(capfd.readouterr().out)
    assert code == 0, answer
    assert answer["objectives"] == pytest.approx([by_trial(plant, price) for price in PRICES], abs=1e-6)
    assert answer["replay_costs"] == pytest.approx(answer["objectives"], abs=1e-6)
    assert answer["bounds"] == pytest.approx(answer["objectives"], abs=1e-4)
    assert answer["violations"] == [[]] * len(PRICES)
    assert answer["seconds"] > 0


def test_slots_of_half_an_hour_and_power_of_what_is_off(tmp_path: Path, capfd: Any) -> None:
    """Proves: twelve slots share six hourly prices and cost no more than six slots of the same rates; what is drawn
    while a stage is off is drawn in every hour. Sensitivity: a slot's energy counted as an hour's.
    """
    hourly = PLANT | {"rate_t_per_h_on": [50, 50], "power_kW_on": [500, 2000]}
    halves = hourly | {"slots": 12, "slot_h": 0.5}
    assert command(tmp_path, hourly, PRICES[:2], "--json")[0] == 0
    whole = json.loads(capfd.readouterr().out)["objectives"]
    assert command(tmp_path, halves, PRICES[:2], "--json")[0] == 0
    finer = json.loads(capfd.readouterr().out)["objectives"]
    assert all(fine <= coarse + 1e-6 for fine, coarse in zip(finer, whole, strict=True))
    result = hourly | {"power_kW_on": [600, 2000], "off": {"rate": 0, "power": [100, 0]}}
    assert command(tmp_path, result, PRICES[:2], "--json")[0] == 0
    more = json.loads(capfd.readouterr().out)["objectives"]
    assert more == pytest.approx([cost + 0.1 * sum(price) for cost, price in zip(whole, PRICES[:2], strict=True)])


def test_a_day_that_cannot_end_as_wanted_has_no_objective(tmp_path: Path, capfd: Any) -> None:
    """Proves: exit code 1 and an empty objective, whether the hours or the store are too small."""
    for final in ([50, 400], [200, 150], [50, 2000]):
        code, _ = command(tmp_path, PLANT | {"store_final_min_t": final}, PRICES[:1], "--json")
        assert code == 1
        answer = json.loads(capfd.readouterr().out)
        assert answer["objectives"] == [None]
        assert answer["statuses"] == ["infeasible"]


def test_stores_that_are_not_given(tmp_path: Path, capfd: Any) -> None:
    """Proves: null is empty at the start, free at the end, without limit; as text each day has its line."""
    free = {"store_after_stage_max_t": None, "store_initial_t": [None, None], "store_final_min_t": [None, 50]}
    code, _ = command(tmp_path, PLANT | free, PRICES[:1])
    out = capfd.readouterr().out
    assert code == 0
    # 50 t of the second stage in one slot, after or with 100 t of the first: both at 10 USD/MWh
    assert "30.00 USD  within gap" in out
    assert out.count("\n") == 2


BAD = [
    ({"slots": None}, "slots"),
    ({"rate_t_per_h_on": [100]}, "power_kW_on has 2 entries, there are 1 stages"),
    ({"rate_t_per_h_on": [100, 0]}, "a stage that is on has a rate above 0"),
    ({"power_kW_on": [1000, "much"]}, "power_kW_on.1"),
    ({"slot_h": 0.7}, "does not divide the hour"),
    ({"off": {"rate": 5, "power": 0}}, "off.rate"),
    ({"off": {"rate": 0, "power": 1500}}, "draws less when it is on"),
    ({"store_initial_t": [200, 0]}, "store_initial_t 200 is more than its store holds, 150"),
    ({"min_up_down": [2]}, "min_up_down"),
    ({"min_up_down": -1}, "min_up_down"),
    ({"slots": 7}, "price_h0 … price_h6"),
]


@pytest.mark.parametrize(("change", "text"), BAD, ids=[case[1][:30] for case in BAD])
def test_bad_plants_are_reported_in_one_line(change: dict[str, Any], text: str, tmp_path: Path, capfd: Any) -> None:
    """Proves: exit code 2, what is wrong in one line, nothing on stdout. Sensitivity: a trace, or a guess."""
    assert command(tmp_path, PLANT | change, PRICES[:1], "--json")[0] == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    assert text in err


def test_bad_files_are_reported_in_one_line(tmp_path: Path, capfd: Any) -> None:
    """Proves: the same of files that are missing, no JSON, without days, with what is no price."""
    _, arguments = command(tmp_path, PLANT | {"slots": None}, PRICES[:1])
    plant, days = tmp_path / "plant.json", tmp_path / "days.csv"
    head = days.read_text(encoding="utf-8").splitlines()[0]
    capfd.readouterr()

    def says(*argv: str) -> str:
        assert cement_stn.main([*argv, "--json"]) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert err.count("\n") == 1, err
        return str(err)

    assert "none.json: is missing" in says("--plant", str(tmp_path / "none.json"), "--prices", str(days))
    plant.write_text("{", encoding="utf-8")
    assert "plant.json:1: is not JSON" in says(*arguments)
    plant.write_text("[]", encoding="utf-8")
    assert str(plant) in says(*arguments)
    plant.write_text(json.dumps(PLANT), encoding="utf-8")
    assert "none.csv: is missing" in says("--plant", str(plant), "--prices", str(tmp_path / "none.csv"))
    for rows, expected in (
        (head, "has no day"),
        ("a,b\n1,2", "needs the columns price_h0 … price_h5, has 0"),
        (f"{head}\n1,2,3,4,5,6,dear", "days.csv:2: price_h5_usd_per_MWh: 'dear' is no price"),
        (f"{head}\n1,2,3", "price_h2_usd_per_MWh"),
        (f"{head}\n1,2,3,4,5,6,nan", "'nan' is no price"),
    ):
        days.write_text(rows, encoding="utf-8")
        assert expected in says(*arguments)
    days.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in says(*arguments)
    assert "cannot be read" in says("--plant", str(plant), "--prices", str(tmp_path))


@pytest.mark.shared
def test_published_days(shared: Path, capfd: Any) -> None:
    """Proves: all ten real days to a cent, replayed for the same. Sensitivity: stores read one stage late."""
    folder = shared / "oracles" / "cement_stn"
    days = folder / "expected_days.csv"
    assert cement_stn.main(["--plant", str(folder / "plant.json"), "--prices", str(days), "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    with days.open(encoding="utf-8", newline="") as file:
        expected = [float(row["optimal_cost_usd"]) for row in csv.DictReader(file)]
    assert answer["objectives"] == pytest.approx(expected, abs=0.01)
    assert answer["replay_costs"] == pytest.approx(expected, abs=0.01)
    assert answer["violations"] == [[]] * 10
