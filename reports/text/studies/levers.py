"""What each lever saves, and the plans that are compared for it."""

from __future__ import annotations

from typing import Any

from emberline.reports.text.language import mark, tr, trn
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clauses, number, signed

NAMES = {"shifting": mark("shifting heats"), "battery": mark("battery")}
CASES = (
    mark("baseline heats, no lever"),
    mark("baseline, by rules"),
    mark("baseline heats, site planned"),
    mark("production first, site after"),
    mark("planned together"),
)
"""Plans that are compared, as ``Levers.cases`` names them."""
BILL = ("energy", "demand", "fuel", "carbon", "other")
"""Parts of the cost."""
COLUMNS = {"first": mark("each alone"), "last": mark("each as the last one"), "ruled": mark("by rules")}
FIGURES = {"carbon": ("carbon_kg", 1e-3, 1), "cost": ("cost", 1.0, 0)}
"""Name in a change, factor and digits."""
BEYOND = 0.005
"""Width of what the solver left open, as a share of the saving, above which it is shown."""


def name(lever: str) -> str:
    """A lever; assets have names of the scenario."""
    return tr(NAMES[lever]) if lever in NAMES else lever


def lever_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """A row by heading for each lever of ``Levers.summary``, the interaction and all of them; the first is words."""
    together = result["together"]
    changes = [(name(lever["name"]), lever) for lever in result["levers"]]
    changes += [(tr("interaction"), result["interaction"]), (tr("all together"), {"first": together, "last": together})]
    rows = []
    for label, change_of in changes:
        row = {tr("saved by"): label}
        for column, title in COLUMNS.items():
            for figure, unit in (("carbon", "t CO2e"), ("cost", result["currency"])):
                is_goal = (figure == "carbon") == (result["goal"] == "carbon")
                row[f"{tr(title)} [{unit}]"] = _cell(change_of.get(column), figure, is_goal)
        rows.append(row)
    return rows


def _cell(change: dict[str, Any] | None, figure: str, is_goal: bool) -> str:
    """A saving; that of the goal with what the solver left open."""
    if change is None:
        return "–"
    key, factor, digits = FIGURES[figure]
    text, low, high = signed(change[key] * factor, digits), change.get("low"), change.get("high")
    if not is_goal or low is None or high is None or high - low <= max(BEYOND * abs(change["goal"]), 0.5):
        return text
    return f"{text} ({number(low * factor, digits)}…{number(high * factor, digits)})"


def case_rows(result: dict[str, Any], bill: bool = False) -> list[dict[str, str]]:
    """A row by heading for each plan that is compared; the first and the last column are words.

    Args:
        result: ``Levers.summary``.
        bill: with a column for each part of the cost.
    """
    rows = []
    for label, case in result["cases"].items():
        sums, words = case["figures"], [say(case["status"]), say(case["reason"])]
        if case["broken"]:
            words.append(trn("{count} violation", "{count} violations", case["broken"]))
        row = {
            tr("plan"): tr(label),
            tr("carbon [t CO2e]"): "–" if sums is None else number(sums["carbon_kg"] / 1000, 1),
            tr("cost [{unit}]", unit=result["currency"]): "–" if sums is None else number(sums["cost"], 0),
        }
        for part in BILL if bill else ():
            row[part] = "–" if sums is None else number(case["parts"][part], 0)
        row[tr("peak [MW]")] = "–" if sums is None else number(sums["peak_mw"], 1)
        row[say("status")] = clauses(filter(None, words))
        rows.append(row)
    return rows
