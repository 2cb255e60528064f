"""Importing: what a column counts, in what unit, and what is refused because its name says something else."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import xlsxwriter
from imports import brought, mistakes, stamps

from emberline.scenarios import ScenarioError, load
from emberline.scenarios.importing import guess, read
from emberline.scenarios.reading.unit_spelling import named, spelled


def rows(form: str, count: int = 48, minutes: int = 15, **cells: Callable[[int], object]) -> str:
    """Lines of a file; ``{t}`` is the time, other names are made of the row's number."""
    first = datetime.fromisoformat("2026-01-10")
    times = [first + timedelta(minutes=minutes * i) for i in range(count)]
    return "".join(
        form.format(t=f"{at:%Y-%m-%d %H:%M}", **{name: make(i) for name, make in cells.items()}) + "\n"
        for i, at in enumerate(times)
    )


@pytest.mark.parametrize(("spelling", "unit"), [
    ("gCO₂eq/kWh", "g/kWh"), ("Rs/MWh", "INR/MWh"), ("₹/MWh", "INR/MWh"), ("£/MWh", "GBP/MWh"), ("€/kWh", "EUR/kWh"),
    ("R$/MWh", "BRL/MWh"), ("$/MWh", "USD/MWh"), ("kg CO2e / MWh", "kg/MWh"), ("tCO2-eq/MWh", "t/MWh"), ("KWH", "kWh"),
])  # fmt: skip
def test_units_as_files_spell_them(spelling: str, unit: str) -> None:
    """Proves: signs of currencies, subscripts and words for carbon are understood. Sensitivity: CO2eq left a q."""
    assert spelled(spelling) == unit


@pytest.mark.parametrize(("name", "unit"), [
    ("price_eur_per_mwh", "EUR/MWh"), ("ci_direct_g_per_kwh", "g/kWh"), ("[Preis (EUR/MWh)]", "EUR/MWh"),
    ("MCP (Rs/MWh) *", "INR/MWh"), ("Carbon Intensity gCO₂eq/kWh (direct)", "g/kWh"), ("reading_kWh", "kWh"),
    ("export_price_per_mwh", None), ("low_carbon_pct", None), ("capacity_factor", None), ("Value", None),
])  # fmt: skip
def test_the_unit_in_a_name(name: str, unit: str | None) -> None:
    """Proves: a unit is found in brackets, also within others, after _per_ and at the end; a mere word is none."""
    assert named(name) == unit


def test_a_register_is_differenced() -> None:
    """Proves: readings that go on become the energy between them, with a rollover added and a reset left out, both
    reported. Sensitivity: a register was read as a load of gigawatts."""
    flow = [250 + i % 7 for i in range(96)]
    total = [100_000 + sum(flow[:i]) for i in range(96)]
    imported = brought(f"time,reading_kWh\n{rows('{t},{v}', 96, v=total.__getitem__)}", zone="UTC")
    assert (imported.mapping.counts, len(imported.values)) == ("register", 95)
    assert imported.values.tolist() == pytest.approx([kwh * 4 / 1000 for kwh in flow[:-1]])
    over = brought(f"time,Register (kWh)\n{rows('{t},{v}', 96, v=lambda i: (total[i] - 5000) % 100_000)}", zone="UTC")
    assert over.values.tolist() == pytest.approx(imported.values.tolist())
    assert "rolls over at 2026-01-10T05:00:00Z" in over.remarks[0]
    reset = f"time,total_kwh\n{rows('{t},{v}', 96, v=lambda i: total[i] if i < 40 else total[i] - total[40])}"
    assert "a value is missing, at 2026-01-10T09:45:00Z" in mistakes(reset, zone="UTC")[0]
    result = brought(reset, zone="UTC", gaps="hold")
    assert result.missing == 1
    assert "is reset at 2026-01-10T10:00:00Z; its interval has no value" in result.remarks[0]


def test_a_load_that_rises_is_no_register() -> None:
    """Proves: neither energies that rise through a day nor a power are differenced, unless it is said."""
    rising = f"time,E (kWh)\n{rows('{t},{v}', 96, v=lambda i: 200 + 1.5 * i)}"
    assert brought(rising, zone="UTC").mapping.counts == "interval"
    assert brought(rising, zone="UTC", counts="register").values.tolist() == pytest.approx([0.006] * 95)
    power = f"time,total kW\n{rows('{t},{v}', 96, v=lambda i: 200 + 1.5 * i)}"
    assert brought(power, zone="UTC").mapping.counts == "interval"
    assert "a register counts energy" in mistakes(power, zone="UTC", counts="register")[0]


def test_a_column_of_units() -> None:
    """Proves: the unit that stands in a column counts, that of the rows that are taken; several are refused.
    Sensitivity: kW were read as MW, and the mean was that of all series."""
    tags = "Tag,Timestamp,Value,Units\n" + "".join(
        rows(f"{tag},{{t}},{value},{unit}") for tag, value, unit in (("A", 5.5, "MW"), ("B", 5500, "kW"))
    )
    for tag in ("A", "B"):
        assert brought(tags, zone="UTC", where={"Tag": tag}).values.tolist() == [5.5] * 48
    mixed = f"Timestamp,Value,UOM\n{rows('{t},7,{u}', u=lambda i: 'kW' if i else 'MW')}"
    assert "several units" in told_guess(mixed)
    bare = "Tag,Timestamp,Value\n" + "".join(rows(f"{tag},{{t}},{value}") for tag, value in (("A", 5), ("B", 9000)))
    small, large = (guess(read(bare.encode(), "f.csv"), "load", {"where": {"Tag": tag}}, "UTC") for tag in "AB")
    assert not any("much for a plant" in reason for reason in small.reasons)
    assert any("mean of 9,000 MW is much" in reason for reason in large.reasons)


def told_guess(text: str, role: str = "load", **message: object) -> str:
    with pytest.raises(ScenarioError) as caught:
        guess(read(text.encode(), "f.csv"), role, message, "UTC")
    return str(caught.value)


HEADS = [
    # role, names, values, the column taken or what is said, unit
    ("price", "time,Hour,MCV (MW),MCP (Rs/MWh) *", "7,5000,3100", "MCP (Rs/MWh) *", "INR/MWh"),
    ("price", "time,forecast_eur_per_mwh,actual_eur_per_mwh", "40,41", "actual_eur_per_mwh", "EUR/MWh"),
    ("intensity", "time,low_pct,direct_g_per_kwh,lca_g_per_kwh", "40,310,365", "direct_g_per_kwh", "g/kWh"),
    ("load", "time,kVA,kW", "1100,1000", "kW", "kW"),
    ("load", "time,Q (kvar),P (kW)", "40,410", "P (kW)", "kW"),
    ("load", "time,S (kVA)", "1100", "kVA times the power factor are kW", None),
    ("intensity", "time,low_carbon_pct", "40", "no column that can be the carbon intensity", None),
    ("price", "time,load_kw", "410", "no column that can be the price of electricity", None),
    ("price", "time,price (¥/kWh)", "12", "¥ stands for JPY and CNY", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "names", "values", "sentence", "unit"), HEADS, ids=[f"{h[0]} {h[3][:20]}" for h in HEADS]
)
def test_the_column_that_fits(role: str, names: str, values: str, sentence: str, unit: str | None) -> None:
    """Proves: a column whose name says another thing is not taken, one that says the unit is, and what was measured
    goes before a forecast. Sensitivity: the hour of the day was the price."""
    text = f"{names}\n{rows('{t},' + values)}"
    if unit is None:
        assert sentence in told_guess(text, role)
        return
    imported = brought(text, role, "UTC")
    assert (imported.mapping.value, imported.mapping.unit) == (sentence, unit)
    others = [name for name in names.split(",")[1:] if name != sentence and named(name) == unit]
    reasons = guess(read(text.encode(), "f.csv"), role, {}, "UTC").reasons
    assert all(any(f"{name!r} fits as well" in reason for reason in reasons) for name in others)


def test_a_column_that_is_said_is_held_against_its_name() -> None:
    """Proves: kVA, a per cent or another unit in the name of a column that was asked for need the unit to be said."""
    text = f"time,S (kVA),low_carbon_pct\n{rows('{t},900,40')}"
    assert "holds something else by its name" in told_guess(text, value="S (kVA)")
    assert "holds something else by its name" in told_guess(text, "intensity", value="low_carbon_pct")
    assert brought(text, "intensity", "UTC", value="low_carbon_pct", unit="kg/MWh").values[0] == 40


@pytest.mark.parametrize(("role", "stamp"), [("price", "start"), ("intensity", "start"), ("load", "start")])
def test_days_that_are_whole_in_utc_are_known_by_their_starts(role: str, stamp: str) -> None:
    """Proves: 00:00Z to 23:00Z are starts, though clocks in Berlin show 01:00 to 00:00. Sensitivity: a price was moved
    by an hour."""
    unit = {"price": "EUR/MWh", "intensity": "g/kWh", "load": "MW"}[role]
    text = f"Datum (UTC),[Wert ({unit})]\n{rows('{t},30', 24, 60)}"
    imported = brought(text, role, "Europe/Berlin")
    assert (imported.mapping.stamps, stamps(imported)[0]) == (stamp, "2026-01-10T00:00")
    ends = f"Zeit,[Wert ({unit})]\n" + "".join(rows("{t},30", 25, 60).splitlines(True)[1:])
    assert brought(ends, role, "Europe/Berlin").mapping.stamps == ("end" if role == "load" else "start")


def test_flags_of_estimated_values_are_reported() -> None:
    """Proves: how many values a column marks as estimated is reported."""
    text = f"time,ci_g_per_kwh,estimated\n{rows('{t},300,{e}', e=lambda i: int(i % 6 == 0))}"
    assert brought(text, "intensity", "UTC").remarks == ("8 of 48 values are marked as estimated, in 'estimated'",)


def test_the_guess_of_what_was_said_is_not_reported() -> None:
    """Proves: reasons belong to fields, so that those of what the user has chosen can be left out."""
    result = guess(read(f"time,kW\n{rows('{t},5')}".encode(), "f.csv"), "load", {}, "UTC")
    assert any("unit kW" in reason for reason in result.reasons)
    assert not any("unit kW" in reason for reason in result.unless({"unit"}))


def test_a_cover_sheet_is_passed_over() -> None:
    """Proves: of a workbook the first sheet with times is taken, and the others are named."""
    result = io.BytesIO()
    book = xlsxwriter.Workbook(result)
    book.add_worksheet("Cover").write(0, 0, "Meter export of the works")
    sheet = book.add_worksheet("Data")
    for row, line in enumerate(f"time,kW\n{rows('{t},5')}".splitlines()):
        sheet.write_row(row, 0, line.split(","))
    book.close()
    raw = read(result.getvalue(), "meter.xlsx")
    outcome = guess(raw, "load", {}, "UTC")
    assert outcome.mapping.sheet == "Data"
    assert "sheet 'Data'; there are Cover too" in outcome.reasons
    cover = read(result.getvalue(), "meter.xlsx", sheet="Cover")
    with pytest.raises(ScenarioError, match=r"its other sheets are Data|no rows below"):
        guess(cover, "load", {"sheet": "Cover"}, "UTC")


@pytest.mark.parametrize(("override", "text"), [
    ("market.currency=INR", "market.price_per_mwh.column: column 'price_eur_per_mwh' counts in EUR, not in INR"),
    ("market.price_per_mwh.unit=EUR/kWh", "market.price_per_mwh.unit: column 'price_eur_per_mwh' is named in EUR/MWh"),
    ("market.carbon_intensity_kg_per_mwh.unit=t/MWh", "carbon_intensity_kg_per_mwh.unit: column"),
    ("site.grid.import_limit_mw=38 MVA", "'MVA' counts apparent power, this takes 'MW'"),
    ("market.price_per_mwh=80 ¥/MWh", "¥ stands for JPY and CNY"),
    ("market.price_per_mwh=80 Rs/MWh", "wrong unit 'INR/MWh'"),
])  # fmt: skip
def test_a_scenario_that_contradicts_its_columns(override: str, text: str) -> None:
    """Proves: another currency or unit than the column's name says is refused, and apparent power is no power.
    Sensitivity: euros were read as rupees, and 155,720 kg/MWh were not odd."""
    with pytest.raises(ScenarioError) as caught:
        load("melt-shop-small", [override])
    assert text in str(caught.value)
    assert "\n" not in str(caught.value) or "INR" in override


def test_another_currency_with_its_rate() -> None:
    """Proves: a stated unit and rate convert a series of another currency."""
    rate = "{table: de_typical_2018, column: price_eur_per_mwh, unit: INR/MWh, scale: 90}"
    changes = ["market.currency=INR", f"market.price_per_mwh={rate}", "market.export_price_per_mwh=null"]
    rupees = load("melt-shop-small", [*changes, "market.carbon_price.per_t=0"])
    euros = load("melt-shop-small")
    assert rupees.inputs["price_per_mwh"].to_numpy() == pytest.approx(90 * euros.inputs["price_per_mwh"].to_numpy())
