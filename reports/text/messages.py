"""Translation of messages and terms from the lower layers.

A message carries its id and parameters and is worded from them; plain strings are translated if they are among the
terms below. Messages stored by earlier releases are English text without an id and are shown unchanged.
"""

from __future__ import annotations

from datetime import date, datetime

from emberline.reports.text.language import current, mark, tr
from emberline.reports.text.numbers import clock, grouped, listed
from emberline.reports.text.numbers import date as day_of_week
from emberline.scenarios.messages import Message, worded

STATUSES = (
    mark("within gap"), mark("best found"), mark("infeasible"), mark("no plan on this grid"),
    mark("no plan within the limit"), mark("no schedule"), mark("simulated"), mark("not planned"),
)  # fmt: skip
"""Statuses of plans, fronts and points that are not marked elsewhere."""
TERMS = {
    "line": mark("item of a bill"), "unit": mark("unit of measure"), "from": mark("where it is from"),
    "lost": mark("lost in stores"), "energy": mark("charge for energy"), "demand": mark("charge for demand"),
    "levy": mark("levy"), "fixed": mark("charge by the month"), "tax": mark("tax"),
    "tariff energy": mark("tariff energy"), "tariff export": mark("tariff export"), "coincident": mark("coincident"),
    "spot": mark("spot"), "resale": mark("resale"), "block": mark("block"), "short": mark("more than nominated"),
    "long": mark("less than nominated"), "fuel": mark("fuel"), "wear": mark("wear"), "running": mark("cost of running"),
    "start": mark("starts of a machine"), "stop": mark("stops of a machine"), "starts": mark("starts"),
    "stops": mark("stops"), "carbon": mark("carbon price"), "residual": mark("residual"),
    "rest": mark("what no contract covers"), "constant": mark("a constant value"),
    "cast longer": mark("casts that took longer"), "start later": mark("starts held back"),
    "less power": mark("power held back"), "end of cast": mark("casts that ended early"),
    "return": mark("heats that went back"), "engine": mark("engines that stepped in"), "months": mark("months"),
    "money": mark("amount of money"),
    "runs": mark("runs"), "makes": mark("makes tonnes"), "is on": mark("is on"), "delivers": mark("delivers energy"),
    "takes": mark("takes energy"), "charges": mark("charges"), "curtails": mark("curtails"),
}  # fmt: skip
"""Messages for terms that are ambiguous on their own: kinds, lines and units of bill and ledger, and verbs for the uses
of units and assets (``planning/answer/uses.py``)."""


def say(text: str) -> str:
    """Translate a message, status or term into the language of the page; other text is returned unchanged."""
    if current() == "en":
        return text
    if isinstance(text, Message):
        return worded(tr(TERMS.get(text.id, text.id)), text.params, say, _time, listed, grouped)
    return tr(TERMS.get(text, text))


def _time(at: date) -> str:
    return clock(at) if isinstance(at, datetime) else day_of_week(at)
