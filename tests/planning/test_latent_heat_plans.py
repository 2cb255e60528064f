"""A latent heat store in twin, model and ledger."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from agreeing import EXACT
from hubs import ELECTRODE, hub
from site_runs import levels, missed, rates, run_at

from emberline.planning import Plan
from emberline.planning.accounts.bill import bill
from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.sums import figures
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text import facts
from emberline.scenarios import Case

PLATEAU = ((0.0, 6.0, 2.0), (0.2, 3.0, 3.0), (0.8, 3.0, 3.0), (1.0, 1.0, 6.0))
SALT: dict[str, Any] = {
    "kind": "latent_heat_store", "name": "salt", "carrier": "heat", "capacity": 10.0, "level_share": 0.1,
    "self_loss_per_h": 0.01, "in_efficiency": 0.95, "wear_cost_per_unit": 0.5,
    "limits": [dict(zip(("level_share", "in_rate", "out_rate"), point, strict=True)) for point in PLATEAU],
}  # fmt: skip
STEAM = {
    "kind": "supply", "name": "steam", "carrier": "heat", "price_per_unit": 70.0, "fossil_kg_per_unit": 220.0,
}  # fmt: skip


def case(**how: Any) -> Case:
    """Twelve hours of cheap and dear power, a load of heat, steam and a store that melts."""
    price = [20.0, 15.0, 10.0, 90.0, 95.0, 60.0, 12.0, 18.0, 30.0, 99.0, 80.0, 70.0]
    need = {"kind": "load", "name": "need", "carrier": "heat", "rate": [3.0] * 12}
    carbon = {"per_t": 80.0, "covers": "all"}
    return hub(ELECTRODE, STEAM, SALT, need, price=price, carbon=carbon, minimize="cost_with_carbon_price", **how)


@cache
def solution() -> Plan:
    """A plan of it. Not to be changed."""
    return make_plan(case(), PLAIN)


def test_twin_model_and_ledger_say_the_same() -> None:
    """Proves: energy, carbon, money and level of schedule and replay are the same, nothing is violated, and the store's
    limits bind. Sensitivity: a twin that reads the limits at another level misses set-points."""
    planned = solution()
    assert planned.acceptable, (planned.verdict, planned.violations)
    scheduled, replayed = planned.schedule_figures, planned.replay_figures
    assert scheduled is not None
    assert replayed is not None
    for name in ("energy_mwh", "carbon_kg", "cost", "import_mwh"):
        assert getattr(scheduled, name) == pytest.approx(getattr(replayed, name), rel=EXACT), name
    # a small part of all carbon, exact to the solver's rounding of the whole
    assert scheduled.direct_kg == pytest.approx(replayed.direct_kg, abs=EXACT * replayed.carbon_kg)
    assert scheduled.levels == pytest.approx(replayed.levels, rel=EXACT)
    assert planned.replay is not None
    for run in (planned.replay, planned.baseline):
        book, sums = ledger(planned.scenario, run), figures(planned.scenario, run)
        assert sums.carbon_kg == pytest.approx(sums.direct_kg + book.grid[planned.scenario.goal.signal], rel=1e-9)
        assert sums.cost == pytest.approx(bill(planned.scenario, run, sums.direct_kg).total, rel=1e-9)
        most_in, most_out = limits(planned.scenario, run)
        assert (-np.array(rates(run, "salt.in")) <= most_in + 1e-6).all()
        assert (np.array(rates(run, "salt.out")) <= most_out + 1e-6).all()
    most_in, _ = limits(planned.scenario, planned.replay)
    assert np.isclose(-np.array(rates(planned.replay, "salt.in")), most_in, atol=1e-6).sum() >= 2


def limits(scenario: Case, run: xr.Dataset) -> np.ndarray:
    """Most that the store may take and give in each step [MW], shape (2, n_steps)."""
    salt = scenario.site.stores["salt"]
    before = [salt.start_level, *levels(run, "salt")[:-1]]
    return np.array([salt.rate_limits(level) for level in before]).T


def test_a_set_point_above_the_limit_at_its_level_is_missed() -> None:
    """Proves: from 1 of 10 it takes 4.5 of 6, and at most 3 of 5 on the plateau; steam covers what it does not
    give, and both are violations. Sensitivity: limits of a full or an empty store."""
    lossless = SALT | {"self_loss_per_h": 0.0, "in_efficiency": 1.0, "end_level_share": 0.0}
    plain = hub(
        {**STEAM, "price_per_unit": 30.0}, lossless,
        {"kind": "load", "name": "need", "carrier": "heat", "rate": [1.0, 5.0]}, price=[50.0, 50.0],
    )  # fmt: skip
    run = run_at(plain, salt__in=[-6.0, 0.0], salt__out=[0.0, 5.0], steam=[7.0, 0.0])
    assert rates(run, "salt.in") == [-4.5, 0]
    assert rates(run, "salt.out") == [0, 3]
    assert [row[:4] for row in missed(run)] == [
        ("asset", "salt", 0.0, pytest.approx(1.5)), ("asset", "salt", 60.0, pytest.approx(2.0)),
    ]  # fmt: skip


def test_its_size_is_said_in_words() -> None:
    """Proves: the list of assets says what it is, how large and how fast. Sensitivity: the kind's key."""
    (row,) = [row for row in facts.assets(case()) if row[0] == "salt"]
    assert row[1:3] == ("latent heat store", "10 MWh, by level at most 6 MW in and 6 MW out")
