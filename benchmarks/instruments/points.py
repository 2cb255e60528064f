"""One measurement in a process of its own: a request as JSON on the standard input, one JSON line as the answer.

Processes of their own keep apart what each loads and how much memory each takes; a time limit ends what grows too far.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers.protocol import peak_mib

ROUNDS = 3
ROOT = Path(__file__).resolve().parents[2]

Point = Callable[..., dict[str, Any]]
POINTS: dict[str, Point] = {}


def point(work: Point) -> Point:
    """Register a function of this module as what a process can be asked for."""
    POINTS[work.__name__] = work
    return work


def ask(name: str, limit_s: float, **how: Any) -> dict[str, Any] | None:
    """Have a point measured in a new process; None where it does not end within the limit.

    Raises:
        RuntimeError: it failed; the last line of what it said.
    """
    command = [sys.executable, "-m", "benchmarks.instruments.points"]
    try:
        process = subprocess.run(
            command, input=json.dumps({"name": name, **how}), capture_output=True, text=True, cwd=ROOT, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return None
    if process.returncode:
        last = (process.stderr.strip().splitlines() or ["no word of error"])[-1]
        raise RuntimeError(f"{name} {how}: exit code {process.returncode}: {last}")
    return json.loads(process.stdout.splitlines()[-1])


@point
def heats(heats: int, time_limit_s: float) -> dict[str, Any]:
    """Twin, build, first better plan, and gap at the limit, for so many heats of the bundled week's orders."""
    from benchmarks.instruments.scaled import of_heats

    return _planned(of_heats(heats, time_limit_s))


@point
def steps(steps: int, time_limit_s: float) -> dict[str, Any]:
    """The bundled hub over so many quarter-hours."""
    from emberline.scenarios import load

    changes = [f"horizon={{start: 2026-01-01, zone: Europe/Berlin, length_h: {steps / 4:g}, step_min: 15}}"]
    return _planned(load("works-hub-year", [*changes, f"goal.effort={time_limit_s:g}"]))


@point
def units(copies: int, time_limit_s: float) -> dict[str, Any]:
    """A week of the hub with each of its machines and stores so many times, the loads and the grid with them."""
    from benchmarks.instruments.scaled import hub_of_copies
    from benchmarks.peers.emberline_side import scenario

    return _planned(_within(scenario(hub_of_copies(copies)), time_limit_s))


@point
def switched(time_limit_s: float) -> dict[str, Any]:
    """The year's hub with its CHP switched, as ``emberline plan`` plans it."""
    from benchmarks.peers import hub
    from benchmarks.peers.emberline_side import NO_BATTERY, scenario
    from emberline import models

    return _outcome(models.optimize(_within(scenario(hub.switched()), time_limit_s), NO_BATTERY))


def _within(result: Any, time_limit_s: float) -> Any:
    return result.model_copy(update={"goal": result.goal.model_copy(update={"time_limit_s": time_limit_s})})


def _planned(result: Any) -> dict[str, Any]:
    from emberline import models, twin

    result.inputs  # noqa: B018  reading the series is no part of it
    _, simulated = _timed(lambda: twin.simulate(result))
    envelope, enveloped = _timed(lambda: twin.envelope(result))
    listed, dispatched = _timed(lambda: twin.dispatch(result, envelope))
    events: list[tuple[float, float]] = []

    def tell(event: dict[str, Any]) -> None:
        if event.get("incumbent") is not None:
            events.append((event["seconds"], event["incumbent"]))

    schedule = models.optimize(result, envelope, listed if listed.attrs["complete"] else None, on_progress=tell)
    better = [seconds for seconds, value in events if value < events[0][1]]
    return _outcome(schedule) | {
        "twin_s": simulated,
        "prepare_s": enveloped + dispatched,
        "better_s": min(better, default=None),
    }


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What some work made, and the median of its CPU seconds over some rounds."""
    rows = []
    for _ in range(ROUNDS):
        began = time.process_time()
        result = work()
        rows.append(time.process_time() - began)
    return result, statistics.median(rows)


def _outcome(schedule: Any) -> dict[str, Any]:
    from emberline.models.search.schedule import seconds

    phases = seconds(schedule)
    return {
        "found": bool(schedule.attrs["found"]),
        "status": str(schedule.attrs["status"]),
        "gap": float(schedule.attrs["gap"]),
        "objective": float(schedule.attrs["objective"]),
        "seconds": phases,
        "peak_mib": peak_mib(),
    }


def main() -> None:
    """Answer the request on the standard input."""
    from benchmarks.instruments.quiet import quiet

    case = json.load(sys.stdin)
    with quiet():
        answer = POINTS[case.pop("name")](**case)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
