"""What plans, models and twin say in English sentences, in the language of the page: by text, or by pattern.

They know no language; what no pattern fits stays as it is, as do the validator's messages about a scenario.
"""

from __future__ import annotations

import re
from functools import cache

from emberline.ui.text.language import current, mark, tr
from emberline.ui.text.numbers import listed, names

STATUSES = (
    mark("within gap"), mark("best found"), mark("infeasible"), mark("no plan on this grid"),
    mark("no plan within the limit"), mark("cancelled"),
    mark("no plan"), mark("no schedule"), mark("simulated"),
)  # fmt: skip
VERDICTS = (
    mark("No plan: {reason}."),
    mark("Not acceptable: the twin found {count} violation(s) when it followed the schedule."),
    mark("Not acceptable: the twin does not agree with the schedule on energy, carbon or cost."),
    mark("Feasible, and the twin agrees; it held in {held} of {n} disturbed days."),
    mark("Feasible, and the twin agrees."),
    mark("The baseline ends with more stock, which counts at what it took on average to make."),
    mark("Late: {count} heat(s), {minutes} min in all; no schedule is less late."),
    mark("Late: {count} heat(s), {minutes} min in all; the least that was found."),
    mark("no schedule keeps all limits: the relaxation of the line has no solution"),
    mark("no schedule whose starts lie on steps of {step} min keeps all limits"),
    mark("no schedule keeps the waits and casts"),
    mark("no schedule was found in {seconds} s"),
    mark("no plan keeps all limits: deliveries, stores, rates, runs, carriers and caps"),
    mark("no plan was found in {seconds} s"),
    mark("no use of the site keeps all limits: demands, rates, levels, switching times and caps"),
    mark("there is no best plan: something is sold for more than it costs, without any limit"),
    mark("cancelled before a schedule was found"),
    mark("cancelled before a plan was found"),
    mark("No better order of heats than the foreman's was found."),
    mark("No better switches than the foreman's were found."),
    mark("The foreman's list: what the search found draws more than the import limit."),
    mark("The foreman's list: the search found no schedule whose starts lie on steps of {step} min."),
    mark("No bound is told: what was proven contradicts the plan. This is an error of Emberline; please report it."),
    mark("The earlier plan stays."),
    mark("Begun with the plan before, for {short} s of {long} s. Plan again to search on."),
)
"""Of plans (``plans/plan/record.py``), and why there is none, or none better."""
FRONTS = (
    mark("No front: there is no acceptable plan: {reason}."),
    mark("No front: there is no acceptable plan."),
    mark("Nothing can be traded: the cleanest plan found is also the cheapest."),
    mark("{n} points, none of them a knee: no point lies below the chord between the ends."),
    mark("{n} points; the knee is point {number}."),
    mark("{kept} of {asked} points are on the front; left out: {reasons}"),
    mark("{kept} of {asked} points are on the front"),
    mark("{count} dominated by another"),
    mark("{count} the same as a neighbour"),
    mark("{count} without an acceptable plan"),
    mark("{count} not searched"),
    mark(
        "each figure is known to its gap only: differences between points that are smaller than the gaps mean nothing; "
        "{count} here may be no more than that"
    ),
    mark(
        "each figure is known to its gap only: differences between points that are smaller than the gaps mean nothing"
    ),
    mark(
        "knee: largest distance below the chord between the ends, both axes scaled to 1 (Das 1999, Structural "
        "Optimization 18)"
    ),
    mark(
        "dual: shadow price of the carbon cap in the site's least-cost program with the heats' starts and all whole "
        "numbers fixed: what the site alone asks for the next kilogram less (at the clean end: for the last)"
    ),
)
"""Of a front (``plans/pareto/front.py``)."""
JOBS = (
    mark("stopped before there was anything to keep"),
    mark("the worker ended without a result, perhaps for lack of memory; plan again"),
    mark("the worker ended without a result, perhaps for lack of memory; ask again"),
    mark("the worker ended without a result: the disk is full; make room and ask again"),
    mark("the worker took far longer than the time limit and was ended; allow more time or ask for less"),
    mark("{count} jobs wait already; let some of them finish or stop them"),
)
LINES = {
    "line": mark("item of a bill"), "unit": mark("unit of measure"), "from": mark("where it is from"),
    "lost": mark("lost in stores"), "energy": mark("charge for energy"), "demand": mark("charge for demand"),
    "levy": mark("levy"), "fixed": mark("charge by the month"), "tax": mark("tax"),
    "tariff energy": mark("tariff energy"), "tariff export": mark("tariff export"), "coincident": mark("coincident"),
    "spot": mark("spot"), "resale": mark("resale"), "block": mark("block"), "guarantees": mark("guarantees"),
    "export": mark("export"), "imbalance": mark("imbalance"), "short": mark("more than nominated"),
    "long": mark("less than nominated"), "fuel": mark("fuel"), "sale": mark("sale"), "flare": mark("flare"),
    "wear": mark("wear"), "running": mark("running"), "start": mark("starts of a machine"),
    "stop": mark("stops of a machine"), "starts": mark("starts"), "stops": mark("stops"),
    "carbon": mark("carbon price"), "scope 1": mark("scope 1"), "scope 2, grid": mark("scope 2, grid"),
    "scope 2, bought heat": mark("scope 2, bought heat"), "grid": mark("grid"), "residual": mark("residual"),
    "rest": mark("what no contract covers"),
    "average of the location, no residual mix": mark("average of the location, no residual mix"),
    "table {name}": mark("table {name}"), "contract {name}": mark("contract {name}"),
    "guarantees of origin {name}": mark("guarantees of origin {name}"), "constant": mark("a constant value"),
    "residual mix": mark("intensity of the residual mix"), "months": mark("months"), "money": mark("amount of money"),
}  # fmt: skip
"""Kinds, lines and units of bill and ledger; some are words of many meanings, which a message tells apart."""
LIMITS = (
    mark("{limit} to {new} (now {old})"), mark("all locks dropped"), mark("all locks"),
    mark("lock of heat {heat} at {stage} dropped"), mark("lock of heat {heat} at {stage}"),
    mark("due time of heats {number} ({grade}) of order {order}"), mark("due time of order {order}"),
    mark("release of order {order}"), mark("order {order} on any unit of {stage}"), mark("order {order} left out"),
    mark("order {order} on {units}"), mark("longest wait after {stage}"), mark("set-up of {unit}"),
    mark("slowest heat at {stage} (others in proportion)"), mark("room of {store}"), mark("amount of delivery {name}"),
    mark("due time of delivery {name}"), mark("release of delivery {name}"), mark("loading of {name}"),
    mark("daily energy of {name}"), mark("least run of {name}"), mark("least rest of {name}"),
    mark("earliest beginning of the planned stop of {name}"), mark("latest beginning of the planned stop of {name}"),
    mark("planned stop of {name} left out"), mark("planned stop of {name}"), mark("{name} must run"),
    mark("{name} allowed to stand still"), mark("ramp of {name}"), mark("highest rate of {name} in mode {mode}"),
    mark("lowest rate of {name} in mode {mode}"), mark("highest rate of {name}"), mark("lowest rate of {name}"),
    mark("cap on carbon"), mark("cap on cost"), mark("cap on the import's peak"),
    mark("cap on cost above the foreman's"), mark("import limit"), mark("export limit"),
    mark("level of {store} at the end"), mark("base load"), mark("no surplus of {carrier}"),
    mark("surplus of {carrier} let go"), mark("demand of {name}"), mark("what {name} gives"), mark("filling of {name}"),
    mark("emptying of {name}"), mark("capacity of {name}"), mark("rate of {name}"),
    mark("amount of {name} over the horizon"), mark("amount of {name} each day"), mark("size of {name}"),
    mark("steps of {finer} min instead of {step} min"),
    mark("least load of {name}"), mark("end of the outage of {unit}"), mark("length of the horizon"),
    mark("{share} % of its rate"), mark("order {order}"), mark("delivery {name}"), mark("arrival {name}"),
)  # fmt: skip
"""Limits and what loosens them (``models/explain``)."""
COUNTED = (
    mark("order {order} takes {hours} h from the start of its first heat by itself: it cannot end before {end} and is "
         "due {due}"),
    mark("{stage} needs {more} h more of {units} before {end}: {count} heats take {needed} h, {setup} h of it set-up, "
         "there are {there} h"),
    mark("{stage} needs {more} h more of {units} before {end}: {count} heats take {needed} h, there are {there} h"),
    mark("{name} can draw {most} MWh at most on {day}, asked are {wanted}"),
    mark("{name} draws {least} MWh at least on {day}, asked are {wanted}"),
    mark("{name} lacks {tonnes} t by {time}, whatever is made"),
    mark("{name} has no room for {tonnes} t by {time}, whatever is taken"),
    mark("{name} holds {most} t at most at the end, wanted are {wanted}: {missing} t are missing"),
)  # fmt: skip
"""What is missing where there is no plan."""
REASONS = (
    mark("carbon intensity is {new} instead of {old} {unit} then and PV gives {more} instead of {less} MW then"),
    mark(
        "marginal carbon intensity is {new} instead of {old} {unit} then and PV gives {more} instead of {less} MW then"
    ),
    mark("electricity costs {new} instead of {old} {unit} then and PV gives {more} instead of {less} MW then"),
    mark("carbon intensity is {new} instead of {old} {unit} then"),
    mark("marginal carbon intensity is {new} instead of {old} {unit} then"),
    mark("electricity costs {new} instead of {old} {unit} then"),
    mark("PV gives {new} instead of {old} MW then"),
    mark("carbon intensity is {new} instead of {old} {unit} while it does"),
    mark("marginal carbon intensity is {new} instead of {old} {unit} while it does"),
    mark("electricity is {new} instead of {old} {unit} while it does"),
    mark("{unit} is busy with heat {heat} until {time} instead"),
    mark("{unit} is not available then"),
    mark("it goes with order {order}"),
    mark("it is no longer locked at {stage}"),
    mark("it is locked at {stage}"),
    mark("order {order} has {key} {new} instead of {old}"),
)  # fmt: skip
"""Why something has moved (``plans/difference``)."""
FILES = (mark("import, export, charge and discharge are each positive in their own direction"),)
"""What a run says of its datasets (``plans/store/run_folder.py``)."""
USES = {
    "runs": mark("runs"), "makes": mark("makes tonnes"), "is on": mark("is on"), "delivers": mark("delivers energy"),
    "takes": mark("takes energy"), "charges": mark("charges"), "lets go": mark("lets go"),
}  # fmt: skip
"""What units and assets do (``plans/difference/uses.py``)."""
SENTENCES = (*STATUSES, *VERDICTS, *FRONTS, *JOBS, *COUNTED, *REASONS, *LIMITS, *FILES)
PATTERNS = LINES | USES | {text: text for text in SENTENCES}
"""Message by what is said."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CLOCK = re.compile(rf"({'|'.join(DAYS)}) (\d\d?) ({'|'.join(MONTHS)}) (\d\d:\d\d)")
SENTENCE = re.compile(r"(?<=[a-z)]\.) (?=[A-Z])")
SAID_TOO = ("reason", "limit", "new", "old")
"""Parts of a pattern that are sentences themselves."""
LISTS = ("units", "reason", "reasons")
"""Parts in which a comma may stand."""


def said(text: str) -> str:
    """A status, verdict or reason, or several sentences of them; English stays as it is."""
    if current() == "en" or not text:
        return text
    found = _whole(text)
    if found is not None:
        return found
    parts = SENTENCE.split(text)
    if len(parts) > 1:
        return " ".join(map(said, parts))
    head, _, tail = text.partition(", ")
    known = _whole(head) if tail else None
    return text if known is None else listed([known, _whole(tail) or CLOCK.sub(_clock, tail)])


def _whole(text: str) -> str | None:
    """A text that one of the patterns fits; None: none does."""
    for pattern, message in _compiled():
        match = pattern.fullmatch(text)
        if match:
            parts = {name: said(part) if name in SAID_TOO else part for name, part in match.groupdict().items()}
            parts |= {"reasons": listed(map(said, parts["reasons"].split(", ")))} if "reasons" in parts else {}
            return CLOCK.sub(_clock, tr(message, **parts))
    return None


@cache
def _compiled() -> list[tuple[re.Pattern[str], str]]:
    def part(match: re.Match[str]) -> str:
        # a name ends where a list would go on
        return rf"(?P<{match[1]}>{'.+?' if match[1] in LISTS else '(?:(?!, ).)+?'})"

    return [(re.compile(re.sub(r"\\{(\w+)\\}", part, re.escape(text))), message) for text, message in PATTERNS.items()]


def _clock(match: re.Match[str]) -> str:
    days, months = names(current())
    day, month = days[DAYS.index(match[1])], months[MONTHS.index(match[3])]
    return tr("{weekday} {day} {month} {time}", weekday=day, day=int(match[2]), month=month, time=match[4])
