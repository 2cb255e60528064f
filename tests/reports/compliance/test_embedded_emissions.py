"""Embedded emissions by hand: streams, credits, precursors, several processes, clinker, cogeneration."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from emberline.reports.compliance import clinker, cogeneration
from emberline.reports.compliance.embedded_emissions import Cycle, embedded
from emberline.reports.compliance.production_process import Energy, Precursor, ProductionProcess
from emberline.reports.compliance.source_stream import SourceStream


def test_each_method_by_hand() -> None:
    """Proves: 10 t of coal burned, of carbonate, of steel leaving, of CO2 measured. Sensitivity: 44/12 for 3.664."""
    coal = SourceStream(
        name="coal", method="combustion", ncv_gj_per_unit=25, kg_co2_per_gj=95, oxidation=0.98, biogenic_share=0.1
    )
    parts = coal.emissions(10)
    assert parts.fossil_t_co2 == pytest.approx(10 * 25 * 95 / 1000 * 0.98 * 0.9, rel=1e-12)
    assert parts.biogenic_t_co2 == pytest.approx(10 * 25 * 95 / 1000 * 0.98 * 0.1, rel=1e-12)
    assert parts.energy_tj == pytest.approx(0.25)
    lime = SourceStream(name="lime", method="process", t_co2_per_unit=0.44, conversion=0.5)
    assert lime.emissions(10).fossil_t_co2 == pytest.approx(2.2)
    steel = SourceStream(name="steel", method="mass_balance", carbon_content=0.0018)
    assert steel.emissions(-10).fossil_t_co2 == pytest.approx(-10 * 0.0018 * 3.664, rel=1e-12)
    assert SourceStream(name="stack", method="measurement").emissions(10).fossil_t_co2 == 10


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"method": "process"}, "needs t_co2_per_unit"),
        ({"method": "combustion", "kg_co2_per_gj": 95}, "needs ncv_gj_per_unit"),
        ({"method": "combustion", "kg_co2_per_gj": 95, "t_co2_per_unit": 2, "ncv_gj_per_unit": 25}, "has both"),
        ({"method": "mass_balance", "carbon_content": 0.8, "oxidation": 0.9}, "does not use oxidation"),
    ],
)
def test_factors_that_do_not_fit_a_method_are_refused(fields: dict, words: str) -> None:
    """Proves: no factor is ignored or missing silently. Sensitivity: an oxidation factor of a mass balance."""
    with pytest.raises(ValidationError, match=words):
        SourceStream.model_validate({"name": "x", **fields})


def test_only_a_mass_balance_has_outputs() -> None:
    """Proves: a negative amount of fuel is a mistake. Sensitivity: a meter read backwards lowers the emissions."""
    with pytest.raises(ValueError, match="negative"):
        SourceStream(name="lime", method="process", t_co2_per_unit=0.44).emissions(-1)


def test_heat_gas_and_electricity_that_leave_are_credits() -> None:
    """Proves: each is a negative direct term, what comes in a positive one. Sensitivity: a sign, or the 0.667."""
    process = ProductionProcess(
        name="steel",
        production_t=100,
        direct_t_co2=2000,
        heat_imported=Energy(tj=1, t_co2_per_tj=60),
        heat_exported=Energy(tj=2, t_co2_per_tj=50),
        waste_gas_imported=Energy(tj=1, t_co2_per_tj=56.1),
        waste_gas_exported=Energy(tj=10, t_co2_per_tj=56.1, correction=0.667),
        electricity_mwh=50,
        electricity_t_co2_per_mwh=0.5,
        electricity_exported_mwh=40,
    )
    direct = 2000 + 60 - 100 + 56.1 - 10 * 56.1 * 0.667 - 40 * 0.5
    assert process.attributed_t_co2 == pytest.approx(direct, rel=1e-12)
    result = embedded([process])["steel"]
    assert result.see_direct == pytest.approx(direct / 100, rel=1e-12)
    assert result.see_indirect == pytest.approx(0.25, rel=1e-12)


def test_waste_gas_of_a_blast_furnace() -> None:
    """Proves: 12,800 TJ of waste gas are a credit of 478,959.36 t, 718,080 t without the correction."""
    gas = Energy(tj=12_800, t_co2_per_tj=56.1, correction=0.667)
    process = ProductionProcess(name="steel", production_t=1, direct_t_co2=8e6, waste_gas_exported=gas)
    assert process.figures()["waste_gas_credit_t_co2"] == pytest.approx(478_959.36, abs=1e-6)
    assert process.figures()["waste_gas_credit_without_correction_t_co2"] == pytest.approx(718_080, abs=1e-6)


def test_a_chain_of_three_processes_equals_substitution() -> None:
    """Proves: (I − A)⁻¹ is what substitution by hand gives, A by what the consumer makes in all.

    Sensitivity: A by what goes to the market, or by what the maker makes."""
    iron = ProductionProcess(name="iron", production_t=50, direct_t_co2=90, electricity_mwh=5)
    steel = ProductionProcess(name="steel", production_t=40, direct_t_co2=8, to_market_t=1, takes_t={"iron": 45})
    coil = ProductionProcess(name="coil", production_t=30, direct_t_co2=6, takes_t={"steel": 32, "iron": 1})
    results = embedded([coil, steel, iron])
    of_steel = 8 / 40 + 45 / 40 * 90 / 50
    assert results["steel"].see_direct == pytest.approx(of_steel, rel=1e-12)
    assert results["coil"].see_direct == pytest.approx(6 / 30 + 32 / 30 * of_steel + 1 / 30 * 90 / 50, rel=1e-12)
    assert results["coil"].mwh_per_t == pytest.approx(32 / 30 * 45 / 40 * 5 / 50 + 1 / 30 * 5 / 50, rel=1e-12)


def test_electricity_of_a_precursor_has_its_own_factor_or_none() -> None:
    """Proves: declared factor, declared total, no electricity; without a factor the indirect emissions of the process
    and of its users are open, direct ones and those of others are not. Sensitivity: the factor of the process."""
    precursors = (
        Precursor(name="FeNi", amount_t=10, see_direct=3, mwh_per_t=2, electricity_t_co2_per_mwh=0.1),
        Precursor(name="FeCr", amount_t=10, see_direct=2),
        Precursor(name="FeMn", amount_t=10, see_direct=1, mwh_per_t=2, see_indirect=0.7, default_value=True),
    )
    process = ProductionProcess(
        name="steel", production_t=100, direct_t_co2=0, electricity_t_co2_per_mwh=0.8, precursors=precursors
    )
    result = embedded([process])["steel"]
    assert result.see_direct == pytest.approx(0.6)
    assert result.see_indirect == pytest.approx(0.1 * (0.2 + 0.7))
    assert result.mwh_per_t == pytest.approx(0.4)
    assert result.default_share == pytest.approx(0.17 / (0.6 + 0.09))
    bought = Precursor(name="FeSi", amount_t=10, see_direct=2, mwh_per_t=2)
    steel = process.model_copy(update={"precursors": (*precursors, bought)})
    coil = ProductionProcess(name="coil", production_t=10, direct_t_co2=0, takes_t={"steel": 5})
    slag = ProductionProcess(name="slag", production_t=10, direct_t_co2=0, electricity_mwh=1)
    results = embedded([coil, slag, steel])
    assert [results[name].see_indirect for name in ("coil", "slag", "steel")] == [None, 0.0, None]
    assert [results[name].see_total for name in ("coil", "slag", "steel")] == [None, 0.0, None]
    assert results["coil"].see_direct == pytest.approx(0.5 * 0.8)
    assert results["coil"].mwh_per_t == pytest.approx(0.5 * 0.6)


def test_cycles_are_refused_by_name() -> None:
    """Proves: the circle is spelled out. Sensitivity: a singular matrix, or an answer that no process has."""
    a = ProductionProcess(name="a", production_t=2, direct_t_co2=1, takes_t={"b": 1})
    b = ProductionProcess(name="b", production_t=2, direct_t_co2=1, takes_t={"c": 1})
    c = ProductionProcess(name="c", production_t=2, direct_t_co2=1, takes_t={"a": 1})
    with pytest.raises(Cycle, match="circle: ") as error:
        embedded([a, b, c])
    assert all(f" {name}" in str(error.value) for name in "abc")
    itself = ProductionProcess(name="a", production_t=2, direct_t_co2=1, takes_t={"a": 1})
    with pytest.raises(Cycle, match="a takes its own product"):
        embedded([itself])
    with pytest.raises(ValueError, match="takes b; processes are a"):
        embedded([a])


def test_clinker_and_kiln_dust() -> None:
    """Proves: clinker from cement delivered with stocks, dust by its formula. Sensitivity: the sign of a stock."""
    assert clinker.clinker_t(
        1000,
        0.7,
        cement_stock_increase_t=100,
        clinker_bought_t=50,
        clinker_sold_t=20,
        clinker_stock_increase_t=-10,
    ) == pytest.approx(730)
    assert clinker.KilnDust().t_co2_per_t == 0.525
    assert clinker.KilnDust(calcination=1.0).t_co2_per_t == pytest.approx(0.525, rel=1e-12)
    loss = 0.525 / 1.525 * 0.5
    assert clinker.KilnDust(calcination=0.5).t_co2_per_t == pytest.approx(loss / (1 - loss), rel=1e-12)
    assert clinker.Oxides(cao=0.65, mgo=0.015).t_co2_per_t == pytest.approx(0.65 * 0.785 + 0.015 * 1.092)
    assert clinker.clinker_t(100, 0.5) == 50
    with pytest.raises(ValueError, match="do not fit together"):
        clinker.clinker_t(100, 0.5, clinker_bought_t=80)


def test_cogeneration_is_shared_by_reference_efficiencies() -> None:
    """Proves: 100 TJ of gas, 50 of heat, 30 of electricity. Sensitivity: sharing by energy gives 62.5 % to heat."""
    unit = cogeneration.Cogeneration(name="CHP", fuel="natural_gas", reference_heat=0.9)
    shared = unit.share_out(5610, fuel_tj=100, heat_tj=50, power_mwh=30 / 0.0036)
    share = (0.5 / 0.9) / (0.5 / 0.9 + 0.3 / 0.53)
    assert shared.heat_share == pytest.approx(share, rel=1e-12)
    assert shared.heat_t_co2_per_tj == pytest.approx(5610 * share / 50, rel=1e-12)
    assert shared.heat_t_co2 + shared.power_t_co2 == pytest.approx(5610)
    coal = cogeneration.Cogeneration(name="CHP", fuel="coal")
    default = coal.share_out(100, fuel_tj=0, heat_tj=10, power_mwh=0)
    assert default.heat_share == pytest.approx((0.55 / 0.88) / (0.55 / 0.88 + 0.25 / 0.442), rel=1e-12)
    assert default.power_t_co2_per_mwh is None
