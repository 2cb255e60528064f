"""Proofs that no plan on slots keeps all limits, and that a schedule keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from shops import cast, melt_shop, one_machine, scenario

from emberline import twin
from emberline.models.explain.capacity import unfed, unfed_lines
from emberline.models.explain.relaxed import baseline_holds, holds, impossible, impossible_at_all
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.scenarios import load

BATTERY = {
    "energy_mwh": 10.0, "power_mw": 4.0, "charge_efficiency": 0.8, "discharge_efficiency": 1.0, "end_level_share": 0.0
}  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "minutes", "site", "row"),
    [
        (50.0, 45.0, {}, (60.0, 50.0)),
        (60.0, 45.0, {}, None),
        (50.0, 45.0, {"base_load_mw": 5.0}, (60.0, 45.0)),
        (50.0, 45.0, {"battery": BATTERY}, (60.0, 54.0)),
        (50.0, 45.0, {"battery": {**BATTERY, "power_mw": 10.0}}, None),
        (29.0, 45.0, {"grid": {"metered_interval_min": 60}}, (30.0, 29.0)),
        (30.0, 45.0, {"grid": {"metered_interval_min": 60}}, None),
        (40.0, 20.0, {}, (60.0, 40.0)),
    ],
)
def test_least_peak_of_an_operation(
    limit: float, minutes: float, site: dict[str, Any], row: tuple[float, float] | None
) -> None:
    """Proves: 45 min at 60 MW draw 60 MW in a quarter of an hour, and 30 in an hour of two; base load takes off room,
    a battery adds to it. Each grade is named once.

    Sensitivity: energies taken for powers, cells for metered intervals, or a window that leaves a start out.
    """
    grid = {"import_limit_mw": limit, **site.get("grid", {})}
    case = scenario(one_machine(minutes, 60.0), [cast("A", 2)], site={**site, "grid": grid}, horizon={"length_h": 4.0})
    envelope = twin.envelope(case)
    shortages = unfed(line_reader.from_scenario(case, envelope), sites.read(case, envelope))
    assert [pytest.approx(peaks[2:]) for peaks in shortages] == ([] if row is None else [row])
    assert [peaks[:2] for peaks in shortages] == ([] if row is None else [(0, 0)])
    text = (
        "" if row is None else f"A-1 at work draws {row[0]:.1f} MW in a metered interval, and at best {row[1]:.1f} MW"
    )
    assert text in " ".join(unfed_lines(case, envelope))
    assert impossible(case, envelope, None, work=10) is (row is not None)


def test_metered_intervals_within_a_step() -> None:
    """Proves: on steps of half an hour, of 20 MW that the grid gives in a quarter of an hour base load takes 5 and a
    battery adds 4. Sensitivity: what there is in a step taken for that of an interval."""
    site = {"grid": {"import_limit_mw": 20.0}, "base_load_mw": 5.0, "battery": BATTERY}
    case = scenario(
        one_machine(30.0, 60.0), [cast("A", 1)], site=site, horizon={"length_h": 4.0, "step_min": 30.0}
    )  # fmt: skip
    (shortage,) = unfed(line_reader.from_scenario(case, twin.envelope(case)), sites.read(case, twin.envelope(case)))
    assert shortage[2:] == pytest.approx((60.0, 19.0))


def test_a_start_when_more_is_left() -> None:
    """Proves: base load of 30 MW in all hours but the last leaves 60 MW to a start at 3 h, the latest that ends within
    the horizon; where it is due before, or must begin on two units that draw more, it is not fed.

    Sensitivity: the latest start left out, or one that ends after the horizon.
    """
    line = one_machine(60.0, 55.0)
    line["stages"][0]["units"].append({"name": "N", "power_mw": 58.0})
    for due, base, proof in (
        (None, [30.0] * 12 + [0.0] * 4, []), (None, [30.0] * 13 + [0.0] * 3, [30.0]),
        ("3 h", [30.0] * 12 + [0.0] * 4, [30.0]), (None, [0.0] * 4 + [30.0] * 12, []),
    ):  # fmt: skip
        orders = [cast("A", 1, **({} if due is None else {"due": due}))]
        case = scenario(line, orders, site={"grid": {"import_limit_mw": 60.0}}, horizon={"length_h": 4.0})
        load = case.inputs["base_load_mw"]
        case = case.with_inputs(case.inputs.assign(base_load_mw=(load.dims, base, load.attrs)))
        envelope = twin.envelope(case)
        shortages = unfed(line_reader.from_scenario(case, envelope), sites.read(case, envelope))
        assert [there for _, _, _, there in shortages] == pytest.approx(proof)
        assert all(draws == pytest.approx(55.0) for _, _, draws, _ in shortages)


def test_a_list_that_keeps_all_limits_or_not() -> None:
    """Proves: the baseline's list of a melt shop holds with 46 MW, not with 43 MW nor with a cap below what it emits.
    What hours leave no room for is impossible at all times; so is what a site alone cannot do, which has no starts.

    Sensitivity: a cap or the limit left out.
    """

    def case(limit: float, caps: dict[str, float] | None = None, count: int = 2) -> Any:
        goal = {"caps": {"extra_cost_share": None, **(caps or {})}}
        return scenario(
            melt_shop(), [cast("A", count)], site={"grid": {"import_limit_mw": limit}}, goal=goal,
            horizon={"length_h": 8.0},
        )  # fmt: skip

    free = case(46.0)
    plan, envelope = twin.dispatch(free), twin.envelope(free)
    assert baseline_holds(free, envelope, plan)
    assert holds(free, envelope, plan, plan, work=10)
    tight, low = case(39.0), case(46.0, {"carbon_kg": 100.0})
    for built in (tight, low):
        assert not baseline_holds(built, envelope, plan)
        assert impossible(built, envelope, None, work=10)
        assert impossible_at_all(built, envelope, None, work=10)
    assert not impossible(free, envelope, None, work=10)
    gas = {"kind": "supply", "name": "gas", "carrier": "gas"}
    fed = scenario(melt_shop(), [cast("A", 2)], site={"carriers": [{"name": "gas"}], "assets": [gas]})
    assert not baseline_holds(fed, twin.envelope(fed), twin.dispatch(fed))  # the site's answer is not looked for
    site = load("steam-cracker-utilities")
    assert impossible_at_all(site, envelope, None, work=10)
    many = case(100.0, count=9)
    for proof in (impossible, impossible_at_all):
        assert proof(many, twin.envelope(many), None, work=10)


def test_whole_casts_are_asked_for() -> None:
    """Proves: a furnace of 30 min cannot feed a cast of 15 min a heat without a wait; one of 15 min can. Sensitivity:
    parts of casts at many times can always be fed."""
    for minutes, outcome in ((30, True), (15, False)):
        line = {
            "stages": [
                {
                    "name": "melting",
                    "units": [{"name": "F", "power_mw": 9.0}],
                    "transfer_min": 15,
                    "longest_wait_min": 15,
                },
                {"name": "casting", "campaign": True, "units": [{"name": "C", "power_mw": 1.0}]},
            ],
            "grades": [{"name": "G", "mass_t": 100.0, "duration_min": {"melting": minutes, "casting": 15}}],
        }
        case = scenario(line, [cast("A", 2)], horizon={"length_h": 4.0})
        assert impossible(case, twin.envelope(case), None, work=10) is outcome


def test_a_wait_that_no_start_keeps() -> None:
    """Proves: after 50 min on a furnace from which the way takes 17, no start on quarter-hours lies within 20 min; from
    the other, 5 min away, one does. A heat that is locked on the first has no plan, also where it is counted together
    with one that is not. Sensitivity: the loosest lag of both for each."""
    line = {
        "stages": [
            {
                "name": "melting", "units": [{"name": "F", "power_mw": 9.0}, {"name": "N", "power_mw": 9.0}],
                "transfer_min": 5, "longest_wait_min": 20,
            },
            {"name": "ladle", "units": [{"name": "L", "power_mw": 1.0}]},
        ],
        "transfers": [{"start": "F", "end": "L", "minutes": 17}],
        "grades": [{"name": "G", "mass_t": 100.0, "duration_min": {"melting": 50, "ladle": 15}}],
    }  # fmt: skip
    for unit, outcome in (("F", True), ("N", False)):
        locks = [{"heat": "A-1", "stage": "melting", "unit": unit}]
        case = scenario(line, [cast("A", 1), cast("B", 1)], horizon={"length_h": 4.0}, locks=locks)
        assert impossible(case, twin.envelope(case), None, work=10) is outcome
