"""The headline in words: a few sentences, and a strip of figures with value, difference and range together."""

from __future__ import annotations

import math
from dataclasses import dataclass

from emberline.plans.answer.headline import SAME, DemandCharge, Headline, Saving, SimpleRule, is_same, is_worse
from emberline.plans.plan.alternatives.choice import LEAST_CARBON, LEAST_COST, NO_REGRET, Choice
from emberline.scenarios.goal_metrics import IN_MINUTES
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import METRICS

CARBON_FIRST = {
    "less": mark("Saves {amount} t CO2e{range}"),
    "more": mark("Emits {amount} t CO2e more{range}"),
    "same": mark("Emits as much as the baseline"),
}
CARBON_SECOND = {
    "less": mark("saves {amount} t CO2e{range}"),
    "more": mark("emits {amount} t CO2e more{range}"),
    "same": mark("emits as much"),
    "also": mark("{amount} t CO2e{range}"),
}
COST_FIRST = {
    "less": mark("Saves {amount} {currency}{range}"),
    "more": mark("Costs {amount} {currency} more{range}"),
    "same": mark("Costs as much as the baseline"),
}
COST_SECOND = {
    "less": mark("saves {amount} {currency}{range}"),
    "more": mark("costs {amount} {currency} more{range}"),
    "same": mark("costs as much"),
    "also": mark("{amount} {currency}{range}"),
}
OTHER_SIGNAL = {
    ("average", "less"): mark("By the average intensity of the grid it saves {amount} t CO2e."),
    ("average", "more"): mark("By the average intensity of the grid it emits {amount} t CO2e more."),
    ("average", "same"): mark("By the average intensity of the grid it emits as much as the baseline."),
    ("marginal", "less"): mark("By the marginal intensity of the grid it saves {amount} t CO2e."),
    ("marginal", "more"): mark("By the marginal intensity of the grid it emits {amount} t CO2e more."),
    ("marginal", "same"): mark("By the marginal intensity of the grid it emits as much as the baseline."),
}


@dataclass(frozen=True)
class Tile:
    """One figure of the strip."""

    name: str
    label: str
    value: str
    note: str
    worse: bool = False
    """Whether the plan is worse than the baseline here."""


def lines(headline: Headline) -> tuple[str, ...]:
    """The headline in a few sentences: the saving, how often the plan holds, then all else."""
    saving, *others = _savings(headline)
    parts = (saving, _holds(headline), *others, _beyond(headline), _best(headline), _front(headline))
    return tuple(text for text in parts if text)


def tiles(headline: Headline) -> tuple[Tile, ...]:
    """The strip of figures, in their order."""
    worse, strip = headline.worse, []
    for name, label in (
        ("average", Message("Carbon, average intensity")),
        ("marginal", Message("Carbon, marginal intensity")),
        ("cost", Message("Cost") if headline.demand is None else Message("Cost without the month's demand charge")),
    ):
        saving: Saving | None = headline.day_cost if name == "cost" else getattr(headline, name)
        if saving is not None:
            unit, scale = (headline.currency, 1.0) if name == "cost" else ("t CO2e", 1e-3)
            strip.append(Tile(name, label, _change(saving, unit, scale), _steps(saving, unit, scale), name in worse))
    if headline.demand is not None:
        strip.append(_of_month(headline.demand, headline))
    if headline.per_tonne_avoided is not None:
        strip.append(_avoided(headline))
    per_tonne = headline.per_tonne
    if per_tonne is not None:
        strip.append(
            Tile(
                "per tonne",
                Message("Per tonne of product"),
                Message("{kg} kg CO2e, {kwh:,.0f} kWh", kg=amount(per_tonne.carbon_kg), kwh=per_tonne.kwh),
                Message(
                    "baseline {kg} kg CO2e, {kwh:,.0f} kWh; {cost} {currency}, baseline {baseline}",
                    kg=amount(per_tonne.baseline_carbon_kg), kwh=per_tonne.baseline_kwh, cost=amount(per_tonne.cost),
                    baseline=amount(per_tonne.baseline_cost), currency=headline.currency,
                ),
            )
        )  # fmt: skip
    rule = headline.rule
    if rule is not None:
        value, unit = _of_goal(headline, abs(rule.beyond))
        text = mark("{amount} {unit} less ({share})") if rule.beyond >= 0 else mark("{amount} {unit} more ({share})")
        says = Message(text, amount=value, unit=unit, share=percent(abs(rule.beyond_share)))
        note = Message("undisturbed; the rule: {rule}", rule=_rule_text(headline))
        if rule.share is not None and rule.expected is not None:
            by_rule, _ = _of_goal(headline, rule.expected)
            note = Message(
                "undisturbed; on {days} disturbed days the rule saves {by_rule} {unit} and holds on {share} of them; "
                "the rule: {rule}",
                days=rule.days, by_rule=by_rule, unit=unit, share=of_days(rule.share), rule=_rule_text(headline),
            )  # fmt: skip
        strip.append(Tile("rule", Message("Compared with a simple rule"), says, note, rule.beyond < 0))
    peak = Message("baseline {peak:,.1f} MW", peak=headline.baseline_peak_mw)
    strip.append(Tile("peak", Message("Peak"), Message("{peak:,.1f} MW", peak=headline.peak_mw), peak, "peak" in worse))
    holding = headline.holding
    if holding is not None:
        strip.append(Tile("holding", Message("Holds"), of_days(holding.share), _of_days(headline), "holding" in worse))
    strip.append(_best_tile(headline))
    return tuple(strip)


def amount(value: float) -> Message:
    """A number with about three digits."""
    size = abs(value)
    digits = 0 if size >= 99.95 or size == round(size) else 1 if size >= 9.995 else 2
    return Message(f"{{value:,.{digits}f}}", value=value)


def percent(share: float) -> Message:
    """A share in percent, with a digit more where it is small."""
    digits = 0 if abs(share) >= 0.0995 or share == 0 else 1 if abs(share) >= 0.00995 else 2
    return Message(f"{{value:,.{digits}f}} %", value=100 * share)


def of_days(share: float | None) -> Message:
    """A share of days in percent, rounded down: 399 of 400 are not all, and a level that is missed is not reached."""
    return Message("{value:,.0f} %", value=math.floor(100 * (share or 0.0) + 1e-9))


def way(saving: Saving) -> str:
    """``less``, ``more`` or ``same``, compared with the baseline."""
    return "same" if is_same(saving) else "more" if is_worse(saving) else "less"


def _savings(headline: Headline) -> list[str]:
    carbon, cost = headline.carbon, headline.day_cost
    if carbon is None or cost is None:
        return [Message("Nothing is compared: the baseline does not make or serve the same.")]
    of_carbon = headline.goal not in METRICS or not METRICS[headline.goal].money
    first, second = (carbon, cost) if of_carbon else (cost, carbon)
    texts = (CARBON_FIRST, COST_SECOND) if of_carbon else (COST_FIRST, CARBON_SECOND)
    ways = [way(first), way(second)]
    if ways == ["less", "less"]:
        ways[1] = "also"
    clauses = [
        Message(text[key], **_numbers(saving, headline.currency, saving is carbon))
        for saving, text, key in zip((first, second), texts, ways, strict=True)
    ]
    price = headline.per_tonne_avoided
    both = (
        mark("{first} and {second}.")
        if way(first) != "less" or way(second) != "more"
        else mark("{first} but {second}.")
    )
    lines: list[str] = [Message(both, first=clauses[0], second=clauses[1])]
    if price is not None and price > 0 and way(cost) == "more":
        lines = [
            Message(
                "{first} and {second}: {price} {currency} for each tonne avoided.",
                first=clauses[0], second=clauses[1], price=amount(price), currency=headline.currency,
            )
        ]  # fmt: skip
    other = "marginal" if headline.signal == "average" else "average"
    saving: Saving | None = getattr(headline, other)
    if headline.as_run is not None:
        of = mark("Compared with the day as it was run, by {log}.")
        if headline.as_run.meter:
            of = mark("Compared with the day as it was run, by {log} and {meter}.")
        lines.append(Message(of, log=headline.as_run.log, meter=headline.as_run.meter))
    if headline.unlocked:
        lines.append(Message("The baseline here has no locks, so that what the locks cost is part of these figures."))
    if saving is not None:
        lines.append(Message(OTHER_SIGNAL[other, way(saving)], amount=amount(abs(saving.expected) / 1000)))
    demand = headline.demand
    if demand is not None and not is_same(demand.saved):
        text = mark(
            "The demand charge of the month falls by {amount} {currency} more, if no other day peaks higher; {share} "
            "of the month lies in this plan, which makes {of_days} {currency}."
        )
        if is_worse(demand.saved):
            text = mark(
                "The demand charge of the month rises by {amount} {currency}, if no other day peaks higher; {share} of "
                "the month lies in this plan, which makes {of_days} {currency}."
            )
        lines.append(
            Message(
                text, amount=amount(abs(demand.saved.expected)), currency=headline.currency,
                share=percent(demand.month_share), of_days=amount(abs(demand.of_days)),
            )
        )  # fmt: skip
    if "peak" in headline.worse:
        lines.append(
            Message(
                "The peak rises from {before:,.1f} to {after:,.1f} MW.",
                before=headline.baseline_peak_mw, after=headline.peak_mw,
            )
        )  # fmt: skip
    return lines


def _numbers(saving: Saving, currency: str, carbon: bool) -> dict[str, object]:
    scale = 1e-3 if carbon else 1.0
    numbers: dict[str, object] = {"amount": amount(abs(saving.expected) * scale), "range": _range(saving, scale)}
    return numbers if carbon else numbers | {"currency": currency}


def _range(saving: Saving, scale: float) -> str:
    """The range of four of five disturbed days and the share, in brackets; negative: the other way."""
    if saving.p10 is None or saving.p90 is None:
        return Message(" ({share})", share=percent(abs(saving.share)))
    ends = sorted((saving.p10 * scale, saving.p90 * scale), key=abs)
    if way(saving) == "more":
        ends = [-end for end in ends]
    low, high = (amount(end) for end in ends)
    share = percent(abs(saving.share))
    if low == high:
        return Message(" ({share})", share=share)
    return Message(" ({low} to {high}; {share})", low=low, high=high, share=share)


def _change(saving: Saving, unit: str, scale: float) -> str:
    texts = {
        "less": mark("{amount} {unit} less ({share})"),
        "more": mark("{amount} {unit} more ({share})"),
        "same": mark("as the baseline"),
    }
    values = {"amount": amount(abs(saving.expected) * scale), "unit": unit, "share": percent(abs(saving.share))}
    return Message(texts[way(saving)], **({} if way(saving) == "same" else values))


def _steps(saving: Saving, unit: str, scale: float) -> str:
    """How the saving comes about: values, stock as a step, the net of the undisturbed day, the range."""
    low, high = saving.p10, saving.p90
    parts = [
        Message(
            "{baseline} to {plan} {unit}", baseline=amount(saving.baseline * scale), plan=amount(saving.plan * scale),
            unit=unit,
        )
    ]  # fmt: skip
    if saving.stock:
        parts.append(
            Message(
                "saved {raw} by these figures, {stock} for stock at the end, {net} net",
                raw=amount(saving.raw * scale), stock=amount(saving.stock * scale), net=amount(saving.net * scale),
            )
        )  # fmt: skip
    if low is not None and high is not None and high > low:
        less = way(saving) != "more"
        ends = (low, high, saving.net) if less else (-high, -low, -saving.net)
        text = mark("{low} to {high} less on four of five disturbed days, {net} undisturbed")
        if not less:
            text = mark("{low} to {high} more on four of five disturbed days, {net} undisturbed")
        low_text, high_text, net_text = (amount(end * scale) for end in ends)
        parts.append(Message(text, low=low_text, high=high_text, net=net_text))
    return joined(parts)


def joined(parts: list[Message]) -> str:
    """Clauses, one after the other."""
    if len(parts) < 2:
        return parts[0] if parts else ""
    names = [f"part{i}" for i in range(len(parts))]
    return Message("; ".join(f"{{{name}}}" for name in names), **dict(zip(names, parts, strict=True)))


def _of_month(demand: DemandCharge, headline: Headline) -> Tile:
    unit = headline.currency
    whole = headline.cost
    note = Message(
        "{days} {unit} of it on the days of this plan ({share} of the month); with all of it the plan saves {whole} "
        "{unit}",
        days=amount(demand.of_days), unit=unit, share=percent(demand.month_share),
        whole=amount(0.0 if whole is None else whole.expected),
    )  # fmt: skip
    label = Message("Demand charge of the month")
    return Tile("demand", label, _change(demand.saved, unit, 1.0), note, is_worse(demand.saved))


def _avoided(headline: Headline) -> Tile:
    price = headline.per_tonne_avoided
    assert price is not None
    value = mark("costs {price} {currency}") if price > 0 else mark("saves {price} {currency}")
    return Tile(
        "avoided", Message("Each tonne of CO2e avoided"),
        Message(value, price=amount(abs(price)), currency=headline.currency),
        Message("cost of the plan above the baseline's, for each tonne avoided"),
    )  # fmt: skip


def _of_days(headline: Headline) -> str:
    holding = headline.holding
    assert holding is not None
    parts = []
    if holding.baseline_share is not None:
        parts.append(Message("baseline {share}", share=of_days(holding.baseline_share)))
    if holding.low is not None and holding.high is not None:
        parts.append(
            Message("{low} to {high} with 95 % confidence", low=of_days(holding.low), high=of_days(holding.high))
        )
    return joined([*parts, Message("{count} disturbed days", count=holding.n)])


RULES = {
    ("rest", "average"): mark(
        "{units} at rest in the {hours:g} h of each day with the most carbon-intensive electricity"
    ),
    ("rest", "marginal"): mark("{units} at rest in the {hours:g} h of each day with the highest marginal intensity"),
    ("rest", "price"): mark("{units} at rest in the {hours:g} dearest hours of each day"),
    ("peak", ""): mark("no peak above {peak:,.1f} MW"),
}


def _rule_text(headline: Headline) -> Message:
    """The simple rule in words."""
    rule = headline.rule
    assert rule is not None
    parts = []
    if rule.hours:
        money = headline.goal in METRICS and METRICS[headline.goal].money
        kind = "price" if money else str(headline.signal)
        parts.append(Message(RULES["rest", kind], units=rule.units, hours=rule.hours))
    if rule.peak_mw is not None:
        parts.append(Message(RULES["peak", ""], peak=rule.peak_mw))
    if len(parts) == 1:
        return parts[0]
    return Message("{rest}, {peak}", rest=parts[0], peak=parts[1])


def _beyond(headline: Headline) -> str:
    """What a simple rule would reach, and what the plan adds."""
    rule = headline.rule
    if rule is None:
        return ""
    if rule.expected is not None and rule.plan_expected is not None and rule.share is not None:
        return _beyond_on_days(headline, rule)
    by_rule, unit = _of_goal(headline, abs(rule.saved))
    ours, _ = _of_goal(headline, abs(rule.beyond))
    if rule.saved <= 0:
        return Message("A simple rule saves nothing here ({rule}).", rule=_rule_text(headline))
    text = mark(
        "Undisturbed, a simple rule saves {by_rule} {unit} ({rule}); the plan saves {ours} {unit} more than that."
    )
    if rule.beyond < 0:
        text = mark("Undisturbed, a simple rule saves {by_rule} {unit} ({rule}), {ours} {unit} more than the plan.")
    return Message(text, by_rule=by_rule, unit=unit, ours=ours, rule=_rule_text(headline))


def _beyond_on_days(headline: Headline, rule: SimpleRule) -> Message:
    """What a simple rule saves on the same disturbed days, and how often it holds."""
    assert rule.expected is not None
    assert rule.plan_expected is not None
    by_rule, unit = _of_goal(headline, abs(rule.expected))
    more = rule.plan_expected - rule.expected
    ours, _ = _of_goal(headline, abs(more))
    if rule.expected <= 0:
        text = mark(
            "On the same {days} disturbed days a simple rule saves nothing and holds on {share} of them ({rule})."
        )
    elif more >= 0:
        text = mark(
            "On the same {days} disturbed days a simple rule saves {by_rule} {unit} and holds on {share} of them "
            "({rule}); the plan saves {ours} {unit} more."
        )
    else:
        text = mark(
            "On the same {days} disturbed days a simple rule saves {by_rule} {unit}, {ours} {unit} more than the plan, "
            "and holds on {share} of them ({rule})."
        )
    values = {"by_rule": by_rule, "ours": ours, "unit": unit} if rule.expected > 0 else {}
    return Message(text, days=rule.days, share=of_days(rule.share), rule=_rule_text(headline), **values)


POINTS = {
    LEAST_CARBON: mark("least carbon: {carbon}, {cost}"),
    NO_REGRET: mark("less carbon at no more cost: {carbon}, {cost}"),
    LEAST_COST: mark("least cost: {carbon}, {cost}"),
}
OWN_POINTS = {
    LEAST_CARBON: mark("least carbon (this plan): {carbon}, {cost}"),
    NO_REGRET: mark("less carbon at no more cost (this plan): {carbon}, {cost}"),
    LEAST_COST: mark("least cost (this plan): {carbon}, {cost}"),
}


def point_text(choice: Choice, currency: str) -> Message:
    """A point of the quick front in words: what it saves undisturbed."""
    texts = OWN_POINTS if choice.is_plan else POINTS
    return Message(
        texts[choice.name], carbon=_saved(choice.carbon_kg / 1000, "t CO2e", choice.figures.carbon_kg / 1000),
        cost=_saved(choice.cost, currency, choice.figures.cost),
    )  # fmt: skip


def _saved(value: float, unit: str, of: float) -> Message:
    """What is saved, with its sign in words."""
    if abs(value) <= SAME * max(abs(of), 1e-9):
        return Message("0 {unit}", unit=unit)
    text = mark("{amount} {unit} less") if value > 0 else mark("{amount} {unit} more")
    return Message(text, amount=amount(abs(value)), unit=unit)


def _front(headline: Headline) -> str:
    """The points of the quick front, undisturbed."""
    choices = headline.choices
    if len(choices) < 2:
        return ""
    if all(choice.figures == choices[0].figures for choice in choices):
        return Message("Least carbon, less carbon at no more cost and least cost: one plan is the best known for all.")
    points = joined([point_text(choice, headline.currency) for choice in choices])
    return Message("To choose from, undisturbed: {points}.", points=points)


def _holds(headline: Headline) -> str:
    holding = headline.holding
    if holding is None:
        return ""
    if holding.baseline_share is None:
        return Message("It holds on {share} of {count} disturbed days.", share=of_days(holding.share), count=holding.n)
    return Message(
        "It holds on {share} of {count} disturbed days, the baseline on {baseline}.",
        share=of_days(holding.share), count=holding.n, baseline=of_days(holding.baseline_share),
    )  # fmt: skip


def _best(headline: Headline) -> str:
    gap, distance = headline.gap, headline.to_best
    if gap is None or distance is None:
        return Message("How much better the best possible plan may be is not known.")
    if gap < LEAST_GAP:
        return Message("No other plan within these limits is better (proven).")
    value, unit = _of_goal(headline, distance)
    return Message("The best possible plan is better by {amount} {unit} at most (proven).", amount=value, unit=unit)


LEAST_GAP = 5e-5
"""A smaller gap is none."""


def _best_tile(headline: Headline) -> Tile:
    gap, distance = headline.gap, headline.to_best
    label = Message("Best possible plan")
    if gap is None or distance is None:
        return Tile("best", label, Message("not known"), Message("{status}", status=Message(headline.status)))
    value, unit = _of_goal(headline, distance)
    note = Message("proven; within {gap} of what can be decided", gap=percent(gap))
    if gap < LEAST_GAP:
        return Tile("best", label, Message("this one"), Message("proven"))
    return Tile("best", label, Message("{amount} {unit} better at most", amount=value, unit=unit), note)


def _of_goal(headline: Headline, value: float) -> tuple[Message, str]:
    if headline.goal in IN_MINUTES:
        return amount(value), "min"
    unit, factor, _ = METRICS[headline.goal].display_in(headline.currency)
    return amount(value * factor), unit
