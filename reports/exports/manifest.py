"""Manifest of a file: its run, the results of the search, and conventions for numbers and times.

It is the same for every format. It does not contain the export time, so that a run always gives the same file.
"""

from __future__ import annotations

import json
from typing import Any

from emberline.planning.answer.wording import percent
from emberline.reports.text import mark, say, tr, wording
from emberline.reports.text.language import word
from emberline.reports.text.numbers import listed
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios.goal_metrics import goal_text
from emberline.scenarios.metrics import METRICS

__all__ = ["manifest"]

LABELS = {
    "run": mark("run"),
    "scenario": mark("scenario"),
    "title": mark("title"),
    "made_at": mark("made"),
    "goal": mark("goal"),
    "status": mark("status"),
    "objective": mark("objective, what can be decided"),
    "bound": mark("bound on it"),
    "gap": mark("gap on what can be decided"),
    "verdict": mark("verdict"),
    "acceptable": mark("acceptable"),
    "figures": mark("figures"),
    "seed": mark("seed"),
    "time_zone": mark("time zone"),
    "signs": mark("signs"),
    "input_sha256": mark("input sha256"),
}
FIGURES = mark("of the undisturbed replay: what the twin made of the schedule, not what the search says of it")
NO_LOWER = mark("Both are of plans that leave as much in store as the baseline: {stores}.")


def manifest(run: StoredRun) -> dict[str, Any]:
    """Return the manifest as plain data; ``versions`` is a mapping, unproven numbers are None."""
    plan, meta = run.plan, run.meta
    goal, metric = plan.scenario.goal, METRICS.get(plan.scenario.goal.minimize)
    return {
        "run": run.id,
        "scenario": plan.scenario.name,
        "title": plan.scenario.title,
        "made_at": meta["created"],
        "goal": f"{goal.minimize} ({goal.signal} carbon intensity)",
        "status": plan.status,
        "objective": plan.objective,
        "bound": plan.bound,
        "objective_unit": "min" if metric is None else metric.unit_in(plan.scenario.market.currency),
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
    """Return the manifest for people as pairs of label and text."""
    pairs = [(tr(LABELS[name]), text) for name, text in _texts(run).items()]
    versions = dict(run.meta["versions"])
    return pairs + [(tr("version of {name}", name=name), number) for name, number in versions.items()]


def _texts(run: StoredRun) -> dict[str, str]:
    """Return the texts of the manifest, by the names of ``LABELS``."""
    texts, scenario = manifest(run), run.plan.scenario
    texts["acceptable"] = tr("yes") if texts["acceptable"] else tr("no")
    texts["gap"] = tr("none proven") if texts["gap"] is None else say(percent(texts["gap"]))
    none_text, best = word("none", mark("none proven")), run.plan.objective
    objective, bound = wording.objective(scenario, best), wording.bound(scenario, best, run.plan.bound)
    texts["objective"] = none_text if best is None else objective
    texts["bound"] = none_text if run.plan.bound is None else bound
    texts["goal"] = say(goal_text(scenario.goal, scenario.market.currency))
    texts["figures"] = tr(FIGURES)
    for name in ("status", "verdict", "signs"):
        texts[name] = say(texts[name])
    return {name: str(texts[name]) for name in LABELS}


def proof(run: StoredRun) -> str:
    """Return status, gap, objective and bound in one line, to be shown next to figures."""
    texts = _texts(run)
    # for people, a search stopped by its user with a plan was successful; files for programs keep the stored status
    early = run.plan.status == "cancelled" and run.plan.has_schedule
    stores = ""
    if run.plan.no_lower:
        stores = " " + tr(NO_LOWER, stores=listed(list(run.plan.no_lower)))
    text = tr(
        "Status: {status}; gap on what can be decided {gap} (plan {best}, bound {bound}).",
        status=tr("taken early") if early else texts["status"],
        gap=texts["gap"], best=texts["objective"], bound=texts["bound"],
    )  # fmt: skip
    return text + stores


def flat(run: StoredRun) -> dict[str, str]:
    """Return the manifest as texts by name, for formats with text attributes; ``versions`` is JSON."""
    return {
        name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
        for name, value in manifest(run).items()
    }
