"""Status of a job, read from its events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emberline.runs.jobs.folder import events

ENDED = ("stored", "refused", "failed", "stopped", "broken")


@dataclass(frozen=True)
class JobStatus:
    """Status of a job. ``state`` is ``queued``, ``working``, or one of ``ENDED``."""

    run: str
    state: str
    kind: str = "plan"
    phase: str = ""
    phases: tuple[str, ...] = ()
    """All phases so far; some of them repeat in robust planning."""
    incumbent: float | None = None
    bound: float | None = None
    gap: float | None = None
    seconds: float | None = None
    """Time of the search [s]."""
    count: int = 0
    of: int = 0
    """Total number of disturbed replays or points of a front; ``count`` is the number completed."""
    successes: int = 0
    """Number of completed replays that held."""
    ahead: int = 0
    """Number of jobs that wait before this one."""
    cancelling: bool = False
    lines: tuple[str, ...] = ()
    """Errors, one line each."""
    history: tuple[tuple[float, float | None, float | None], ...] = field(default=(), repr=False)
    """Seconds of the search, incumbent and bound."""
    operations: tuple[tuple[str, int, str, float], ...] = field(default=(), repr=False)
    """Operations of a line in the incumbent: heat, number of its stage, unit and start [min]."""
    points: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    """Points of a front, in the format of ``emberline.studies.pareto.search``."""
    under_way: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    """Points of a front whose search is running: ``begun`` and the cap."""
    since: float | None = None
    """Time when a worker began the job [s since 1970]."""
    draft: dict[str, Any] = field(default_factory=dict, repr=False)
    """Figures of the first plan, if a robust plan is searched for after it."""
    rounds: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    """Rounds of robust planning, in the format of ``emberline.planning.robustness.holding``."""
    steps: tuple[str, ...] = field(default=(), repr=False)
    """Steps of an analysis so far; the last one is running."""

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self.state in ENDED


def read_status(run: str, kind: str, folder: Path) -> JobStatus:
    """Return the status of a job by its events, whether or not its worker is alive."""
    now = JobStatus(run, "queued", kind)
    history: list[tuple[float, float | None, float | None]] = []
    operations: list[list[Any]] = []
    points: list[dict[str, Any]] = []
    under_way: dict[int, dict[str, Any]] = {}
    rounds: list[dict[str, Any]] = []
    steps: list[str] = []
    for event in events(folder):
        phase = str(event.get("phase", ""))
        if phase in ENDED:
            lines = tuple(event.get("lines", ()))
            now = replace(now, state=phase, lines=lines)
            break
        now = replace(now, state="working", phase=phase, since=event.get("at") if now.since is None else now.since)
        if phase not in now.phases:
            now = replace(now, phases=(*now.phases, phase))
        if phase == "optimize" and "seconds" in event:
            figures: dict[str, Any] = {name: event.get(name) for name in ("incumbent", "bound", "gap", "seconds")}
            now = replace(now, **figures)
            if now.seconds is not None and (now.incumbent is not None or now.bound is not None):
                history.append((now.seconds, now.incumbent, now.bound))
            operations = event.get("operations") or operations
        elif phase == "analysis":
            now = replace(now, count=event["done"], of=event["of"])
            if event["says"] not in steps[-1:]:
                steps.append(event["says"])
        elif "begun" in event:
            under_way[event["begun"]] = event
        elif phase == "round":
            rounds.append(event)
        elif phase == "draft":
            now = replace(now, draft=event)
        elif phase == "twin":
            history.clear()  # another search begins
        elif "done" in event:
            now = replace(now, count=event["done"], of=event["of"], successes=event.get("held", 0))
            if "point" in event:
                points.append(event)
                under_way.pop(event["point"], None)
    now = replace(now, history=tuple(history), points=tuple(points), rounds=tuple(rounds), steps=tuple(steps))
    now = replace(now, operations=tuple((heat, stage, unit, at) for heat, stage, unit, at in operations))
    return now if now.ended else replace(now, under_way=tuple(under_way.values()))
