"""Scope 2 by both methods of the GHG Protocol, and certificates matched by the hour.

Market-based by the year, certificates count whenever their electricity was generated. Matched by the hour, as the
revision of the Scope 2 Guidance proposes, a certificate covers only what is used in its own hour, if it is from the
plant's bidding zone; the rest of each hour has the residual mix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emberline.reports.compliance.csv_table import amount, csv_table, placed_rows
from emberline.reports.compliance.monitoring.plan import Electricity

HOURLY = {
    "hour": "index or time of the hour",
    "use_mwh": "electricity used in it",
    "certificate_mwh": "electricity that certificates of that hour cover",
    "zone": "bidding zone of the certificates' generation",
}
"""Columns of a file of use and certificates by the hour, and what stands in them."""


@dataclass(frozen=True)
class Part:
    """Electricity under one factor."""

    name: str
    mwh: float
    t_co2_per_mwh: float
    source: str

    @property
    def t_co2(self) -> float:
        """t CO2."""
        return self.mwh * self.t_co2_per_mwh


@dataclass(frozen=True)
class Scope2:
    """Scope 2 of electricity."""

    location_t_co2: float
    parts: tuple[Part, ...]
    """Market-based."""
    note: str = ""

    @property
    def market_t_co2(self) -> float:
        """Market-based [t CO2]."""
        return sum(part.t_co2 for part in self.parts)


@dataclass(frozen=True)
class HourlyCertificate:
    """Certificates for the electricity of one hour."""

    hour: int
    """Index into the hours of use."""
    mwh: float
    zone: str


def _residual(electricity: Electricity) -> tuple[float, str]:
    if electricity.residual_t_co2_per_mwh is None:
        return electricity.location_t_co2_per_mwh, f"no residual mix given: {electricity.location_source}"
    return electricity.residual_t_co2_per_mwh, electricity.residual_source


def annual_scope2(mwh: float, electricity: Electricity) -> Scope2:
    """Both methods, certificates matched by the year; those beyond what is used count for nothing.

    Args:
        mwh: electricity used.
        electricity: how it is rated.
    """
    parts, remaining = [], mwh
    for certificate in electricity.certificates:
        covered = min(certificate.mwh, remaining)
        remaining -= covered
        parts.append(Part(certificate.name, covered, certificate.t_co2_per_mwh, certificate.source))
    factor, source = _residual(electricity)
    parts.append(Part("residual mix", remaining, factor, source))
    return Scope2(mwh * electricity.location_t_co2_per_mwh, tuple(parts), "Certificates matched by the period.")


def hourly_scope2(
    use_mwh: Sequence[float], certificates: Sequence[HourlyCertificate], electricity: Electricity
) -> Scope2:
    """Both methods, certificates matched by the hour and deliverable within the plant's zone.

    Args:
        use_mwh: electricity used in each hour.
        certificates: by hour; those of another zone cover nothing.
        electricity: zone, location's average and residual mix.

    Raises:
        ValueError: the plant's zone is not given, or a certificate's hour lies outside.
    """
    if not electricity.zone:
        raise ValueError("electricity.zone is required: certificates count within the plant's bidding zone")
    remaining = list(use_mwh)
    covered, unused = 0.0, 0.0
    for certificate in certificates:
        if not 0 <= certificate.hour < len(remaining):
            raise ValueError(f"certificate of hour {certificate.hour}: there are hours 0 to {len(remaining) - 1}")
        mine = certificate.mwh if certificate.zone == electricity.zone else 0.0
        part = min(mine, max(remaining[certificate.hour], 0.0))
        remaining[certificate.hour] -= part
        covered += part
        unused += certificate.mwh - part
    factor, source = _residual(electricity)
    parts = [Part("certificates of the same hour and zone", covered, 0.0, "certificates")] if certificates else []
    parts.append(Part("residual mix", sum(remaining), factor, source))
    note = f"Certificates matched by the hour; {unused:,.0f} MWh of them match no use."
    return Scope2(sum(use_mwh) * electricity.location_t_co2_per_mwh, tuple(parts), note)


def read_hourly(path: Path) -> tuple[list[float], list[HourlyCertificate]]:
    """Use and certificates by the hour: columns ``hour``, ``use_mwh``, ``certificate_mwh``, ``zone``.

    Raises:
        ValueError: the file cannot be read, or a row is wrong, with its number.
    """
    table = csv_table(path, HOURLY)
    use, certificates = [], []
    places: dict[str, str] = {}
    for index, (place, row) in enumerate(placed_rows(table, path.name)):
        hour = row["hour"]
        if not hour or hour in places:
            text = f"{hour[:40]!r} is in {places[hour].removeprefix(path.name).strip()} too" if hour else "is required"
            raise ValueError(f"{place}: hour: {text}")
        places[hour] = place
        numbers = []
        for name in ("use_mwh", "certificate_mwh"):
            number = amount(row[name] or "0")
            if number is None:
                raise ValueError(f"{place}: {name}: must be a number of at least 0, got {row[name][:40]!r}")
            numbers.append(number)
        use.append(numbers[0])
        if numbers[1]:
            certificates.append(HourlyCertificate(index, numbers[1], row["zone"]))
    return use, certificates
