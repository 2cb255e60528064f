"""The tariff's bill: published figures, a second opinion, cases by hand, and mistakes reported in one line each."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML
from tariff_table import from_table

from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.tariff.bill import Bill, charged
from emberline.scenarios.tariff.rates import metered, read
from emberline.scenarios.tariff.record import Before, Tariff, remarks

CALIFORNIA = "America/Los_Angeles"
RAMP_MW = np.arange(96) / 1000
"""0, 1, … 95 kW over the quarter-hours of a day."""


def quarters(start: str, zone: str, days: int = 1) -> np.ndarray:
    return metered(Horizon.model_validate({"start": start, "zone": zone, "days": days}))


def bill(
    tariff: Tariff, import_mw: np.ndarray, times: np.ndarray, zone: str, export_mw: Any = None, **more: Any
) -> Bill:
    return charged(read(tariff, times, zone, **more), import_mw, export_mw)


def tariff(**inputs: Any) -> Tariff:
    return Tariff.model_validate(inputs)


def everywhere(per_mw: float, **more: Any) -> dict[str, Any]:
    return {"name": "peak", "rates": [{"per_mw": per_mw}], **more}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("day", "paid", "expected"),
    [
        ("2024-07-10", {}, 4027.79),
        ("2024-07-13", {}, 2023.50),
        ("2024-01-10", {}, 2028.60),
        ("2024-07-10", {"peak-summer": 150, "half-peak-summer": 80, "off-peak": 900}, 2897.79),
    ],
)
def test_published_demand_charges(shared: Path, day: str, paid: dict[str, float], expected: float) -> None:
    """Proves: the published figures of a real tariff, peaks already paid among them. Sensitivity: morning and evening
    of the half-peak billed apart would give 4304.15 instead of 4027.79."""
    pge = from_table(shared / "oracles" / "tariff" / "billing_pge.csv")
    rate = {charge.name: charge.rates[0].per_mw for charge in pge.demand}
    before = Before(peak_mw={name: money / rate[name] for name, money in paid.items()})
    result = bill(pge, RAMP_MW, quarters(day, CALIFORNIA), CALIFORNIA, before=before)
    assert round(result.of("demand"), 2) == expected
    assert pge.currency == "USD"


@pytest.mark.shared
def test_a_second_opinion_on_real_tariffs(shared: Path) -> None:
    """Proves: 20 US tariffs on a month of a real steel works agree with the library eeco, each kind of charge to a
    cent. Sensitivity: blocks counted by window instead of by month, or rows of one peak billed apart, fail here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # eeco 0.4 imports pint in a way that pint is about to drop
        from eeco import costs
    file = shared / "data" / "us_industrial_tariffs_2023.csv.gz"
    table = pd.read_csv(file).rename(columns={"period": "name"})
    random = np.random.default_rng(20)
    labels = random.choice(table["label"].unique(), 20, replace=False)
    load = pd.read_csv(shared / "data" / "kr_steel_2018_load_15min.csv.gz", index_col="time_utc", parse_dates=True)
    for label in labels:
        start = pd.Timestamp(2018, int(random.integers(1, 13)), 1)
        end = start + pd.offsets.MonthBegin(1)
        times = quarters(start.date().isoformat(), "Asia/Seoul", start.days_in_month)
        power = load["load_mw"].to_numpy()[load.index.searchsorted(pd.DatetimeIndex(times).tz_localize("UTC"))]
        ours = bill(from_table(file, label), power, times, "Asia/Seoul")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # eeco warns about its own pandas calls
            charges = costs.get_charge_dict(start, end, table[table["label"] == label], resolution="15m")
            for kind, other in (("energy", "energy"), ("demand", "demand"), ("fixed", "customer")):
                theirs = costs.calculate_cost(charges, {"electric": power * 1000}, desired_charge_type=other)[0]
                assert ours.of(kind) == pytest.approx(theirs, abs=0.005), (label, start, kind)
        assert ours.total > 0


def test_the_parts_of_a_month_add_up() -> None:
    """Proves: days billed one by one, each from the state of the one before, come to the month's bill: blocks, peaks, a
    minimum, a ratchet's floor, coincident hours and fixed charges. Sensitivity: a demand charge prorated or paid again
    each day."""
    whole = tariff(
        energy=[{"name": "e", "rates": [{"per_mwh": 60}, {"per_mwh": 40, "above_mwh": 200}]}],
        demand=[
            everywhere(10, minimum_mw=0.5, ratchet={"share": 0.8}),
            {
                "name": "noon",
                "rates": [{"hours": "11-13", "per_mw": 7}, {"hours": "11-13", "per_mw": 3, "above_mw": 1}],
            },
            {"name": "daily", "rates": [{"per_mw": 1}], "assessed": "daily"},
        ],
        coincident=[{"name": "cp", "per_mw": 5, "starts": ["2024-03-08T17:00+01:00", "2024-03-20T18:00+01:00"]}],
        fixed=[{"name": "meter", "per_month": 310}],
        taxes=[{"name": "vat", "share": 0.19}],
    )
    zone, random = "Europe/Berlin", np.random.default_rng(3)
    times = quarters("2024-03-01", zone, 31)
    power = random.uniform(0, 2, len(times)) ** 2
    earlier = {"2024-02": {"peak": 4.5}}
    month = bill(whole, power, times, zone, before=Before.model_validate({"earlier_peak_mw": earlier}))
    total, energy, peaks = 0.0, 0.0, {"peak": 0.0, "noon": 0.0}
    local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone)
    noon, day = (local.hour >= 11) & (local.hour < 13), local.strftime("%Y-%m-%d").to_numpy(str)
    for first in range(0, len(times), 500):
        part = slice(first, first + 500)
        same_day = (day == day[first]) & (np.arange(len(times)) < first)
        before = {
            "earlier_peak_mw": earlier,
            "energy_mwh": energy,
            "peak_mw": peaks,
            "day_peak_mw": float(power[same_day].max(initial=0.0)),
        }
        total += bill(whole, power[part], times[part], zone, before=Before.model_validate(before)).total
        energy += power[part].sum() / 4
        peaks = {
            "peak": max(peaks["peak"], power[part].max()),
            "noon": max(peaks["noon"], power[part][noon[part]].max(initial=0.0)),
        }
    assert total == pytest.approx(month.total, rel=1e-12)
    # the ratchet's floor: 80 % of 4.5 MW lies below this month's peak of nearly 4 MW, so the peak itself is billed
    (line,) = [line for line in month.lines if line.name == "peak"]
    assert line.quantity == pytest.approx(power.max())


def test_blocks_and_small_demands_by_hand() -> None:
    """Proves: with 4 MWh before, 16 of 24 MWh lie in the second block from 12 on; 0.4 MW are billed as 0.4 MW; 0.1 MWh
    after a billion cost a hundredth of a cent no less.

    Sensitivity: energy not cut at the block, a peak never below 1 MW, or a difference of sums for a single block."""
    day = quarters("2024-03-05", "Europe/Berlin")
    blocks = tariff(energy=[{"name": "e", "rates": [{"per_mwh": 50}, {"per_mwh": 80, "above_mwh": 12}]}])
    result = bill(blocks, np.full(96, 1.0), day, "Europe/Berlin", before=Before(energy_mwh=4.0))
    assert [(line.rate, line.quantity, line.amount) for line in result.lines] == [(50, 8, 400), (80, 16, 1280)]
    (line,) = bill(tariff(demand=[everywhere(1000)]), np.linspace(0, 0.4, 96), day, "Europe/Berlin").lines
    assert (line.quantity, line.amount) == pytest.approx((0.4, 400))
    ratchet = tariff(demand=[everywhere(1000, ratchet={"share": 0.8})])  # of earlier peaks, of which there is none
    assert bill(ratchet, np.full(96, 0.4), day, "Europe/Berlin").total == pytest.approx(400)
    single, power = tariff(energy=[{"name": "e", "rates": [{"per_mwh": 50}]}]), np.zeros(96)
    power[0] = 0.4
    assert bill(single, power, day, "Europe/Berlin", before=Before(energy_mwh=1e9)).total == 5.0


def test_holidays_count_as_sunday_or_as_days_of_their_own() -> None:
    """Proves: Christmas on a Wednesday has Sunday's hours, and a rate may name holidays."""
    rates = [{"weekdays": "mon-fri", "per_mwh": 100}, {"weekdays": "sat-sun", "per_mwh": 50}]
    energy = [{"name": "e", "rates": [*rates, {"weekdays": "holiday", "per_mwh": 10}]}]
    times, load = quarters("2024-12-25", "Europe/Berlin"), np.full(96, 1.0)
    for inputs, price in (
        ({}, 100),
        ({"holidays": ["2024-12-25"]}, 50),
        ({"holidays": ["2024-12-25"], "holidays_count_as": "holiday"}, 10),
        ({"holidays": ["2024-12-26"]}, 100),
    ):
        assert bill(tariff(energy=energy, **inputs), load, times, "Europe/Berlin").total == pytest.approx(24 * price)


@pytest.mark.parametrize(
    ("day", "hours", "night"), [("2024-03-31", 23, 5), ("2024-10-27", 25, 7), ("2024-07-01", 24, 6)]
)
def test_days_on_which_clocks_change(day: str, hours: int, night: int) -> None:
    """Proves: windows follow the local clock: the night from 0 to 6 has 5, 7 or 6 hours. Sensitivity: windows in UTC or
    in the winter's time shift by an hour."""
    e = {"name": "e", "rates": [{"hours": "0-6", "per_mwh": 20}, {"hours": "6-24", "per_mwh": 50}]}
    times = quarters(day, "Europe/Berlin")
    assert len(times) == hours * 4
    result = bill(tariff(energy=[e]), np.ones(len(times)), times, "Europe/Berlin")
    assert {line.rate: line.quantity for line in result.lines} == pytest.approx({20: night, 50: 18})


def test_fixed_charges_are_prorated() -> None:
    """Proves: a day of October, 743 + 2 hours long in Berlin, is 24/745 of the month."""
    meter = tariff(fixed=[{"name": "meter", "per_month": 745}])
    times = quarters("2024-10-07", "Europe/Berlin")
    assert bill(meter, np.zeros(96), times, "Europe/Berlin").total == pytest.approx(24)


def test_ratchet() -> None:
    """Proves: 80 % of the highest summer peak of the last 11 months is billed at least; what lies further back or in
    winter is forgotten."""
    charge = everywhere(10, ratchet={"share": 0.8, "months": "6-9"})
    times, load = quarters("2024-03-01", "UTC", 31), np.full(31 * 96, 3.0)

    def billed(**peaks: float) -> float:
        earlier = {name.replace("_", "-")[1:]: peak for name, peak in peaks.items()}
        before = Before.model_validate({"earlier_peak_mw": earlier})
        return bill(tariff(demand=[charge]), load, times, "UTC", before=before).total

    assert billed() == pytest.approx(30)
    assert billed(_2023_07=10) == pytest.approx(80)
    assert billed(_2023_07=10, _2023_12=20, _2023_02=30, _2022_07=40) == pytest.approx(80)
    assert billed(_2023_06=3.5) == pytest.approx(30)


def test_coincident_peak() -> None:
    """Proves: the mean over two listed hours is charged, one of them in the horizon. Sensitivity: the highest instead
    of the mean gives 300."""
    charge = {"name": "cp", "per_mw": 100, "starts": ["2024-07-10T17:00Z", "2024-08-01T17:00Z"]}
    load = np.full(96, 1.0)
    load[68:72] = [1, 2, 3, 2]
    assert bill(tariff(coincident=[charge]), load, quarters("2024-07-10", "UTC"), "UTC").total == pytest.approx(100)


def test_taxes_and_levies() -> None:
    """Proves: a levy by MWh, a tax on energy alone and one on all; none on export."""
    full = tariff(
        energy=[{"name": "e", "rates": [{"per_mwh": "0.1 EUR/kWh"}]}],
        levies=[{"name": "grid", "per_mwh": 20}],
        demand=[everywhere(48)],
        export=[{"name": "feed-in", "rates": [{"per_mwh": 40}]}],
        taxes=[{"name": "vat", "share": "20 %"}, {"name": "duty", "share": 0.5, "on": ["energy"]}],
    )
    times = quarters("2024-07-10", "UTC")
    result = bill(full, np.ones(96), times, "UTC", export_mw=np.full(96, 0.5))
    assert result.of("energy") == pytest.approx(2400)
    assert result.of("levy") == pytest.approx(480)
    assert result.of("demand") == pytest.approx(48)
    assert result.of("tax") == pytest.approx(0.2 * (2400 + 480 + 48) + 0.5 * 2400)
    assert result.of("export") == pytest.approx(-480)


def chinese(**more: Any) -> Tariff:
    """Typical ratios and hours of an eastern province, as an example: 0.65 CNY/kWh flat, 1.6 and 0.4 times that."""
    hours = {
        "flat_per_mwh": "0.65 CNY/kWh",
        "peak_ratio": 1.6,
        "valley_ratio": 0.4,
        "peak": [{"hours": ["8-11", "17-22"]}],
        "valley": [{"hours": "23-7"}],
        "sharp": [{"months": "7-8", "hours": "19-21"}],
        **more.pop("peak_valley", {}),
    }
    return Tariff.model_validate({"currency": "CNY", "peak_valley": hours, **more}, context={"currency": "CNY"})


def test_peak_flat_valley() -> None:
    """Proves: each kind of hour has its price, sharp hours in July only, and a deep valley on holidays."""
    zone, load = "Asia/Shanghai", np.ones(96)

    def hours(result: Tariff, day: str) -> dict[str, float]:
        return {line.name: line.quantity for line in bill(result, load, quarters(day, zone), zone).lines}

    may = {"flat": 8, "peak": 8, "valley": 8}
    assert hours(chinese(), "2024-05-06") == pytest.approx(may)
    assert hours(chinese(), "2024-07-08") == pytest.approx({"flat": 8, "peak": 6, "sharp peak": 2, "valley": 8})
    total = bill(chinese(), load, quarters("2024-07-08", zone), zone).total
    assert total == pytest.approx(650 * (8 + 6 * 1.6 + 2 * 1.6 * 1.2 + 8 * 0.4))
    deep = {"deep_valley": [{"weekdays": "holiday", "hours": "11-14"}], "deep_on_valley": 0.8}
    festive = chinese(peak_valley=deep, holidays=["2024-05-01"], holidays_count_as="holiday")
    assert hours(festive, "2024-05-01") == pytest.approx({"flat": 5, "peak": 8, "valley": 8, "deep valley": 3})
    assert hours(festive, "2024-05-06") == pytest.approx(may)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"basis": "demand"}, 40_000 * 11),
        ({"basis": "contract", "contract_mw": 10}, 40_000 * (10 + 2 * 0.5)),
        ({"basis": "contract", "contract_mw": 12}, 40_000 * 12),
        ({"basis": "contract", "contract_mw": 10.8}, 40_000 * 10.8),
        ({"basis": "transformer", "transformer_mva": 16}, 40_000 * 16),
    ],
)
def test_two_part_tariff(part: dict[str, Any], expected: float) -> None:
    """Proves: the month's highest quarter-hour of 11 MW, the contract with 5 % tolerance and twice the price beyond, or
    the transformers. The price of 40 CNY/kW is typical."""
    load = np.full(31 * 96, 6.0)
    load[1000] = 11.0
    result = tariff(two_part={"per_mw_month": "40 EUR/kW", **part})
    assert bill(result, load, quarters("2024-05-01", "Asia/Shanghai", 31), "Asia/Shanghai").total == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            {"energy": [{"name": "e", "rates": [{"per_mwh": 1, "months": "13"}]}]},
            "'13' is not a month; allowed are 1 to 12",
        ),
        ({"energy": [{"name": "e", "rates": [{"per_mwh": 1, "weekdays": "someday"}]}]}, "'someday' is not a weekday"),
        ({"energy": [{"name": "e", "rates": [{"per_mwh": 1, "hours": "8"}]}]}, "'8' are not valid hours; write"),
        ({"energy": [{"name": "e", "rates": [{"per_mwh": 1, "hours": "8-25"}]}]}, "must lie between 0 and 24"),
        ({"fixed": [{"name": "f", "per_month": 1}] * 2}, "two charges are named 'f'"),
        ({"demand": [everywhere(1, assessed="daily", minimum_mw=1)]}, "belongs to a monthly demand charge"),
        ({"two_part": {"basis": "contract", "per_mw_month": 1}}, "contract_mw belongs to basis: contract"),
        ({"currency": "XYZ"}, "unknown currency 'XYZ'; known are EUR"),
    ],
)
def test_mistakes_in_a_tariff(record: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        Tariff.model_validate(record)


def test_odd_rates_are_reported() -> None:
    """Proves: free hours and rates that add up are named with their place, and a whole tariff has no remark."""
    day, night = {"hours": "6-22"}, {"hours": "22-6"}
    rates = [{**day, "per_mwh": 9}, {**night, "per_mwh": 5}, {**day, "per_mwh": 8, "above_mwh": 3}]
    assert remarks(tariff(energy=[{"name": "e", "rates": rates[:2]}])) == ()
    assert remarks(tariff(energy=[{"name": "e", "rates": rates}])) == (
        "e: nothing is charged above 3 MWh in month 1, mon, from 00:00 and at other times",
    )
    assert remarks(tariff(energy=[{"name": "e", "rates": [rates[0], rates[0]]}])) == (
        "e: 2 rates above 0 MWh add up in month 1, mon, from 06:00 and at other times",
        "no charge on energy in month 1, mon, from 00:00 and at other times",
    )


def test_a_tariff_can_be_stored_and_read_again() -> None:
    """Proves: what is written from a record is the same record; the JSON Schema can be made."""
    full = chinese(
        two_part={"basis": "contract", "contract_mw": 10, "per_mw_month": 40000},
        coincident=[{"name": "cp", "per_mw": 5, "starts": ["2024-03-08T17:00+01:00"]}],
        demand=[everywhere(1, ratchet={"share": 0.5, "months": "11-2"})],
        holidays=["2024-05-01"],
    )
    assert Tariff.model_validate_json(full.model_dump_json()) == full
    assert full.demand[0].ratchet is not None
    assert full.demand[0].ratchet.months == (1, 2, 11, 12)
    assert "PeakValley" in Tariff.model_json_schema()["$defs"]


def test_chinese_hours_that_overlap_are_refused() -> None:
    """Proves: the place of the overlap is named."""
    with pytest.raises(ValidationError, match="peak and valley overlap at month 1, mon, 06:00"):
        chinese(peak_valley={"peak": [{"hours": "6-11"}]})


def test_what_does_not_fit_the_horizon_is_refused() -> None:
    """Proves: hours that cut a metered interval, gaps, negative import and peaks that cannot be are no guesses."""
    times, demand = quarters("2024-07-10", "UTC"), [everywhere(1)]
    cut = tariff(energy=[{"name": "odd", "rates": [{"hours": "8:20-12", "per_mwh": 1}]}])
    with pytest.raises(ValueError, match=r"odd: its hours do not lie on .* 15 min: one from 2024-07-10T08:15"):
        read(cut, times, "UTC")
    with pytest.raises(ValueError, match="consecutive metered intervals"):
        read(tariff(), times[[0, 1, 3]], "UTC")
    with pytest.raises(ValueError, match="import_mw of interval 2 is -1"):
        bill(tariff(), np.where(np.arange(96) == 2, -1, 0), times, "UTC")
    for before, text in (
        ({"peak_mw": {"none": 1}}, "there is no demand charge 'none'; the tariff has peak"),
        ({"day_peak_mw": 1}, "the horizon begins with 2024-07-10"),
        ({"earlier_peak_mw": {"2024-07": 1}}, "2024-07 does not lie before 2024-07"),
    ):
        with pytest.raises(ValueError, match=text):
            read(tariff(demand=demand), times, "UTC", before=Before.model_validate(before))
    with pytest.raises(ValueError, match="nothing of that month lies before it"):
        read(tariff(demand=demand), quarters("2024-07-01", "UTC"), "UTC", before=Before(peak_mw=1))
    with pytest.raises(ValueError, match="does not fit metered intervals of 15 min"):
        metered(Horizon.model_validate({"start": "2024-07-10T00:10Z", "length_h": 2, "step_min": 10}))


def test_the_sheet_in_the_docs_is_read_as_it_says() -> None:
    """Proves: the example of the tariff's page holds: 92 by day on Monday, 61 by night and on Sunday, 1.1 on top; 8,500
    for each MW of the peak between 7 and 20 h. Sensitivity: hours over midnight, a unit that does not convert.
    """
    page = Path(__file__).resolve().parents[3] / "docs" / "maths" / "tariff.md"
    scenario = YAML(typ="safe").load(page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    tariff = Tariff.model_validate(scenario["market"]["tariff"], context={"currency": "EUR"})
    load_mw = np.zeros(7 * 96)
    for day, hour in ((0, 10), (0, 23), (6, 12)):  # a Monday and a Sunday
        load_mw[day * 96 + hour * 4 : day * 96 + hour * 4 + 4] = 10.0
    times = np.datetime64("2026-03-02T00:00", "ns") + np.arange(7 * 96) * np.timedelta64(15, "m")
    text = bill(tariff, load_mw, times, "UTC")
    assert text.of("energy") == pytest.approx(10 * (92 + 61 + 61))
    assert text.of("levy") == pytest.approx(30 * 1.1)
    assert text.of("demand") == pytest.approx(10 * 8500)
