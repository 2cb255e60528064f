"""The monitoring plan: installation, meters, source streams, production processes and precursors, from a YAML file.

It says how each figure of a report is determined (Implementing Regulation (EU) 2018/2066, article 12 and annex I, and
(EU) 2025/2547, annex II): method, tier, meter with its uncertainty, factor with source and validity, and the rule for
gaps in the data.
"""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from emberline.reports.compliance.clinker import KilnDust, Oxides
from emberline.reports.compliance.cogeneration import Cogeneration
from emberline.reports.compliance.default_values import DefaultValues, mark_up
from emberline.reports.compliance.goods import GOODS, countries, country_code
from emberline.reports.compliance.production_process import NATURAL_GAS_T_CO2_PER_TJ, WASTE_GAS_CORRECTION
from emberline.reports.compliance.source_stream import SourceStream
from emberline.scenarios.reading.document import dotted, read
from emberline.scenarios.reading.factor_table import bundled
from emberline.scenarios.records.base import Problem, Record, ScenarioError, unknown
from emberline.scenarios.records.factors import FactorRow
from emberline.scenarios.records.faults import fault

GapRule = Literal["refuse", "mean", "highest", "lowest"]
"""Substitute for missing days: none, or the mean, highest or lowest daily rate of the available data."""
ChinaRegion = Literal["north", "northeast", "east", "central", "northwest", "south", "southwest"]
LONGEST_NAME = 80
CountryCode = Annotated[str, AfterValidator(lambda text: country_code(text) if text else "")]
CountryName = Annotated[str, AfterValidator(lambda text: countries()[country_code(text)] if text else "")]
CnCode = Annotated[
    str,
    BeforeValidator(lambda raw: str(raw) if isinstance(raw, int) else raw),
    Field(pattern=r"^(|\d{4}|\d{6}|\d{8}|\d{10})$"),
]
"""Digits of the combined nomenclature, without blanks."""


class Installation(Record):
    """The plant that reports."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    street: str = ""
    """Street and number."""
    economic_activity: str = ""
    """Economic activity of the plant, for the workbook."""
    post_code: str = ""
    """Postal code."""
    po_box: str = ""
    """Post-office box."""
    city: str = ""
    """Town."""
    country: CountryName = ""
    """As the workbook's list of countries names it, or its code of two letters."""
    unlocode: str = ""
    """UN/LOCODE of the place."""
    latitude: str = ""
    """Of the main source, in degrees."""
    longitude: str = ""
    """Of the main source, in degrees."""
    representative: str = ""
    """Name of who answers for the report."""
    email: str = ""
    """Of the representative."""
    telephone: str = ""
    """Of the representative."""
    permit: str = ""
    """Number of its permit."""


class Meter(Record):
    """A meter or scale."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    uncertainty: float = Field(gt=0, le=1)
    """Share of the amount over a reporting period, with 95 % confidence."""
    calibrated: date | None = None
    """Day of its last calibration."""


def _tier(raw: Any) -> str:
    if str(raw) not in ("1", "2", "2a", "2b", "3"):
        raise ValueError("must be 1, 2, 2a, 2b or 3")
    return str(raw)


Tier = Annotated[str, BeforeValidator(_tier)]
"""Tier of a calculation factor."""


class Tiers(Record):
    """Tiers that the stream meets (EU ETS)."""

    amount: int | None = Field(default=None, ge=1, le=4)
    """Of the amount."""
    ncv: Tier | None = None
    """Of the net calorific value."""
    factor: Tier | None = None
    """Of the emission factor."""


SPELLINGS = dict.fromkeys(("1000nm3", "knm3"), "1000Nm3")
SPELLINGS |= dict.fromkeys(("t", "to", "ton", "tons", "tonne", "tonnes"), "t")
"""Units of the workbook by other spellings."""
KILN: dict[str, type[Oxides | KilnDust]] = {"clinker_oxides": Oxides, "kiln_dust": KilnDust}


class MonitoredStream(SourceStream):
    """A source stream with its evidence."""

    factor: str | None = None
    """Name in the factor table, in place of numbers."""
    clinker_oxides: Oxides | None = None
    """Analysis of clinker, in place of ``t_co2_per_unit``."""
    kiln_dust: KilnDust | None = None
    """The same for dust that leaves a kiln."""
    counts: Literal["activity", "production"] = "activity"
    """Its amount: activity data of its name, or the production of its process."""
    meter: str | None = None
    """Name of the meter of its amount."""
    tiers: Tiers = Tiers()
    """Tiers that it meets."""
    source: str = Field(default="", validate_default=True)
    """Of the factors: laboratory, standard, table; needed unless they are from the factor table."""
    valid_from: date | None = None
    """First day on which the factors hold."""
    valid_to: date | None = None
    """Last day on which the factors hold."""
    process: str | None = None
    """The production process, or unit of cogeneration, that causes the emissions; None: ``shares`` says."""
    shares: dict[str, float] = {}
    """Share of each production process."""
    gap: GapRule = "refuse"
    """Substitute for days without data: none, or the mean, highest or lowest daily rate."""

    @model_validator(mode="before")
    @classmethod
    def _looked_up(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        of_kiln = {key: raw[key] for key in KILN if raw.get(key) is not None}
        if of_kiln:
            stated = [*of_kiln, *(key for key in ("factor", "t_co2_per_unit") if raw.get(key) is not None)]
            if len(stated) > 1:
                raise ValueError(f"give {' or '.join(stated)}, not both")
            with suppress(ValidationError):  # the field reports its own mistakes
                ((key, value),) = of_kiln.items()
                return {**raw, "t_co2_per_unit": KILN[key].model_validate(value).t_co2_per_t}
        if not isinstance(raw.get("factor"), str):
            return raw
        row = carbon_dioxide(raw["factor"])
        unit = str(raw.get("unit", "t"))
        numbers: dict[str, float] = {"t_co2_per_unit": row.kg_per(unit) / 1000}
        if row.per == "GJ" and row.heating_value and unit == "t":
            numbers = {"kg_co2_per_gj": row.kg_per("GJ"), "ncv_gj_per_unit": row.kg_per("t") / row.kg_per("GJ")}
        stated = [name for name in numbers if name in raw]
        if stated:
            raise ValueError(f"give factor or {stated[0]}, not both")
        source = raw.get("source") or f"{row.name}: {row.source}"
        return {**raw, **numbers, "biogenic_share": raw.get("biogenic_share", float(row.biogenic)), "source": source}

    @field_validator("unit")
    @classmethod
    def _spelled(cls, unit: str) -> str:
        plain = "".join(unicodedata.normalize("NFKC", unit).casefold().split())
        word = SPELLINGS.get(plain, unit)
        if word != unit:
            raise ValueError(f"must be {word}, as the Commission's workbook spells it, got {unit!r}")
        return unit

    @field_validator("source")
    @classmethod
    def _evidence(cls, source: str) -> str:
        if not source:
            raise ValueError("is required: where the factors are from")
        return source

    @model_validator(mode="after")
    def _shared(self) -> MonitoredStream:
        if self.process and self.shares:
            raise ValueError(f"stream {self.name}: give process or shares, not both")
        if self.shares and (abs(sum(self.shares.values()) - 1) > 1e-9 or min(self.shares.values()) < 0):
            raise ValueError(f"stream {self.name}: shares add up to {sum(self.shares.values()):g}, not to 1")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"stream {self.name}: valid_to {self.valid_to} lies before valid_from {self.valid_from}")
        if self.counts == "production" and not self.process:
            raise ValueError(f"stream {self.name} counts production and needs its process")
        return self

    @property
    def by_process(self) -> dict[str, float]:
        """Share of each production process; empty: attributed to none."""
        return {self.process: 1.0} if self.process else dict(self.shares)


def carbon_dioxide(name: str) -> FactorRow:
    """The row of the factor table for the CO2 of a fuel or material.

    Raises:
        ValueError: there is none, or several for different times.
    """
    rows = [row for row in bundled().by_name.get(name, []) if row.gas in ("CO2", "CO2e")]
    if len(rows) != 1:
        if rows:
            raise ValueError(f"factor {name} has {len(rows)} rows; give numbers and their source instead")
        raise ValueError(unknown("factor", name, bundled().by_name))
    return rows[0]


class Certificates(Record):
    """Electricity that contracts or certificates cover."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    mwh: float = Field(ge=0)
    """Electricity that they cover."""
    t_co2_per_mwh: float = Field(default=0.0, ge=0)
    """Of that electricity."""
    zone: str = ""
    """Bidding zone of the generation."""
    source: str = Field(min_length=1)
    """Registry or contract."""


class Electricity(Record):
    """Factors and certificates for scope 2 emissions."""

    location_t_co2_per_mwh: float = Field(ge=0)
    """Average of the grid that the plant is in."""
    location_source: str = Field(min_length=1)
    """Source of the average."""
    residual_t_co2_per_mwh: float | None = Field(default=None, ge=0)
    """Residual mix, for what no certificate covers; None: the location's average."""
    residual_source: str = ""
    """Source of the residual mix."""
    zone: str = ""
    """Bidding zone of the plant."""
    certificates: tuple[Certificates, ...] = ()
    """Contracts and certificates, for the market-based figure."""


class DeclaredPrecursor(Record):
    """A precursor that is bought, with the values that its maker declares; without them a default value holds."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    goods: str
    """Aggregated goods category."""
    route: str | None = None
    """Production route, where the category has several."""
    cn_code: CnCode = ""
    """Needed for a default value."""
    country: CountryCode = ""
    """Code of two letters, or its name; needed for a default value."""
    see_direct: float | None = Field(default=None, ge=0)
    """None: the default value of its code and country, with the mark-up of the year."""
    mwh_per_t: float = Field(default=0.0, ge=0)
    """Electricity used for a tonne."""
    electricity_t_co2_per_mwh: float | None = Field(default=None, ge=0)
    """Of that electricity, as of its maker's grid or contract. None: indirect emissions stay open."""
    electricity_source: str = ""
    """Source of that factor: one of the workbook's ``D.4(a)``, ``D.4(b)``, ``D.4.1`` …"""
    measured: bool = False
    """Its maker has measured the declared values; only then the workbook says so."""
    default_value: bool = False
    """The stated values are default ones."""
    source: str = ""
    """Of the declared values."""

    @model_validator(mode="after")
    def _listed(self) -> DeclaredPrecursor:
        check_goods(self.goods, self.route, self.cn_code)
        if self.measured and (self.default_value or self.see_direct is None):
            raise ValueError(f"precursor {self.name}: default values are not measured")
        if self.see_direct is None and not (self.cn_code and self.country):
            raise ValueError(f"precursor {self.name}: give see_direct, or cn_code and country for a default value")
        if self.see_direct is not None and not self.source:
            raise ValueError(f"precursor {self.name}: source is required: who declares see_direct")
        return self

    def valued(self, defaults: DefaultValues, year: int) -> DeclaredPrecursor:
        """This precursor with a value: declared, or the default one with its mark-up.

        Raises:
            ValueError: there is no default value of its code and country.
        """
        if self.see_direct is not None:
            return self
        row = defaults.find(self.cn_code, self.country)
        text = f"default value {row.see_total:g} t/t with {mark_up(year):.0%} mark-up: {row.source}"
        return self.model_copy(update={"see_direct": row.marked_up(year), "default_value": True, "source": text})


class MonitoredProcess(Record):
    """A production process: its good and the factors of what crosses its boundary."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    goods: str
    """Aggregated goods category."""
    route: str | None = None
    """Production route, where the category has several."""
    cn_code: CnCode = ""
    """Code of the combined nomenclature; it fits the goods."""
    clinker_ratio: float | None = Field(default=None, gt=0, le=1)
    """Clinker in a tonne of cement: production follows from ``cement delivered``, ``clinker bought`` and ``sold``."""
    heat_from: str | None = None
    """Unit of cogeneration whose factor its imported heat has."""
    electricity_from: str | None = None
    """The same for its electricity."""
    electricity_t_co2_per_mwh: float = Field(default=0.0, ge=0)
    """Of the electricity used."""
    electricity_source: str = ""
    """Source of the electricity's factor: one of the workbook's ``D.4(a)``, ``D.4(b)``, ``D.4.1`` …"""
    electricity_exported_t_co2_per_mwh: float | None = Field(default=None, ge=0)
    """Of the electricity handed on; none: as of the electricity used."""
    heat_imported_t_co2_per_tj: float = Field(default=0.0, ge=0)
    """Of the heat that comes in."""
    heat_exported_t_co2_per_tj: float = Field(default=0.0, ge=0)
    """Of the heat that leaves."""
    waste_gas_t_co2_per_tj: float = Field(default=NATURAL_GAS_T_CO2_PER_TJ, gt=0)
    """Of waste gas: that of natural gas, which it replaces."""
    waste_gas_correction: float = Field(default=WASTE_GAS_CORRECTION, gt=0, le=1)
    """Of waste gas that leaves: its lower efficiency in use."""
    gap: GapRule = "refuse"
    """Of its production, electricity, heat and gas."""

    @model_validator(mode="after")
    def _listed(self) -> MonitoredProcess:
        check_goods(self.goods, self.route, self.cn_code)
        factors = {"heat_from": "heat_imported_t_co2_per_tj", "electricity_from": "electricity_t_co2_per_mwh"}
        for unit, factor in factors.items():
            if getattr(self, unit) is not None and getattr(self, factor):
                raise ValueError(f"process {self.name}: give {unit} or {factor}, not both")
        return self


def check_goods(goods: str, route: str | None, cn_code: str = "") -> None:
    """Refuse a good, a route or a code that the regulation does not list."""
    if goods not in GOODS:
        raise ValueError(unknown("good", goods, GOODS))
    routes = GOODS[goods].routes
    if route is None and len(routes) > 1:
        raise ValueError(f"{goods} has several routes; give route: one of {', '.join(routes)}")
    if route is not None and route not in routes:
        raise ValueError(unknown(f"route of {goods}", route, routes))
    if cn_code and not GOODS[goods].has_code(cn_code):
        theirs = next((f"; it is one of {name}" for name, good in GOODS.items() if good.has_code(cn_code)), "")
        codes = ", ".join(GOODS[goods].codes)
        raise ValueError(f"cn_code {cn_code} is no code of {goods}{theirs}; codes of {goods} begin with {codes}")


class MonitoringPlan(Record):
    """Methods by which an installation determines the figures that it reports."""

    installation: Installation
    """The plant."""
    meters: tuple[Meter, ...] = ()
    """Meters and scales."""
    streams: tuple[MonitoredStream, ...] = ()
    """Fuels, materials and stacks."""
    processes: tuple[MonitoredProcess, ...] = ()
    """Production processes of CBAM goods."""
    precursors: tuple[DeclaredPrecursor, ...] = ()
    """Precursors that are bought."""
    cogeneration: tuple[Cogeneration, ...] = ()
    """Units of combined heat and power."""
    electricity: Electricity | None = None
    """For the reports of scope 2."""
    china_region: ChinaRegion | None = None
    """Region whose grid factor the report of China shows."""

    @model_validator(mode="after")
    def _consistent(self) -> MonitoringPlan:
        meters, processes = [m.name for m in self.meters], [p.name for p in self.processes]
        units = [unit.name for unit in self.cogeneration]
        for what, names in (
            ("meters", meters),
            ("streams", [stream.name for stream in self.streams]),
            ("processes or units of cogeneration", [*processes, *units]),
            ("precursors", [precursor.name for precursor in self.precursors]),
        ):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice:
                raise ValueError(f"two {what} are named {twice}")
        for stream in self.streams:
            if stream.meter is not None and stream.meter not in meters:
                raise ValueError(f"stream {stream.name}: {unknown('meter', stream.meter, meters)}")
            causes = processes if stream.counts == "production" else [*processes, *units]
            for name in stream.by_process:
                if name not in causes:
                    raise ValueError(f"stream {stream.name}: {unknown('process', name, causes)}")
        for process in self.processes:
            for unit in (process.heat_from, process.electricity_from):
                if unit is not None and unit not in units:
                    raise ValueError(f"process {process.name}: {unknown('unit of cogeneration', unit, units)}")
        return self

    def uncertainty(self, stream: MonitoredStream) -> float | None:
        """Uncertainty of a stream's meter; None where the plan names none."""
        return next((meter.uncertainty for meter in self.meters if meter.name == stream.meter), None)


def read_monitoring_plan(path: Path) -> MonitoringPlan:
    """Read a monitoring plan.

    Raises:
        ScenarioError: with every mistake, file, line and key.
    """
    document = read(path)
    problems = list(document.problems)
    try:
        plan = MonitoringPlan.model_validate(document.data)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            place = tuple(item["loc"])
            problems.append(Problem(document.where(place), dotted(place), fault(item)))
    if problems:
        raise ScenarioError(problems)
    return plan


MONITORING, ACTIVITY = "monitoring.yaml", "activity.csv"
FOLDER = Path(__file__).with_name("example_files")


def example_files() -> dict[str, bytes]:
    """The files by name."""
    return {name: (FOLDER / name).read_bytes() for name in (MONITORING, ACTIVITY)}
