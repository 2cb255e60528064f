"""What planning again as time goes on gains, and what not knowing costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import number, percent

CAPS = {
    "carbon_kg": (mark("cap on carbon"), 1e-3, "t CO2e"),
    "cost": (mark("cap on cost"), 1.0, ""),
    "extra_cost": (mark("cap on cost above the baseline's"), 1.0, ""),
    "water_m3": (mark("cap on water"), 1.0, "m3"),
}
"""Name, factor and unit; no unit: the currency."""


def span(minutes: float) -> str:
    """A span in words."""
    return tr("{count} min", count=f"{minutes:g}") if minutes % 60 else tr("{count} h", count=f"{minutes / 60:g}")


def amount(value: float, result: dict[str, Any]) -> str:
    """An amount of the goal with its unit; carbon in tonnes."""
    if result["unit"] == "kg CO2e":
        return f"{number(value / 1000, 2)} t CO2e"
    return f"{number(value, 0)} {result['unit']}"


def says(result: dict[str, Any]) -> Iterator[str]:
    """Gain, regret, the cost of not knowing and of planning less often, and the caps, a line each.

    Args:
        result: ``Comparison.summary``.
    """
    gain, regret, unknown, perfect = (result[name] for name in ("gain", "regret", "not_knowing", "perfect"))
    if gain:
        yield tr("Gain over the baseline: {amount}", amount=_difference(gain, result))
    else:
        yield tr("No gain is reported: the roll does not make or serve the same as the baseline.")
    if regret:
        text = tr("Regret against one plan that knew everything: {amount}", amount=_difference(regret, result))
        yield f"{text} ({say(perfect['status'])}, {tr('gap {gap}', gap=percent(perfect['gap']))})"
    else:
        yield tr("Regret is not known: one plan that knew everything: {status}", status=say(perfect["status"]))
    if unknown:
        yield tr("Of which from not knowing: {amount}", amount=_difference(unknown, result))
    for other in result["less_often"]:
        if other["more_than_roll"]:
            more = _difference(other["more_than_roll"], result)
            yield tr("Every {span} instead: {amount} more", span=span(other["every_min"]), amount=more)
    for name, cap in result["caps"].items():
        over = cap["value"] > cap["cap"] + 1e-6 * max(abs(cap["cap"]), 1.0)
        label, factor, unit = CAPS[name]
        by = number(abs(cap["value"] - cap["cap"]) * factor, 2)
        how = {"cap": tr(label), "amount": by, "unit": unit or result["currency"]}
        text = tr("{cap}: exceeded by {amount} {unit}", **how) if over else tr("{cap}: {amount} {unit} below it", **how)
        yield f"{text[:1].upper()}{text[1:]}"
    if result["roll"]["unplanned"]:
        yield tr("No plan was found {count} times; the previous plan continued.", count=result["roll"]["unplanned"])
    names = ", ".join(result["forecasts"]) or tr("none: everything is known in advance")
    yield tr("Forecasts: {names}", names=names)


def _difference(difference: dict[str, Any], result: dict[str, Any]) -> str:
    text = f"{amount(difference['total'], result)} ({percent(difference['share'])})"
    stock = amount(difference.get("stock", 0.0), result)
    if stock != amount(0.0, result):
        text = tr("{amount}, {stock} of it for what stores hold at the end", amount=text, stock=stock)
    if difference["interval_90"] is None:
        return text
    low, high = (amount(value, result) for value in difference["interval_90"])
    return f"{text}, {tr('90 % interval {low} to {high}', low=low, high=high)}"


def side_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """A row by heading for the baseline, each roll, and what knew everything; the first column is words."""
    sides = [(tr("baseline"), {"figures": result["baseline"]})]
    for one in (*result["less_often"], result["roll"]):
        sides.append((tr("rolled, every {span}", span=span(one["every_min"])), one))
    if result["foresight"] is not None:
        sides.append((tr("rolled, everything known"), result["foresight"]))
    if result["perfect"]["figures"] is not None:
        sides.append((tr("one plan, everything known"), {**result["perfect"], "plans": 1}))
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
