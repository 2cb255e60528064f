"""One mistake is one line at its own key, and what is too large is refused before anything is done with it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from broken_texts import breaks, mistakes, named, plain

from emberline.scenarios import ScenarioError, loads
from emberline.scenarios.loading.loading import LIBRARY, MAX_MISTAKES

SHOP, CEMENT = ((LIBRARY / f"{name}.yaml").read_text(encoding="utf-8") for name in ("melt-shop-small", "cement-week"))
FACTOR = "kg_per_t: 36.52"
MAX_CPU_S = 20.0
"""Some seconds on a machine that is busy; without the limits it is minutes."""


def lines(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        loads(text, "plant.yaml", overrides)
    return str(caught.value).splitlines()


CASES = [
    # of a horizon that is wrong nothing else follows
    (SHOP, FACTOR, "factor: natural_gas, used: 0.6 GJ/t", "horizon.step_min=7", "horizon.step_min: step 7 min"),
    (SHOP, FACTOR, "factor: natural_gas, used: 0.6 GJ/t", "horizon.zone=Europe/Bonn", "horizon.zone: unknown time"),
    (SHOP, FACTOR, "factor: natural_gas, used: 0.6 GJ/t", "horizon.days=0", "horizon.days: must lie between 1 and"),
    (SHOP, FACTOR, "factor: natural_gass, used: 0.6 GJ/t", "", "line.stages.0.emissions.1.factor: "),
    (SHOP, FACTOR, "factor: natural_gas, used: 0.6 MW", "", "line.stages.0.emissions.1.used: wrong unit 'MW'"),
    (
        SHOP,
        "site:\n",
        "locks: [{heat: C1-1, stage: melting, start: 185 min}]\nsite:\n",
        "horizon.step_min=7",
        "horizon.step_min: ",
    ),
    # of a line that is wrong nothing of orders, outages and disturbances
    (SHOP, "", "", "line.grades.rebar.duration_min.melting=52 kWh", "line.grades.0.duration_min.melting: wrong unit"),
    (SHOP, "", "", "line.stages.0.units.0.name=a/b", "line.stages.0.units.0.name: must be a name"),
    (SHOP, "", "", "line.grades.0.name=5", "line.grades.0.name: must be text"),
    (SHOP, "", "", "line.heat_loss.reheating_stage=oven", "line.heat_loss.reheating_stage: 'oven' is not a stage"),
    (SHOP, "", "", "line=5", "line: must be a mapping"),
    (SHOP, "", "", "orders=5", "orders: must be a list"),
    (SHOP, "orders:\n", "ordres:\n", "", "ordres: unknown key; did you mean orders?"),
    (SHOP, "mass_t: 100 t", "mas_t: 100 t", "", "line.grades.0.mas_t: unknown key; did you mean mass_t?"),
    (SHOP, "", "", "site.battery.power_mw=0", "site.battery.power_mw: a battery with energy needs power"),
    (SHOP, "", "", "market.price_per_mwh.column=nope", "market.price_per_mwh.column: table de_typical_2018 has no"),
    (SHOP, "", "", "site.battery.level_share=38 kWh/t", "level_share: wrong unit 'kWh/t': this takes a plain number"),
    # of carriers that are wrong nothing of what is counted in them
    (CEMENT, "", "", "site=5", "site: must be a mapping"),
    (CEMENT, "", "", "site.carriers.0.name=a/b", "site.carriers.0.name: must be a name"),
    (CEMENT, "", "", "site.assets.0.carrier=cole", "site.assets.0.carrier: unknown carrier 'cole'; did you mean coal?"),
    (CEMENT, "", "", "site.assets.0.kind=suply", "site.assets.0.kind: unknown kind 'suply'; did you mean supply?"),
    (
        SHOP,
        "  base_load_mw: 3 MW\n",
        "  base_load_mw: 3 MW\n  assets: [{kind: load, name: EAF, carrier: electricity, rate: 1 MW}]\n",
        "",
        "site.assets.0.name: 'EAF' is also a unit of the line; use different names",
    ),
    # what is made without a line has no heats
    (
        CEMENT,
        "",
        "",
        "locks=[{heat: x-1, stage: milling, start: 3 h}]",
        "locks.0.heat: 'x-1' is not a heat: there are none",
    ),
]


@pytest.mark.parametrize(("text", "old", "new", "override", "sentence"), CASES, ids=[case[4][:40] for case in CASES])
def test_nothing_else_is_accused(text: str, old: str, new: str, override: str, sentence: str) -> None:
    """Proves: a mistake is one line at its own key, and none of what follows from it. Sensitivity: a wrong step blamed
    factors and locks, a broken line the orders, and carriers everything that is counted in them."""
    assert old in text
    result = lines(text.replace(old, new, 1) if old else text, *filter(None, [override]))
    assert len(result) == 1, result
    assert sentence in result[0]


@pytest.mark.parametrize("name", ["melt-shop-small", "cement-week", "steam-cracker-utilities"])
def test_any_key_that_is_broken_is_the_one_that_is_named(name: str) -> None:
    """Proves: of a seeded sample of all keys of a bundled scenario, each broken in some way, at most one line comes, of
    that key. (Some texts are free, so that nothing is wrong with them.)"""
    data = plain(name)
    sample = random.Random(name).sample(list(breaks(data)), 25)
    for broken in sample:
        result = mistakes(data, broken)
        assert len(result) <= 1, (broken, result)
        assert all(named(line, broken) for line in result), (broken, result)


def test_the_first_mistakes_stand_for_all() -> None:
    """Proves: thousands of mistakes are some lines and a last one that says that there are more."""
    result = lines(SHOP + "".join(f"a{i}: 1\n" for i in range(3000)))
    assert len(result) == MAX_MISTAKES + 1
    assert result[-1] == f"plant.yaml: has more mistakes; these are the first {MAX_MISTAKES}"


def _orders(count: int, heats: str) -> str:
    head, remaining = SHOP.split("orders:\n", 1)
    orders = "".join(f"  - {{name: O{i}, heats: [{{{heats}}}]}}\n" for i in range(count))
    return f"{head}orders:\n{orders}{remaining[remaining.index('site:') :]}"


ABSURD: dict[str, tuple[Callable[[], str], str]] = {
    "a million heats": (lambda: _orders(1000, "grade: rebar, count: 1000"), "1000000 heats are too many"),
    "a million keys": (lambda: "\n".join(f"a{i}: " for i in range(1_000_000)), "has more than 1 MB"),
    "many keys": (lambda: SHOP + "\n".join(f"a{i}: " for i in range(90_000)), "has more than 40000 keys and items"),
    "many items": (lambda: f"{SHOP}x: [{'1,' * 400_000}1]\n", "has more than 40000 keys and items"),
    "many dashes": (lambda: f"a:\n  {'- ' * 10_000}1\n", "is nested too deeply"),
    "deep lists": (lambda: f"a: {'[' * 10_000}{']' * 10_000}", "is nested too deeply"),
    "deep mappings": (lambda: "\n".join(f"{' ' * i}a:" for i in range(1300)), "is nested too deeply"),
    "a long name": (lambda: SHOP.replace("name: C1", f"name: {'x' * 900_000}"), "orders.0.name: must be a name"),
    "many units": (
        lambda: SHOP.replace("[{name: LF, power_mw: 8 MW}]", f"[{','.join(f'{{name: U{i}}}' for i in range(1000))}]"),
        "line.stages.1.units: may have at most 200 items, got 1000",
    ),
    "many carriers": (
        lambda: SHOP.replace("site:\n", f"site:\n  carriers: [{','.join(f'{{name: c{i}}}' for i in range(1000))}]\n"),
        "site.carriers: may have at most 200 items, got 1000",
    ),
    "a billion days": (lambda: SHOP.replace("days: 1,", "days: 1000000000,"), "horizon.days: must lie between"),
    "a billion steps": (lambda: SHOP.replace("days: 1,", "length_h: 1e6,"), "steps are too many"),
    "a number without end": (lambda: SHOP.replace("days: 1,", f"days: {'9' * 5000},"), "horizon.days: must be a fin"),
}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_sizes_are_one_line_at_once(name: str) -> None:
    """Proves: whatever its size, a text is answered within a few seconds of processor time, in one line. Sensitivity: a
    million heats were built and looked through once for every order."""
    build, sentence = ABSURD[name]
    text = build()
    began = time.process_time()
    result = lines(text)
    assert time.process_time() - began < MAX_CPU_S
    assert len(result) == 1
    assert sentence in result[0]
