"""The README's example of a site, and variants of it; a day of the bundled cement works."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from emberline.planning import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, load, loads

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"^```yaml my-works\.yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def example() -> str:
    """The YAML of the README as it stands."""
    (text,) = BLOCK.findall(README.read_text(encoding="utf-8"))
    return str(text)


def works(*overrides: str) -> Case:
    """The README's site with overrides."""
    return loads(example(), overrides=list(overrides))


ORDERS = (
    "deliveries=[{name: trucks I, store: CEM I, weekly: [{weekdays: mon-fri, hours: 6-18, rate_tph: 150}]},"
    " {name: trucks II, store: CEM II A-LL, weekly: [{weekdays: mon-fri, hours: 6-18, rate_tph: 180}]},"
    " {name: ship, store: CEM III A, amount_t: 600, release: 3 h, due: 20 h, loading_tph: 300},"
    " {name: barge, store: CEM II B-S, amount_t: 500, release: 4 h, due: 12 h}]"
)
DAY = ("horizon.days=1", ORDERS, "goal.effort=4", "disturbances.replications=2", "title=A day of the works")


def cement_day() -> Case:
    """One day of the bundled cement works: trucks, a ship and a barge; small enough to be planned in a test."""
    return load("cement-week", DAY)


@cache
def cement_day_plan() -> Plan:
    """A plan of that day. Not to be changed."""
    result = make_plan(cement_day(), PLAIN)
    assert result.replay is not None, result.reason
    return result
