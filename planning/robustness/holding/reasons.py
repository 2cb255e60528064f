"""Sentences that explain why a plan does not hold, by unit and hour, and which changes would help."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np

from emberline.planning.robustness.ensemble import Ensemble
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message, mark

MAX_LIMITS = 3
"""Number of causes that are named."""
CAUSES = {
    "wait": mark("heats wait too long before {place}"),
    "cast": mark("casts are interrupted at {place}"),
    "due": mark("heats are late at {place}"),
    "unfinished": mark("heats are not finished within the horizon at {place}"),
    "import": mark("the import limit is exceeded"),
    "export": mark("the export limit is exceeded"),
    "delivery": mark("too little is delivered: {place}"),
    "level": mark("a store leaves its band or ends too low: {place}"),
    "process": mark("{place} makes less than planned"),
    "battery": mark("the battery cannot follow"),
    "asset": mark("{place} cannot follow its set-points"),
    "shortage": mark("a need is not covered: {place}"),
    "lock": mark("a lock is missed at {place}"),
}
OTHER = mark("limits are missed: {place}")
HELP = {
    "wait": mark(
        "longer waits (longest_wait_min, tolerances.wait_min), shorter steps, or heats that may go back to the ladle "
        "furnace (recourse.return_most)"
    ),
    "cast": mark(
        "a caster that may cast slower or end a cast (recourse.cast_longer_share, recourse.end_cast_most), or "
        "tolerances.cast_gap_min"
    ),
    "due": mark("later due times, fewer heats, or tolerances.due_min"),
    "unfinished": mark("a longer horizon, fewer heats, or tolerances.due_min"),
    "import": mark(
        "a higher import limit, load management (recourse.less_power_share, recourse.start_later_min), engines that "
        "step in (recourse.engine_most_mwh), or tolerances.metered_mw"
    ),
    "export": mark("a higher export limit, or tolerances.metered_mw"),
    "delivery": mark("more stock at the start, later deliveries, or units that fail less often"),
    "level": mark("a lower end level, more stock at the start, or a larger store"),
    "process": mark("units that fail less often, or a spread of rates that is smaller"),
    "asset": mark("machines and stores that answer to needs (recourse.assets)"),
    "shortage": mark("machines and stores that answer to needs (recourse.assets)"),
    "lock": mark("fewer locks, or wider ones"),
}


def frequent_violations(judged: Ensemble) -> tuple[dict[str, Any], ...]:
    """Limits that a plan violates, in the format of ``Holding.misses``."""
    data, rows = judged.data, []
    amount, by_hour = data["missed_amount"].to_numpy(), data["missed_in_hour"].to_numpy()
    for place in range(data.sizes["limit"]):
        missed = amount[:, place][amount[:, place] > 0]
        if not len(missed):
            continue
        row = {name: str(data[f"limit_{name}"].values[place]) for name in ("kind", "stage", "unit", "measure")}
        hour = int(by_hour[place].argmax())
        typical, worst = float(np.median(missed)), float(missed.max())
        rows.append({**row, "days": len(missed), "typical": typical, "worst": worst, "hour": hour})
    return tuple(sorted(rows, key=lambda row: -row["days"]))


def obstacles(scenario: Scenario, rows: tuple[dict[str, Any], ...], days: int) -> Iterator[str]:
    """Yield a sentence for each obstacle, the most frequent first.

    Args:
        scenario: scenario that was planned.
        rows: result of :func:`frequent_violations`.
        days: number of days evaluated.
    """
    for row in rows[:MAX_LIMITS]:
        cause = Message(CAUSES.get(row["kind"], OTHER), place=row["unit"] or row["stage"] or row["kind"])
        at = scenario.horizon.instant(60.0 * row["hour"])
        yield Message(
            "On {share:.0f} % of the days {cause}, most often from {begin} to {end}, typically by {typical:g} "
            "{measure}, at worst by {worst:g}.",
            share=100 * row["days"] / days, cause=cause, begin=at, end=at + timedelta(hours=1),
            typical=_rounded(row["typical"]), measure=row["measure"], worst=_rounded(row["worst"]),
        )  # fmt: skip


def remedies(scenario: Scenario, rows: tuple[dict[str, Any], ...]) -> Iterator[Message]:
    """Yield remedies for violations that margins do not address; ``rows`` from :func:`frequent_violations`."""
    yield from (Message(HELP[kind]) for kind in dict.fromkeys(row["kind"] for row in rows[:MAX_LIMITS]) if kind in HELP)


def _rounded(amount: float) -> float:
    """Round to three significant digits."""
    return float(f"{amount:.3g}")
