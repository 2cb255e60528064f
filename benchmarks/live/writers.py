"""Random plans through what writes to the plant: set-points of the allow-list, and job orders for an operator."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Findings, Table, measured
from emberline import twin
from emberline.live.connectors import ConnectorError
from emberline.live.outputs.job_orders import ACTIVE, WHO, JobOrders
from emberline.live.outputs.set_points import SetPoints, addresses
from emberline.live.simulation.job_orders import JobShop
from emberline.live.tags import Live, Plant
from emberline.plans.decisions import Advice, Decisions
from emberline.plans.store import StoreError
from emberline.scenarios import load as load_scenario

PLANS = 10_000
EACH_HOME = 100
"""Plans in one home; the next has a new one."""
ODD = (np.nan, np.inf, -np.inf, 1e30, -1e30, 1e-11)
LOW, HIGH, RAMP = -3000.0, 2500.0, 600.0
POINT: dict[str, Any] = {
    "name": "battery", "address": "ns=2;s=Battery.SetPoint", "battery": True, "unit": "kW", "range": [LOW, HIGH],
    "ramp_per_min": RAMP, "every_s": 10, "heartbeat": "ns=2;s=Beat", "valid_until": "ns=2;s=Until",
}  # fmt: skip


def plant_of(enabled: bool) -> Plant:
    """The small melt shop with one set-point."""
    rows = {
        "scenario": "melt-shop-small",
        "connectors": [{"name": "plant", "kind": "opcua", "url": "opc.tcp://x"}],
        "tags": [],
        "set_points": {"enabled": enabled, "connector": "plant", "allow": [POINT]},
    }
    return Plant(Live.model_validate(rows), load_scenario("melt-shop-small"), Path())


class Controllers:
    """Controllers with faults: values that are odd, refuse to be written, or stay as they are."""

    def __init__(self, random: np.random.Generator) -> None:
        self.values = {str(POINT["address"]): float(random.uniform(-4000, 4000))}
        self.writes: list[tuple[str, float | datetime]] = []
        self._random = random

    def read(self, address: str) -> float:
        if self._random.random() < 0.02:
            raise ConnectorError("no answer")
        return float(self._random.choice(ODD)) if self._random.random() < 0.02 else self.values[address]

    def write(self, address: str, value: float | datetime) -> None:
        if self._random.random() < 0.02:
            raise ConnectorError("refused")
        self.writes.append((address, value))
        if isinstance(value, float) and self._random.random() > 0.02:
            self.values[address] = value


def spoilt(schedule: xr.Dataset, random: np.random.Generator) -> xr.Dataset:
    """A plan whose set-points are random, some far outside of what can be, or no numbers."""
    plan = schedule.copy(deep=True)
    for name in ("charge_mw", "discharge_mw"):
        values = random.uniform(-1, 6, plan[name].shape)
        odd = random.random(values.shape) < 0.1
        values[odd] = random.choice(ODD, odd.sum())
        plan[name] = plan[name].copy(data=values)
    return plan


def set_points(seed: int, plants: dict[bool, Plant], schedule: xr.Dataset) -> Counter[str]:
    """One plan through the writer of set-points, over some steps.

    Raises:
        Wrong: something was written that must not be.
    """
    random = np.random.default_rng([seed, 1])
    enabled, approved = random.random() < 0.9, random.random() < 0.8
    plant, controllers = plants[enabled], Controllers(random)
    writer, plan = SetPoints(plant, controllers), spoilt(schedule, random)
    now = plant.scenario.horizon.instant(float(random.uniform(-60, 24 * 60)))
    ends = now + timedelta(minutes=float(random.uniform(-1, 3)))
    count: Counter[str] = Counter(plans=1)
    for _ in range(6):
        before, first = controllers.values[str(POINT["address"])], len(controllers.writes)
        says = writer.step("advice" if approved else "", plan, ends, now)
        count["refused"] += len(says)
        for address, value in controllers.writes[first:]:
            count["writes"] += 1
            if not enabled or not approved or now >= ends:
                raise Wrong(f"seed {seed}: written without a plan in force")
            if address not in set(addresses(plant)):
                raise Wrong(f"seed {seed}: {address} is not in the allow-list")
            if address == POINT["address"] and not (isinstance(value, float) and LOW <= value <= HIGH):
                raise Wrong(f"seed {seed}: {value} lies outside the range")
            is_value = address == POINT["address"] and isinstance(value, float)
            if is_value and abs(value - before) > RAMP / 6 + 1e-6:  # type: ignore[operator]
                raise Wrong(f"seed {seed}: {before} to {value} is steeper than the ramp")
            if address == POINT["valid_until"] and not (isinstance(value, datetime) and now < value <= ends):
                raise Wrong(f"seed {seed}: valid until {value}")
        now += timedelta(seconds=float(random.uniform(1, 40)))
    return count


class Operator:
    """Starts jobs as the mood takes, and remembers which."""

    def __init__(self, jobs: JobShop, random: np.random.Generator) -> None:
        self.jobs, self.starts, self._random = jobs, list[str](), random

    def act(self) -> None:
        for number in list(self.jobs.states()):
            act = self._random.choice(["start", "run", "", "", ""])
            try:
                if act == "start":
                    self.jobs.start(number)
                    self.starts.append(number)
                elif act == "run":
                    self.jobs.run(number)
            except ConnectorError:
                continue


def job_orders(
    seed: int, decisions: Decisions, jobs: JobShop, operator: Operator, schedule: xr.Dataset, now: datetime
) -> None:
    """One advice through the receiver of job orders, with an operator, the page and the clock acting at random.

    Raises:
        Wrong: a job runs that the operator has not started, or a start has no row in the audit.
    """
    random = np.random.default_rng([seed, 2])
    number = f"{random.integers(2**63):016x}{seed:016x}"
    body = {"says": "random", "changes": [], "marks": []}
    ends = now + timedelta(minutes=float(random.uniform(20, 200)))
    advice = Advice(number, "open", now, now, now + timedelta(minutes=60), ends, "0" * 64, body)
    decisions.advise(advice, schedule, "loop", "random")
    orders = JobOrders(decisions, jobs)
    for _ in range(4):
        orders.step(now)
        operator.act()
        if random.random() < 0.1:
            with suppress(StoreError):
                decisions.decide(number, approve=bool(random.random() < 0.5), who="page", reason="mood", now=now)
        now += timedelta(minutes=float(random.uniform(0, 40)))
        decisions.expire(now)
        active = {number for number, state in jobs.states().items() if state in ACTIVE}
        if strangers := active - set(operator.starts):
            raise Wrong(f"seed {seed}: {strangers} run without a start")
    orders.step(now)


def audited(decisions: Decisions, operator: Operator) -> int:
    """Approvals by job order, each with one row of the audit.

    Raises:
        Wrong: one has none or two, or was not started by the operator.
    """
    rows = Counter(row.advice for row in decisions.audit() if row.act == "approved" and row.who == WHO)
    if set(rows) - set(operator.starts) or any(count != 1 for count in rows.values()) or not decisions.unbroken():
        raise Wrong(f"approvals without start, or twice: {rows}")
    return len(rows)


def through(plans: int) -> tuple[Counter[str], int]:
    """Random plans through both writers: counts, and approvals by start of a job."""
    plants = {enabled: plant_of(enabled) for enabled in (True, False)}
    schedule = twin.simulate(plants[True].scenario)
    schedule = twin.dispatch(plants[True].scenario).assign(
        {name: schedule[name] for name in ("charge_mw", "discharge_mw")}
    )
    count: Counter[str] = Counter()
    jobs_of = schedule[["unit", "start_min", "end_min"]]
    begin, approvals = plants[True].scenario.horizon.start_utc, 0
    for first in range(0, plans, EACH_HOME):
        with tempfile.TemporaryDirectory() as folder:
            decisions, jobs = Decisions("live", Path(folder)), JobShop()
            operator = Operator(jobs, np.random.default_rng([first, 3]))
            for seed in range(first, min(first + EACH_HOME, plans)):
                count += set_points(seed, plants, schedule)
                job_orders(seed, decisions, jobs, operator, jobs_of, begin + timedelta(hours=seed - first))
            approvals += audited(decisions, operator)
            count["starts"] += len(operator.starts)
        if first % 1000 == 900:
            print(f"{first + EACH_HOME} plans: {dict(count)}, {approvals} approvals by start", flush=True)
    return count, approvals


@bench("live-writers", "10,000 random plans through set-points and job orders: nothing that must not be", long=True)
def main() -> Findings:
    """Count what was written, refused and started."""
    plans = int(os.environ.get("EMBERLINE_PLANS", PLANS))
    count, approvals = through(plans)
    rows = [measured(name, [float(count[name])], unit="") for name in ("plans", "writes", "refused", "starts")]
    rows.append(measured("approvals by start of a job, each audited once", [float(approvals)], unit=""))
    return Findings([Table("Writers", rows)])
