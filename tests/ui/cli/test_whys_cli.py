"""The commands ``why``, ``diff``, ``locks`` and ``headroom``: what they print, and how they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import emberline, refused
from enumerated_shops import shop

from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.store import Store
from emberline.scenarios import Case

HOUSE = """
name: house
horizon: {start: 2026-03-10, length_h: 2, step_min: 60}
site: {base_load_mw: 2}
market: {price_per_mwh: 10, carbon_intensity_kg_per_mwh: 100}
"""
INTENSITY = [500.0, 100.0, 300.0, 200.0]
SHOP = """
name: four-hours
horizon: {start: 2026-03-10T00:00+00:00, length_h: 4, step_min: 60}
site: {grid: {metered_interval_min: 60}}
line:
  stages: [{name: melting, units: [{name: F1, power_mw: 10}]}]
  grades: [{name: G, mass_t: 100, duration_min: {melting: 60}}]
orders: [{name: A, heats: [{grade: G, count: 4}]}]
market: {price_per_mwh: 10, carbon_intensity_kg_per_mwh: 300}
disturbances: {replications: 2, duration_spread: 1 %, energy_spread: 1 %}
goal: {gap: 1 %, effort: 10}
"""


def stored_run(store: Store, scenario: Case) -> str:
    """Id of a stored run."""
    result = make_plan(scenario, PLAIN)
    with store.working(scenario) as run:
        store.save(run, result)
    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home with three runs: two heats, the same with a lock, and one without any plan."""
    folder = tmp_path_factory.mktemp("home")
    store = Store(folder)
    lock = {"heat": "H1", "stage": "melting", "start": "0 h"}
    both = [{"heat": heat, "stage": "melting", "start": "0 h"} for heat in ("H1", "H2")]
    (folder / "house.yaml").write_text(HOUSE, encoding="utf-8")
    return {
        "home": str(folder),
        "house": str(folder / "house.yaml"),
        "free": stored_run(store, shop(INTENSITY, [1, 1])),
        "locked": stored_run(store, shop(INTENSITY, [1, 1], locks=[lock])),
        "none": stored_run(store, shop(INTENSITY, [1, 1], locks=both)),
    }


@pytest.fixture(autouse=True)
def _at_home(home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERLINE_HOME", home["home"])


def test_why_tells_costs_limits_and_gap(home: dict[str, str]) -> None:
    """Proves: text and JSON tell the same answers, with what they cost, status, gap and what is in the way."""
    code = emberline("why", home["locked"], "--heat", "1")
    assert code.returncode == 0, code.stderr
    assert "it is locked: heat H1 at melting at Tue 10 Mar 00:00" in code.stdout
    assert "−3\u202f000 kg CO2e" in code.stdout
    assert "within gap, gap 0 %" in code.stdout
    assert "what if  heat H1 at melting freed of its lock" in code.stdout
    assert "freed of its lock" in code.stderr
    data = json.loads(emberline("why", home["locked"], "--heat", "H1", "--json", "-q").stdout)
    freed = next(answer for answer in data["answers"] if answer["key"] == "freed")
    assert freed["more"]["carbon_kg"] == pytest.approx(-3000)
    assert data["slots"][1]["limits"] == ["F1 is busy with heat H2 from Tue 10 Mar 01:00 to Tue 10 Mar 02:00"]
    at = json.loads(emberline("why", home["locked"], "--heat", "1", "--at", "02:00", "--json", "-q").stdout)
    assert [answer["key"] for answer in at["answers"]] == ["freed", "at"]
    assert at["answers"][1]["more"]["carbon_kg"] == pytest.approx(-2000)


def test_why_an_hour_and_a_unit(home: dict[str, str]) -> None:
    """Proves: an hour tells who draws and what a MWh is worth; the only furnace cannot be missed, proven."""
    code = emberline("why", home["free"], "--hour", "01:00", "-q")
    assert code.returncode == 0, code.stderr
    assert "F1 draws 10.0 MW" in code.stdout
    assert "one more MWh costs 100.0 kg CO2e/MWh; heats held where they are" in code.stdout
    # without the second hour its heat takes the third one, at 300 instead of 100 kg/MWh
    assert "what if  F1 idle, Tue 10 Mar 01:00 to 02:00\n           +2\u202f000 kg CO2e" in code.stdout
    unit = emberline("why", home["free"], "--unit", "F1", "-q")
    assert "no plan with it (proven): no other unit of melting" in unit.stdout


def test_diff_tells_heats_and_keys(home: dict[str, str]) -> None:
    """Proves: a run has no difference from itself; from the locked one the lock, the heat and its reason are
    reported."""
    itself = emberline("diff", home["free"], home["free"])
    assert itself.returncode == 0, itself.stderr
    assert itself.stdout.splitlines()[-1] == "no difference"
    assert json.loads(emberline("diff", home["free"], home["free"], "--json").stdout)["same"] is True
    text = emberline("diff", home["free"], home["locked"]).stdout
    assert "locks" in text
    assert "because it is locked at melting" in text
    assert "carbon 6\u202f000 instead of 3\u202f000 kg CO2e (+3\u202f000)" in text


def test_locks_tells_each_price(home: dict[str, str]) -> None:
    """Proves: the table and the JSON tell what freeing brings; a run without locks says so and is no mistake."""
    code = emberline("locks", home["locked"], "-q")
    assert code.returncode == 0, code.stderr
    assert "0  heat H1 at melting at Tue 10 Mar 00:00" in code.stdout
    answer = json.loads(emberline("locks", home["locked"], "--json", "-q").stdout)
    assert answer["locks"][0]["brings"]["carbon_kg"] == pytest.approx(3000)
    bare = emberline("locks", home["free"], "-q")
    assert (bare.returncode, bare.stdout) == (0, "")
    assert "has no locks" in bare.stderr
    assert json.loads(emberline("locks", home["free"], "--json", "-q").stdout)["locks"] == []


def test_headroom_tells_each_load(tmp_path: Path) -> None:
    """Proves: each load has its row, and where flexibility ends is said; a grid that never changes has none."""
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP, encoding="utf-8")
    case = ("headroom", str(file), "--load", "50%", "--load", "1", "--workers", "1")
    code = emberline(*case)
    assert code.returncode == 0, code.stderr
    assert "flexibility has ended at 50 % load already: less than 1 % of the baseline's carbon is saved" in code.stdout
    assert "2 of 2: " in code.stderr
    answer = json.loads(emberline(*case, "--json", "-q").stdout)
    assert [row["heats"] for row in answer["loads"]] == [2, 4]
    assert answer["ends_at"] == 0.5
    assert answer["loads"][0]["saved"]["carbon_kg"]["low"] is not None


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("why", "free"), "ask about one decision: --heat, --unit or --hour"),
        (("why", "free", "--heat", "1", "--unit", "F1"), "ask about one decision"),
        (("why", "free", "--heat", "9"), "--heat: '9' is no heat of this run; heats are 1 to 2"),
        (("why", "free", "--unit", "F1", "--at", "01:00"), "--at: F1 is no process; ask about a --heat"),
        (("why", "free", "--hour", "99"), "is outside the horizon"),
        (("why", "free", "--heat", "1", "--at", "01:30"), "lies between steps of 60 min"),
        (("why", "none", "--heat", "1"), "there is no schedule to ask about"),
        (("why", "ffffffff", "--heat", "1"), "runs begin with 'ffffffff'"),
        (("locks", "none"), "there is no schedule whose locks"),
        (("diff", "free", "ffffffff"), "runs begin with 'ffffffff'"),
        (("headroom", "melt-shop-small", "--load", "130%"), "--load 130%: must be a share above 0 up to 100 %"),
        (("headroom", "melt-shop-small", "--threshold", "much"), "--threshold 'much' is not a quantity"),
        (("headroom", "house"), "a site alone makes nothing"),
        (("headroom", "melt-shop-small", "--workers", "2", "--cluster", "tcp://10.0.0.5:1"), "--workers"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(home: dict[str, str], args: tuple[str, ...], text: str) -> None:
    """Proves: exit code 2, one line on standard error, nothing on standard output."""
    refused(emberline(*(home.get(arg, arg) for arg in args)), text)


MILL = """
name: mill
horizon: {start: 2026-03-10, zone: UTC, length_h: 8, step_min: 60}
site: {grid: {metered_interval_min: 60}, base_load_mw: 1}
stores:
  - {name: billets, capacity_t: 600 t, level_t: 500 t}
  - {name: bars, capacity_t: 600 t, level_t: 300 t}
processes:
  - {name: mill, rate: {low: 50 t/h, high: 90 t/h}, kwh_per_t: 90, inputs: [{store: billets}], outputs: [{store: bars}]}
deliveries: [{name: trucks, store: bars, rate: 50 t/h}]
market: {price_per_mwh: 100, carbon_intensity_kg_per_mwh: 400}
disturbances: {replications: 0}
goal: {minimize: cost, gap: 1 %, effort: 10}
"""


def test_a_repair_delivers_everything_and_is_stated(tmp_path: Path) -> None:
    """Proves: billets that nothing fills: `--repair` takes what `why-not` ranks first, lower levels at the end, and
    headline, stored run and JSON state it; a demand that only 0 would satisfy is not repaired unasked.
    Sensitivity: the customer's delivery set to 0, and a saving printed above."""
    file = tmp_path / "mill.yaml"
    file.write_text(MILL, encoding="utf-8")
    first, *others = json.loads(emberline("why-not", str(file), "--json", "-q").stdout)["repairs"]
    assert first["set"] == ["stores.billets.end_level_t=100"]
    assert [repair["cancels"] for repair in others] == [True]
    process = emberline("plan", str(file), "--repair", "-q", "--json")
    assert process.returncode == 0, process.stderr
    result = json.loads(process.stdout)
    assert result["repair"] == first["says"]
    assert result["replay"]["tonnes"] == pytest.approx(400)
    sentence = f"There was no plan without a change: {'; '.join(first['says'])}."
    assert sentence in result["answer"]["says"]
    text = emberline("show", result["run"]).stdout
    assert text.splitlines().index(sentence) < 10
    assert (
        json.loads(emberline("show", result["run"], "--json").stdout)["answer"]["headline"]["repair"] == first["says"]
    )
    empty = (f"--set=stores.{store}.{key}=0" for store in ("billets", "bars") for key in ("level_t", "end_level_t"))
    bare = emberline("plan", str(file), "--repair", "-q", *empty)
    assert bare.returncode == 1
    assert "no repair applied        each leaves out what is to be delivered" in bare.stdout
    assert "planning again" not in bare.stderr
