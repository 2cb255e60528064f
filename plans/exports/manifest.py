"""What a file came from: the run, what the search proved, and how numbers and times are to be read.

The same for every format. It says nothing of when the file was written, so that a run gives the same file each time.
"""

from __future__ import annotations

import json
from typing import Any

from plans.exports.texts import number
from plans.store import StoredRun

TONNES = "t CO2e"
UNITS = {"carbon": "kg CO2e", "lateness": "min"}
"""Of the objective; of other goals it is the market's currency."""
LABELS = {
    "run": "run",
    "scenario": "scenario",
    "title": "title",
    "made_at": "made",
    "goal": "goal",
    "status": "status",
    "objective": "objective, what can be decided",
    "bound": "bound on it",
    "gap": "gap on what can be decided",
    "verdict": "verdict",
    "acceptable": "acceptable",
    "figures": "figures",
    "seed": "seed",
    "time_zone": "time zone",
    "signs": "signs",
    "input_sha256": "input sha256",
}
FIGURES = "of the undisturbed replay: what the twin made of the schedule, not what the search says of it"


def manifest(run: StoredRun) -> dict[str, Any]:
    """The manifest as plain data; ``versions`` is a mapping, a number that was not proven is None."""
    plan, meta = run.plan, run.meta
    goal = plan.scenario.goal
    return {
        "run": run.id,
        "scenario": plan.scenario.name,
        "title": plan.scenario.title,
        "made_at": meta["created"],
        "goal": f"{goal.minimize} ({goal.signal} carbon intensity)",
        "status": plan.status,
        "objective": plan.objective,
        "bound": plan.bound,
        "objective_unit": UNITS.get(goal.minimize, plan.scenario.market.currency),
        "gap": plan.gap,
        "verdict": plan.verdict,
        "acceptable": plan.acceptable,
        "figures": FIGURES,
        "seed": meta["seed"],
        "time_zone": meta["zone"],
        "signs": meta["signs"],
        "input_sha256": meta["input_sha256"],
        "versions": dict(meta["versions"]),
    }


def rows(run: StoredRun) -> list[tuple[str, str]]:
    """The manifest for people, label and text."""
    found = manifest(run)
    found["acceptable"] = "yes" if found["acceptable"] else "no"
    found["gap"] = "none proven" if found["gap"] is None else f"{found['gap']:.3%}"
    for name in ("objective", "bound"):
        found[name] = "none" if found[name] is None else _told(found[name], found["objective_unit"])
    told = [(label, str(found[name])) for name, label in LABELS.items()]
    return told + [(f"version of {name}", number) for name, number in found["versions"].items()]


def _told(value: float, unit: str) -> str:
    """A value of the objective as the pages tell it: carbon in tonnes."""
    return f"{number(value / 1000, 3)} {TONNES}" if unit == UNITS["carbon"] else f"{number(value, 3)} {unit}"


def proof(run: StoredRun) -> str:
    """Status, gap, objective and bound in one line, to stand beside figures."""
    told = dict(rows(run))
    gap, best, bound = (told[LABELS[name]] for name in ("gap", "objective", "bound"))
    # a search that its user ended with a plan was not in vain; files for machines keep the word as it is stored
    status = "taken early" if run.plan.status == "cancelled" and run.plan.found else run.plan.status
    return f"Status: {status}; gap on what can be decided {gap} (plan {best}, bound {bound})."


def flat(run: StoredRun) -> dict[str, str]:
    """The manifest as texts by name, for formats whose attributes are texts; ``versions`` is JSON."""
    return {
        name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
        for name, value in manifest(run).items()
    }
