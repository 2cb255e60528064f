"""The monitoring plan: installation, meters, source streams, production processes and precursors, from a YAML file.

It says how each figure of a report is determined (Implementing Regulation (EU) 2018/2066, article 12 and annex I, and
(EU) 2025/2547, annex II): method, tier, meter with its uncertainty, factor with source and validity, and the rule for
gaps in the data.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from emberline.plans.compliance.clinker import KilnDust, Oxides
from emberline.plans.compliance.cogeneration import Cogeneration
from emberline.plans.compliance.default_values import DefaultValues, mark_up
from emberline.plans.compliance.goods import GOODS
from emberline.plans.compliance.production_process import NATURAL_GAS_T_CO2_PER_TJ, WASTE_GAS_CORRECTION
from emberline.plans.compliance.source_stream import SourceStream
from emberline.scenarios.checking.faults import fault
from emberline.scenarios.reading.document import dotted, read
from emberline.scenarios.records.base import Problem, Record, ScenarioError, unknown
from emberline.scenarios.records.factors import FactorRow, bundled

GapRule = Literal["refuse", "mean", "highest", "lowest"]
"""What stands for missing days: nothing, or the mean, highest or lowest daily rate of the data that are there."""
ChinaRegion = Literal["north", "northeast", "east", "central", "northwest", "south", "southwest"]
LONGEST_NAME = 80
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
    economic_activity: str = ""
    post_code: str = ""
    po_box: str = ""
    city: str = ""
    country: str = ""
    """As the workbook's list of countries names it."""
    unlocode: str = ""
    latitude: str = ""
    longitude: str = ""
    representative: str = ""
    email: str = ""
    telephone: str = ""
    permit: str = ""


class Meter(Record):
    """A meter or scale."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    uncertainty: float = Field(gt=0, le=1)
    """Share of the amount over a reporting period, with 95 % confidence."""
    calibrated: date | None = None


class Tiers(Record):
    """Tiers that the stream meets (EU ETS)."""

    amount: int | None = Field(default=None, ge=1, le=4)
    ncv: int | None = Field(default=None, ge=1, le=3)
    factor: int | None = Field(default=None, ge=1, le=3)


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
    tiers: Tiers = Tiers()
    source: str = Field(default="", validate_default=True)
    """Of the factors: laboratory, standard, table; needed unless they are from the factor table."""
    valid_from: date | None = None
    valid_to: date | None = None
    """Last day on which the factors hold."""
    process: str | None = None
    """The production process, or unit of cogeneration, that causes the emissions; None: ``shares`` says."""
    shares: dict[str, float] = {}
    """Share of each production process."""
    gap: GapRule = "refuse"

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
    t_co2_per_mwh: float = Field(default=0.0, ge=0)
    zone: str = ""
    """Bidding zone of the generation."""
    source: str = Field(min_length=1)


class Electricity(Record):
    """How scope 2 is rated."""

    location_t_co2_per_mwh: float = Field(ge=0)
    """Average of the grid that the plant is in."""
    location_source: str = Field(min_length=1)
    residual_t_co2_per_mwh: float | None = Field(default=None, ge=0)
    """Residual mix, for what no certificate covers; None: the location's average."""
    residual_source: str = ""
    zone: str = ""
    """Bidding zone of the plant."""
    certificates: tuple[Certificates, ...] = ()


class DeclaredPrecursor(Record):
    """A precursor that is bought, with the values that its maker declares; without them a default value holds."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    goods: str
    route: str | None = None
    cn_code: CnCode = ""
    """Needed for a default value."""
    country: str = ""
    """Code of two letters; needed for a default value."""
    see_direct: float | None = Field(default=None, ge=0)
    """None: the default value of its code and country, with the mark-up of the year."""
    mwh_per_t: float = Field(default=0.0, ge=0)
    electricity_t_co2_per_mwh: float | None = Field(default=None, ge=0)
    default_value: bool = False
    source: str = ""
    """Of the declared values."""

    @model_validator(mode="after")
    def _listed(self) -> DeclaredPrecursor:
        check_goods(self.goods, self.route)
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
        says = f"default value {row.see_total:g} t/t with {mark_up(year):.0%} mark-up: {row.source}"
        return self.model_copy(update={"see_direct": row.marked_up(year), "default_value": True, "source": says})


class MonitoredProcess(Record):
    """A production process: its good and the factors of what crosses its boundary."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    goods: str
    route: str | None = None
    cn_code: CnCode = ""
    clinker_ratio: float | None = Field(default=None, gt=0, le=1)
    """Clinker in a tonne of cement: production follows from ``cement delivered``, ``clinker bought`` and ``sold``."""
    heat_from: str | None = None
    """Unit of cogeneration whose factor its imported heat has."""
    electricity_from: str | None = None
    """The same for its electricity."""
    electricity_t_co2_per_mwh: float = Field(default=0.0, ge=0)
    electricity_source: str = ""
    """Where the electricity's factor is from; the workbook takes ``D.4(a)``, ``D.4.1`` …"""
    electricity_exported_t_co2_per_mwh: float | None = Field(default=None, ge=0)
    heat_imported_t_co2_per_tj: float = Field(default=0.0, ge=0)
    heat_exported_t_co2_per_tj: float = Field(default=0.0, ge=0)
    waste_gas_t_co2_per_tj: float = Field(default=NATURAL_GAS_T_CO2_PER_TJ, gt=0)
    waste_gas_correction: float = Field(default=WASTE_GAS_CORRECTION, gt=0, le=1)
    gap: GapRule = "refuse"
    """Of its production, electricity, heat and gas."""

    @model_validator(mode="after")
    def _listed(self) -> MonitoredProcess:
        check_goods(self.goods, self.route)
        for unit, factor in (
            ("heat_from", "heat_imported_t_co2_per_tj"),
            ("electricity_from", "electricity_t_co2_per_mwh"),
        ):
            if getattr(self, unit) is not None and getattr(self, factor):
                raise ValueError(f"process {self.name}: give {unit} or {factor}, not both")
        return self


def check_goods(goods: str, route: str | None) -> None:
    """Refuse a good or a route that the regulation does not list."""
    if goods not in GOODS:
        raise ValueError(unknown("good", goods, GOODS))
    routes = GOODS[goods].routes
    if route is None and len(routes) > 1:
        raise ValueError(f"{goods} has several routes; give route: one of {', '.join(routes)}")
    if route is not None and route not in routes:
        raise ValueError(unknown(f"route of {goods}", route, routes))


class MonitoringPlan(Record):
    """How an installation determines what it reports."""

    installation: Installation
    meters: tuple[Meter, ...] = ()
    streams: tuple[MonitoredStream, ...] = ()
    processes: tuple[MonitoredProcess, ...] = ()
    precursors: tuple[DeclaredPrecursor, ...] = ()
    cogeneration: tuple[Cogeneration, ...] = ()
    electricity: Electricity | None = None
    """For the reports of scope 2."""
    china_region: ChinaRegion | None = None

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
