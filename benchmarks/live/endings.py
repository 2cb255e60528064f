"""Ends of plans at random: set-points return once, within one cycle, and nothing is written afterwards."""

from __future__ import annotations

import math
import os
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.live.job_orders import JobShop
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Findings, Table, measured
from emberline import twin
from emberline.live.connectors import ConnectorError
from emberline.live.outputs.service import Outputs
from emberline.live.tags import Live, Plant, Reading
from emberline.runs.decisions import APPROVED, OPEN, Advice, Decisions
from emberline.runs.store import StoreError
from emberline.scenarios import Case
from emberline.scenarios import load as load_scenario

SEQUENCES = 1000
EACH_HOME = 50
MEMORY_DISK = Path("/dev/shm")
"""Nothing is lost but the waiting for a disk: processes are killed here, not computers."""
STEPS = 16
POINTS = ("ns=2;s=First", "ns=2;s=Second")
RETURN_KW = (7.0, -13.0)
"""No plan has these numbers, so that a write of one is a return."""
LONGEST_AGE_S = 60
ENDINGS = ("abort", "end", "delete", "revoke", "withdraw", "expire", "clock", "quality")
ACTS = ("advise", "approve", "run", "run", "manual", "restart", "kill", "kill", "faults", "wait", "wait", *ENDINGS)
ENDED = ("withdrawn", "expired", "replaced", "declined")


class Killed(BaseException):
    """The process of the loop is killed (signal 9)."""


@dataclass
class Works:
    """A plant as the loop sees it: its clock, tags and controllers."""

    random: np.random.Generator
    at: datetime
    offset_s: float = 0.0
    """By how much this computer's clock is ahead of the plant's."""
    source_s: float = 0.0
    """By how much the clock of the tags' source is ahead."""
    tags_away: bool = False
    faulty: bool = False
    operations_left: int | None = None
    """Before the process is killed."""
    values: dict[str, float] = field(default_factory=lambda: dict.fromkeys(POINTS, 0.0))
    writes: list[tuple[str, float]] = field(default_factory=list)
    """That the controllers took over."""
    signs: int = 0
    """Writes of heartbeats and times."""

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.offset_s)

    def newest(self) -> dict[str, Reading | str]:
        if self.tags_away:
            return dict.fromkeys(("site power", "battery level", "price"), "connector plant: no answer")
        at = self.at + timedelta(seconds=self.source_s)
        return {name: Reading(1.0, at) for name in ("site power", "battery level", "price")}

    def _operation(self) -> str:
        if self.operations_left is not None:
            self.operations_left -= 1
            if self.operations_left < 0:
                raise Killed
        return str(self.random.choice(["refused", "late", "lost", "odd"])) if self.faulty and self._chance() else ""

    def _chance(self) -> bool:
        return bool(self.random.random() < 0.3)

    def read(self, address: str) -> float:
        fault = self._operation()
        if fault == "refused":
            raise ConnectorError("no answer")
        return math.nan if fault == "odd" else self.values[address]

    def write(self, address: str, value: float | datetime) -> None:
        fault = self._operation()
        if fault == "refused":
            raise ConnectorError("refused")
        if address not in self.values or isinstance(value, datetime):
            self.signs += 1
        elif fault != "lost":
            self.values[address] = value
            self.writes.append((address, value))
        if fault == "late":
            raise ConnectorError("no answer within 10 s")
        self._operation()


class WorksPlant(Plant):
    """A plant whose clock is simulated."""

    works: Works

    def now(self) -> datetime:
        return self.works.now()


@cache
def scenario() -> Case:
    return load_scenario("melt-shop-small")


@cache
def schedule() -> xr.Dataset:
    """Of a plan, with as little in it as its set-points and job order need."""
    whole = twin.dispatch(scenario()).isel(heat=[0])[["unit", "start_min", "end_min"]]
    still = twin.simulate(scenario())["import_mw"] * 0
    return whole.assign(charge_mw=still, discharge_mw=still)


def plant_of(works: Works, name: str) -> WorksPlant:
    points = [
        {"name": f"point {k}", "address": address, "battery": True, "unit": "kW", "range": [-3000, 3000],
         "ramp_per_min": 6000, "every_s": 5, "heartbeat": "ns=2;s=Beat", "valid_until": "ns=2;s=Until",
         "return_value": RETURN_KW[k]}
        for k, address in enumerate(POINTS)
    ]  # fmt: skip
    tag = {"connector": "plant", "range": [0, 8], "longest_age_s": LONGEST_AGE_S}
    rows = {
        "scenario": "melt-shop-small",
        "connectors": [{"name": "plant", "kind": "opcua", "url": "opc.tcp://x"}],
        "tags": [
            {**tag, "name": "site power", "address": "a", "power_of": "site", "unit": "MW"},
            {**tag, "name": "battery level", "address": "b", "level_of": "battery", "unit": "MWh"},
            {**tag, "name": "price", "address": "c", "price": True, "unit": "EUR/MWh"},
        ],
        "set_points": {"enabled": True, "connector": "plant", "allow": points},
    }
    plant = WorksPlant(Live.model_validate(rows), scenario(), Path(), name)
    object.__setattr__(plant, "works", works)
    return plant


class Sequence:
    """A random sequence of what people, plant and computer do, with a check after each cycle of the outputs."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = np.random.default_rng([seed, 4])
        self.works = Works(self.random, scenario().horizon.instant(60))
        self.plant, self.jobs = plant_of(self.works, f"plant-{seed}"), JobShop()
        self.decisions = Decisions(self.plant.name, folder)
        self.seed, self.count = seed, Counter[str]()
        self.trail: list[str] = []
        self._begin()
        self.alive: list[Advice] = []
        """Advice that is open or in force after the last cycle."""
        self._plan = ""
        self._before: dict[str, float] = {}
        self._due = dict.fromkeys(POINTS, False)
        """Set-points that a plan has written and nobody has returned or taken over."""
        self._is_over = dict.fromkeys(POINTS, False)
        """Set-points that must not be written before another plan is in force."""

    def _begin(self) -> None:
        self.outputs = Outputs(self.plant, self.decisions, self.works.newest)
        self.outputs.connect(self.jobs, self.works)

    def run(self) -> Counter[str]:
        """All steps.

        Raises:
            Wrong: a set-point does not return once, or something is written after the end of a plan.
        """
        for _ in range(STEPS):
            before = next((one for one in self.alive if one.state == APPROVED), None)
            open_ones = [one.id for one in self.alive if one.state == OPEN]
            act = self._choice(before, bool(open_ones))
            self.trail.append(act)
            ended = self._do(act, before, open_ones)
            self._cycle()
            if ended:
                self.count[act] += 1
                self._check_end(ended)
        if not self.decisions.unbroken():
            raise self._wrong("the audit is broken")
        return self.count

    def _choice(self, in_force: Advice | None, is_open: bool) -> str:
        """The next event: most often one that leads to a plan in force, and then any."""
        acts: list[str] = list(self.random.choice(ACTS, 1))
        if self.works.offset_s or self.works.source_s or self.works.tags_away:
            acts.append("right")
        if in_force is None:
            acts += ["start", "approve"] if is_open else ["advise", "advise"]
        return str(self.random.choice(acts))

    def _do(self, act: str, in_force: Advice | None, open_ones: list[str]) -> str:
        """Do something; id of the advice that it ends, if it ends one."""
        works, now = self.works, self.works.now()
        number = "" if in_force is None else in_force.id
        if act == "advise":
            self._advise(now)
        elif act == "approve" and open_ones:
            with suppress(StoreError):
                self.decisions.decide(open_ones[0], approve=True, who="page", reason="", now=now)
        elif act in ("start", "run"):
            for one in [*open_ones, number]:
                with suppress(ConnectorError):
                    self.jobs.start(one) if act == "start" else self.jobs.run(one)
        elif act in ("abort", "end", "delete", "revoke"):
            by_start = any(row.who.startswith("operator") for row in self.decisions.audit(number or "-"))
            subject = number or (open_ones or ["-"])[0]
            try:
                if act != "revoke":
                    {"abort": self.jobs.abort, "end": self.jobs.end, "delete": self.jobs.delete}[act](subject)
                elif by_start:
                    self.jobs.revoke(number)
                return subject if act != "revoke" or by_start else ""
            except ConnectorError:
                return ""
        elif act == "withdraw" and number:
            self.decisions.withdraw(number, who="page", reason="crane is out", now=now)
        elif act == "expire" and in_force is not None:
            works.at += max(in_force.ends - now, timedelta())
        elif act == "clock":
            off = float(self.random.choice([-7200.0, -45.0, 90.0, 3600.0]))
            works.offset_s, works.source_s = (off, 0.0) if self.random.random() < 0.7 else (0.0, -off)
        elif act == "quality":
            works.tags_away = True
            works.at += timedelta(seconds=LONGEST_AGE_S + 1)
        elif act == "right":
            works.offset_s, works.source_s, works.tags_away = 0.0, 0.0, False
        elif act == "manual":
            works.values[str(self.random.choice(POINTS))] = float(self.random.uniform(1000, 2900))
        elif act == "restart":
            self._begin()
        elif act == "kill":
            works.operations_left = int(self.random.integers(0, 12))
        elif act == "faults":
            works.faulty = True
        return number if act in ENDINGS else ""

    def _advise(self, now: datetime) -> None:
        number = f"{self.random.integers(2**63):016x}{self.seed:08x}{len(self.trail):08x}"
        body = {"says": "random", "changes": [], "marks": [], "made_for": self.plant.identity}
        ends = now + timedelta(minutes=float(self.random.uniform(5, 30)))
        advice = Advice(number, "open", now, now, now + timedelta(minutes=10), ends, "0" * 64, body)
        power = float(self.random.uniform(-2.9, -0.5))
        self.decisions.advise(advice, schedule().assign(discharge_mw=schedule()["discharge_mw"] - power), "loop", "")

    def _cycle(self) -> None:
        """One cycle of the outputs and of the loop's own expiry; killed, it is followed by a restart."""
        manual = {name: value for name, value in self.works.values.items() if self._before.get(name, value) != value}
        killed, faulty = False, self.works.faulty
        first, signs = len(self.works.writes), self.works.signs
        try:
            self.outputs.step()
            self._expire()
        except Killed:
            killed = True
            self._begin()
            self.alive = self.decisions.concerning()
            self.count["kills"] += 1
        self.works.operations_left, self.works.faulty = None, False
        self._check(manual, first, signs, is_clean=not killed and not faulty)
        self._before = dict(self.works.values)
        self.works.at += timedelta(seconds=float(self.random.uniform(5, 30)))

    def _expire(self) -> None:
        """As the loop does."""
        now, alive = self.works.now(), self.decisions.concerning()
        if any((one.ends if one.state == APPROVED else one.expires) <= now for one in alive):
            self.decisions.expire(now)
            alive = self.decisions.concerning()
        self.alive = alive

    def _check(self, manual: dict[str, float], first: int, signs: int, is_clean: bool) -> None:
        """What was written in a cycle, against the plan that is in force after it."""
        plan = next((one.id for one in self.alive if one.state == APPROVED), "")
        is_new = bool(plan) and plan != self._plan
        if is_new:
            self._plan = plan
            self._is_over = dict.fromkeys(POINTS, False)
        for address in manual:
            self._due[address] = False
            self._is_over[address] = not is_new
        for address, value in self.works.writes[first:]:
            if self._is_over[address]:
                raise self._wrong(f"{value} is written to {address} after its end")
            is_return = value in RETURN_KW
            if is_return and not self._due[address]:
                raise self._wrong(f"{value} is a return to {address} that nobody has written")
            self._due[address] = not is_return
            self._is_over[address] = is_return
            self.count["returns" if is_return else "values"] += 1
        if not plan and is_clean:
            if any(self._due.values()):
                raise self._wrong(f"no return value after a whole cycle: {self._due}")
            self._is_over = dict.fromkeys(POINTS, True)
        if not plan and is_clean and self.works.signs != signs:
            raise self._wrong("a heartbeat without a plan in force")

    def _check_end(self, number: str) -> None:
        """After what ends a plan it is not in force, with one row of the audit."""
        if self.works.tags_away:  # a process that has just begun waits for them
            self.works.at += timedelta(seconds=LONGEST_AGE_S)
        self._cycle()  # the one before may have been killed
        state = self.decisions.find(number).state
        rows = [row.act for row in self.decisions.audit(number) if row.act in ENDED]
        if state not in ENDED or len(rows) != 1:
            raise self._wrong(f"advice {number} is {state}, ends: {rows}")

    def _wrong(self, text: str) -> Wrong:
        return Wrong(f"sequence {self.seed} after {', '.join(self.trail)}: {text}")


def through(sequences: int, first: int = 0) -> Counter[str]:
    """Random sequences; what happened, by kind.

    Raises:
        Wrong: of one of them.
    """
    count: Counter[str] = Counter()
    for start in range(first, first + sequences, EACH_HOME):
        with tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as folder:
            for seed in range(start, min(start + EACH_HOME, first + sequences)):
                count += Sequence(seed, Path(folder)).run()
                count["sequences"] += 1
    return count


@bench("live-endings", "1,000 random sequences of plans that end: one return value each, then nothing", long=True)
def main() -> Findings:
    """Count plans that ended, and what was written."""
    count = through(int(os.environ.get("EMBERLINE_SEQUENCES", SEQUENCES)))
    names = ("sequences", *ENDINGS, "kills", "values", "returns")
    return Findings([Table("Ends of plans", [measured(name, [float(count[name])], unit="") for name in names])])
