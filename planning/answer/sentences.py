"""Sentences of the headline: the saving of the goal's figure first, then of the other figure."""

from __future__ import annotations

from emberline.planning.answer.record import BASES, SAME, Headline, Saving, SimpleRule
from emberline.planning.answer.wording import MIN_GAP, amount, joined, of_goal, percent, point_label, replays, rule_text
from emberline.planning.plan.alternatives.record import Choice
from emberline.planning.plan.replays import of_days
from emberline.scenarios.goal_metrics import SIGNALS
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.records.replanning import Using

CARBON = {
    "less": mark("Saves {amount} t CO2e{range}."),
    "more": mark("Emits {amount} t CO2e more{range}."),
    "same": mark("Emits as much as the baseline."),
}
COST = {
    "less": mark("Saves {amount} {currency}{range}."),
    "more": mark("Costs {amount} {currency} more{range}."),
    "same": mark("Costs as much as the baseline."),
}
CARBON_SECOND = {
    "less": mark("It saves {amount} t CO2e{range}."),
    "more": mark("It emits {amount} t CO2e more{range}."),
    "same": mark("It emits as much as the baseline."),
}
COST_SECOND = {
    "less": mark("It saves {amount} {currency}{range}."),
    "more": mark("It costs {amount} {currency} more{range}."),
    "same": mark("It costs as much as the baseline."),
}
EACH_TONNE = mark("It costs {amount} {currency} more{range}: {price} {currency} for each tonne avoided.")
OTHER_SIGNAL = {
    ("average", "less"): mark("By the average intensity of the grid it saves {amount} t CO2e {basis}."),
    ("average", "more"): mark("By the average intensity of the grid it emits {amount} t CO2e more {basis}."),
    ("average", "same"): mark("By the average intensity of the grid it emits as much as the baseline."),
    ("marginal", "less"): mark("By the marginal intensity of the grid it saves {amount} t CO2e {basis}."),
    ("marginal", "more"): mark("By the marginal intensity of the grid it emits {amount} t CO2e more {basis}."),
    ("marginal", "same"): mark("By the marginal intensity of the grid it emits as much as the baseline."),
}


ONE_SIGNAL = {
    "more": mark(
        "A draft by the {this} alone saves {saved} t CO2e more, and emits {emitted} t more by the {other} than the "
        "baseline."
    ),
    "less": mark(
        "A draft by the {this} alone saves {saved} t CO2e more, and emits {emitted} t less by the {other} than the "
        "baseline."
    ),
}
DEMAND = {
    "less": mark(
        "The cost includes the demand charge of the month in full: {amount} {currency} less if no other day peaks "
        "higher. All other costs: {others}."
    ),
    "more": mark(
        "The cost includes the demand charge of the month in full: {amount} {currency} more if no other day peaks as "
        "high. All other costs: {others}."
    ),
}


def lines(headline: Headline) -> tuple[str, ...]:
    """Return the headline in a few sentences: both savings, how often the plan holds, then further details."""
    savings = goal_saving(headline), other_saving(headline)
    parts = (
        *savings,
        repaired(headline),
        holds(headline),
        printed(headline),
        *_about(headline),
        _beyond(headline),
        _best(headline),
        _front(headline),
    )
    return tuple(text for text in parts if text)


def repaired(headline: Headline) -> str:
    """Changes that were needed for a feasible plan; empty if there were none."""
    if not headline.repair:
        return ""
    return Message("There was no plan without a change: {changes}.", changes=joined(list(headline.repair)))


def goal_saving(headline: Headline) -> str:
    """Saving of the minimized figure: cost for goals of money, else carbon."""
    if headline.carbon is None or headline.cost is None:
        return Message("No savings are given: the baseline does not make the same products or serve the same loads.")
    if headline.of_money:
        return _saved_of(headline, headline.cost, COST)
    return _saved_of(headline, headline.carbon, CARBON)


def other_saving(headline: Headline) -> str:
    """Saving of the other figure of carbon and cost; empty without a comparable baseline."""
    carbon, cost, price = headline.carbon, headline.cost, headline.per_tonne_avoided
    if carbon is None or cost is None:
        return ""
    if headline.of_money:
        return _saved_of(headline, carbon, CARBON_SECOND)
    if price is not None and price > 0 and cost.way == "more":
        return _saved_of(headline, cost, {"more": EACH_TONNE}, price=amount(price))
    return _saved_of(headline, cost, COST_SECOND)


def _saved_of(headline: Headline, saving: Saving, texts: dict[str, str], **more: object) -> Message:
    scale = 1.0 if saving is headline.cost else 1e-3
    size, within = amount(abs(saving.expected) * scale), _range(headline, saving, scale)
    return Message(texts[saving.way], amount=size, range=within, currency=headline.currency, **more)


def _about(headline: Headline) -> list[str]:
    """Sentences on the reference, the other intensity, the month's demand charge and the peak."""
    if headline.carbon is None or headline.cost is None:
        return []
    lines: list[str] = []
    if headline.as_run is not None:
        of = mark("Compared with the day as it was run, by {log}.")
        if headline.as_run.meter:
            of = mark("Compared with the day as it was run, by {log} and {meter}.")
        lines.append(Message(of, log=headline.as_run.log, meter=headline.as_run.meter))
    if headline.unlocked:
        lines.append(Message("The baseline here has no locks, so that what the locks cost is part of these figures."))
    other = headline.signal.other
    saving: Saving | None = getattr(headline, other)
    if saving is not None:
        basis = Message(BASES[headline.basis(saving)])
        lines.append(Message(OTHER_SIGNAL[other, saving.way], amount=amount(abs(saving.expected) / 1000), basis=basis))
    if headline.one_signal is not None:
        saved_kg, emitted_kg = headline.one_signal
        signals = {"this": Message(SIGNALS[headline.signal]), "other": Message(SIGNALS[other])}
        text = ONE_SIGNAL["more" if emitted_kg > 0 else "less"]
        lines.append(Message(text, saved=amount(saved_kg / 1000), emitted=amount(abs(emitted_kg) / 1000), **signals))
    demand = headline.demand
    if demand is not None and not demand.saved.same:
        charge, currency = amount(abs(demand.saved.expected)), headline.currency
        others = _saved(headline.cost.expected - demand.saved.expected, currency, headline.cost.baseline)
        lines.append(Message(DEMAND[demand.saved.way], amount=charge, currency=currency, others=others))
    if "peak" in headline.worse:
        text = mark("The peak rises from {before:,.1f} to {after:,.1f} MW undisturbed.")
        lines.append(Message(text, before=headline.baseline_peak_mw, after=headline.peak_mw))
    return lines


def _range(headline: Headline, saving: Saving, scale: float) -> str:
    """Basis, followed in brackets by the range of four in five disturbed replays, the undisturbed saving and the share;
    negative values: in the opposite direction."""
    share, sign = percent(abs(saving.share)), -scale if saving.way == "more" else scale
    basis = Message(BASES[headline.basis(saving)])
    if saving.p10 is None or saving.p90 is None:
        return Message(" {basis} ({share})", basis=basis, share=share)
    low, high = (amount(end) for end in sorted((saving.p10 * sign, saving.p90 * sign)))
    net = amount(saving.net * sign)
    if low == high == net:
        return Message(" {basis} ({share})", basis=basis, share=share)
    text = mark(" {basis} ({low} to {high} in four of five replays, undisturbed {net}; {share})")
    return Message(text, basis=basis, low=low, high=high, net=net, share=share)


def holds(headline: Headline) -> str:
    """Share of days on which plan and baseline hold; empty without disturbances."""
    holding = headline.holding
    if holding is None:
        return ""
    text = mark("{way} it keeps all limits on {share} of {days}, the baseline on {baseline}.")
    if holding.baseline_share is None:
        text = mark("{way} it keeps all limits on {share} of {days}.")
    elif holding.worse:
        text = mark(
            "{way} it keeps all limits on {share} of {days}, less often than the baseline, which keeps them on "
            "{baseline}."
        )
    way_used = mark("Planned again") if headline.policy == Using.REPLAN else mark("As printed")
    days = replays(headline, holding.n)
    share, baseline = (of_days(value, holding.n) for value in (holding.share, holding.baseline_share))
    return Message(text, way=Message(way_used), share=share, days=days, baseline=baseline)


def printed(headline: Headline) -> str:
    """Saving and share of successes if the printed plan is followed without changes; empty if it is not replanned."""
    if headline.printed is None:
        return ""
    holding, saving = headline.printed.holding, headline.printed.saving
    days, share = replays(headline, holding.n), of_days(holding.share, holding.n)
    if headline.printed.same is not None and headline.holding is not None:
        text = mark("{days} ({same} of those {n})")
        n = headline.holding.n
        days = Message(text, days=days, same=of_days(headline.printed.same, n), n=n)
    values = {"days": days, "share": share, "baseline": of_days(holding.baseline_share, holding.n)}
    if saving is None or saving.p10 is None or saving.p90 is None:
        return Message(
            "Followed as printed, the plan keeps all limits on {share} of {days}, the baseline on {baseline}.", **values
        )
    text = mark(
        "Followed as printed, the plan saves {amount} {unit} ({low} to {high}) and keeps all limits on {share} of "
        "{days}, the baseline on {baseline}."
    )
    if saving.way == "more":
        text = mark(
            "Followed as printed, the plan adds {amount} {unit} ({low} to {high}) and keeps all limits on {share} "
            "of {days}, the baseline on {baseline}."
        )
    value, unit = of_goal(headline, abs(saving.expected))
    sign = -1.0 if saving.way == "more" else 1.0
    low, high = (of_goal(headline, end)[0] for end in sorted((sign * saving.p10, sign * saving.p90)))
    return Message(text, amount=value, unit=unit, low=low, high=high, **values)


def _beyond(headline: Headline) -> str:
    """Result of a simple rule, the plan's additional saving, and the limit that the rule violates, if any."""
    rule = headline.rule
    if rule is None:
        return ""
    reached = _reached(headline, rule)
    if rule.over_cap:
        text = mark("The rule costs {amount} {currency} more than the cap on cost allows.")
        why = Message(text, amount=amount(rule.over_cap), currency=headline.currency)
    elif rule.over_other_kg > 0:
        text = mark("By the {other} the rule emits {amount} t CO2e more than the baseline, which a plan must not.")
        other = Message(SIGNALS[headline.signal.other])
        why = Message(text, other=other, amount=amount(rule.over_other_kg / 1000))
    elif headline.rule_is_outside:
        why = Message("The rule keeps no margins; this plan does.")
        if not headline.margins:
            why = Message("The starts of the rule lie between the steps of the plan.")
    else:
        return reached
    return Message("{first} {second}", first=reached, second=why)


def _reached(headline: Headline, rule: SimpleRule) -> Message:
    """Result of a simple rule, and the plan's additional saving."""
    if rule.expected_beyond is not None:
        return _beyond_on_days(headline, rule, rule.expected_beyond)
    by_rule, unit = of_goal(headline, abs(rule.saved))
    ours, _ = of_goal(headline, abs(rule.beyond))
    if rule.saved <= 0:
        return Message("A simple rule saves nothing here ({rule}).", rule=rule_text(headline))
    text = mark(
        "Undisturbed, a simple rule saves {by_rule} {unit} ({rule}); the plan saves {ours} {unit} more than that."
    )
    if rule.beyond < 0:
        text = mark("Undisturbed, a simple rule saves {by_rule} {unit} ({rule}), {ours} {unit} more than the plan.")
    return Message(text, by_rule=by_rule, unit=unit, ours=ours, rule=rule_text(headline))


def _beyond_on_days(headline: Headline, rule: SimpleRule, more: float) -> Message:
    """Saving of a simple rule on the same disturbed days, and its share of successes."""
    assert rule.expected is not None
    by_rule, unit = of_goal(headline, abs(rule.expected))
    ours, _ = of_goal(headline, abs(more))
    if rule.expected <= 0:
        text = mark(
            "As printed a simple rule saves nothing on {days} and keeps all limits on {share} of them ({rule})."
        )
    elif more >= 0:
        text = mark(
            "As printed a simple rule saves {by_rule} {unit} on {days} and keeps all limits on {share} of them "
            "({rule}); the plan, printed too, saves {ours} {unit} more."
        )
    else:
        text = mark(
            "As printed a simple rule saves {by_rule} {unit} on {days}, {ours} {unit} more than the plan "
            "printed too, and keeps all limits on {share} of them ({rule})."
        )
    values = {"by_rule": by_rule, "ours": ours, "unit": unit} if rule.expected > 0 else {}
    days, share = replays(headline, rule.days), of_days(rule.share, rule.days)
    return Message(text, days=days, share=share, rule=rule_text(headline), **values)


def _best(headline: Headline) -> str:
    gap, distance, beyond = headline.gap, headline.to_best, headline.beyond_steps
    if beyond is not None and beyond > 0:
        value, unit = of_goal(headline, beyond)
        text = mark("It is better than every plan that {covered} by {amount} {unit} at least (proven).")
        return Message(text, covered=headline.bound_covers.says, amount=value, unit=unit)
    if gap is None or distance is None:
        return Message("How much better the best possible plan may be is not known.")
    value, unit = of_goal(headline, distance)
    if gap < MIN_GAP or not value.strip("0."):  # less than is displayed
        return Message("No plan that {covered} is better (proven).", covered=headline.bound_covers.says)
    text = mark("No plan that {covered} is better by more than {amount} {unit} (proven).")
    return Message(text, covered=headline.bound_covers.says, amount=value, unit=unit)


def _front(headline: Headline) -> str:
    """Points of the quick front, undisturbed."""
    others = [point for point in headline.choices if not point.is_plan]
    mine = next((point for point in headline.choices if point.is_plan), None)
    if not others:
        return ""
    if mine is not None and all(point.figures == mine.figures for point in others):
        points = joined([_point_label(point, headline) for point in others])
        return Message("Short searches for other goals ({points}) ended with this plan, too.", points=points)
    choices = headline.choices[::-1] if headline.of_money else headline.choices
    points = joined([_point_text(point, headline) for point in choices])
    return Message("To choose from, undisturbed: {points}.", points=points)


def _point_label(choice: Choice, headline: Headline) -> Message:
    return point_label(choice.name, headline.goal, headline.signal, headline.extra_cost_share)


def _point_text(choice: Choice, headline: Headline) -> Message:
    """Point of the quick front in words: its undisturbed saving, of the goal's figure first."""
    carbon = _saved(choice.carbon_kg / 1000, "t CO2e", choice.figures.carbon_kg / 1000)
    cost = _saved(choice.cost, headline.currency, choice.figures.cost)
    first, second = (cost, carbon) if headline.of_money else (carbon, cost)
    text = mark("{point} (this plan): {first}, {second}") if choice.is_plan else mark("{point}: {first}, {second}")
    values = {"point": _point_label(choice, headline), "first": first, "second": second}
    name = headline.signal.other
    other: Saving | None = getattr(headline, name)
    more_kg = 0.0 if other is None else (choice.figures.other_carbon_kg or 0.0) - other.baseline
    if choice.is_plan or other is None or more_kg <= SAME * abs(other.baseline):
        return Message(text, **values)
    text = mark("{point}: {first}, {second}, but {more} t CO2e more by the {other}")
    return Message(text, **values, more=amount(more_kg / 1000), other=Message(SIGNALS[name]))


def _saved(value: float, unit: str, of: float) -> Message:
    """Saving with its sign in words."""
    if abs(value) <= SAME * max(abs(of), 1e-9):
        return Message("0 {unit}", unit=unit)
    text = mark("{amount} {unit} less") if value > 0 else mark("{amount} {unit} more")
    return Message(text, amount=amount(abs(value)), unit=unit)
