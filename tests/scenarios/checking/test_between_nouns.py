"""Mistakes between nouns, each at its limit: what is just allowed brings none, what is just not brings one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from emberline.scenarios import Scenario
from emberline.scenarios.checking.mistakes import between_nouns

LINE: dict[str, Any] = {
    "stages": [
        {"name": "melting", "units": [{"name": "F", "power_mw": 40.0}, {"name": "G", "power_mw": 40.0}]},
        {"name": "casting", "campaign": True, "units": [{"name": "C"}, {"name": "D"}]},
    ],
    "grades": [
        {"name": "A", "mass_t": 100.0, "duration_min": {"F": 60, "casting": 60}},
        {"name": "B", "mass_t": 100.0, "duration_min": {"melting": 60, "C": 60}},
        {"name": "E", "mass_t": 100.0, "duration_min": {"melting": 60, "D": 60}},
    ],
}  # fmt: skip
SINGLE = {**LINE, "stages": [LINE["stages"][0], {**LINE["stages"][1], "campaign": False}]}
BASE: dict[str, Any] = {
    "name": "shop",
    "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": 4.0, "step_min": 15.0},
    "market": {"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 400.0},
    "line": LINE,
    "orders": [{"name": "O", "heats": [{"grade": "A", "count": 2}]}, {"name": "P", "heats": [{"grade": "B"}]}],
}
SITE: dict[str, Any] = {name: BASE[name] for name in ("name", "horizon", "market")}


def order(grade: str = "A", name: str = "O", count: int = 1, **remaining: Any) -> dict[str, Any]:
    return {"name": name, "heats": [{"grade": grade, "count": count}], **remaining}


def mistakes(base: dict[str, Any], **changes: Any) -> dict[str, str]:
    """Message of each mistake by its place."""
    built = Scenario.model_validate({**deepcopy(base), **changes}, context={"currency": "EUR"})
    rows = [(".".join(map(str, place)), text) for place, text in between_nouns(built)]
    assert len(dict(rows)) == len(rows), rows
    return dict(rows)


def gives(carrier: str) -> dict[str, Any]:
    first, last = LINE["stages"]
    return {**LINE, "stages": [{**first, "gives": [{"carrier": carrier, "per_mwh": 0.3}]}, last]}


GAS = {"name": "gas"}
FLARE = {"kind": "flare", "name": "torch", "carrier": "gas", "fossil_kg_per_unit": 1.0}
TARIFF = {"energy": [{"name": "day", "rates": [{"per_mwh": 90.0}]}]}
BATTERY = {"power_mw": 5.0, "energy_mwh": 10.0}


def market(**remaining: Any) -> dict[str, Any]:
    return {**BASE["market"], **remaining}


ALLOWED: list[dict[str, Any]] = [
    {},
    {"line": gives("gas"), "site": {"carriers": [{"name": "gas", "waste": True}]}},
    {"line": gives("gas"), "site": {"carriers": [GAS], "assets": [FLARE]}},
    {"market": market(tariff=TARIFF)},
    {"market": market(tariff={**TARIFF, "currency": "EUR"})},
    {"market": market(tariff=TARIFF, tariff_before={"peak_mw": 3.0})},
    {"market": market(tariff=TARIFF), "state": {"peak_so_far_mw": 3.0}},
    {"orders": [order(units=["C"])]},
    {"orders": [order(count=4)]},
    {"orders": [order(release="0 min", due="4 h")]},
    {"orders": [order(release="4 h")]},
    {"orders": [order("B", units=["C"])], "line": SINGLE},
    {"orders": [order("B", units=["C", "D"])], "line": SINGLE},
    {"horizon": {**BASE["horizon"], "length_h": 2.0}, "orders": [order()], "line": SINGLE},
    {"locks": [{"heat": "O-1", "stage": "melting", "start": "0 min", "unit": "F"}]},
    {"locks": [{"heat": "O-1", "stage": "melting", "earliest": "1 h", "latest": "1 h"}]},
    {"locks": [{"heat": "O-1", "stage": "melting", "latest": "225 min"}]},
    {"locks": [{"heat": "O-1", "stage": "casting", "unit": "D"}]},
    {"state": {"started": [{"heat": "O-1", "stage": "melting", "unit": "F", "start": "0 min"}]}},
    {"state": {"outages": [{"unit": "D", "start": "1 h", "end": "61 min"}]}},
    {"state": {"battery_level_mwh": 10.0}, "site": {"battery": BATTERY}},
    {"disturbances": {"breakdowns": [{"unit": "D", "mtbf_h": 50, "mttr_min": 60}]}},
    {"goal": {"minimize": "lateness"}},
    {"goal": {"signal": "marginal"}, "market": market(marginal_carbon_intensity_kg_per_mwh=300.0)},
    {"horizon": {**BASE["horizon"], "length_h": 3.5}, "site": {"grid": {"metered_interval_min": 30}}},
]


@pytest.mark.parametrize("changes", ALLOWED)
def test_what_is_just_allowed_is_no_mistake(changes: dict[str, Any]) -> None:
    """Proves: a limit may be reached. Sensitivity: a comparison that takes the limit for broken."""
    assert mistakes(BASE, **changes) == {}


WIND = {"kind": "ppa", "name": "wind", "share": 0.6, "price_per_mwh": 50.0}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"market": market(contracts=[WIND, WIND | {"name": "sun"}])}, "market.contracts", "add up to 1.2 of the import"),
    (
        {"line": gives("gas")},
        "line.stages.0.gives.0.carrier",
        "'gas' is not a carrier that the line can supply; those of the site are none",
    ),
    (
        {"line": gives("electricity"), "site": {"carriers": [GAS], "assets": [FLARE]}},
        "line.stages.0.gives.0.carrier",
        "those of the site are gas",
    ),
    ({"line": gives("gas"), "site": {"carriers": [GAS]}}, "line.stages.0.gives.0.carrier", "no asset uses it"),
    ({"market": market(tariff_before={"peak_mw": 3.0})}, "market.tariff_before", "there is none"),
    (
        {"market": market(tariff={**TARIFF, "currency": "CNY"})},
        "market.tariff.currency",
        "is CNY, that of the market is EUR",
    ),
    (
        {"market": market(tariff=TARIFF, tariff_before={"peak_mw": 3.0}), "state": {"peak_so_far_mw": 3.0}},
        "market.tariff_before.peak_mw",
        "also given by state.peak_so_far_mw",
    ),
    ({"line": {**LINE, "grades": LINE["grades"]}, "orders": []}, "orders", "at least one order"),
    (
        {"orders": [order(), {"name": "O", "heats": [{"grade": "B", "name": "other"}]}]},
        "orders.1.name",
        "order name 'O' used twice",
    ),
    ({"orders": [order("X")]}, "orders.0.heats.0.grade", "unknown grade 'X'; grades are A, B, E"),
    (
        {
            "orders": [
                {"name": "O", "heats": [{"grade": "A", "name": "one"}]},
                {"name": "P", "heats": [{"grade": "B", "name": "one"}]},
            ]
        },
        "orders",
        "heat name 'one' used twice, in orders O and P",
    ),
    ({"orders": [order(due="241 min")]}, "orders.0.due", "lies outside the horizon"),
    ({"orders": [order(release="241 min")]}, "orders.0.release", "lies outside the horizon"),
    ({"orders": [order(due="2026-03-09T23:59+00:00")]}, "orders.0.due", "2026-03-09T23:59+00:00 lies outside"),
    (
        {"orders": [{"name": "O", "heats": [{"grade": "B"}, {"grade": "E"}]}]},
        "orders.0",
        "no unit of stage casting can take all heats of cast O",
    ),
    ({"orders": [order("B", units=["D"])]}, "orders.0", "no unit of stage casting can take all heats of cast O"),
    ({"orders": [order(count=5)]}, "orders.0", "cast O takes 300 min, longer than the horizon of 240 min"),
    ({"orders": [order("B", units=["D"])], "line": SINGLE}, "orders.0.units", "heat O-1 of grade B cannot run on D"),
    (
        {"horizon": {**BASE["horizon"], "length_h": 1.75}, "orders": [order()], "line": SINGLE},
        "orders.0",
        "heat O-1 needs 120 min at least, the horizon has 105 min",
    ),
    (
        {"locks": [{"heat": "O-9", "stage": "melting", "unit": "F"}]},
        "locks.0.heat",
        "unknown heat 'O-9'; heats are O-1, O-2, P-1",
    ),
    ({"locks": [{"heat": "O-1", "stage": "ladle", "unit": "F"}]}, "locks.0.stage", "its stages are melting, casting"),
    (
        {"locks": [{"heat": "O-1", "stage": "melting", "unit": "G"}]},
        "locks.0.unit",
        "heat O-1 cannot run on 'G'; units of melting are F",
    ),
    ({"locks": [{"heat": "P-1", "stage": "casting", "unit": "D"}]}, "locks.0.unit", "units of casting are C"),
    ({"locks": [{"heat": "P-1", "stage": "casting", "unit": "F"}]}, "locks.0.unit", "units of casting are C"),
    (
        {"orders": [order(units=["C"])], "locks": [{"heat": "O-1", "stage": "casting", "unit": "D"}]},
        "locks.0.unit",
        "units of casting are C",
    ),
    (
        {"locks": [{"heat": "O-1", "stage": "melting", "latest": "4 h"}]},
        "locks.0.latest",
        "2026-03-10T04:00+00:00 lies outside the horizon",
    ),
    (
        {"locks": [{"heat": "O-1", "stage": "melting", "earliest": "-15 min"}]},
        "locks.0.earliest",
        "lies outside the horizon",
    ),
    (
        {"locks": [{"heat": "O-1", "stage": "melting", "earliest": "61 min", "latest": "1 h"}]},
        "locks.0",
        "lock of heat O-1: earliest lies after latest",
    ),
    (
        {"state": {"started": [{"heat": "O-1", "stage": "melting", "unit": "F", "start": "1 min"}]}},
        "state.started.0.start",
        "lies after the horizon's start",
    ),
    (
        {"state": {"started": [{"heat": "O-1", "stage": "melting", "unit": "G", "start": "0 min"}]}},
        "state.started.0.unit",
        "cannot run on 'G'",
    ),
    (
        {"state": {"outages": [{"unit": "X", "start": "1 h", "end": "2 h"}]}},
        "state.outages.0.unit",
        "unknown unit 'X'; units are F, G, C, D",
    ),
    (
        {"state": {"outages": [{"unit": "D", "start": "1 h", "end": "2026-03-10T01:00+00:00"}]}},
        "state.outages.0.end",
        "is not after its start",
    ),
    (
        {"state": {"battery_level_mwh": 10.5}, "site": {"battery": BATTERY}},
        "state.battery_level_mwh",
        "10.5 MWh is more than the battery's 10 MWh",
    ),
    ({"state": {"battery_level_mwh": 1.0}}, "state.battery_level_mwh", "1 MWh is more than the battery's 0 MWh"),
    (
        {"disturbances": {"breakdowns": [{"unit": "X", "mtbf_h": 50, "mttr_min": 60}]}},
        "disturbances.breakdowns.0.unit",
        "unknown unit 'X'; units are F, G, C, D",
    ),
    ({"goal": {"signal": "marginal"}}, "goal.signal", "the market gives no marginal_carbon_intensity_kg_per_mwh"),
    (
        {"horizon": {**BASE["horizon"], "length_h": 3.5}, "site": {"grid": {"metered_interval_min": 60}}},
        "site.grid.metered_interval_min",
        "the horizon of 210 min is not a whole number",
    ),
]


@pytest.mark.parametrize(("changes", "place", "text"), REFUSED)
def test_what_is_just_not_allowed_is_one_mistake_at_its_place(changes: dict[str, Any], place: str, text: str) -> None:
    """Proves: one message at the place that is wrong, and no other. Sensitivity: a check that is left out, or the wrong
    key blamed."""
    result = mistakes(BASE, **changes)
    assert list(result) == [place], result
    assert text in result[place]


def test_a_heat_under_way_may_need_more_than_the_horizon() -> None:
    """Proves: a heat of 120 min that has begun fits into a horizon of 105; one that has not does not."""
    horizon = {**BASE["horizon"], "length_h": 1.75}
    started = {"started": [{"heat": "O-1", "stage": "melting", "unit": "F", "start": "-30 min"}]}
    assert mistakes(BASE, line=SINGLE, horizon=horizon, orders=[order()], state=started) == {}
    assert list(mistakes(BASE, line=SINGLE, horizon=horizon, orders=[order(count=2)], state=started)) == ["orders.0"]


def test_a_unit_that_casts_nothing_is_named() -> None:
    """Proves: an order's units are those of the last stage; with none of them no cast has a place either."""
    result = mistakes(BASE, orders=[order(units=["F"])])
    assert result["orders.0.units.0"] == "'F' is not a unit of the last stage; it has C, D"
    assert result.keys() == {"orders.0.units.0", "orders.0"}


def test_orders_and_lateness_need_a_line() -> None:
    """Proves: a site alone takes no orders, and no goal that needs them."""
    assert mistakes(SITE) == {}
    assert mistakes(SITE, orders=[order()]) == {"orders": "there are orders but no line to make them on; give line"}
    assert list(mistakes(SITE, goal={"minimize": "lateness"})) == ["goal.minimize"]


def test_as_many_heats_as_there_may_be() -> None:
    """Proves: 5,000 heats are allowed in number, 5,001 are too many, counted over all orders."""
    text = "5001 heats are too many (at most 5000)"
    for more, expected in ([], None), ([order(name="last")], text):
        assert (
            mistakes(BASE, orders=[order(name=f"O{k}", count=1000) for k in range(5)] + more).get("orders") == expected
        )
