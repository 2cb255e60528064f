"""168 heats on 15 min in real weeks of 2024: incumbent, bound and gap over time, and the plan replayed by the twin.

``melt-shop-week`` on German day-ahead prices and life-cycle carbon intensities, weeks drawn by seed. Needs the shared
folder of real series, as the bench ``plans`` does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.instruments.quiet import quiet
from benchmarks.planning.cement import week_of
from benchmarks.planning.days import MISSING, scenario, shared
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import NEVER, Bar, Findings, Plot, Table, measured
from emberline import models, twin

LIMIT_S = 120.0
ALL = range(10)
BAR_S, BAR_GAP, PRIZE_GAP = 60.0, 1.5, 1.0
"""Seconds, and gaps [%] then and at the limit."""


@dataclass(frozen=True)
class Event:
    """What the search had at a time; gap relative, infinite before there is a bound."""

    seconds: float
    incumbent: float | None
    bound: float | None
    gap: float


@dataclass(frozen=True)
class Trajectory:
    """A week's search and what the twin made of its plan."""

    monday: date
    events: list[Event]
    status: str
    violations: list[str]

    def gap_at(self, seconds: float) -> float:
        """Gap that was proven by then [%]; infinite where none was."""
        gaps = [event.gap for event in self.events if event.seconds <= seconds]
        return min(gaps, default=NEVER) * 100

    def reached(self, gap: float) -> float:
        """Seconds until a gap [%] was proven; infinite where it was not."""
        return next((event.seconds for event in self.events if event.gap * 100 <= gap + 1e-9), NEVER)


def run(monday: date, folder: Path, limit_s: float = LIMIT_S) -> Trajectory:
    """Plan a week, as far as the limit lets the search come."""
    result = scenario(monday, folder, "melt-shop-week", ("goal.gap=0", f"goal.effort={limit_s:g}"))
    envelope = twin.envelope(result)
    listed = twin.dispatch(result, envelope)
    events: list[Event] = []

    def tell(event: dict[str, Any]) -> None:
        gap = event.get("gap")
        events.append(
            Event(event["seconds"], event.get("incumbent"), event.get("bound"), NEVER if gap is None else float(gap))
        )

    with quiet():
        schedule = models.optimize(result, envelope, listed if listed.attrs["complete"] else None, on_progress=tell)
    attrs = schedule.attrs
    if not attrs["found"]:
        return Trajectory(monday, events, str(attrs["status"]), [])
    gap = float(attrs["gap"])
    events.append(
        Event(
            attrs["seconds search"], attrs["objective"], attrs["bound"], gap if math.isfinite(gap) else NEVER
        )
    )  # fmt: skip
    replayed = twin.replay(result, schedule)
    return Trajectory(monday, events, str(attrs["status"]), replayed["violation_kind"].values.tolist())


def findings(courses: list[Trajectory], limit_s: float = LIMIT_S) -> Findings:
    """Table and plots of some weeks."""
    rows = [
        measured(f"week of {c.monday}: gap at {limit_s:g} s", [c.gap_at(math.inf)], "%", says=_says(c)) for c in courses
    ]
    if limit_s >= BAR_S:
        at = [trajectory.gap_at(BAR_S) for trajectory in courses]
        rows.insert(0, measured(f"gap at {BAR_S:g} s", at, "%", bars=[Bar(BAR_GAP, "worst")]))
    if limit_s >= LIMIT_S:
        at = [trajectory.gap_at(math.inf) for trajectory in courses]
        rows.insert(1, measured(f"gap at {LIMIT_S:g} s (the prize)", at, "%", bars=[Bar(PRIZE_GAP, "worst")]))
    broken = [float(len(trajectory.violations)) for trajectory in courses]
    rows.append(measured("violations in the undisturbed replay", broken, "", bars=[Bar(0.0, "worst")]))
    gaps = {str(c.monday): [(e.seconds, e.gap * 100) for e in c.events if e.gap < NEVER] for c in courses}
    parts = {}
    for trajectory in courses[:1]:
        last = next((e.incumbent for e in reversed(trajectory.events) if e.incumbent is not None), None) or 1.0
        for name in ("incumbent", "bound"):
            values = [(e.seconds, getattr(e, name)) for e in trajectory.events]
            parts[name] = [(s, value / last) for s, value in values if value is not None and math.isfinite(value)]
    return Findings(
        [Table(f"168 heats on 15 min, {len(courses)} weeks of 2024, limit {limit_s:g} s", rows)],
        [
            Plot(f"week-gap-{len(courses)}", "Proven gap over time", "seconds", "gap %", gaps, steps=True),
            Plot(
                f"week-course-{len(courses)}", f"Plan and bound, week of {courses[0].monday}", "seconds",
                "share of the last plan's goal", parts, steps=True,
            ),
        ],
    )  # fmt: skip


def _says(trajectory: Trajectory) -> str:
    reached = (f"{_words(trajectory.reached(gap))} to {gap:g} %" for gap in (BAR_GAP, PRIZE_GAP))
    return "; ".join([trajectory.status, f"{len(trajectory.violations)} violations in the replay", *reached])


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < NEVER else "never"


def measure(seeds: range) -> Findings | None:
    """Some weeks one after the other.

    Raises:
        Wrong: the twin found a violation; with what was found.
    """
    folder = shared()
    if folder is None:
        print(MISSING)
        return None
    courses = []
    for seed in seeds:
        courses.append(run(week_of(seed), folder))
        print(f"  {courses[-1].monday}: {courses[-1].status}, {courses[-1].gap_at(math.inf):.2f} %", flush=True)
    result = findings(courses)
    broken = sorted({kind for trajectory in courses for kind in trajectory.violations})
    if broken:
        raise Wrong(f"violations in a replay: {', '.join(broken)}", result)
    return result


@bench("week", "168 heats on 15 min in one real week of 2024: gap over time, the plan replayed")
def one() -> Findings | None:
    """One week."""
    return measure(ALL[:1])


@bench("weeks", "168 heats on 15 min in ten real weeks of 2024: gap over time, all plans replayed", long=True)
def ten() -> Findings | None:
    """Ten weeks."""
    return measure(ALL)
