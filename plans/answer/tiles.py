"""The headline as a strip of figures: value, difference and range together."""

from __future__ import annotations

from dataclasses import dataclass

from emberline.plans.answer.record import DemandCharge, Headline, Saving, is_worse
from emberline.plans.answer.wording import LEAST_GAP, amount, joined, of_days, of_goal, percent, rule_text, way
from emberline.scenarios.messages import Message, mark


@dataclass(frozen=True)
class Tile:
    """One figure of the strip."""

    name: str
    label: str
    value: str
    note: str
    worse: bool = False
    """Whether the plan is worse than the baseline here."""


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
        value, unit = of_goal(headline, abs(rule.beyond))
        text = mark("{amount} {unit} less ({share})") if rule.beyond >= 0 else mark("{amount} {unit} more ({share})")
        says = Message(text, amount=value, unit=unit, share=percent(abs(rule.beyond_share)))
        note = Message("undisturbed; the rule: {rule}", rule=rule_text(headline))
        if rule.share is not None and rule.expected is not None:
            by_rule, _ = of_goal(headline, rule.expected)
            note = Message(
                "undisturbed; on {days} disturbed days the rule saves {by_rule} {unit} and holds on {share} of them; "
                "the rule: {rule}",
                days=rule.days, by_rule=by_rule, unit=unit, share=of_days(rule.share), rule=rule_text(headline),
            )  # fmt: skip
        strip.append(Tile("rule", Message("Compared with a simple rule"), says, note, rule.beyond < 0))
    peak = Message("baseline {peak:,.1f} MW", peak=headline.baseline_peak_mw)
    strip.append(Tile("peak", Message("Peak"), Message("{peak:,.1f} MW", peak=headline.peak_mw), peak, "peak" in worse))
    holding = headline.holding
    if holding is not None:
        strip.append(Tile("holding", Message("Holds"), of_days(holding.share), _of_days(headline), "holding" in worse))
    strip.append(_best_tile(headline))
    return tuple(strip)


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


def _best_tile(headline: Headline) -> Tile:
    gap, distance = headline.gap, headline.to_best
    label = Message("Best possible plan")
    if gap is None or distance is None:
        return Tile("best", label, Message("not known"), Message("{status}", status=Message(headline.status)))
    value, unit = of_goal(headline, distance)
    note = Message("proven; within {gap} of what can be decided", gap=percent(gap))
    if gap < LEAST_GAP:
        return Tile("best", label, Message("this one"), Message("proven"))
    return Tile("best", label, Message("{amount} {unit} better at most", amount=value, unit=unit), note)
