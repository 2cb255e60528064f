"""Monitoring plans and activity data: what is read, refused and filled, and the reports made of them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from emberline.reports.compliance.default_values import read_default_values
from emberline.reports.compliance.goods import GOODS
from emberline.reports.compliance.monitoring import Period, read_activity, read_monitoring_plan
from emberline.reports.compliance.monitoring.activity import MissingData
from emberline.reports.compliance.monitoring.plan import DeclaredPrecursor, Electricity
from emberline.reports.compliance.reports import DOCUMENTS, AnnualReport, annual_report
from emberline.reports.compliance.reports.annual import whole_t
from emberline.reports.compliance.reports.scope2 import HourlyCertificate, hourly_scope2, read_hourly
from emberline.scenarios import ScenarioError

PLAN = """
installation: {name: Kiln works, country: Germany}
meters:
  - {name: coal scale, uncertainty: 0.01}
streams:
  - {name: raw meal, method: process, t_co2_per_unit: 0.525, source: laboratory, process: clinker}
  - name: coal
    method: combustion
    ncv_gj_per_unit: 25
    kg_co2_per_gj: 95
    meter: coal scale
    tiers: {amount: 4, factor: 2a}
    source: laboratory
    process: clinker
    gap: highest
  - {name: gas, method: combustion, factor: natural_gas, shares: {clinker: 0.75, cement: 0.25}}
processes:
  - {name: clinker, goods: Cement clinker, electricity_t_co2_per_mwh: 0.5}
  - {name: cement, goods: Cement, electricity_t_co2_per_mwh: 0.5}
electricity:
  location_t_co2_per_mwh: 0.4
  location_source: national average
  residual_t_co2_per_mwh: 0.6
  certificates: [{name: wind, mwh: 300, source: registry}]
  zone: DE
china_region: south
"""
ACTIVITY = """name,from,to,amount,unit,stock_start,stock_end
raw meal,2026-01-01,2026-12-31,1000,t,,
coal,2026-01-01,2026-06-30,90.5,t,10,0
coal,2026-07-01,2026-11-30,76.5,t,,
gas,2026-01-01,2026-12-31,8,t,,
clinker: production,2026-01-01,2026-12-31,640,t,,
clinker: electricity,2026-01-01,2026-12-31,100,MWh,,
cement: production,2026-01-01,2026-12-31,800,t,,
cement: takes clinker,2026-01-01,2026-12-31,600,t,,
cement: electricity,2026-01-01,2026-12-31,400,MWh,,
"""
YEAR = Period.parse("2026")


def report(folder: Path, plan: str = PLAN, activity: str = ACTIVITY, period: Period = YEAR) -> AnnualReport:
    """The report of texts."""
    (folder / "monitoring.yaml").write_text(plan, encoding="utf-8")
    (folder / "activity.csv").write_text(activity, encoding="utf-8")
    data = read_activity([folder / "activity.csv"])
    return annual_report(read_monitoring_plan(folder / "monitoring.yaml"), data, period)


def test_a_year_by_hand(tmp_path: Path) -> None:
    """Proves: stock changes count, a gap has the highest daily rate, shared gas goes where its shares say.

    Sensitivity: 90.5 t without the stock, the mean rate, gas counted twice."""
    result = report(tmp_path)
    first, second = 100.5 / 181, 76.5 / 153
    assert first > second
    coal_t = 100.5 + 76.5 + 31 * first
    assert result.streams[1].amount.amount == pytest.approx(coal_t, rel=1e-12)
    gas_t_co2 = 8 * 48 * 56.1 / 1000
    direct = 525 + coal_t * 25 * 95 / 1000 + gas_t_co2
    assert result.fossil_t_co2 == pytest.approx(direct, rel=1e-12)
    clinker, cement = result.embedded["clinker"], result.embedded["cement"]
    of_clinker = (direct - gas_t_co2 / 4) / 640
    assert clinker.see_direct == pytest.approx(of_clinker, rel=1e-12)
    assert cement.see_direct == pytest.approx((gas_t_co2 / 4 + 600 * of_clinker) / 800, rel=1e-12)
    assert cement.see_indirect == pytest.approx((200 + 600 * 50 / 640) / 800, rel=1e-12)
    (gap,) = result.gaps
    assert (gap.name, gap.first, gap.last, gap.rule) == ("coal", date(2026, 12, 1), date(2026, 12, 31), "highest")
    assert "coal: no data from 2026-12-01 to 2026-12-31, 17.2127 by the highest daily rate" in list(result.remarks())
    assert result.streams[2].stream.source == "natural_gas: IPCC 2006 Guidelines, Vol. 2"


def test_only_whole_tonnes_are_rounded_and_only_at_the_end(tmp_path: Path) -> None:
    """Proves: three stacks of 0.4 t are 1 t in all. Sensitivity: the sum of rounded rows is zero."""
    assert [whole_t(t) for t in (0.5, 1.5, 2.5, -0.5, 0.499999)] == [1, 2, 3, -1, 0]
    stacks = "\n".join(f"  - {{name: stack {i}, method: measurement, unit: t CO2, source: x}}" for i in range(3))
    rows = "\n".join(f"stack {i},2026-01-01,2026-12-31,0.4,t CO2" for i in range(3))
    plan = f"installation: {{name: Works}}\nstreams:\n{stacks}\n"
    result = report(tmp_path, plan, f"name,from,to,amount,unit\n{rows}\n")
    rows_of_table = DOCUMENTS["ets"](result).tables[0].rows
    assert [row[6] for row in rows_of_table] == [0, 0, 0, 1]
    assert result.fossil_t_co2 == pytest.approx(1.2)


def test_each_report_says_what_is_its_own(tmp_path: Path) -> None:
    """Proves: both methods of scope 2, the region's grid factor and no footprint factor, evidence of each stream.

    Sensitivity: certificates taken off the location-based figure, 0.5777 in a row of China."""
    result = report(tmp_path)
    ghg = DOCUMENTS["ghg"](result)
    assert ghg.figures["scope2_location_t_co2"] == pytest.approx(500 * 0.4)
    assert ghg.figures["scope2_market_t_co2"] == pytest.approx(200 * 0.6)
    china = DOCUMENTS["china"](result)
    assert china.figures["indirect_t_co2"]["cn_south_2023"] == pytest.approx(500 * 0.4042)
    assert china.figures["indirect_t_co2"]["cn_national_2023"] == pytest.approx(500 * 0.5306)
    assert not [row for row in china.tables[1].rows if "footprint" in str(row[0])]
    coal = DOCUMENTS["ets"](result).tables[1].rows[1]
    assert coal[1:4] == ("coal scale", "± 1.00%", "amount 4, factor 2a")
    for name, make in DOCUMENTS.items():
        page = make(result).html()
        assert "Kiln works" in page, name
        assert "{{" not in page


def test_certificates_match_by_hour_and_zone(tmp_path: Path) -> None:
    """Proves: a certificate covers its own hour within the zone. Sensitivity: the annual sum covers all three hours."""
    electricity = Electricity(location_t_co2_per_mwh=0.4, location_source="x", residual_t_co2_per_mwh=0.6, zone="DE")
    certificates = [HourlyCertificate(0, 30, "DE"), HourlyCertificate(1, 5, "DE"), HourlyCertificate(2, 30, "FR")]
    result = hourly_scope2([10, 10, 10], certificates, electricity)
    assert result.location_t_co2 == pytest.approx(12)
    assert result.market_t_co2 == pytest.approx(15 * 0.6)
    assert "50 MWh of them match no use" in result.note
    path = tmp_path / "hours.csv"
    path.write_text("hour,use_mwh,certificate_mwh,zone\n0,10,5,DE\n1,x,,\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"hours.csv row 3: use_mwh"):
        read_hourly(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("goods: Cement,", "goods: Cemnt,", "did you mean Cement"),
        ("meter: coal scale", "meter: scale", "unknown meter"),
        ("process: clinker}", "process: klinker}", "unknown process"),
        ("cement: 0.25}", "cement: 0.35}", "shares add up to 1.1"),
        ("factor: natural_gas", "factor: natural_gass", "unknown factor"),
        ("source: laboratory, process", "process", "from"),
        ("uncertainty: 0.01", "uncertainty: 2", "meters.0.uncertainty: must be at most 1"),
        ("tiers: {amount: 4, factor: 2a}", "tiers: {amount: 4, factor: 4a}", "factor: must be 1, 2, 2a, 2b or 3"),
        ("{name: cement, goods: Cement,", "{name: cement, goods: Pig iron,", "has several routes"),
    ],
)
def test_mistakes_of_a_monitoring_plan_have_their_place(old: str, new: str, words: str, tmp_path: Path) -> None:
    """Proves: file, key and what is allowed. Sensitivity: a name that is not there taken for none."""
    assert old in PLAN
    with pytest.raises(ScenarioError) as error:
        report(tmp_path, PLAN.replace(old, new))
    assert words in str(error.value)
    assert "monitoring.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",1000,t", ",1o00,t", "activity.csv row 2: amount: must be a number, got '1o00'"),
        ("raw meal,2026-01-01", "raw meal,01.01.2026", "row 2: from: must be a date"),
        ("2026-12-31,8,t", "2025-12-31,8,t", "row 5: to: 2025-12-31 lies before from"),
    ],
)
def test_rows_with_a_typing_error_are_reported_with_their_number(
    old: str, new: str, words: str, tmp_path: Path
) -> None:
    """Proves: file, row, column and value. Sensitivity: a row left out in silence."""
    with pytest.raises(ScenarioError) as error:
        report(tmp_path, activity=ACTIVITY.replace(old, new))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "raw meal,2026-01-01",
            "raw meal,2026-02-01",
            "raw meal has no data from 2026-01-01 to 2026-01-31; name a rule",
        ),
        ("raw meal,2026-01-01", "raw meal,2025-01-01", "crosses the end of the period"),
        ("coal,2026-07-01", "coal,2026-06-01", "row 4: coal overlaps activity.csv row 3"),
        ("8,t,,", "8,kg,,", "gas is in kg, the monitoring plan has t"),
        ("gas,2026", "gaz,2026", "row 5: unknown name 'gaz'; did you mean gas?"),
    ],
)
def test_data_that_do_not_fit_the_plan_are_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    """Proves: a gap without a rule, an overlap, another unit. Sensitivity: a year of eleven months."""
    with pytest.raises(ValueError, match=re.escape(words)):
        report(tmp_path, activity=ACTIVITY.replace(old, new))


def test_a_stream_without_data_and_factors_of_another_year(tmp_path: Path) -> None:
    """Proves: neither is taken for zero or for good. Sensitivity: an empty stream that emits nothing."""
    rows = "\n".join(line for line in ACTIVITY.splitlines() if not line.startswith("gas"))
    with pytest.raises(MissingData, match="gas has no activity data"):
        report(tmp_path, activity=rows)
    old = PLAN.replace("source: laboratory, process", "source: laboratory, valid_to: 2026-06-30, process")
    with pytest.raises(ValueError, match="factors of raw meal hold from 2026-01-01 to 2026-06-30"):
        report(tmp_path, old)


def test_periods() -> None:
    """Proves: years, quarters, months and dates; nonsense is refused. Sensitivity: a leap year's February."""
    assert str(Period.parse("2028-02")) == "2028-02-01 to 2028-02-29"
    assert str(Period.parse("2026-Q4")) == "2026-10-01 to 2026-12-31"
    assert Period.parse("2026-01-01..2026-06-30").days == 181
    for text in ("26", "2026-13", "2026-Q5", "2026-06-30..2026-01-01", "soon"):
        with pytest.raises(ValueError, match="write a year"):
            Period.parse(text)


def test_a_precursor_without_declared_values_takes_the_default_with_its_mark_up(tmp_path: Path) -> None:
    """Proves: clinker from China counts 1.529 t/t in 2026, its share is shown, a faulty row of the table too.

    Sensitivity: the value without mark-up, a default that nobody sees, a row that is guessed."""
    bought = "precursors:\n  - {name: CN clinker, goods: Cement clinker, cn_code: 25231000, country: CN}\n"
    rows = ACTIVITY + "cement: precursor CN clinker,2026-01-01,2026-12-31,80,t,,\n"
    result = report(tmp_path, PLAN + bought, rows)
    without = report(tmp_path)
    carried = 80 * 1.529 / 800
    cement = result.embedded["cement"]
    assert cement.see_direct == pytest.approx(without.embedded["cement"].see_direct + carried, rel=1e-12)
    assert cement.see_total is not None
    assert cement.default_share == pytest.approx(carried / cement.see_total)
    assert [text for text in result.remarks() if "default values" in text]
    path = tmp_path / "defaults.csv"
    path.write_text(
        "cn_code,country,goods,see_total,source\n2523,CN,clinker,2,x\n7201,CN,iron,l.5,x\n", encoding="utf-8"
    )
    (tmp_path / "activity.csv").write_text(rows, encoding="utf-8")
    data = read_activity([tmp_path / "activity.csv"])
    plan = result.plan.model_copy(update={"precursors": (precursor(),)})
    other = annual_report(plan, data, YEAR, read_default_values(path))
    assert other.plan.precursors[0].see_direct == pytest.approx(2.2)
    assert "defaults.csv row 3: see_total 'l.5' is no number of at least 0" in list(other.remarks())


def precursor() -> DeclaredPrecursor:
    """Clinker from China without declared values."""
    return DeclaredPrecursor(name="CN clinker", goods="Cement clinker", cn_code="25231000", country="CN")


def test_the_plan_of_the_documentation_can_be_read(tmp_path: Path) -> None:
    """Proves: what the page shows is a monitoring plan. Sensitivity: a key that was renamed."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "compliance.md").read_text(encoding="utf-8")
    path = tmp_path / "monitoring.yaml"
    path.write_text(page.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    plan = read_monitoring_plan(path)
    assert [stream.name for stream in plan.streams] == ["coke", "natural gas"]
    assert plan.processes[0].cn_code == "72061000"


KILN = """
installation: {name: Kiln works}
streams:
  - {name: meal, method: process, clinker_oxides: {cao: 0.65, mgo: 0.02, cao_in_meal: 0.01}, counts: production,
     process: clinker, source: laboratory}
  - {name: dust, method: process, kiln_dust: {calcination: 0.5}, process: clinker, source: laboratory}
  - {name: gas, method: combustion, factor: natural_gas, process: CHP}
processes:
  - {name: clinker, goods: Cement clinker, clinker_ratio: 0.75, heat_from: CHP, electricity_from: CHP}
cogeneration:
  - {name: CHP, fuel: natural_gas}
"""
KILN_DATA = """name,from,to,amount,unit,stock_start,stock_end
clinker: cement delivered,2026-01-01,2026-12-31,1000,t,50,70
clinker: clinker bought,2026-01-01,2026-12-31,40,t,10,25
clinker: clinker sold,2026-01-01,2026-12-31,8,t,,
dust,2026-01-01,2026-12-31,20,t,,
gas,2026-01-01,2026-12-31,1,t,,
CHP: heat,2026-01-01,2026-12-31,0.0264,TJ,,
CHP: electricity,2026-01-01,2026-12-31,3.3333333333,MWh,,
clinker: heat imported,2026-01-01,2026-12-31,0.0264,TJ,,
clinker: electricity,2026-01-01,2026-12-31,3.3333333333,MWh,,
"""


def test_clinker_dust_and_cogeneration_of_a_kiln_by_hand(tmp_path: Path) -> None:
    """Proves: clinker from cement delivered, its factor by oxides, dust by calcination, a fuel shared out to heat and
    power by reference efficiencies, and nothing of it counted twice. Sensitivity: stock of cement with the wrong sign,
    stock of clinker counted as bought, the fuel of the CHP attributed to the process as well."""
    result = report(tmp_path, KILN, KILN_DATA)
    clinker_t = (1000 + 20) * 0.75 - 40 + 8 + 15
    (process,) = result.processes
    assert process.production_t == pytest.approx(clinker_t, rel=1e-12)
    loss = 0.525 / 1.525 * 0.5
    stated = clinker_t * (0.64 * 0.785 + 0.02 * 1.092) + 20 * loss / (1 - loss)
    assert process.emissions.fossil_t_co2 == pytest.approx(stated, rel=1e-12)
    fuel_tj, t_co2 = 0.048, 0.048 * 56.1
    heat, power = 0.0264 / fuel_tj / 0.88, 3.3333333333 * 0.0036 / fuel_tj / 0.53
    share = heat / (heat + power)
    assert result.cogeneration["CHP"].heat_share == pytest.approx(share, rel=1e-12)
    clinker = result.embedded["clinker"]
    assert clinker.see_direct * clinker_t == pytest.approx(stated + share * t_co2, rel=1e-12)
    assert clinker.see_indirect == pytest.approx((1 - share) * t_co2 / clinker_t, rel=1e-12)
    assert list(result.remarks()) == []
    assert "Cogeneration" in DOCUMENTS["cbam"](result).html()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{calcination: 0.5}", "{calcination: 1.5}", "kiln_dust.calcination"),
        ("kiln_dust: {calcination: 0.5}", "kiln_dust: {}, t_co2_per_unit: 1", "give kiln_dust or t_co2_per_unit"),
        ("heat_from: CHP", "heat_from: CHB", "unknown unit of cogeneration 'CHB'"),
        (", process: CHP}", ", process: CHB}", "unknown process 'CHB'"),
        ("clinker_ratio: 0.75, ", "", "cement delivered needs clinker_ratio"),
        ("electricity_from: CHP", "electricity_from: CHP, electricity_t_co2_per_mwh: 0.5", "not both"),
    ],
)
def test_mistakes_of_a_kiln_are_named(old: str, new: str, words: str, tmp_path: Path) -> None:
    """Proves: each is refused by its key. Sensitivity: a factor stated twice, a unit that does not exist."""
    assert old in KILN
    with pytest.raises((ScenarioError, ValueError), match=words):
        report(tmp_path, KILN.replace(old, new), KILN_DATA)


def test_more_energy_than_fuel_is_refused(tmp_path: Path) -> None:
    """Proves: a CHP gives no more than its fuel holds. Sensitivity: heat in GJ that was meant in TJ."""
    with pytest.raises(ValueError, match=r"CHP: heat and electricity of 26.4\d* TJ from 0.048 TJ of fuel"):
        report(
            tmp_path,
            KILN,
            KILN_DATA.replace("CHP: heat,2026-01-01,2026-12-31,0.0264", "CHP: heat,2026-01-01,2026-12-31,26.4"),
        )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "coal,2026-01-01,2026-06-30,90.5,t,10,0",
            "coal,2026-01-01,2026-06-30,90.5,t,-10,0",
            "stock_start: a stock is",
        ),
        ("clinker: electricity,2026-01-01,2026-12-31,100", "clinker: electricity,2026-01-01,2026-12-31,-1", "negative"),
        (
            "cement: takes clinker,2026-01-01,2026-12-31,600",
            "cement: takes clinker,2026-01-01,2026-12-31,-600",
            "negative",
        ),
        ("clinker: production,2026-01-01,2026-12-31,640", "clinker: production,2026-01-01,2026-12-31,-640", "negative"),
    ],
)
def test_negative_amounts_are_one_line(old: str, new: str, words: str, tmp_path: Path) -> None:
    """Proves: a negative stock, use or production is refused by its name. Sensitivity: several lines of a record."""
    assert old in ACTIVITY
    with pytest.raises(ValueError, match=words) as error:
        report(tmp_path, activity=ACTIVITY.replace(old, new))
    assert len(str(error.value).splitlines()) == 1


def test_what_a_verifier_would_ask_is_a_remark(tmp_path: Path) -> None:
    """Proves: a stock that is not carried on. Sensitivity: a break that nobody sees."""
    text = ACTIVITY.replace("coal,2026-01-01,2026-06-30,90.5,t,10,0", "coal,2026-01-01,2026-06-30,90.5,t,10,4")
    remarks = list(report(tmp_path, activity=text).remarks())
    assert "coal: stock is 4 t on 2026-06-30 and 0 t on 2026-07-01" in remarks


def test_use_of_more_than_was_made_is_refused(tmp_path: Path) -> None:
    """Proves: goods, heat and power of a unit beyond what was made in the period; all of it may be used.

    Sensitivity: a remark under figures that cannot be, the market or other processes alone."""
    market = "clinker: to market,2026-01-01,2026-12-31,{},t,,\n"
    assert report(tmp_path, activity=ACTIVITY + market.format(40)).processes[0].to_market_t == 40
    with pytest.raises(ValueError, match="clinker: 650 t go to market and other processes, but it makes 640 t"):
        report(tmp_path, activity=ACTIVITY + market.format(50))
    for row, words in (
        ("clinker: heat imported", "processes use 0.0284 TJ of its heat, but it makes 0.0264 TJ"),
        ("clinker: electricity", "processes use 5.33333 MWh of its electricity, but it makes 3.33333 MWh"),
    ):
        rows = [line for line in KILN_DATA.splitlines() if line.startswith(row)]
        amount = rows[0].split(",")[3]
        more = f"{float(amount) + (0.002 if 'heat' in row else 2)}"
        with pytest.raises(ValueError, match=f"CHP: {re.escape(words)}"):
            report(tmp_path, KILN, KILN_DATA.replace(rows[0], rows[0].replace(amount, more)))


BOUGHT = """precursors:
  - {name: FeMn, goods: "Alloys (FeMn, FeCr, FeNi)", country: IN, see_direct: 1.4, mwh_per_t: 3, source: declaration}
"""


def test_a_precursor_without_electricity_factor_is_an_open_question(tmp_path: Path) -> None:
    """Proves: indirect emissions of the process and of its users are left open, by name, in figures, page and JSON;
    with the factor they are that of the maker. Sensitivity: the plant's own factor, a zero without a word."""
    rows = ACTIVITY + "clinker: precursor FeMn,2026-01-01,2026-12-31,64,t,,\n"
    result = report(tmp_path, PLAN + BOUGHT, rows)
    assert result.embedded["clinker"].see_indirect is None
    assert "open: precursor FeMn has no electricity_t_co2_per_mwh" in next(iter(result.remarks()))
    figures = DOCUMENTS["cbam"](result).figures["processes"]
    assert [figures[name]["see_indirect"] for name in ("clinker", "cement")] == [None, None]
    assert [figures[name]["see_that_counts"] for name in ("clinker", "cement")] == [None, None]  # cement: indirect too
    assert "open: precursor FeMn" in DOCUMENTS["cbam"](result).html()
    stated = BOUGHT.replace("mwh_per_t: 3", "mwh_per_t: 3, electricity_t_co2_per_mwh: 0.71")
    result = report(tmp_path, PLAN + stated, rows)
    assert result.embedded["clinker"].see_indirect == pytest.approx((50 + 64 * 3 * 0.71) / 640)
    assert not [line for line in result.remarks() if "open" in line]


@pytest.mark.parametrize(
    ("text", "code"),
    [("Türkiye", "TR"), ("tr", "TR"), ("Turkey", "did you mean Türkiye?"), ("turkiye", "did you mean Türkiye?"),
     ("Korea", "did you mean Korea, Democratic People’s Republ or Korea, Republic of?"),
     ("South Korea", "did you mean Korea, Republic of?"), ("Frence", "did you mean France?"),
     ("Atlantis", "use its name in English, or its code of two letters")],
)  # fmt: skip
def test_countries_are_those_of_the_workbook(text: str, code: str, tmp_path: Path) -> None:
    """Proves: name or code of the list, for the plant and for precursors; another spelling has a suggestion.

    Sensitivity: #N/A in the workbook."""
    plans = (
        PLAN.replace("country: Germany", f"country: {text}"),
        PLAN + BOUGHT.replace("country: IN", f"country: {text}"),
    )
    if len(code) > 2:
        for plan in plans:
            with pytest.raises(ScenarioError, match=f"country: .*{re.escape(code)}"):
                report(tmp_path, plan)
        return
    assert report(tmp_path, plans[0]).plan.installation.country == "Türkiye"
    assert report(tmp_path, plans[1]).plan.precursors[0].country == "TR"


def test_codes_fit_their_goods_and_units_are_spelled_as_in_the_workbook(tmp_path: Path) -> None:
    """Proves: a code of other goods is refused and named, its beginning is enough; near spellings of units too.

    Sensitivity: clinker's code for cement in the workbook."""
    good = "goods: Cement, cn_code: {},"
    for code in ("25232900", "252390", "2523", "2523290000"):
        assert report(tmp_path, PLAN.replace("goods: Cement,", good.format(code))).plan.processes[1].cn_code == code
    with pytest.raises(
        ScenarioError, match="cn_code 25231000 is no code of Cement; it is one of Cement clinker; codes"
    ):
        report(tmp_path, PLAN.replace("goods: Cement,", good.format(25231000)))
    with pytest.raises(ScenarioError, match=r"streams\.0\.unit: must be 1000Nm3, .* got '1000 Nm³'"):
        report(tmp_path, PLAN.replace("{name: raw meal,", "{name: raw meal, unit: 1000 Nm³,"))
    assert [name for name, goods in GOODS.items() if not goods.codes] == []


def test_a_leap_year_has_its_day(tmp_path: Path) -> None:
    """Proves: 29 February counts in the rate of a gap. Sensitivity: years of 365 days."""
    text = "name,from,to,amount,unit\ns,2028-01-01,2028-02-29,60,t CO2\ns,2028-04-01,2028-12-31,275,t CO2\n"
    plan = (
        "installation: {name: Works}\nstreams:\n  - {name: s, method: measurement, unit: t CO2, source: x, gap: mean}\n"
    )
    assert report(tmp_path, plan, text, Period.parse("2028")).fossil_t_co2 == pytest.approx(366)


def test_one_period_has_one_name() -> None:
    """Proves: a locked year is not drafted again under two dates. Sensitivity: the text as it was typed."""
    for text in ("2026", "2026-Q2", "2026-03", "2026-01-02..2026-06-30"):
        assert Period.parse(text).name == text
    assert Period.parse(" 2026-01-01..2026-12-31").name == "2026"
    assert Period.parse("2026-02-01..2026-02-28").name == "2026-02"


def test_hours_that_occur_twice_are_refused(tmp_path: Path) -> None:
    """Proves: an hour counts once. Sensitivity: certificates of one hour under two rows."""
    path = tmp_path / "hours.csv"
    path.write_text("hour,use_mwh,certificate_mwh,zone\n0,10,5,DE\n0,1,1,DE\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"hours\.csv row 3: hour: '0' is in row 2 too"):
        read_hourly(path)
