"""What ``check`` says of a site, what it finds odd, and the README's example."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sites import works

from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text import facts, wording
from emberline.scenarios import load
from emberline.scenarios.assets.base import KINDS
from emberline.scenarios.checking.uncounted import uncounted
from emberline.scenarios.datasets import ViolationKind
from emberline.ui.cli.main import main
from emberline.ui.cli.terminal import out, show


def facts_of(*overrides: str) -> list[str]:
    return list(facts.lines(works(*overrides)))


def odd(*overrides: str) -> list[str]:
    return list(facts.odd(works(*overrides)))


def test_the_readmes_site_is_described_whole() -> None:
    """Proves: the README's example loads, and limits, carriers, assets, tariff and factors are listed with units."""
    assert facts_of() == [
        "grid: import at most 20 MW, export at most 5 MW, mean over 15 min",
        "carrier gas: MWh",
        "carrier steam: MWh",
        "asset gas grid: supply, no limit, gas",
        "asset steam users: load, 10 MW, steam",
        "asset boiler: boiler, 15 MW of steam out, gas to steam",
        "asset engine: gas engine, 6 MW of electricity out, gas to steam, electricity",
        "asset steam store: storage, 20 MWh, steam",
        "tariff demand network: 8500 EUR/MW, monthly",
        "peak of the month so far: 6 MW",
        "carbon price: 70 EUR/t on scope 1 only (EU ETS)",
        "factor gas grid: natural_gas, 56.1 kg/GJ CO2 (net heating value), valid always: IPCC 2006 Guidelines, Vol. 2",
    ]
    assert odd() == []


def test_the_readme_names_every_kind_of_asset() -> None:
    """Proves: the list of kinds is whole. Sensitivity: a kind that is added and not listed fails here."""
    from sites import README

    text = README.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []


def test_contracts_and_blocks_are_listed() -> None:
    """Proves: contracts say how much, at what price and with which factor; a demand charge its ratchet."""
    lines = facts_of(
        "market.contracts=[{kind: ppa, name: wind, share: 40 %, price_per_mwh: 55, kg_per_mwh: 0}]",
        "market.tariff.demand=[{name: d, rates: [{per_mw: 5}, {per_mw: 9, above_mw: 4}],"
        " ratchet: {share: 80 %}, minimum_mw: 2}]",
        "market.tariff.levies=[{name: levy, per_mwh: 3}]",
        "market.tariff.taxes=[{name: vat, share: 20 %, on: [energy]}]",
        "site.battery={energy_mwh: 4, power_mw: 2}",
    )
    for line in (
        "contract wind: ppa, 40.0 % of the import at 55 EUR/MWh, 0 kg/MWh market-based",
        "tariff demand d: 2 rates, 5 to 9 EUR/MW, monthly, at least 2 MW, ratchet 80 % of 11 months",
        "tariff levy levy: 3 EUR/MWh",
        "tariff tax vat: 20.0 % on energy",
        "battery: 4 MWh, 2 MW, 90.2 % round trip",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("site.base_load_mw=25", "the base load reaches 25 MW, above the import limit of 20 MW"),
        ("site.carriers=[{name: gas}, {name: steam}, {name: coke}]", "carrier coke: no asset uses or supplies it"),
        (
            "market.tariff.energy=[{name: e, rates: [{per_mwh: 4, months: 1-6}]}]",
            "tariff: no charge on energy in month 7, mon, from 00:00 and at other times",
        ),
    ],
)
def test_what_is_odd_is_reported_and_not_refused(override: str, text: str) -> None:
    """Proves: each of these is reported in a line. Sensitivity: without it there is none."""
    assert odd(override) == [text]


def test_a_carrier_without_user_or_giver_is_odd() -> None:
    """Proves: an asset whose carrier nothing uses or nothing supplies is named; a waste is vented."""
    gas, load_, boiler = (
        "{kind: supply, name: pipe, carrier: gas, price_per_unit: 1, factor: natural_gas}",
        "{kind: load, name: users, carrier: steam, rate: 1}",
        "{kind: source, name: hall, carrier: warm, rate: 1}",
    )
    carriers = "site.carriers=[{name: gas}, {name: steam}, {name: warm, waste: true}]"
    assert odd(carriers, f"site.assets=[{gas}, {load_}, {boiler}]") == [
        "carrier gas: nothing uses it (pipe)",
        "carrier steam: nothing supplies it (users)",
        "carrier warm: nothing uses it, all of it is vented",
    ]


def test_check_of_a_site_without_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: no heats and no tonnes are listed where there is no line; units without a measure leave no blank."""
    monkeypatch.setattr(sys, "argv", ["emberline", "check", "works-hub-year"])
    with pytest.raises(SystemExit) as remaining:
        main()
    assert not remaining.value.code
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("a site without a line: 6 carriers, 14 assets; ")
    assert not any("heats" in line or " t;" in line or "stage" in line for line in lines)
    assert lines[-1] == "no mistake found"


def test_a_stages_factor_and_what_it_gives_are_reported() -> None:
    """Proves: waste heat of a stage and emissions without a factor's name are listed too."""
    lines = list(facts.lines(load("melt-shop-site")))
    assert "stage melting: EAF1, EAF2; gives 0.3 off_gas per MWh" in lines
    assert "factor melting: electrodes, 7.52 kg/t, as given in the scenario" in lines
    assert wording.size(load("melt-shop-site")) == "84 heats, 21\u202f000 t"


GASES = "site.carriers=[{name: bfg}, {name: mix}, {name: steam}]"
SOURCE = "{kind: source, name: furnace top, carrier: bfg, rate: 4}"
USERS = "{kind: load, name: users, carrier: steam, rate: 1}"
BOILER = "{kind: boiler, name: boiler, fuel: %s, heat: steam, heat_mw: 9, efficiency: 90 %%}"
MIXER = "{kind: converter, name: mixer, carrier: mix, capacity: 9, inputs: [{carrier: bfg, per_unit: 1}]%s}"
FLARE = "{kind: flare, name: flare, carrier: bfg%s}"


@pytest.mark.parametrize(
    ("assets", "burners"),
    [
        ((BOILER % "bfg", FLARE % ""), "boiler, flare"),
        ((BOILER % "mix", MIXER % ""), "boiler"),  # passed on by a converter
        ((BOILER % "mix", MIXER % ", fossil_kg_per_unit: 900"), ""),
        ((FLARE % ", fossil_kg_per_unit: 900",), ""),
        (("{kind: boiler, name: boiler, fuel: electricity, heat: bfg, heat_mw: 9, efficiency: 90 %}",), ""),  # warmth
    ],
)
def test_by_product_gas_that_is_burned_without_carbon_is_odd(assets: tuple[str, ...], burners: str) -> None:
    """Proves: the gas of a source is named with what burns it, through converters too; heat is no gas, and a factor
    where it is burned counts. Sensitivity: 0 t CO2 of blast furnace gas without a word."""
    scenario = works(GASES, f"site.assets=[{', '.join((SOURCE, USERS, *assets))}]")
    text = [
        f"carrier bfg: comes from furnace top without an emission factor and is burned ({burners}), so it counts as "
        "free of carbon; supplies, flares and converters may have one"
    ]
    assert list(uncounted(scenario)) == (text if burners else [])
    assert [line for line in facts.odd(scenario) if line in text] == (text if burners else [])


@pytest.mark.parametrize(
    ("overrides", "amount"),
    [
        ((), "5\u202f800"),
        (("arrivals=[]", "stores.slag.level_t=900", "stores.slag.end_level_t=800"), "100"),
        (("arrivals=[]", "stores.slag.level_t=900", "stores.slag.end_level_t=900"), ""),
    ],
)
def test_bought_material_without_a_price_is_odd(overrides: tuple[str, ...], amount: str) -> None:
    """Proves: what arrives, or may be used up, in a store that no process fills is named with its users; what the
    works makes itself is not. Sensitivity: clinker named too, an arrival named by its rate."""
    text = (
        f"store slag: up to {amount} t that no process here makes count at no cost (cement mill); only what a supply "
        "brings has a price"
    )
    assert list(uncounted(load("cement-week", overrides))) == ([text] if amount else [])


def test_a_plan_reports_what_it_uses_and_does_not_count(capsys: pytest.CaptureFixture[str]) -> None:
    """Proves: the lines of a plan have it, not only those of check. Sensitivity: said before the plan alone."""
    assets = ", ".join((SOURCE, USERS, BOILER % "bfg", FLARE % ""))
    show(
        out(),
        make_plan(works(GASES, f"site.assets=[{assets}]", "horizon.days=null", "horizon.length_h=2"), PLAIN),
        "run",
        Path(),
    )
    assert "carrier bfg: comes from furnace top without an emission factor" in " ".join(capsys.readouterr().out.split())


def test_fuel_without_a_factor_is_odd() -> None:
    """Proves: gas without a factor counts as free of carbon, and the page says so. Sensitivity: silence."""
    gas, users = "{kind: supply, name: pipe, carrier: gas}", "{kind: load, name: users, carrier: gas, rate: 1}"
    assert odd("site.carriers=[{name: gas}]", f"site.assets=[{gas}, {users}]") == [
        "asset pipe: has no emission factor, so gas counts as free of carbon"
    ]


def test_a_demand_charge_over_part_of_a_month_is_reported() -> None:
    """Proves: without a peak so far the whole month's charge counts, and the page says so. Sensitivity: silence."""
    (text,) = odd("state.peak_so_far_mw=0")
    assert text.startswith("tariff: the demand charge of a whole month counts in this horizon")


def test_a_month_that_begins_within_the_horizon_is_reported() -> None:
    """Proves: where only hours of a month are planned, the page says that its whole demand charge counts for them.
    Sensitivity: silence, and a plan that stands still in cheap hours."""
    tariff = "market.tariff={demand: [{name: peak, rates: [{per_mw: 9000}]}]}"
    (text,) = odd(tariff, "horizon.start=2026-03-31", "horizon.days=2", "state.peak_so_far_mw=1")
    assert text.startswith("tariff: only 24 h of 2026-04 lie in this horizon")
    assert not odd(tariff, "horizon.start=2026-03-30", "horizon.days=2", "state.peak_so_far_mw=1")


def test_a_price_for_apparent_power_is_said_to_count_per_kw() -> None:
    """Proves: 380 EUR/kVA is 380,000 EUR/MW, and the power factor of 1 is stated. Sensitivity: silence."""
    price = "market.tariff={demand: [{name: network, rates: [{per_mw: 380 EUR/kVA}]}]}"
    assert any("380 EUR/kVA is a price for apparent power" in line for line in odd(price, "state.peak_so_far_mw=1"))
    tariff = load("works-hub-year", [price]).market.tariff
    assert tariff is not None
    assert tariff.demand[0].rates[0].per_mw == 380_000


def test_every_violation_has_words() -> None:
    """Proves: what the twin can report as missed has its words on the pages. Sensitivity: a kind added to one only."""
    assert set(wording.KINDS) == set(ViolationKind)
