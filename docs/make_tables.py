"""Makes the bundled typical days and weeks: ``python docs/make_tables.py`` writes them into ``scenarios/data/``.

``de_typical_2018.csv`` is a mean of the series ``data/de_2018_hourly.csv`` in the folder named by EMBERLINE_SHARED
(default: ``shared`` next to the checkout), ``de_weeks_2018.csv`` a week of it in each month,
``cn_anhui_typical_2020.csv`` a mean of ``data/cn_2020_capacity_factors_hourly.csv.gz``.
``pv_typical.csv`` is a formula, given here in full. Licences: ``scenarios/data/SOURCES.md``.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import acos, cos, degrees, pi, radians, sin, tan
from pathlib import Path
from statistics import fmean
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "scenarios" / "data"
BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")
DECIMALS = {
    "price_eur_per_mwh": 2,
    "carbon_intensity_average_kg_per_mwh": 1,
    "carbon_intensity_marginal_kg_per_mwh": 1,
}
ANHUI = {  # column of the table: column of the series
    "pv_capacity_factor": "solar_capacity_factor_anhui",
    "wind_capacity_factor": "wind_capacity_factor_anhui",
}
FACTOR_DECIMALS = 4

# The PV plant of the typical table. All figures are typical, none is measured.
LATITUDE, LONGITUDE = 51.0, 10.0  # degrees north, east: central Germany
TILT = 30.0  # degrees, facing south
ALBEDO = 0.2  # share of light that the ground reflects
PERFORMANCE = 0.83  # AC energy per DC rating and plane-of-array sun: temperature, wiring, inverter, soiling
CLEARNESS = (0.29, 0.35, 0.40, 0.45, 0.46, 0.46, 0.46, 0.45, 0.43, 0.38, 0.30, 0.27)  # January to December
SOLAR_CONSTANT = 1367.0  # W/m2
YEAR = 2018  # of the clock (summer time); the mid of each month stands for it
LOWEST_SUN = radians(5.0)  # below this height the tilted plane is given no more beam than at it


def means(rows: Iterable[dict[str, str]], zone: ZoneInfo, columns: dict[str, int]) -> list[list[float | int]]:
    """Mean by month and local hour over all days, working days and Sundays alike; missing values are left out.

    Args:
        rows: with ``time_utc``, the start of an hour.
        zone: whose months and hours count.
        columns: which, and how many decimals each keeps.
    """
    groups: dict[tuple[int, int, str], list[float]] = defaultdict(list)
    for row in rows:
        local = datetime.fromisoformat(row["time_utc"]).astimezone(zone)
        for column in columns:
            if row[column]:
                groups[local.month, local.hour, column].append(float(row[column]))
    return [
        [month, hour, *(round(fmean(groups[month, hour, column]), decimals) for column, decimals in columns.items())]
        for month in range(1, 13)
        for hour in range(24)
    ]


def german_typical_days(hourly: Path) -> list[list[float | int]]:
    """Price and intensities of Germany by month and hour."""
    with hourly.open(encoding="utf-8", newline="") as file:
        return means(csv.DictReader(file), BERLIN, DECIMALS)


def german_weeks(hourly: Path) -> list[list[float | int]]:
    """Price and intensities of Germany in the second Monday's week of each month, hour by hour as they were."""
    with hourly.open(encoding="utf-8", newline="") as file:
        series = {row["time_utc"]: row for row in csv.DictReader(file)}
    rows: list[list[float | int]] = []
    for month in range(1, 13):
        monday = next(day for day in range(8, 15) if datetime(YEAR, month, day, tzinfo=BERLIN).weekday() == 0)
        for weekday in range(7):
            for hour in range(24):
                utc = datetime(YEAR, month, monday + weekday, hour, tzinfo=BERLIN).astimezone(UTC)
                row = series[f"{utc:%Y-%m-%dT%H:%MZ}"]
                values = [round(float(row[column]), decimals) for column, decimals in DECIMALS.items()]
                rows.append([month, weekday, hour, *values])
    return rows


def anhui_typical_days(hourly: Path) -> list[list[float | int]]:
    """Capacity factors of PV and wind in Anhui by month and hour."""
    with gzip.open(hourly, "rt", encoding="utf-8", newline="") as file:
        return means(csv.DictReader(file), SHANGHAI, dict.fromkeys(ANHUI.values(), FACTOR_DECIMALS))


def sun_on_plane(day: int, clearness: float, solar_hour: float) -> float:
    """Long-term mean irradiance on the tilted plane [W/m2] at a solar time, for a day of the year.

    Duffie and Beckman, Solar Engineering of Thermal Processes: declination (Cooper) and the day's extraterrestrial sun,
    of which the clearness reaches the ground; diffuse share by the monthly correlation of Erbs; course over the day by
    Collares-Pereira and Rabl (global) and by Liu and Jordan (diffuse); tilted plane with isotropic sky.
    """
    latitude, tilt = radians(LATITUDE), radians(TILT)
    declination = radians(23.45) * sin(2 * pi * (284 + day) / 365)
    sunset = acos(-tan(latitude) * tan(declination))
    angle = pi / 12 * (solar_hour - 12)
    if abs(angle) >= sunset:
        return 0.0
    noon_part, set_part = cos(latitude) * cos(declination), sin(latitude) * sin(declination)
    beyond_air = SOLAR_CONSTANT * (1 + 0.033 * cos(2 * pi * day / 365))
    daily = clearness * beyond_air * 24 / pi * (noon_part * sin(sunset) + sunset * set_part)  # Wh/m2 on the horizontal

    k = clearness
    if degrees(sunset) <= 81.4:
        diffuse_share = 1.391 - 3.560 * k + 4.189 * k**2 - 2.137 * k**3
    else:
        diffuse_share = 1.311 - 3.022 * k + 3.427 * k**2 - 1.821 * k**3
    diffuse_course = pi / 24 * (cos(angle) - cos(sunset)) / (sin(sunset) - sunset * cos(sunset))
    a = 0.409 + 0.5016 * sin(sunset - pi / 3)
    b = 0.6609 - 0.4767 * sin(sunset - pi / 3)
    total = daily * diffuse_course * (a + b * cos(angle))
    diffuse = min(total, daily * diffuse_share * diffuse_course)

    height = noon_part * cos(angle) + set_part  # sine of the sun's height
    incidence = cos(latitude - tilt) * cos(declination) * cos(angle) + sin(latitude - tilt) * sin(declination)
    beam_ratio = max(0.0, incidence) / max(height, sin(LOWEST_SUN))
    return (
        (total - diffuse) * beam_ratio + diffuse * (1 + cos(tilt)) / 2 + total * ALBEDO * (1 - cos(tilt)) / 2
    )  # beam, sky, ground


def pv_typical_days() -> list[list[float | int]]:
    """Capacity factor by month and local hour: mean over the hour, of the plant's DC rating."""
    rows: list[list[float | int]] = []
    for month in range(1, 13):
        midnight = datetime(YEAR, month, 15, tzinfo=BERLIN)
        day = midnight.timetuple().tm_yday
        offset = midnight.utcoffset()
        assert offset is not None
        season = 2 * pi * (day - 81) / 364
        equation_of_time = 9.87 * sin(2 * season) - 7.53 * cos(season) - 1.5 * sin(season)  # minutes
        ahead = LONGITUDE / 15 + equation_of_time / 60 - offset.total_seconds() / 3600  # solar less local time [h]
        for hour in range(24):
            minutes = [hour + (minute + 0.5) / 60 + ahead for minute in range(60)]
            sun = fmean(sun_on_plane(day, CLEARNESS[month - 1], moment) for moment in minutes)
            rows.append([month, hour, round(PERFORMANCE * sun / 1000, 4)])
    return rows


def write(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[float | int]], key: Sequence[str] = ("month", "hour")
) -> None:
    """One of the bundled tables."""
    with (DATA / name).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*key, *columns])
        table.writerows(rows)


def main() -> None:
    """Write all four tables."""
    shared = Path(os.environ.get("EMBERLINE_SHARED") or ROOT.parent / "shared")
    german = shared / "data" / "de_2018_hourly.csv"
    write("de_typical_2018.csv", list(DECIMALS), german_typical_days(german))
    write("de_weeks_2018.csv", list(DECIMALS), german_weeks(german), ("month", "weekday", "hour"))
    factors = shared / "data" / "cn_2020_capacity_factors_hourly.csv.gz"
    write("cn_anhui_typical_2020.csv", list(ANHUI), anhui_typical_days(factors))
    write("pv_typical.csv", ["capacity_factor"], pv_typical_days())


if __name__ == "__main__":
    main()
