"""The tariff's model and the bill say the same, for given import and for import that may be shifted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emberline.models.formulations.site import tariff as tariff_model
from emberline.models.kernel.highs import solve
from emberline.scenarios.tariff.bill import billed_mw, charged
from emberline.scenarios.tariff.rates import Rates, read
from emberline.scenarios.tariff.record import Before, Tariff

ZONE = "Europe/Berlin"
HOURS = 0.25
MAX_MWH = 2.0


def times(start: str, n: int) -> np.ndarray:
    return np.datetime64(start, "ns") + np.arange(n) * np.timedelta64(15, "m")


def optimum(
    rates: Rates, energy: np.ndarray, flexible: bool, least_mwh: float = 0.0, most_mwh: float = MAX_MWH
) -> tuple[float, np.ndarray]:
    """The model's least cost and its import [MWh], for given import or where the sum of the import is given."""
    model = pyo.ConcreteModel()
    model.tariff = pyo.Block()
    model.I = pyo.RangeSet(0, len(rates) - 1)
    model.x = pyo.Var(model.I, bounds=(least_mwh, MAX_MWH))
    if flexible:
        model.sum = pyo.Constraint(expr=pyo.quicksum(model.x[i] for i in model.I) == float(energy.sum()))
    else:
        model.fixed_energy = pyo.Constraint(model.I, rule=lambda m, i: m.x[i] == float(energy[i]))
    ports = tariff_model.add(model.tariff, rates, lambda i: model.x[i], most_mwh=most_mwh, least_mwh=least_mwh)
    model.cost = pyo.Objective(expr=ports.cost)
    assert solve(model, work=30, gap=1e-9).status == "optimal"
    return pyo.value(model.cost), np.array([max(pyo.value(model.x[i]), 0.0) for i in model.I])


def some_tariff(seed: int) -> tuple[Tariff, Before, bool]:
    """A tariff with everything in it, by chance; what was before; whether the horizon begins within a month."""
    random = np.random.default_rng(seed)

    def price(top: float) -> float:
        return float(np.round(random.uniform(0, top), 2))

    def window() -> dict[str, Any]:
        begin = random.integers(0, 23)
        return {
            "hours": [[float(begin), float(random.integers(begin + 1, 25))]],
            "months": list(range(1, int(random.choice([3, 4, 12])) + 1)),
            "weekdays": [list(range(5)), list(range(8)), [5, 6]][random.integers(3)],
        }

    def blocks(field: str, above: str, widest: float, top: float) -> list[dict[str, Any]]:
        limits = [0.0, *np.round(np.sort(random.uniform(0, widest, random.integers(0, 3))), 3).tolist()]
        always, one = random.random() < 0.3, window()
        windows = [{} if always else one if random.random() < 0.7 else window() for _ in limits]
        return [{**when, above: limit, field: price(top)} for when, limit in zip(windows, limits, strict=True)]

    energy = [{"name": f"e{i}", "rates": blocks("per_mwh", "above_mwh", 25.0, 100.0)} for i in range(2)]
    demand: list[dict[str, Any]] = []
    for i in range(random.integers(1, 4)):
        daily = random.random() < 0.3
        demand.append({"name": f"d{i}", "rates": blocks("per_mw", "above_mw", 6.0, 50.0), "assessed": "monthly"})
        if daily:
            demand[-1]["assessed"] = "daily"
        elif random.random() < 0.6:
            demand[-1]["ratchet"] = {"share": 0.8, "months": [2, 3] if random.random() < 0.5 else "1-12"}
            demand[-1]["minimum_mw"] = price(2)
    within = bool(random.random() < 0.5)
    start = "2024-03-31T18:00" if within else "2024-03-31T22:00"
    coincident = {"name": "c", "per_mw": price(20), "length_min": 30, "starts": [f"{start}Z", "2024-07-01T12:00Z"]}
    tariff = Tariff.model_validate(
        {
            "energy": energy,
            "demand": demand,
            "levies": [{"name": "levy", "per_mwh": price(5)}],
            "coincident": [coincident],
            "fixed": [{"name": "fixed", "per_month": 100}],
            "taxes": [{"name": "vat", "share": 0.2}, {"name": "green", "share": 0.1, "on": ["energy"]}],
        }
    )
    before: dict[str, Any] = {"earlier_peak_mw": {"2024-02": price(9)}}
    if within:
        before |= {"energy_mwh": price(20), "peak_mw": {"d0": price(5)}, "day_peak_mw": price(3)}
    return tariff, Before.model_validate(before), within


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), flexible=st.booleans(), least=st.sampled_from([0.0, 0.2]))
def test_model_and_bill_agree(seed: int, flexible: bool, least: float) -> None:
    """Proves: the optimum is the bill of its import, and no import that was tried is cheaper.

    Sensitivity: blocks without their order, a month's blocks carried into the next, or what was before forgotten each
    fail here.
    """
    tariff, before, within = some_tariff(seed)
    rates = read(tariff, times("2024-03-31T18:00" if within else "2024-03-31T22:00", 28), ZONE, before=before)
    random = np.random.default_rng(seed + 1)
    energy = np.maximum(random.uniform(0, MAX_MWH, len(rates)) * (random.random(len(rates)) < 0.7), least)
    cost, result = optimum(rates, energy, flexible, least_mwh=least)
    assert cost == pytest.approx(charged(rates, result / HOURS).total, rel=1e-6, abs=1e-5)
    if flexible:
        assert result.sum() == pytest.approx(energy.sum(), abs=1e-5)
        others = [energy, np.full_like(energy, energy.mean()), random.permutation(energy), np.sort(energy)]
        assert cost <= min(charged(rates, other / HOURS).total for other in others) + 1e-5


def demand_only(**charge: Any) -> Tariff:
    return Tariff.model_validate({"demand": [{"name": "peak", **charge}]})


def test_a_rising_tariff_needs_no_binary_and_no_bound() -> None:
    """Proves: dearer blocks, peaks so far and a ratchet stay linear. Sensitivity: ordering binaries would show."""
    tariff = Tariff.model_validate(
        {
            "energy": [{"name": "e", "rates": [{"per_mwh": 50}, {"per_mwh": 70, "above_mwh": 3}]}],
            "demand": [
                {
                    "name": "d",
                    "rates": [{"per_mw": 10}, {"per_mw": 30, "above_mw": 2}],
                    "ratchet": {"share": 0.5},
                }
            ],
        }
    )
    rates = read(tariff, times("2024-05-15T08:00", 8), ZONE, before=Before(peak_mw=1.0, energy_mwh=1.0))
    model = pyo.ConcreteModel()
    model.tariff = pyo.Block()
    model.x = pyo.Var(range(8), bounds=(0, None))
    model.sum = pyo.Constraint(expr=sum(model.x[i] for i in range(8)) == 8.0)
    model.cost = pyo.Objective(expr=tariff_model.add(model.tariff, rates, lambda i: model.x[i]).cost)
    assert not any(v.is_binary() for v in model.component_data_objects(pyo.Var))
    assert solve(model, work=10).status == "optimal"
    # 2 MWh at 50 and 6 at 70; flat 4 MW on top of 1 MW so far: 1 MW at 10, 2 MW at 30
    assert pyo.value(model.cost) == pytest.approx(2 * 50 + 6 * 70 + 10 + 60)


def test_cheaper_blocks_ask_for_a_bound() -> None:
    """Proves: without a bound on import a falling tariff is refused, not approximated."""
    tariff = demand_only(rates=[{"per_mw": 30}, {"per_mw": 10, "above_mw": 2}])
    rates = read(tariff, times("2024-05-15T08:00", 4), ZONE)
    with pytest.raises(ValueError, match="give most_mwh"):
        optimum(rates, np.ones(4), True, most_mwh=np.inf)


def test_a_peak_already_reached_costs_nothing_more() -> None:
    """Proves: below the peak so far a peak is free, so load goes where energy is cheap. Sensitivity: without it the
    peak is shaved flat."""
    tariff = Tariff.model_validate(
        {
            "energy": [{"name": "e", "rates": [{"hours": "0-10", "per_mwh": 10}, {"hours": "10-24", "per_mwh": 20}]}],
            "demand": [{"name": "d", "rates": [{"per_mw": 1000}]}],
        }
    )
    # four quarters before 10 o'clock, four after
    span = times("2024-05-15T07:00", 8)
    energy = np.full(8, 0.5)
    paid, _ = optimum(read(tariff, span, ZONE, before=Before(peak_mw=4.0)), energy, True)
    assert paid == pytest.approx(4 * 10)
    fresh, flat = optimum(read(tariff, span, ZONE), energy, True)
    assert fresh == pytest.approx(2 * 10 + 2 * 20 + 2 * 1000)
    assert flat == pytest.approx(energy, abs=1e-6)


def test_ratchet_within_the_horizon() -> None:
    """Proves: March's peak makes April's floor in the model as in the bill. Sensitivity: a ratchet that looks only at
    months before the horizon leaves 5 MW unpaid."""
    tariff = demand_only(rates=[{"per_mw": 1}], ratchet={"share": 0.5})
    rates = read(tariff, times("2024-03-31T21:00", 8), ZONE)
    energy = np.array([2.5, 0, 0, 0, 0.25, 0, 0, 0]) * 0.8
    cost, _ = optimum(rates, energy, False)
    assert [demand.max() for demand in billed_mw(rates, energy / HOURS)] == pytest.approx([8.0, 4.0])
    assert cost == pytest.approx(12.0)


def test_a_ratchet_looks_back_on_measured_peaks() -> None:
    """Proves: March is billed 8 MW because of February, and leaves April half of the 2 MW measured. Sensitivity: a
    ratchet on billed demand would hand 4 MW on."""
    tariff = demand_only(rates=[{"per_mw": 1}], ratchet={"share": 0.5, "look_back_months": 1})
    before = Before.model_validate({"earlier_peak_mw": {"2024-02": 16}})
    rates = read(tariff, times("2024-03-31T21:00", 8), ZONE, before=before)
    energy = np.array([0.5, 0, 0, 0, 0, 0, 0, 0])
    assert [demand.max() for demand in billed_mw(rates, energy / HOURS)] == pytest.approx([8.0, 1.0])
    # in March 8 MW were owed before the horizon began
    assert optimum(rates, energy, False)[0] == pytest.approx(1.0)


def test_rates_that_differ_between_windows_fill_their_blocks_in_order() -> None:
    """Proves: of one charge's windows the one that costs most decides, block by block. Sensitivity: without order the
    morning's 4 MW would count as the upper block, which the evening pays for already: 240 instead of 280."""
    morning, evening = {"hours": "8-9"}, {"hours": "9-10"}
    tariff = demand_only(
        rates=[
            {**morning, "per_mw": 20},
            {**evening, "per_mw": 10},
            {**morning, "per_mw": 21, "above_mw": 4},
            {**evening, "per_mw": 50, "above_mw": 4},
        ]
    )
    rates = read(tariff, times("2024-05-15T06:00", 8), ZONE)
    energy = np.array([1, 1, 1, 1, 2, 2, 2, 2])
    assert charged(rates, energy / HOURS).total == pytest.approx(4 * 20 + 4 * 50)
    assert optimum(rates, energy, False)[0] == pytest.approx(280)


def test_export_earns() -> None:
    """Proves: export is priced by its window and subtracted."""
    tariff = Tariff.model_validate({"export": [{"name": "feed-in", "rates": [{"hours": "10-24", "per_mwh": 30}]}]})
    rates = read(tariff, times("2024-05-15T07:30", 4), ZONE)
    model = pyo.ConcreteModel()
    model.tariff = pyo.Block()
    ports = tariff_model.add(model.tariff, rates, lambda i: 0.0, export_meter=lambda i: 1.0)
    assert pyo.value(ports.cost) == pytest.approx(-60)
    assert charged(rates, np.zeros(4), np.full(4, 4.0)).total == pytest.approx(-60)


@pytest.mark.parametrize("seed", range(20))
def test_even_import_has_fewer_intervals(seed: int) -> None:
    """Proves: import and export that are even over four quarters cost under the merged tariff, which knows hours, what
    they cost under the tariff itself, also where a window begins within the hour.

    Sensitivity: the rates of the hour's first quarter."""
    tariff, before, within = some_tariff(seed)
    first = [
        charge.model_copy(update={"rates": tuple(rate for rate in charge.rates if not rate.above_mwh)})
        for charge in tariff.energy
    ]
    tariff = tariff.model_copy(update={"energy": tuple(first)})
    rates = read(tariff, times("2024-03-31T18:30" if within else "2024-03-31T22:00", 28), ZONE, before=before)
    hourly = np.random.default_rng(seed).uniform(0, 8, 7)
    for export in (None, hourly[::-1]):
        fine = charged(rates, np.repeat(hourly, 4), None if export is None else np.repeat(export, 4))
        assert charged(rates.merged(4), hourly, export).total == pytest.approx(fine.total)
