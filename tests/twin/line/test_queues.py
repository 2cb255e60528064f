"""Queueing theory as oracle: the twin without couplings is M/M/1 and M/D/1 where it should be."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from shops import one_machine, op, scenario

from emberline.scenarios import Case
from emberline.twin import dispatch, replay, simulate
from emberline.twin.power import Trace

N, RUNS, SERVICE, BETWEEN = 2000, 12, 10.0, 16.0
BUSY = SERVICE / BETWEEN


def queue(run: int, distribution: str, n: int = N, units: int = 1) -> Case:
    arrivals = np.random.Generator(np.random.Philox(key=run)).exponential(BETWEEN / units, n).cumsum()
    line = one_machine(SERVICE)
    line["stages"][0]["units"] = [{"name": f"M{u}", "power_mw": 1.0} for u in range(units)]
    orders = [
        {"name": f"H{i}", "heats": [{"grade": "G"}], "release": timedelta(minutes=at)}
        for i, at in enumerate(arrivals.tolist())
    ]
    horizon = {"length_h": float(np.ceil(arrivals[-1] / 60) + 48), "step_min": 60.0}
    spread = [{"unit": f"M{u}", "distribution": distribution} for u in range(units)]
    return scenario(line, orders, horizon=horizon, disturbances={"units": spread})


def mean_waits(distribution: str) -> np.ndarray:
    return np.array(
        [
            float(simulate(queue(run, distribution), replication=run, disturbed=True)["op_waited_min"].mean())
            for run in range(RUNS)
        ]
    )


@pytest.mark.parametrize(
    ("distribution", "mean_wait"),
    [("exponential", BUSY * SERVICE / (1 - BUSY)), ("lognormal", BUSY * SERVICE / (1 - BUSY) / 2)],
    ids=["M/M/1", "M/D/1"],
)
def test_mean_wait_is_that_of_queueing_theory(distribution: str, mean_wait: float) -> None:
    """Proves: ρ/(μ−λ) for M/M/1 and half of it for M/D/1, within four standard errors of twelve long runs.

    Sensitivity: last come, first served keeps the mean but a service that starts late, or a unit that is freed late,
    does not; without the spread M/M/1 gives half.
    """
    waits = mean_waits(distribution)
    error = waits.std(ddof=1) / np.sqrt(RUNS)
    assert error < 0.1 * mean_wait
    assert waits.mean() == pytest.approx(mean_wait, abs=4 * error)


def test_littles_law() -> None:
    """Proves: mean number waiting = arrival rate × mean wait, both from the records. Sensitivity: a wait lost."""
    case = queue(99, "exponential")
    run = simulate(case, disturbed=True)
    release = np.array([heat.release_min for heat in case.heats])
    start = dict(zip(run["op_heat"].values, run["op_start_min"].values, strict=True))
    values = np.array([start[heat.name] for heat in case.heats])
    over = float(run["op_end_min"].max())
    waiting = Trace(release, values, np.ones(N)).mean(np.linspace(0, over, 5001)).mean()
    assert waiting == pytest.approx(N / over * float(run["op_waited_min"].mean()), rel=1e-9)
    assert waiting == pytest.approx(BUSY**2 / (1 - BUSY), rel=0.35)


def test_parallel_units_take_the_first_free() -> None:
    """Proves: of two units the free one serves, none waits while one is idle. Sensitivity: one queue per unit."""
    run = simulate(queue(5, "lognormal", n=400, units=2), disturbed=True)
    order = np.argsort(run["op_start_min"].values, kind="stable")
    start, end = run["op_start_min"].values[order], run["op_end_min"].values[order]
    waited, unit = run["op_waited_min"].values[order], run["op_unit"].values[order]
    assert set(unit) == {"M0", "M1"}
    for i in np.flatnonzero(waited > 1e-6):
        assert np.sum((start < start[i] - 1e-9) & (end >= start[i] - 1e-9)) == 2


def test_a_heat_takes_the_unit_on_which_it_is_done_first() -> None:
    """Proves: of free units that take 40, 20 and 30 min the second is taken, then the third, then the first.

    Sensitivity: the first in the file taken, or the last one that is free.
    """
    line = one_machine()
    line["stages"][0]["units"] = [{"name": name, "power_mw": 1.0} for name in "ABC"]
    line["grades"][0]["duration_min"] = {"A": 40, "B": 20, "C": 30}
    run = simulate(scenario(line, [{"name": "O", "heats": [{"grade": "G", "count": 3}]}]))
    assert dict(zip(run["op_heat"].values.tolist(), run["op_unit"].values.tolist(), strict=True)) == {
        "O-1": "B",
        "O-2": "C",
        "O-3": "A",
    }


def test_a_heat_that_no_free_unit_can_take_lets_the_next_one_pass() -> None:
    """Proves: two heats that only unit A can take and one that only B can: the second waits for A, the third does not
    wait behind it. Sensitivity: a unit taken that cannot do the work, or a queue that nobody may leave."""
    line = one_machine()
    line["stages"][0]["units"] = [{"name": name, "power_mw": 1.0} for name in "AB"]
    line["grades"] = [
        {"name": name, "mass_t": 10.0, "duration_min": {unit: 30}} for name, unit in (("G", "A"), ("H", "B"))
    ]
    orders = [{"name": "O", "heats": [{"grade": "G", "count": 2}]}, {"name": "P", "heats": [{"grade": "H"}]}]
    run = simulate(scenario(line, orders))
    assert [(op(run, heat, "work")["unit"], op(run, heat, "work")["start_min"]) for heat in ("O-1", "O-2", "P-1")] == [
        ("A", 0),
        ("A", 30),
        ("B", 0),
    ]


def test_what_has_begun_ends_within_the_horizon() -> None:
    """Proves: a heat that has run for 29 of 30 min ends at the horizon's start at the soonest, however short it is
    drawn. Sensitivity: an end before the run begins."""
    case = scenario(
        one_machine(30.0),
        [{"name": "O", "heats": [{"grade": "G"}]}],
        state={"started": [{"heat": "O-1", "stage": "work", "unit": "M", "start": "-29 min"}]},
        disturbances={"units": [{"unit": "M", "distribution": "exponential"}]},
    )
    listed = dispatch(case)
    for run in (partial(simulate, case), partial(replay, case, listed)):
        ends = [float(run(replication=r, disturbed=True)["op_end_min"][0]) for r in range(8)]
        assert min(ends) == 0
        assert max(ends) > 0


def test_a_transfer_holds_without_a_list() -> None:
    """Proves: a heat is at the next stage 15 min after it has left the one before. Sensitivity: no transfer."""
    line = {
        "stages": [
            {"name": "first", "units": [{"name": "A", "power_mw": 1.0}], "transfer_min": 15},
            {"name": "second", "units": [{"name": "B", "power_mw": 1.0}]},
        ],
        "grades": [{"name": "G", "mass_t": 10.0, "duration_min": {"first": 30, "second": 10}}],
    }
    run = simulate(scenario(line, [{"name": "O", "heats": [{"grade": "G", "count": 2}]}]))
    assert [op(run, f"O-{i}", "second")["start_min"] for i in (1, 2)] == [45, 75]


def test_set_up_and_transfer_hold_without_a_list() -> None:
    """Proves: 10 min set-up after 30 min of work make the third of three heats wait 80 min.

    Sensitivity: no set-up: 60.
    """
    case = scenario(one_machine(30.0, setup_min=10), [{"name": "A", "heats": [{"grade": "G", "count": 3}]}])
    run = simulate(case)
    assert [op(run, f"A-{i}", "work")["start_min"] for i in (1, 2, 3)] == [0, 40, 80]
    assert op(run, "A-3", "work")["waited_min"] == 80
