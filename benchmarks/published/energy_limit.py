"""Published furnaces in parallel under a limit on energy per metered interval (Módos, Šůcha & Hanzálek 2019).

Each job has its furnace, whole minutes and a power; in every interval the sum of minutes times power stays within the
limit. The least makespan is asked for. A case is read as a line of one stage whose orders name their unit.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.minutes.to_the_minute import to_the_minute
from benchmarks.published.cases import BadCase, parsed, parser, read_json
from benchmarks.published.replayed import SEARCH_SHARE, answered, checked, starts, violations
from benchmarks.registry import oracle
from emberline import twin
from emberline.scenarios import Case

AGREE = 1e-6


@dataclass(frozen=True)
class PublishedCase:
    """A case as published."""

    name: str
    furnace: tuple[int, ...]
    minutes: tuple[int, ...]
    power: tuple[float, ...]
    furnaces: int
    limit: float
    interval_min: int
    horizon_min: int

    def scenario(self, time_limit: float) -> Case:
        """The case as a scenario; a unit of published power is a megawatt."""
        n = len(self.minutes)
        grades = [
            {
                "name": f"job {j}",
                "mass_t": 1.0,
                "duration_min": {f"furnace {self.furnace[j]}": self.minutes[j]},
                "energy_kwh_per_t": {f"furnace {self.furnace[j]}": self.power[j] * self.minutes[j] / 60 * 1000},
            }
            for j in range(n)
        ]
        due = timedelta(minutes=self.horizon_min)
        return checked(
            self.name,
            {
                "name": "energy-limit",
                "horizon": {
                    "start": date(2024, 1, 1),
                    "length_h": math.ceil(self.horizon_min / 60),
                    "step_min": self.interval_min,
                },
                "line": {
                    "stages": [{"name": "furnaces", "units": [{"name": f"furnace {u}"} for u in range(self.furnaces)]}],
                    "grades": grades,
                },
                "orders": [
                    {"name": f"order {j}", "heats": [{"grade": f"job {j}", "name": f"job {j}"}], "due": due}
                    for j in range(n)
                ],
                "site": {
                    "grid": {
                        "import_limit_mw": self.limit / self.interval_min,
                        "metered_interval_min": self.interval_min,
                    }
                },
                "market": {"price_per_mwh": {"value": 0.0}, "carbon_intensity_kg_per_mwh": {"value": 0.0}},
                "goal": {
                    "minimize": "makespan",
                    "caps": {"extra_cost_share": None},
                    "gap": 0.0,
                    "time_limit_s": time_limit,
                },
            },
        )


def read(path: str) -> PublishedCase:
    """Read a case.

    Raises:
        BadCase: it lacks something, or says what cannot be.
    """
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise BadCase(f"{path}: is not a JSON object")

    def number(place: str, value: Any, *, whole: bool = False, least: float = 0.0) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
            raise BadCase(f"{path}: {place}: {str(value)[:40]!r} is no number of at least {least:g}")
        if whole and value != round(value):
            raise BadCase(f"{path}: {place}: {value!r} is not whole")
        return value

    furnaces = int(number("NumMachines", raw.get("NumMachines"), whole=True, least=1))
    jobs = raw.get("Jobs")
    if not isinstance(jobs, list) or not jobs:
        raise BadCase(f"{path}: Jobs: is no list of jobs")
    rows: list[tuple[int, int, float]] = []
    for j, job in enumerate(jobs):
        operations = job.get("Operations") if isinstance(job, dict) else None
        if not isinstance(operations, list) or len(operations) != 1 or not isinstance(operations[0], dict):
            raise BadCase(f"{path}: Jobs[{j}]: Operations must hold one operation")
        operation, place = operations[0], f"Jobs[{j}].Operations[0]"
        furnace = int(number(f"{place}.MachineIndex", operation.get("MachineIndex"), whole=True))
        if furnace >= furnaces:
            raise BadCase(f"{path}: {place}.MachineIndex: {furnace} is not below NumMachines {furnaces}")
        minutes = int(number(f"{place}.ProcessingTime", operation.get("ProcessingTime"), whole=True, least=1))
        rows.append((furnace, minutes, number(f"{place}.PowerConsumption", operation.get("PowerConsumption"))))
    return PublishedCase(
        Path(path).name,
        tuple(furnace for furnace, _, _ in rows),
        tuple(minutes for _, minutes, _ in rows),
        tuple(power for _, _, power in rows),
        furnaces,
        number("EnergyLimit", raw.get("EnergyLimit"), least=1e-9),
        int(number("LengthMeteringInterval", raw.get("LengthMeteringInterval", 15), whole=True, least=1)),
        int(number("Horizon", raw.get("Horizon"), whole=True, least=1)),
    )


@oracle("energy_limit", "furnaces under a limit on energy per interval, makespan (Módos et al. 2019): FILE")
def main(argv: list[str]) -> int:
    """Solve a case through the product's model, replay it in the twin, print what came of it."""
    argument_parser = parser("energy_limit", __doc__)
    argument_parser.add_argument("file", help="JSON file of the case")
    request = parsed(argument_parser, argv, 60.0)
    return answered(lambda: solve(read(request.file), request.time_limit), request.json)


def solve(case: PublishedCase, time_limit: float) -> dict[str, Any]:
    """Plan, replay and judge a case."""
    began = time.perf_counter()
    scenario = case.scenario(SEARCH_SHARE * time_limit)
    schedule = to_the_minute(scenario, twin.envelope(scenario))
    answer: dict[str, Any] = {
        "case": case.name,
        "status": str(schedule.attrs["status"]),
        "objective": None,
        "bound": float(schedule.attrs["bound"]),
        "gap": None,
        "seconds": time.perf_counter() - began,
        "violations": [],
        "starts": [],
    }
    if not schedule.attrs["found"]:
        return answer
    run = twin.replay(scenario, schedule)
    spans = starts(run)
    makespan = max(end for _, end in spans.values())
    misses = [*violations(run), *broken(case, {int(name.split()[1]): span for name, span in spans.items()})]
    if abs(makespan - float(schedule.attrs["objective"])) > AGREE:
        misses.append({"kind": "makespan", "amount": makespan - float(schedule.attrs["objective"]), "measure": "min"})
    return answer | {
        "objective": makespan,
        "gap": (makespan - answer["bound"]) / makespan,
        "seconds": time.perf_counter() - began,
        "violations": misses,
        "starts": [spans[f"job {j}"][0] for j in range(len(case.minutes))],
    }


def broken(case: PublishedCase, spans: dict[int, tuple[float, float]]) -> list[dict[str, Any]]:
    """What the published rules ask for and the replay does not keep, judged by the case's file alone."""
    items: list[dict[str, Any]] = []
    load: dict[int, float] = {}
    for j, (start, end) in spans.items():
        if abs(end - start - case.minutes[j]) > AGREE or start < -AGREE or end > case.horizon_min + AGREE:
            items.append({"kind": "duration", "heat": f"job {j}", "at_min": start, "amount": end - start})
        for m in range(int(start // case.interval_min), math.ceil(end / case.interval_min)):
            overlap = min(end, (m + 1) * case.interval_min) - max(start, m * case.interval_min)
            load[m] = load.get(m, 0.0) + max(overlap, 0.0) * case.power[j]
        for other, (begin, over) in spans.items():
            if other < j and case.furnace[other] == case.furnace[j] and min(end, over) - max(start, begin) > AGREE:
                items.append({"kind": "overlap", "heat": f"job {j}", "at_min": start, "amount": over - start})
    for m, energy in load.items():
        if energy > case.limit * (1 + AGREE):
            items.append({"kind": "energy", "at_min": m * case.interval_min, "amount": energy - case.limit})
    if len(spans) < len(case.minutes):
        items.append({"kind": "unfinished", "amount": len(case.minutes) - len(spans)})
    return items
