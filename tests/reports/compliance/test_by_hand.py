"""Small figures of reports by hand, at the edges of what they allow."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from emberline.reports.compliance import clinker
from emberline.reports.compliance.cogeneration import Cogeneration
from emberline.reports.compliance.monitoring.period import Period
from emberline.reports.compliance.monitoring.plan import Electricity
from emberline.reports.compliance.reports.annual import whole_t
from emberline.reports.compliance.reports.scope2 import HourlyCertificate, annual_scope2, hourly_scope2, read_hourly
from emberline.reports.compliance.reports.table import Table, is_number
from emberline.reports.compliance.source_stream import SourceStream


@pytest.mark.parametrize(
    ("terms", "tonnes"),
    [
        ({}, 80.0), ({"cement_stock_increase_t": 10.0}, 88.0), ({"clinker_bought_t": 3.0}, 77.0),
        ({"clinker_sold_t": 4.0}, 84.0), ({"clinker_stock_increase_t": 5.0}, 85.0), ({"clinker_bought_t": 80.0}, 0.0),
    ],
)  # fmt: skip
def test_each_term_of_clinker(terms: dict[str, float], tonnes: float) -> None:
    """Proves: 100 t of cement with 80 % of clinker, and each other term alone; none made is allowed, less is not, nor
    a ratio of 0 or above 1. Sensitivity: a term with the other sign, or a default that is not zero."""
    assert clinker.clinker_t(100.0, 0.8, **terms) == pytest.approx(tonnes)
    assert clinker.clinker_t(100.0, 1.0) == 100.0
    for ratio in (0.0, -0.1, 1.001):
        with pytest.raises(ValueError, match="must be above 0 and at most 1"):
            clinker.clinker_t(100.0, ratio)
    with pytest.raises(ValueError, match=r"is -0\.5 t"):
        clinker.clinker_t(100.0, 0.8, clinker_bought_t=80.5)


def test_oxides_and_dust() -> None:
    """Proves: oxides that came in uncarbonated are left out, each with its factor; dust that is not calcined carries
    nothing; a degree outside 0 to 1 is refused. Sensitivity: a factor of the other oxide."""
    oxides = clinker.Oxides(cao=0.65, mgo=0.02, cao_in_meal=0.05, mgo_in_meal=0.01)
    assert oxides.t_co2_per_t == pytest.approx(0.6 * 0.785 + 0.01 * 1.092)
    assert clinker.KilnDust(clinker_t_co2_per_t=0.5, calcination=0.0).t_co2_per_t == 0.0
    assert clinker.KilnDust(clinker_t_co2_per_t=1.0, calcination=1.0).t_co2_per_t == pytest.approx(1.0)
    for degree in (-0.01, 1.01):
        with pytest.raises(ValueError, match="calcination"):
            clinker.KilnDust(clinker_t_co2_per_t=0.5, calcination=degree)


def test_heat_and_power_of_one_unit() -> None:
    """Proves: with fuel, heat and electricity known the shares follow both efficiencies, else the default ones (55 and
    25 %); heat alone has all emissions; none of a product has no factor. Sensitivity: one that is known taken for all.
    """
    unit = Cogeneration(name="chp", fuel="natural_gas", reference_heat=0.9)
    shared = unit.share_out(100.0, 10.0, 4.5, 1.06 / 0.0036)
    assert (shared.heat_share, shared.heat_t_co2, shared.power_t_co2) == pytest.approx((0.5 / 0.7, 500 / 7, 200 / 7))
    assert shared.power_t_co2_per_mwh == pytest.approx(200 / 7 / (1.06 / 0.0036))
    default = (0.55 / 0.9) / (0.55 / 0.9 + 0.25 / 0.53)
    for fuel, heat, power in ((0.0, 4.5, 300.0), (0.0, 4.5, 0.0)):
        assert unit.share_out(100.0, fuel, heat, power).heat_share == pytest.approx(default)
    alone = unit.share_out(100.0, 10.0, 4.5, 0.0)
    assert (alone.heat_share, alone.heat_t_co2_per_tj, alone.power_t_co2_per_mwh) == (1.0, 100 / 4.5, None)
    none = unit.share_out(100.0, 10.0, 0.0, 0.0)
    assert (none.heat_share, none.heat_t_co2_per_tj) == (0.0, None)


@pytest.mark.parametrize(
    ("t", "whole"), [(0.5, 1), (0.49, 0), (-0.5, -1), (-0.49, 0), (1.5, 2), (2.5, 3), (-2.5, -3), (7.0, 7)]
)
def test_halves_are_rounded_away_from_zero(t: float, whole: int) -> None:
    """Proves: whole tonnes, halves away from zero. Sensitivity: halves to even numbers."""
    assert whole_t(t) == whole


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""), ("a", "a"), (1234, "1,234"), (1234.5678, "1,234.57"), (999_999.4, "999,999"), (1e6, "1,000,000"),
        (-1e6, "-1,000,000"), (1234567.8, "1,234,568"), (0.000123456789, "0.000123457"),
    ],
)  # fmt: skip
def test_cells_as_text(cell: Any, text: str) -> None:
    """Proves: thousands apart, six figures below a million, whole numbers from there on."""
    assert Table.text(cell) == text
    assert is_number(cell) == isinstance(cell, int | float)
    assert Table("T", ("a",), ((cell,),)).as_dicts() == [{"a": cell}]


@pytest.mark.parametrize(
    ("text", "first", "last", "days", "name"),
    [
        ("2025", (2025, 1, 1), (2025, 12, 31), 365, "2025"), ("2024", (2024, 1, 1), (2024, 12, 31), 366, "2024"),
        ("2025-Q1", (2025, 1, 1), (2025, 3, 31), 90, "2025-Q1"),
        ("2025-Q4", (2025, 10, 1), (2025, 12, 31), 92, "2025-Q4"),
        ("2025-02", (2025, 2, 1), (2025, 2, 28), 28, "2025-02"),
        ("2025-12", (2025, 12, 1), (2025, 12, 31), 31, "2025-12"),
        ("2025-11", (2025, 11, 1), (2025, 11, 30), 30, "2025-11"),
        ("2025-05-02..2025-05-02", (2025, 5, 2), (2025, 5, 2), 1, "2025-05-02..2025-05-02"),
        ("2025-04-01..2025-06-30", (2025, 4, 1), (2025, 6, 30), 91, "2025-Q2"),
    ],
)  # fmt: skip
def test_periods_to_the_day(
    text: str, first: tuple[int, int, int], last: tuple[int, int, int], days: int, name: str
) -> None:
    """Proves: first and last day, their number and the shortest name; a day in common overlaps, the next day does not.
    Sensitivity: a month that ends in the next, a year of 12 or 14 months."""
    period = Period.parse(text)
    assert (period.first, period.last, period.days, period.name) == (date(*first), date(*last), days, name)
    ordinal = date(*last).toordinal()
    assert period.overlaps(Period(date(*last), date(*last)))
    assert not period.overlaps(Period(date.fromordinal(ordinal + 1), date.fromordinal(ordinal + 9)))
    assert not Period(date.fromordinal(ordinal + 1), date.fromordinal(ordinal + 9)).overlaps(period)


@pytest.mark.parametrize("text", ["2025-13", "2025-Q5", "2025-05-02..2025-05-01", "2025-05-02", "x..y", ""])
def test_what_is_no_period(text: str) -> None:
    """Proves: one line that names the four ways to write one."""
    with pytest.raises(ValueError, match="write a year"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("fields", "amount", "emissions"),
    [
        (
            {"method": "combustion", "ncv_gj_per_unit": 48.0, "kg_co2_per_gj": 56.0, "oxidation": 0.5,
             "biogenic_share": 0.25}, 100.0, (100.8, 33.6, 4.8),
        ),
        ({"method": "combustion", "t_co2_per_unit": 3.0, "oxidation": 0.5}, 10.0, (15.0, 0.0, 0.0)),
        ({"method": "process", "t_co2_per_unit": 0.4, "conversion": 0.5}, 10.0, (2.0, 0.0, 0.0)),
        ({"method": "process", "t_co2_per_unit": 0.4, "biogenic_share": 1.0}, 10.0, (0.0, 4.0, 0.0)),
        ({"method": "mass_balance", "carbon_content": 0.1}, -10.0, (-3.664, 0.0, 0.0)),
        ({"method": "mass_balance", "carbon_content": 0.1, "carbon_to_co2": 3.0}, 10.0, (3.0, 0.0, 0.0)),
        ({"method": "measurement"}, 7.0, (7.0, 0.0, 0.0)), ({"method": "measurement"}, 0.0, (0.0, 0.0, 0.0)),
    ],
)  # fmt: skip
def test_emissions_of_a_stream(fields: dict[str, Any], amount: float, emissions: tuple[float, float, float]) -> None:
    """Proves: fossil and biogenic CO2 and energy of each method by its equation. Sensitivity: oxidation for conversion,
    GJ for TJ, biogenic CO2 in the total."""
    result = SourceStream.model_validate({"name": "s", **fields}).emissions(amount)
    assert (result.fossil_t_co2, result.biogenic_t_co2, result.energy_tj) == pytest.approx(emissions)


def electricity(**remaining: Any) -> Electricity:
    """100 kg/MWh on average, 300 kg/MWh of the residual mix."""
    table = {
        "location_t_co2_per_mwh": 0.1, "location_source": "grid", "residual_t_co2_per_mwh": 0.3,
        "residual_source": "mix", "zone": "DE", **remaining,
    }  # fmt: skip
    return Electricity.model_validate(table)


def test_certificates_of_a_year() -> None:
    """Proves: certificates in their order cover what is used and no more, the rest has the residual mix, or the
    location's average where there is none. Sensitivity: certificates that count beyond the use."""
    rows = [
        {"name": "wind", "mwh": 60.0, "t_co2_per_mwh": 0.01, "source": "w"},
        {"name": "sun", "mwh": 70.0, "t_co2_per_mwh": 0.02, "source": "s"},
    ]
    result = annual_scope2(100.0, electricity(certificates=rows))
    assert [(part.name, part.mwh) for part in result.parts] == [("wind", 60.0), ("sun", 40.0), ("residual mix", 0.0)]
    assert (result.location_t_co2, result.market_t_co2) == pytest.approx((10.0, 1.4))
    result = annual_scope2(150.0, electricity(certificates=rows))
    assert result.market_t_co2 == pytest.approx(0.6 + 1.4 + 6.0)
    bare = annual_scope2(100.0, electricity(residual_t_co2_per_mwh=None, residual_source=""))
    assert bare.market_t_co2 == pytest.approx(10.0)
    assert bare.parts[-1].source == "no residual mix given: grid"


def test_certificates_of_an_hour() -> None:
    """Proves: a certificate covers use of its own hour and zone, once; those beyond it are counted as unused.

    Sensitivity: the next hour, another zone, a use that is covered twice."""
    rows = [
        HourlyCertificate(0, 4.0, "DE"), HourlyCertificate(0, 4.0, "DE"), HourlyCertificate(1, 3.0, "FR"),
        HourlyCertificate(2, 1.0, "DE"),
    ]  # fmt: skip
    result = hourly_scope2([6.0, 5.0, 9.0], rows, electricity())
    assert [(part.mwh, part.t_co2_per_mwh) for part in result.parts] == [(7.0, 0.0), (13.0, 0.3)]
    assert (result.location_t_co2, result.market_t_co2) == pytest.approx((2.0, 3.9))
    assert "; 5 MWh of them match no use" in result.note
    for hour in (-1, 3):
        with pytest.raises(ValueError, match=f"certificate of hour {hour}: there are hours 0 to 2"):
            hourly_scope2([6.0, 5.0, 9.0], [HourlyCertificate(hour, 1.0, "DE")], electricity())
    with pytest.raises(ValueError, match=r"electricity\.zone is required"):
        hourly_scope2([6.0], [], electricity(zone=""))


def test_a_file_of_hours(tmp_path: Path) -> None:
    """Proves: empty cells are zero, rows without certificates have none, each by the place of its hour; what is no
    number of at least zero, or twice the same hour, is named by its row. Sensitivity: a row that shifts the hours."""
    path = tmp_path / "hours.csv"
    head = "hour,use_mwh,certificate_mwh,zone\n"
    path.write_text(head + "0,5,,\n1,,2.5, DE \n2,7,1,FR\n", encoding="utf-8")
    use, certificates = read_hourly(path)
    assert use == [5.0, 0.0, 7.0]
    assert certificates == [HourlyCertificate(1, 2.5, "DE"), HourlyCertificate(2, 1.0, "FR")]
    for rows, words in (
        ("0,5,,\n0,6,,\n", "row 3: hour: '0' is in row 2 too"), (",5,,\n", "row 2: hour: is required"),
        ("0,x,,\n", "row 2: use_mwh: must be a number of at least 0, got 'x'"),
        ("0,1,-1,\n", "certificate_mwh: must be a number of at least 0, got '-1'"),
        ("0,inf,,\n", "got 'inf'"), ("0,nan,,\n", "got 'nan'"),
    ):  # fmt: skip
        path.write_text(head + rows, encoding="utf-8")
        with pytest.raises(ValueError, match="row") as refused:
            read_hourly(path)
        assert words in str(refused.value)
    path.write_text("hour,use_mwh\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the column certificate_mwh, zone"):
        read_hourly(path)
    path.write_bytes(head.encode() + b"\xff")
    with pytest.raises(ValueError, match="is not UTF-8 text"):
        read_hourly(path)
    with pytest.raises(ValueError, match=r"none\.csv"):
        read_hourly(tmp_path / "none.csv")
