"""The communication template (v2.1.1) filled with a report: which figure belongs into which cell.

Labels that the template offers in lists are taken from the file itself, by their place, so that a copy in another
language is filled in that language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from emberline.reports.compliance.goods import ALL_ROUTES, GOODS, country_code
from emberline.reports.compliance.monitoring.plan import Installation, MonitoredProcess
from emberline.reports.compliance.production_process import ProductionProcess
from emberline.reports.compliance.reports.annual import AnnualReport, StreamLine
from emberline.reports.compliance.source_stream import CO2_PER_CARBON
from emberline.reports.compliance.workbook.sheets import TemplateError, Value, Workbook

INSTALLATION, STREAMS, EMISSIONS = "A_InstData", "B_EmInst", "C_Emissions&Energy"
PROCESSES, PRECURSORS, PRODUCTS, CONSTANTS = "D_Processes", "E_PurchPrec", "Summary_Products", "Parameters_Constants"
CODE_LISTS, CN_CODES = "c_CodeLists", "Parameters_CNCodes"
MAX_ROWS = {"goods": 10, "processes": 10, "precursors": 20, "source streams": 75, "measured stacks": 10, "routes": 8}
"""Maximum number of entries in the template."""
FIRST_GOOD, FIRST_PROCESS, FIRST_PRECURSOR = 62, 83, 102
"""Rows of sheet A."""
FIRST_STREAM, FIRST_STACK, FIRST_PRODUCT = 17, 113, 10
PROCESS_HEAD, PROCESS_STEP = 11, 65
PRECURSOR_HEAD, PRECURSOR_STEP = 14, 44
ADDRESS = ("name", *(field for field in Installation.model_fields if field != "permit"))
"""Fields of the installation in rows 19 to 32, in the order in which it has them."""
UNITS = {"t": ("t", "tCO2/t"), "1000Nm3": ("1000Nm3", "tCO2/1000Nm3")}
Cells = dict[str, Value | None]
WORDS = {
    "combustion": ("B56", "Combustion"),
    "process": ("C56", "Process emissions"),
    "mass_balance": ("D56", "Mass Balance"),
    "only direct": ("B62", "Only direct production"),
    "carbon dioxide": ("B55", "CO2"),
    "measured": ("B69", "Measured"),
    "default": ("C69", "Default"),
    "unknown": ("D69", "Unknown"),
}
"""Cells of sheet ``Parameters_Constants`` with words of lists, and those words in English."""


@dataclass(frozen=True)
class Labels:
    """Labels as the copy of the template spells them."""

    goods: dict[str, str]
    routes: dict[tuple[str, str], str]
    words: dict[str, str]
    """Methods, gas, sources of values and others of ``WORDS``."""
    electricity_sources: tuple[str, ...]
    units: tuple[str, ...]
    countries: dict[str, str]
    """Names by code."""
    cn_codes: dict[str, str]
    """Category of goods by code of eight digits."""

    @classmethod
    def of(cls, book: Workbook) -> Labels:
        """Read the labels of a copy."""
        values = book.values(CONSTANTS)
        if values.get("A2") != "CONST_CNTR_EmbedEmDir":
            raise TemplateError(f"{book.name} is not the communication template v2.1.1 ({CONSTANTS} differs)")
        goods, routes = {}, {}
        for row, (name, good) in enumerate(GOODS.items(), start=89):
            goods[name] = values.get(f"A{row}", name)
            for column, route in zip("GHIJKLMN", good.routes, strict=False):
                routes[name, route] = values.get(f"{column}{row}", route)
        return cls(
            goods,
            routes,
            {word: values.get(cell, english) for word, (cell, english) in WORDS.items()},
            tuple(values[f"{column}15"] for column in "BCDEFGH" if f"{column}15" in values),
            tuple(values[f"{column}23"] for column in "BC" if f"{column}23" in values),
            _columns(book, CODE_LISTS, "F", "G", range(11, 278)),
            _columns(book, CN_CODES, "D", "E", range(4, 573)),
        )


def _columns(book: Workbook, sheet: str, key: str, value: str, rows: range) -> dict[str, str]:
    """A list of the template as two of its columns."""
    cells = book.values(sheet)
    return {cells[f"{key}{row}"]: cells.get(f"{value}{row}", "") for row in rows if f"{key}{row}" in cells}


def fill(template: Path, report: AnnualReport, path: Path) -> None:
    """Write a filled copy of the template (:func:`filled`) to a file."""
    path.write_bytes(filled(template, report))


def filled(template: Path, report: AnnualReport) -> bytes:
    """Content of a filled copy.

    Args:
        template: the user's copy, which stays as it is.
        report: what to write.

    Raises:
        TemplateError: the file is not the template, or has no room for the report.
    """
    book = Workbook(template)
    for sheet in (INSTALLATION, STREAMS, EMISSIONS, PROCESSES, PRECURSORS, PRODUCTS, CONSTANTS, CODE_LISTS, CN_CODES):
        book.text(sheet)
    _refuse_too_many(report)
    labels = Labels.of(book)
    _refuse_unlisted(report, labels)
    book.write(INSTALLATION, _installation(report, labels))
    book.write(STREAMS, _streams(report, labels))
    indirect = sum(process.electricity_mwh * process.electricity_t_co2_per_mwh for process in report.processes)
    book.write(EMISSIONS, {"M26": indirect})
    for index, pair in enumerate(zip(report.plan.processes, report.processes, strict=True)):
        book.write(PROCESSES, _process(report, index, *pair))
    book.write(PRECURSORS, _precursors(report, labels))
    book.write(PRODUCTS, _products(report))
    return book.content()


def _refuse_too_many(report: AnnualReport) -> None:
    plan = report.plan
    counts = {
        "goods": len({process.goods for process in plan.processes}),
        "processes": len(plan.processes),
        "precursors": len(plan.precursors),
        "source streams": len(report.streams) - len(_stacks(report)),
        "measured stacks": len(_stacks(report)),
    }
    for what, count in counts.items():
        if count > MAX_ROWS[what]:
            raise TemplateError(f"the template has room for {MAX_ROWS[what]} {what}, the report has {count}")
    for line in report.streams:
        if line.stream.method == "measurement":
            if line.amount.stack is None:
                raise TemplateError(f"stream {line.stream.name} is measured; the template needs its hours")
            continue
        if abs(line.stream.carbon_to_co2 - CO2_PER_CARBON) > 1e-9:
            raise TemplateError(f"stream {line.stream.name}: the template counts {CO2_PER_CARBON} t CO2/t C")


def _refuse_unlisted(report: AnnualReport, labels: Labels) -> None:
    """Refuse what the copy's own lists do not offer: a cell with it would show an error."""
    plan = report.plan
    for line in report.streams:
        if line.stream.method != "measurement" and line.stream.unit not in set(labels.units) & UNITS.keys():
            raise TemplateError(
                f"stream {line.stream.name} is in {line.stream.unit}; the template takes {' or '.join(labels.units)}"
            )
    for what, country in (
        ("installation", plan.installation.country and country_code(plan.installation.country)),
        *((f"precursor {precursor.name}", precursor.country) for precursor in plan.precursors),
    ):
        if country and country not in labels.countries:
            raise TemplateError(f"{what}: country {country} is not in the template's list")
    for process in plan.processes:
        good = GOODS[process.goods]
        names = (labels.goods[process.goods], "")
        codes = [code for code, name in labels.cn_codes.items() if name in names and good.has_code(code)]
        if process.cn_code and process.cn_code[:8] not in codes:
            near = [code for code in codes if code.startswith(process.cn_code[:4])] or codes
            raise TemplateError(
                f"process {process.name}: cn_code {process.cn_code} is not in the template's list for {process.goods}; "
                f"it has {', '.join(near[:12])}{' …' if len(near) > 12 else ''}"
            )
    for precursor in plan.precursors:
        if precursor.mwh_per_t and precursor.electricity_t_co2_per_mwh is None:
            raise TemplateError(
                f"precursor {precursor.name}: give electricity_t_co2_per_mwh; the workbook would count its electricity "
                "as free of emissions"
            )
    for what, source in (
        *((f"process {process.name}", process.electricity_source) for process in plan.processes),
        *((f"precursor {precursor.name}", precursor.electricity_source) for precursor in plan.precursors),
    ):
        if source and source not in labels.electricity_sources:
            raise TemplateError(
                f"{what}: electricity_source {source[:40]!r} is not in the template's list: "
                f"{', '.join(labels.electricity_sources)}"
            )


def _serial(day: date) -> int:
    """A date as Excel counts it."""
    return (day - date(1899, 12, 30)).days


def _installation(report: AnnualReport, labels: Labels) -> Cells:
    plan = report.plan
    cells: Cells = {"I9": _serial(report.period.first), "L9": _serial(report.period.last)}
    for row, name in enumerate(ADDRESS, start=19):
        cells[f"I{row}"] = getattr(plan.installation, name) or None
    if plan.installation.country:
        cells[f"I{19 + ADDRESS.index('country')}"] = labels.countries[country_code(plan.installation.country)]
    for row, goods in enumerate(dict.fromkeys(process.goods for process in plan.processes), start=FIRST_GOOD):
        cells[f"E{row}"] = labels.goods[goods]
        used = dict.fromkeys(p.route for p in plan.processes if p.goods == goods and p.route not in (None, ALL_ROUTES))
        for column, route in zip("IJKLMN", used, strict=False):
            cells[f"{column}{row}"] = labels.routes[goods, str(route)]
    for row, process in enumerate(plan.processes, start=FIRST_PROCESS):
        cells |= {f"E{row}": labels.goods[process.goods], f"L{row}": process.name}
        cells[f"F{row}"] = labels.words["only direct"]
    for row, precursor in enumerate(plan.precursors, start=FIRST_PRECURSOR):
        cells |= {f"E{row}": labels.goods[precursor.goods], f"L{row}": precursor.name}
        cells[f"F{row}"] = precursor.country or None
        if precursor.route not in (None, ALL_ROUTES):
            cells[f"G{row}"] = labels.routes[precursor.goods, str(precursor.route)]
    return cells


def _streams(report: AnnualReport, labels: Labels) -> Cells:
    cells: Cells = {}
    stacks = _stacks(report)
    for row, line in enumerate((line for line in report.streams if line not in stacks), start=FIRST_STREAM):
        cells |= {f"{column}{row}": value for column, value in _stream(line, labels)}
    for row, line in enumerate(stacks, start=FIRST_STACK):
        stack = line.amount.stack
        assert stack is not None
        cells |= {f"D{row}": line.stream.name, f"E{row}": labels.words["carbon dioxide"], f"V{row}": stack.g_per_nm3}
        cells |= {f"X{row}": stack.hours, f"Z{row}": stack.nm3_per_h / 1000}
        cells[f"R{row}"] = line.stream.biogenic_share * 100
    return cells


def _stacks(report: AnnualReport) -> list[StreamLine]:
    return [line for line in report.streams if line.stream.method == "measurement"]


def _stream(line: StreamLine, labels: Labels) -> Iterator[tuple[str, Value | None]]:
    """Columns of a stream and their values."""
    stream = line.stream
    unit, factor_unit = UNITS[stream.unit]
    yield from (("D", labels.words[stream.method]), ("E", stream.name), ("F", line.amount.amount), ("G", unit))
    yield "H", stream.ncv_gj_per_unit
    if stream.method == "mass_balance":
        yield "L", stream.carbon_content
    else:
        by_energy = stream.kg_co2_per_gj is not None
        yield "J", stream.kg_co2_per_gj if by_energy else stream.t_co2_per_unit
        yield "K", "tCO2/TJ" if by_energy else factor_unit
        part = stream.oxidation if stream.method == "combustion" else stream.conversion
        yield ("N" if stream.method == "combustion" else "P"), part * 100
    yield "R", stream.biogenic_share * 100


def _route_row(goods: str, route: str | None) -> int:
    """Offset of a route's row in a block."""
    return GOODS[goods].routes.index(route) if route is not None else 0


def _process(report: AnnualReport, index: int, monitored: MonitoredProcess, process: ProductionProcess) -> Cells:
    head = PROCESS_HEAD + PROCESS_STEP * index
    used = [other.takes_t.get(process.name, 0.0) for other in report.processes if other.name != process.name]
    market = process.to_market_t
    market = max(process.production_t - sum(used), 0.0) if market is None else market
    cells: Cells = {f"L{head + 5 + row}": 0.0 for row in range(len(GOODS[monitored.goods].routes))}
    cells |= {
        f"L{head + 5 + _route_row(monitored.goods, monitored.route)}": process.production_t,
        f"L{head + 16}": market,
        f"L{head + 30}": max(process.production_t - market - sum(used), 0.0),
        f"K{head + 39}": process.heat_imported is not None or process.heat_exported is not None,
        f"L{head + 39}": process.waste_gas_imported is not None or process.waste_gas_exported is not None,
        f"L{head + 43}": process.emissions.fossil_t_co2,
        f"L{head + 54}": process.electricity_mwh,
        f"L{head + 55}": process.electricity_t_co2_per_mwh,
        f"L{head + 56}": monitored.electricity_source or None,
        f"L{head + 60}": process.electricity_exported_mwh,
    }
    cells |= {f"L{row}": t for row, t in enumerate(used, start=head + 21)}
    if process.electricity_exported_mwh:
        factor = process.electricity_exported_t_co2_per_mwh
        cells[f"L{head + 61}"] = process.electricity_t_co2_per_mwh if factor is None else factor
    for column, heat, gas in (
        ("L", process.heat_imported, process.waste_gas_imported),
        ("M", process.heat_exported, process.waste_gas_exported),
    ):
        if cells[f"K{head + 39}"]:
            cells |= {f"{column}{head + 46}": heat.tj if heat else 0.0}
            cells |= {f"{column}{head + 47}": heat.t_co2_per_tj * heat.correction if heat else 0.0}
        if cells[f"L{head + 39}"]:
            cells |= {f"{column}{head + 50}": gas.tj if gas else 0.0}
            cells |= {f"{column}{head + 51}": gas.t_co2_per_tj if gas else 0.0}
    _refuse_other_gas(process)
    return cells


def _refuse_other_gas(process: ProductionProcess) -> None:
    """The template rates waste gas itself, by natural gas and 0.667: another factor would give other figures."""
    for gas, correction in ((process.waste_gas_imported, 1.0), (process.waste_gas_exported, 0.667)):
        if gas is not None and max(abs(gas.t_co2_per_tj - 56.1), abs(gas.correction - correction)) >= 1e-9:
            raise TemplateError(
                f"process {process.name}: waste gas at {gas.t_co2_per_tj:g} t CO2/TJ × {gas.correction:g}; "
                f"the template counts it at 56.1 × {correction:g}"
            )


def _precursors(report: AnnualReport, labels: Labels) -> Cells:
    cells: Cells = {}
    for index, precursor in enumerate(report.plan.precursors):
        head = PRECURSOR_HEAD + PRECURSOR_STEP * index
        used = [
            sum(bought.amount_t for bought in process.precursors if bought.name == precursor.name)
            for process in report.processes
        ]
        source = labels.words["measured" if precursor.measured else "default" if precursor.default_value else "unknown"]
        cells[f"L{head + 3 + _route_row(precursor.goods, precursor.route)}"] = sum(used)
        cells |= {f"L{row}": t for row, t in enumerate(used, start=head + 14)}
        cells[f"L{head + 24}"] = 0.0
        for row, value in enumerate((precursor.see_direct or 0.0, precursor.mwh_per_t), start=head + 35):
            cells |= {f"L{row}": value, f"M{row}": source}
        cells[f"L{head + 37}"] = precursor.electricity_t_co2_per_mwh
        cells[f"M{head + 37}"] = precursor.electricity_source or None
    return cells


def _products(report: AnnualReport) -> Cells:
    cells: Cells = {}
    for row, process in enumerate(report.plan.processes, start=FIRST_PRODUCT):
        cells |= {f"D{row}": process.name, f"F{row}": process.cn_code[:8] or None, f"H{row}": process.name}
    return cells
