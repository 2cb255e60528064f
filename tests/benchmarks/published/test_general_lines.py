"""Furnaces under a limit on energy, and a line with changeovers: as published, and against brute force."""

import json
from collections.abc import Iterator
from itertools import pairwise, permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.minutes.to_the_minute import to_the_minute
from benchmarks.published import energy_limit, heat_treatment
from benchmarks.published.replayed import violations
from emberline import twin
from emberline.scenarios import Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns

LIMIT = 90.0
INTERVAL = 6


def furnaces(seed: int) -> dict[str, Any]:
    """A case of five jobs on two or three furnaces that the limit keeps apart."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    number = 2 + seed % 2
    jobs = [
        {
            "MachineIndex": j % number,
            "ProcessingTime": int(generator.integers(1, 9)),
            "PowerConsumption": float(generator.uniform(5, LIMIT / INTERVAL)),
        }
        for j in range(5)
    ]
    return {
        "NumMachines": number,
        "Jobs": [{"Id": j, "Operations": [job]} for j, job in enumerate(jobs)],
        "EnergyLimit": LIMIT,
        "Horizon": 60,
        "LengthMeteringInterval": INTERVAL,
    }


def least_makespan(case: energy_limit.PublishedCase) -> int:
    """By all orders of each furnace and all whole starts."""
    jobs = range(len(case.minutes))
    by_furnace = [[j for j in jobs if case.furnace[j] == u] for u in range(case.furnaces)]
    makespan = max(sum(case.minutes[j] for j in of) for of in by_furnace)
    while not any(
        _fits(case, [list(order) for order in orders], [0] * case.furnaces, {}, makespan)
        for orders in product(*(permutations(of) for of in by_furnace))
    ):
        makespan += 1
    return makespan


def _fits(
    case: energy_limit.PublishedCase, orders: list[list[int]], free: list[int], load: dict[int, float], end: int
) -> bool:
    u = next((u for u, order in enumerate(orders) if order), None)
    if u is None:
        return True
    job, remaining = orders[u][0], orders[u][1:]
    room = end - free[u] - sum(case.minutes[j] for j in orders[u])
    for start in range(free[u], free[u] + room + 1):
        more = dict(load)
        for minute in range(start, start + case.minutes[job]):
            more[minute // case.interval_min] = more.get(minute // case.interval_min, 0.0) + case.power[job]
        if all(energy <= case.limit * (1 + 1e-9) for energy in more.values()):
            times = [start + case.minutes[job] if v == u else at for v, at in enumerate(free)]
            if _fits(case, [remaining if v == u else order for v, order in enumerate(orders)], times, more, end):
                return True
    return False


@pytest.mark.parametrize("seed", range(8))
def test_the_least_makespan_is_that_of_brute_force(seed: int, tmp_path: Path) -> None:
    """Proves: plan, bound and twin agree with all schedules tried. Sensitivity: a dominated state kept in place of the
    better one, or an interval's energy counted for its neighbour, ends elsewhere."""
    file = tmp_path / "case.json"
    file.write_text(json.dumps(furnaces(seed)), encoding="utf-8")
    case = energy_limit.read(str(file))

    answer = energy_limit.solve(case, 60.0)

    assert answer["violations"] == []
    assert answer["objective"] == answer["bound"] == least_makespan(case)


def test_a_broken_limit_on_energy_is_a_violation(tmp_path: Path) -> None:
    """Proves: the twin sees what an interval draws above its limit. Sensitivity: a limit on power at an instant, which
    these starts break as well in an interval that is kept, counts another one."""
    raw = furnaces(0) | {"EnergyLimit": 100.0}
    for job, minutes in zip(raw["Jobs"], (6, 6, 3, 3, 1), strict=True):
        job["Operations"][0] |= {"ProcessingTime": minutes, "PowerConsumption": 12.0}
    file = tmp_path / "case.json"
    file.write_text(json.dumps(raw), encoding="utf-8")
    case = energy_limit.read(str(file))
    scenario = case.scenario(5.0)
    schedule = to_the_minute(scenario, twin.envelope(scenario))
    starts = np.array([0.0, 0.0, 6.0, 12.0, 9.0])[:, None]  # twice 6·12 above 100, then 36 + 12, then 36
    ends = starts + np.array(case.minutes)[:, None]

    run = twin.replay(
        scenario, schedule.assign(start_min=(("heat", "stage"), starts), end_min=(("heat", "stage"), ends))
    )

    broken = violations(run)
    assert [(row["kind"], row["at_min"], row["measure"]) for row in broken] == [("import", 0.0, "MW")]
    assert broken[0]["amount"] == pytest.approx((2 * 6 * 12 - 100) / INTERVAL)


def treatment(seed: int, n: int = 6) -> heat_treatment.PublishedCase:
    """A case of few kinds of orders, as published ones are."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    kind = generator.integers(3, size=n)
    between = np.where(generator.random((3, 3)) < 0.5, 0.0, generator.integers(1, 9, (3, 3)).astype(float))
    np.fill_diagonal(between, 0.0)
    total = generator.uniform(2, 5, n)
    return heat_treatment.PublishedCase(
        f"random {seed}",
        total,
        generator.uniform(0.1, 1, n)[:, None] + between[kind][:, kind] / 4,
        24.0 * generator.integers(1, 2, n) - generator.uniform(16, 22, n),
        generator.uniform(10, 90, n),
        100 * between[kind][:, kind],
        2.0,
    )


def orders(case: heat_treatment.PublishedCase) -> Iterator[tuple[float, float]]:
    """Gas and tardiness of all orders."""
    for order in permutations(range(len(case.total_h))):
        steps = [case.waiting_h[i, j] for i, j in pairwise(order)]
        starts = np.concatenate([[0.0], np.cumsum(steps)])
        late = np.maximum(starts + case.total_h[list(order)] - case.due_h[list(order)], 0.0).sum()
        idle = sum(case.idle_gas[i, j] for i, j in pairwise(order))
        yield case.price * (float(case.gas.sum()) + idle), float(late)


@pytest.mark.parametrize("aim", ["gas", "tardiness"])
@pytest.mark.parametrize("seed", range(4))
def test_the_best_order_is_that_of_brute_force(seed: int, aim: heat_treatment.Aim) -> None:
    """Proves: the order, what breaks its ties, and its bound are right. Sensitivity: a flow that does not hang together
    taken for an order, or lags that are counted from the end, gives other figures."""
    case = treatment(seed)
    figures = list(orders(case))
    gas, late = min(figures) if aim == "gas" else min(figures, key=lambda one: (round(one[1], 9), one[0]))

    answer = heat_treatment.solve(case, aim, 2.0)

    assert answer["violations"] == []
    assert (answer["gas_cost"], answer["tardiness_h"]) == pytest.approx((gas, late), abs=1e-6)
    assert answer["bound"] <= answer["objective"] + 1e-6
    if aim == "gas":
        assert answer["gap"] == pytest.approx(0.0, abs=1e-6)


def test_orders_as_run_have_the_published_figures(shared: Path) -> None:
    """Proves: lags, due times and gas are read as published. Sensitivity: any other figure of the twin shows here."""
    folder = shared / "oracles" / "heat_treatment"
    for entry in json.loads((folder / "expected.json").read_text(encoding="utf-8")):
        case = heat_treatment.read(str(folder / f"instance{entry['instance']}.json"))
        answer = heat_treatment.as_run(case)
        assert answer["violations"] == []
        assert answer["tardiness_h"] == pytest.approx(entry["as_run"]["tardiness_h"], abs=0.01)
        assert answer["gas_cost"] == pytest.approx(entry["as_run"]["gas_cost"], abs=0.01)


@pytest.mark.parametrize("family", ["energy_limit", "heat_treatment"])
@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_bad_case_is_one_line(family: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Proves: who gives a wrong file reads why. Sensitivity: a traceback, or words on stdout."""
    file = tmp_path / "case.json"
    file.write_text(text, encoding="utf-8")

    assert main(["oracle", family, str(file), "--json"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{file}")
    assert err.count("\n") == 1


def test_what_is_not_simulated_with_changeovers_is_refused() -> None:
    """Proves: what the twin does not keep is said, not simulated wrongly. Sensitivity: a check that is taken out."""
    raw = treatment(0, 3).scenario("tardiness", due=True).model_dump(mode="json", exclude_none=True)
    raw["site"]["grid"] |= {"import_limit_mw": 5.0}
    raw["disturbances"] = {"duration_spread": 0.1}

    assert [text for _, text in between_nouns(resolve(Scenario.model_validate(raw)))] == [
        "changeovers and disturbances are not simulated together yet",
        "changeovers and an import limit are not simulated together yet",
    ]
