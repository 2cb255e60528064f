"""Headline as a strip of figures: value, difference and range together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from emberline.planning.answer.record import (
    BASES,
    DemandCharge,
    Headline,
    Holding,
    PerTonne,
    Printed,
    Saving,
    SimpleRule,
)
from emberline.planning.answer.wording import MIN_GAP, amount, joined, of_goal, percent, replays, rule_text, total
from emberline.planning.plan.replays import of_days
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import METRICS

GOAL, OTHER = "goal", "other"


@dataclass(frozen=True)
class Tile:
    """Figure of the strip."""

    name: str
    label: str
    value: str
    note: str
    """Explanation of the value."""
    brief: str
    """Short form of the note: days and reference."""
    worse: bool = False
    """Whether the plan is worse than the baseline here."""
    weight: str = ""
    """``goal``: figure minimized by the goal, to be emphasized; ``other``: the other figure of carbon and cost."""


def tiles(headline: Headline) -> tuple[Tile, ...]:
    """Strip of figures: those of the goal first, those of the other figure of carbon and cost last."""
    cost, carbon = _of_cost(headline), _of_carbon(headline)
    if headline.of_money:
        goal, other = cost, carbon
    else:
        goal, other = carbon, cost
    remaining = []
    if headline.rule is not None:
        remaining.append(_of_rule(headline, headline.rule))
    if headline.holding is not None:
        days = _of_days(headline, headline.holding)
        remaining.append(days if headline.printed is None else _with_printed(days, headline, headline.printed))
    remaining += [_best_tile(headline), _of_peak(headline)]
    if headline.per_tonne is not None:
        remaining.append(_of_tonne(headline.per_tonne, headline))
    weight = GOAL if headline.of_money or headline.goal == "carbon" else ""
    first = [replace(tile, weight=weight) for tile in goal[:1]]
    last = [replace(tile, weight=OTHER if weight else "") for tile in other]
    return (*first, *goal[1:], *remaining, *last)


def _of_carbon(headline: Headline) -> list[Tile]:
    """Carbon by the goal's intensity, then by the other one."""
    labels = {
        "average": mark("Carbon, average intensity, {basis}"), "marginal": mark("Carbon, marginal intensity, {basis}"),
    }  # fmt: skip
    names = sorted(labels, key=lambda name: name != headline.signal)
    savings: dict[str, Saving | None] = {name: getattr(headline, name) for name in names}
    return [_of_saving(headline, name, labels[name], saving) for name, saving in savings.items() if saving is not None]


def _of_cost(headline: Headline) -> list[Tile]:
    """Cost, and the month's demand charge as a part of it."""
    saving, demand = headline.cost, headline.demand
    strip = [] if saving is None else [_of_saving(headline, "cost", mark("Cost, {basis}"), saving)]
    return strip if demand is None else [*strip, _of_month(demand, headline)]


def _of_saving(headline: Headline, name: str, label: str, saving: Saving, *more: Message) -> Tile:
    metric = "carbon" if name in ("average", "marginal") else "cost"
    unit, scale, _ = METRICS[metric].display_in(headline.currency)
    whole, after = (total(headline, metric, value) for value in (saving.baseline, saving.plan - saving.stock))
    brief = [Message("undisturbed {baseline} → {plan}", baseline=whole, plan=after)]
    brief += [Message("stock counted")] if saving.stock else []
    note = joined([*_steps(headline, metric, saving), *more])
    named = Message(label, basis=Message(BASES[headline.basis(saving)]))
    return Tile(name, named, _change(saving, unit, scale), note, joined(brief, ", "), saving.worse)


def _of_tonne(each: PerTonne, headline: Headline) -> Tile:
    """Figures per tonne of the whole site, and the electricity of the units alone if there are other loads."""

    def amounts(kg: float, cost: float) -> list[Message]:
        of_cost = Message("{amount} {unit}", amount=amount(cost), unit=headline.currency)
        pair = [Message("{amount} {unit}", amount=amount(kg), unit="kg CO2e"), of_cost]
        return pair[::-1] if headline.of_money else pair

    def with_energy(first: Message, kwh: float) -> Message:
        return Message("{first}, {kwh:,.0f} kWh", first=first, kwh=kwh)

    label = Message("Per tonne of product, undisturbed")
    ours, other = amounts(each.carbon_kg, each.cost)
    before, other_before = amounts(each.baseline_carbon_kg, each.baseline_cost)
    before = with_energy(before, each.baseline_kwh)
    text = mark("baseline {before}; {other}, baseline {other_before}")
    parts = [Message(text, before=before, other=other, other_before=other_before)]
    brief = [Message("baseline {before}", before=before)]
    if each.has_load:
        label = Message("Per tonne of product, whole site, undisturbed")
        units = {"kwh": amount(each.units_kwh), "baseline": amount(each.baseline_units_kwh)}
        text = mark(
            "base load included, which the carbon of products leaves out; the units alone draw {kwh} kWh, baseline "
            "{baseline} kWh"
        )
        parts.append(Message(text, **units))
        brief.append(Message("units alone {kwh} kWh", kwh=units["kwh"]))
    return Tile("per tonne", label, with_energy(ours, each.kwh), joined(parts), joined(brief))


def _of_rule(headline: Headline, rule: SimpleRule) -> Tile:
    """Saving of the plan beyond a simple rule, on disturbed days if there are any."""
    label, beyond = Message("Compared with a simple rule"), rule.expected_beyond
    value, unit = of_goal(headline, abs(rule.beyond))
    text = mark("{amount} {unit} less ({share})") if rule.beyond >= 0 else mark("{amount} {unit} more ({share})")
    calm = Message(text, amount=value, unit=unit, share=percent(abs(rule.beyond_share)))
    if beyond is None or rule.expected is None:
        note = Message("undisturbed; the rule: {rule}", rule=rule_text(headline))
        return Tile("rule", label, calm, note, Message("undisturbed"), rule.beyond < 0)
    label = Message("Compared with a simple rule, both as printed")
    by_rule, _ = of_goal(headline, rule.expected)
    days, share = replays(headline, rule.days), of_days(rule.share, rule.days)
    text = mark(
        "on {days} the rule saves {by_rule} {unit} and holds on {share} of them; undisturbed the plan "
        "has {calm}; the rule: {rule}"
    )
    note = Message(text, days=days, by_rule=by_rule, unit=unit, share=share, calm=calm, rule=rule_text(headline))
    brief = Message("on {days}; it holds on {share}", days=days, share=share)
    value, _ = of_goal(headline, abs(beyond))
    text = mark("{amount} {unit} less") if beyond >= 0 else mark("{amount} {unit} more")
    return Tile("rule", label, Message(text, amount=value, unit=unit), note, brief, beyond < 0)


def _of_peak(headline: Headline) -> Tile:
    label, value = Message("Peak, undisturbed"), Message("{peak:,.1f} MW", peak=headline.peak_mw)
    note = brief = Message("baseline {peak:,.1f} MW", peak=headline.baseline_peak_mw)
    worse = "peak" in headline.worse
    if worse:
        brief = Message("{more:,.1f} MW above the baseline", more=headline.peak_mw - headline.baseline_peak_mw)
    return Tile("peak", label, value, note, brief, worse)


def _change(saving: Saving, unit: str, scale: float) -> str:
    texts = {
        "less": mark("{amount} {unit} less ({share})"),
        "more": mark("{amount} {unit} more ({share})"),
        "same": mark("as the baseline"),
    }
    values = {"amount": amount(abs(saving.expected) * scale), "unit": unit, "share": percent(abs(saving.share))}
    return Message(texts[saving.way], **({} if saving.way == "same" else values))


def _steps(headline: Headline, metric: str, saving: Saving) -> list[Message]:
    """Parts of the saving: totals, stock credit, undisturbed net saving, range."""
    low, high = saving.p10, saving.p90
    unit, scale, _ = METRICS[metric].display_in(headline.currency)
    before, after = (total(headline, metric, value) for value in (saving.baseline, saving.plan))
    parts = [Message("undisturbed {baseline} to {plan} {unit}", baseline=before, plan=after, unit=unit)]
    if saving.stock:
        raw, stock, net = (amount(part * scale) for part in (saving.raw, saving.stock, saving.net))
        text = mark("saved {raw} by these figures, {stock} for stock at the end, {net} net")
        parts.append(Message(text, raw=raw, stock=stock, net=net))
    if low is not None and high is not None:
        less = saving.way != "more"
        ends = (low, high, saving.net) if less else (-high, -low, -saving.net)
        text = mark("{low} to {high} less in four of five disturbed replays, {net} undisturbed")
        if not less:
            text = mark("{low} to {high} more in four of five disturbed replays, {net} undisturbed")
        low_text, high_text, net_text = (amount(end * scale) for end in ends)
        if low_text != high_text:
            parts.append(Message(text, low=low_text, high=high_text, net=net_text))
    return parts


def _of_month(demand: DemandCharge, headline: Headline) -> Tile:
    label = mark("Demand charge of the month, part of the cost, {basis}")
    text = mark("{days} {unit} of it on the days of this plan ({share} of the month)")
    share = percent(demand.month_share)
    days = Message(text, days=amount(demand.of_days), unit=headline.currency, share=share)
    return _of_saving(headline, "demand", label, demand.saved, days)


def _of_days(headline: Headline, holding: Holding) -> Tile:
    count, base = replays(headline, holding.n), holding.baseline_share
    parts: list[Message] = []
    brief: list[Message] = [count]
    if base is not None:
        parts.append(Message("baseline {share}", share=of_days(base, holding.n)))
        brief = [*parts, count]
        if holding.worse:
            points = amount(round(100 * (base - holding.share), 1))
            brief = [Message("{points} points below the baseline; {days}", points=points, days=count)]
    parts += _confidence(holding)
    if holding.level is not None and holding.share < holding.level:
        missed = Message("{level} were to be reached", level=of_days(holding.level, holding.n))
        parts, brief = [missed, *parts], [missed, *brief]
    days, label = of_days(holding.share, holding.n), Message("Holds, {basis}", basis=Message(BASES[headline.policy]))
    return Tile("holding", label, days, joined([*parts, count]), joined(brief), holding.worse)


def _confidence(holding: Holding) -> list[Message]:
    """Interval of a share of days, if there is one."""
    if holding.low is None or holding.high is None:
        return []
    low, high = (of_days(end, holding.n) for end in (holding.low, holding.high))
    return [Message("{low} to {high} with 95 % confidence", low=low, high=high)]


def _with_printed(tile: Tile, headline: Headline, printed: Printed) -> Tile:
    """Return the tile of days extended by the result of the printed plan without changes."""
    holding, saving = printed.holding, printed.saving
    days, more = replays(headline, holding.n), list[Message]()
    if saving is not None and headline.goal in METRICS:
        unit, scale, _ = METRICS[headline.goal].display_in(headline.currency)
        more.append(Message("as printed {saving}", saving=_change(saving, unit, scale)))
    brief = joined([tile.brief, *more])
    more += _confidence(holding)
    value = Message("{again} / {printed}", again=tile.value, printed=of_days(holding.share, holding.n))
    note = joined([tile.note, *more, days])
    return replace(tile, label=Message("Holds, planned again / as printed"), value=value, note=note, brief=brief)


def _best_tile(headline: Headline) -> Tile:
    gap, distance = headline.gap, headline.to_best
    label = Message("Best possible plan")
    if headline.beyond_steps is not None and headline.beyond_steps > 0:
        value, unit = of_goal(headline, headline.beyond_steps)
        text = mark("{amount} {unit} better at least than the best on {step:g}-minute steps (proven)")
        note = Message(text, amount=value, unit=unit, step=headline.bound_covers.step_min)
        return Tile("best", label, Message("not known"), note, note)
    if gap is None or distance is None:
        status = Message("{status}", status=Message(headline.status))
        return Tile("best", label, Message("not known"), status, status)
    value, unit = of_goal(headline, distance)
    covered, step = headline.bound_covers.says, headline.bound_covers.step_min
    proven = Message("proven") if step is None else Message("proven on {step:g}-minute steps", step=step)
    if gap < MIN_GAP:
        note = Message("proven: no plan that {covered} is better", covered=covered)
        return Tile("best", label, Message("this one"), note, proven)
    note = Message("{proven}; within {gap} of what can be decided", proven=proven, gap=percent(gap))
    return Tile("best", label, Message("{amount} {unit} better at most", amount=value, unit=unit), note, note)
