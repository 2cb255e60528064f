"""Results of studies as table rows and lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from emberline.reports.text import moment, wording
from emberline.reports.text.language import mark, tr, trn
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clauses, number, percent, signed
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import cap_name, goal_first
from emberline.scenarios.metrics import METRICS, amount_digits
from emberline.studies.why import slack as slacks_of

if TYPE_CHECKING:
    from emberline.planning.robustness import Ensemble

NAMES = {"shifting": mark("shifting production"), "battery": mark("battery")}
CASES = (
    mark("baseline production, no lever"),
    mark("baseline, by rules"),
    mark("baseline production, site planned"),
    mark("production first, site after"),
    mark("planned together"),
)
"""Compared plans, named as in ``Levers.cases``."""
BILL = ("energy", "demand", "fuel", "carbon", "other")
"""Components of the cost."""
LEVER_COLUMNS = {"first": mark("each alone"), "last": mark("each as the last one"), "ruled": mark("by rules")}
LEVER_FIGURES = {"carbon": ("carbon_kg", 1e-3, 1), "cost": ("cost", 1.0, 0)}
"""Name in a change, conversion factor and number of digits."""
BEYOND = 0.005
"""The uncertainty of a saving is shown if it exceeds this share of the saving."""


def lever_name(lever: str) -> str:
    """Return the display name of a lever; assets keep their names from the scenario."""
    return tr(NAMES[lever]) if lever in NAMES else lever


def lever_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """Return a row for each lever of ``Levers.summary``, the interaction and the total; the first column is text."""
    together = result["together"]
    changes = [(lever_name(lever["name"]), lever) for lever in result["levers"]]
    changes += [(tr("interaction"), result["interaction"]), (tr("all together"), {"first": together, "last": together})]
    rows = []
    for label, change_of in changes:
        row = {tr("saved by"): label}
        for column, title in LEVER_COLUMNS.items():
            for figure, unit in (("carbon", "t CO2e"), ("cost", result["currency"])):
                is_goal = (figure == "carbon") == (result["goal"] == "carbon")
                row[f"{tr(title)} [{unit}]"] = _cell(change_of.get(column), figure, is_goal)
        rows.append(row)
    return rows


def _cell(change: dict[str, Any] | None, figure: str, is_goal: bool) -> str:
    """Format a saving; that of the goal is followed by its proven range."""
    if change is None:
        return "–"
    key, factor, digits = LEVER_FIGURES[figure]
    text, low, high = signed(change[key] * factor, digits), change.get("low"), change.get("high")
    if not is_goal or low is None or high is None or high - low <= max(BEYOND * abs(change["goal"]), 0.5):
        return text
    return f"{text} ({number(low * factor, digits)}…{number(high * factor, digits)})"


def case_rows(result: dict[str, Any], bill: bool = False) -> list[dict[str, str]]:
    """Return a row for each compared plan; the first and last columns are text.

    Args:
        result: ``Levers.summary``.
        bill: whether to add a column for each component of the cost.
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


CALIBRATION_KINDS = {
    "duration": mark("duration"),
    "duration_spread": mark("spread of durations"),
    "energy": mark("energy"),
    "energy_spread": mark("spread of energies"),
    "mtbf": mark("time between breakdowns"),
    "mttr": mark("repair"),
}
"""Names of the figures by ``Estimate.kind``."""


def estimate_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """Return a row for each fitted figure of ``Calibration.summary``; unit, figure and grade are text."""
    return [_estimate(one, result["confidence"]) for one in result["estimates"] if one["value"] is not None]


def _estimate(one: dict[str, Any], confidence: float) -> dict[str, str]:
    unit = one["unit_of_measure"]
    low, high = (None if one[edge] is None else calibration_figure(one[edge], unit) for edge in ("low", "high"))
    span = "–" if low is None else f"{low} … {high}"
    return {
        tr("unit"): one["unit"],
        tr("figure"): tr(CALIBRATION_KINDS[one["kind"]]) + ("" if unit == "1" else f" [{unit}]"),
        tr("grade"): one["grade"] or tr("all"),
        tr("observations"): number(one["n"], 0),
        tr("scenario"): calibration_figure(one["before"], unit),
        tr("fitted"): calibration_figure(one["value"], unit),
        tr("{share} interval", share=percent(confidence, 1 if confidence * 100 % 1 else 0)): span,
    }


def check_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """Return a row for each check on the held-out heats; the first and last columns are text."""
    return [
        {
            tr("figure"): say(one["what"]),
            tr("heats"): number(one["n"], 0),
            tr("log mean"): number(one["logged"], 2),
            tr("twin mean"): number(one["twin"], 2),
            tr("95 % of the twin's"): f"{number(one['low'], 2)} … {number(one['high'], 2)}",
            tr("p-value"): "" if one["p_value"] is None else number(one["p_value"], 3),
            say("unit"): one["unit_of_measure"],
        }
        for one in (result["hold_out"] or {"checks": ()})["checks"]
    ]


def calibration_figure(value: float | None, unit: str) -> str:
    """Format an estimated value without its unit; shares are in percent."""
    if value is None:
        return "–"
    return percent(value, 2) if unit == "1" else number(value, 2 if abs(value) < 100 else 1)


SAVED = (("carbon_kg", 1e-3, 2), ("cost", 1.0, 0), ("peak_mw", 1.0, 2))
"""Saved quantities, each with its conversion factor and number of digits."""


def lock_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """Return a row for each lock of ``LockPrices.summary`` and one for all locks; the first and last columns are
    text."""
    rows = [_lock_row(say(lock["says"]), lock["freed"], lock["at_most"], result) for lock in result["locks"]]
    every = result["all_freed"]
    if every is not None:
        at_most = None if every["low"] is None else max(0.0 - every["low"], 0.0)
        rows.append(_lock_row(tr("without any lock"), every, at_most, result))
    return rows


def _lock_row(text: str, freed: dict[str, Any], at_most: float | None, result: dict[str, Any]) -> dict[str, str]:
    more, reason, figures = freed["more"], "", ["–"] * 3
    if more is None:
        reason = say(freed["reason"])
    else:
        figures = [signed(0.0 - more[name] * factor, digits) for name, factor, digits in SAVED]
    gap = "" if freed["gap"] is None else tr("gap {gap}", gap=percent(freed["gap"]))
    return {
        tr("lock"): text,
        tr("carbon saved [t CO2e]"): figures[0],
        tr("cost saved [{unit}]", unit=result["currency"]): figures[1],
        tr("peak saved [MW]"): figures[2],
        tr("at most [{unit}]", unit=result["unit"]): number(at_most, 0),
        say("status"): clauses(filter(None, (say(freed["status"]), gap, reason))),
    }


REPLAY_FIGURES = (
    (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 2),
    (mark("cost"), "", "cost", 1.0, 0),
    (mark("peak, metered mean"), "MW", "peak_mw", 1.0, 1),
    (mark("late heats"), mark("heats"), "late_heats", 1.0, 1),
    (mark("late"), "t", "late_t", 1.0, 0),
    (mark("missed deliveries"), mark("deliveries"), "missed_deliveries", 1.0, 1),
    (mark("not delivered"), "t", "short_t", 1.0, 1),
    (mark("carbon saved compared with the baseline"), "t CO2e", "saved_carbon_kg", 1e-3, None),
    (mark("cost saved compared with the baseline"), "", "saved_cost", 1.0, None),
)
"""Label, unit (empty: currency), name, factor and digits of figures with quantiles (None: as for savings)."""


def replay_figures(scenario: Scenario, quantiles: dict[str, dict[str, float]]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield label, unit, and P10, median and P90 of each figure; cost precedes carbon if the goal is money.

    Args:
        scenario: source of the currency and of the kinds of lateness that are possible.
        quantiles: quantiles of an ensemble or of a plan's replays; those of earlier releases have fewer figures.
    """
    carbon, cost, peak, *every, saved_carbon, saved_cost = REPLAY_FIGURES
    totals, savings = goal_first(scenario, carbon, cost), goal_first(scenario, saved_carbon, saved_cost)
    late = [row for producer in scenario.producers for row in every if row[2] in producer.late]
    for label, unit, name, factor, digits in (*totals, peak, *late, *savings):
        if name in quantiles:
            ends = [quantiles[name][q] * factor for q in ("p10", "p50", "p90")]
            values = [wording.number(end, amount_digits(end) if digits is None else digits) for end in ends]
            yield tr(label), tr(unit) if unit else scenario.market.currency, values


def quantile_table(scenario: Scenario, quantiles: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Return the figures as a table of text, indexed by label."""
    rows = [(label, unit, *values) for label, unit, values in replay_figures(scenario, quantiles)]
    names = [tr("figure"), say("unit"), "P10", tr("median"), "P90"]
    return pd.DataFrame(rows, columns=names).set_index(names[0])


def limit_rows(ensemble: Ensemble, limits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each limit that was missed.

    Args:
        ensemble: the replays.
        limits: result of ``Ensemble.broke``.
    """
    return [
        {
            tr("limit"): tr(wording.KINDS.get(row["kind"], row["kind"])),
            tr("stage"): row["stage"] or ("" if row["unit"] else tr("site")),
            tr("unit"): row["unit"],
            tr("missed first [replays]"): row["first"],
            tr("missed [replays]"): row["replications"],
            tr("missed [%]"): 100 * row["replications"] / ensemble.n,
            tr("typically by"): f"{wording.number(row['typical'], 1)} {row['measure']}",
            tr("at most by"): f"{wording.number(row['amount'], 1)} {row['measure']}",
            tr("most often within the hour from"): _hour(ensemble, row["hour"]),
        }
        for row in limits
    ]


def _hour(ensemble: Ensemble, hour: int) -> str:
    horizon = ensemble.scenario.horizon
    if hour * 60 >= horizon.length_min:
        return tr("after the end")
    return wording.moment(horizon.instant(hour * 60))


def _cap(name: str, currency: str) -> tuple[str, str, float]:
    """Return the label of a cap, its unit of measure and the conversion factor."""
    row = next((row for row in METRICS.values() if row.cap == name), None)
    if row is None:
        return tr("cap on cost above the baseline's"), currency, 1.0
    unit, factor, _ = row.display_in(currency)
    return say(cap_name(row.name)), unit, factor


def roll_span(minutes: float) -> str:
    """Format a time span."""
    return tr("{count} min", count=f"{minutes:g}") if minutes % 60 else tr("{count} h", count=f"{minutes / 60:g}")


def roll_amount(value: float, result: dict[str, Any]) -> str:
    """Format an amount of the goal with its unit; carbon is in tonnes."""
    if result["unit"] == "kg CO2e":
        return f"{number(value / 1000, 2)} t CO2e"
    return f"{number(value, 0)} {result['unit']}"


def roll_says(result: dict[str, Any]) -> Iterator[str]:
    """Yield one line each for the gain, the regret, the costs of uncertainty and of planning less often, and the caps.

    Args:
        result: ``Comparison.summary``.
    """
    gain, regret, unknown, perfect = (result[name] for name in ("gain", "regret", "not_knowing", "perfect"))
    if gain:
        yield tr("Gain over the baseline: {amount}", amount=_difference(gain, result))
    else:
        yield tr("No gain is reported: the roll does not make or serve the same as the baseline.")
    if regret:
        text = tr(
            "Regret against one plan that knew prices and intensities: {amount}", amount=_difference(regret, result)
        )
        yield f"{text} ({say(perfect['status'])}, {tr('gap {gap}', gap=percent(perfect['gap']))})"
    else:
        yield tr(
            "Regret is not known: one plan that knew prices and intensities: {status}",
            status=say(perfect["status"]),
        )
    if unknown:
        yield tr("Of which from not knowing: {amount}", amount=_difference(unknown, result))
    for other in result["less_often"]:
        if other["more_than_roll"]:
            more = _difference(other["more_than_roll"], result)
            yield tr("Every {span} instead: {amount} more", span=roll_span(other["every_min"]), amount=more)
    for name, cap in result["caps"].items():
        over = cap["value"] > cap["cap"] + 1e-6 * max(abs(cap["cap"]), 1.0)
        label, unit, factor = _cap(name, result["currency"])
        by = number(abs(cap["value"] - cap["cap"]) * factor, 2)
        how = {"cap": label, "amount": by, "unit": unit}
        text = tr("{cap}: exceeded by {amount} {unit}", **how) if over else tr("{cap}: {amount} {unit} below it", **how)
        yield f"{text[:1].upper()}{text[1:]}"
    if result["roll"]["unplanned"]:
        yield tr("No plan was found {count} times; the previous plan continued.", count=result["roll"]["unplanned"])
    names = ", ".join(result["forecasts"]) or tr("none: everything is known in advance")
    yield tr("Forecasts: {names}", names=names)


def _difference(difference: dict[str, Any], result: dict[str, Any]) -> str:
    text = f"{roll_amount(difference['total'], result)} ({percent(difference['share'])})"
    stock = roll_amount(difference.get("stock", 0.0), result)
    if stock != roll_amount(0.0, result):
        text = tr("{amount}, {stock} of it for what stores hold at the end", amount=text, stock=stock)
    if difference["interval_90"] is None:
        return text
    low, high = (roll_amount(value, result) for value in difference["interval_90"])
    return f"{text}, {tr('90 % interval {low} to {high}', low=low, high=high)}"


def side_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """Return a row for the baseline, each roll, and the plans with perfect foresight; the first column is text."""
    sides = [(tr("baseline"), {"figures": result["baseline"]})]
    labels = {"follow": mark("one plan, followed"), "replan": mark("rolled, planned again by the shift")}
    for one in (*result["less_often"], result["roll"]):
        label = labels.get(one.get("policy", ""), mark("rolled, every {span}"))
        sides.append((tr(label, span=roll_span(one["every_min"])), one))
    if result["foresight"] is not None:
        sides.append((tr("rolled, prices and intensities known"), result["foresight"]))
    if result["perfect"]["figures"] is not None:
        sides.append((tr("one plan, prices and intensities known"), {**result["perfect"], "plans": 1}))
    return [_side(label, side, result["currency"]) for label, side in sides]


def _side(label: str, side: dict[str, Any], currency: str) -> dict[str, str]:
    sums = side["figures"]

    def cell(name: str, digits: int = 0) -> str:
        return number(side[name], digits) if name in side else ""

    return {
        tr("run"): label,
        tr("carbon [t CO2e]"): number(sums["carbon_kg"] / 1000, 2),
        tr("cost [{unit}]", unit=currency): number(sums["cost"], 0),
        tr("peak [MW]"): number(sums["peak_mw"], 1),
        tr("plans"): cell("plans"),
        tr("adopted"): cell("laid"),
        tr("moved [MWh]"): cell("moved_mwh", 1),
        tr("limits missed"): number(len(side["violations"]), 0) if "violations" in side else "",
    }


def load_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """Return a row for each load of ``Headroom.summary``."""
    return [_load_row(load, result["currency"]) for load in result["loads"]]


def _load_row(load: dict[str, Any], currency: str) -> dict[str, str]:
    saved = load["saved"] or {}
    refused = not load["acceptable"] and load["status"] != "not planned"
    goal = percent(load["goal_share"], 1) + _interval(load["goal_low"], load["goal_high"], 100, 1)
    return {
        tr("load [%]"): number(100 * load["share"], 0),
        tr("tonnes [t]"): number(load["tonnes"], 0),
        tr("carbon saved [t CO2e]"): _saving(saved.get("carbon_kg"), 1e-3, 2),
        tr("cost saved [{unit}]", unit=currency): _saving(saved.get("cost"), 1.0, 0),
        tr("saving of the goal"): goal,
        tr("at most"): percent(load["goal_most"], 1),
        tr("gap"): percent(load["gap"]),
        tr("held"): tr("{held} of {n}", held=load["held"], n=load["replications"]) if load["replications"] else "–",
        say("status"): f"{say(load['status'])}{', ' + tr('not acceptable') if refused else ''}",
    }


def _saving(saving: dict[str, Any] | None, factor: float, digits: int) -> str:
    """Format the undisturbed saving with the confidence interval of the mean over disturbed days."""
    if saving is None:
        return "–"
    return number(saving["undisturbed"] * factor, digits) + _interval(saving["low"], saving["high"], factor, digits)


def _interval(low: float | None, high: float | None, factor: float, digits: int) -> str:
    if low is None or high is None:
        return ""
    return f" ({number(low * factor, digits)}…{number(high * factor, digits)})"


SAME_MIN = 1e-6


def moves(scenario: Scenario, slack: slacks_of.Slack, earlier: bool) -> str:
    """Describe the slack of an operation in one direction and its limit."""
    minutes, stop = (slack.earlier_min, slack.earlier) if earlier else (slack.later_min, slack.later)
    return f"{number(math.floor(minutes + SAME_MIN), 0)} min: {stops(scenario, stop)}"


def stops(scenario: Scenario, stop: slacks_of.Stop) -> str:
    """Describe the limit of an operation."""
    instant = None if math.isnan(stop.at_min) else scenario.horizon.instant(stop.at_min)
    at = "" if instant is None else moment.short(stop.at_min, scenario.horizon)
    return tr(slacks_of.STOPS[stop.kind], other=stop.other, time=at)
