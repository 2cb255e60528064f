"""The reports as documents: CBAM, EU ETS, China and the GHG Protocol, thin tables over the figures of one period."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple
from pathlib import Path

from emberline.reports.compliance.monitoring.plan import Electricity, carbon_dioxide
from emberline.reports.compliance.reports.annual import AnnualReport, whole_t
from emberline.reports.compliance.reports.scope2 import Scope2, annual_scope2, hourly_scope2, read_hourly
from emberline.reports.compliance.reports.table import Document, Table, table

CHINA_YEAR = 2023
"""Of the grid factors that come with Emberline."""
SAME_USE = 1e-3
"""Share by which hours and period may differ in what they use."""


def cbam(report: AnnualReport) -> Document:
    """Embedded emissions of the goods (Implementing Regulation (EU) 2025/2547)."""
    rows, products = [], {}
    for monitored, process in zip(report.plan.processes, report.processes, strict=True):
        result, counts = report.embedded[process.name], report.indirect_counts[process.name]
        see = {
            "see_direct": result.see_direct,
            "see_indirect": result.see_indirect,
            "see_total": result.see_total,
            "see_that_counts": result.see_total if counts else result.see_direct,
            "mwh_per_t": result.mwh_per_t,
        }
        attributed = whole_t(process.attributed_t_co2)
        rows.append((process.name, monitored.goods, process.production_t, attributed, *see.values()))
        products[process.name] = {
            "goods": monitored.goods,
            "cn_code": monitored.cn_code,
            "production_t": process.production_t,
            **see,
            "default_share": result.default_share,
            **process.figures(),
        }
    columns = ("process", "goods", "made [t]", "attributed [t CO2]", "direct [t/t]", "indirect [t/t]", "total [t/t]",
               "counts [t/t]", "electricity [MWh/t]")  # fmt: skip
    note = "counts: direct emissions, and indirect ones of goods for which they are reported in the definitive period."
    credits = [
        (process.name, name.replace("_", " "), sign * t_co2)
        for process in report.processes
        for sign, parts in ((1, process.additions_t_co2), (-1, process.credits_t_co2))
        for name, t_co2 in parts.items()
    ]
    tables = (
        table("Embedded emissions", columns, rows, note),
        _streams(report),
        table("Heat, gas and electricity across the boundary", ("process", "what", "t CO2"), credits),
        _cogeneration(report),
    )
    figures = {"processes": products, **_totals(report)}
    return _document("CBAM: specific embedded emissions", report, tables, figures)


def ets(report: AnnualReport) -> Document:
    """Annual emissions by source stream (Implementing Regulation (EU) 2018/2066)."""
    return _document("EU ETS: annual emissions", report, (_streams(report), _evidence(report)), _totals(report))


def china(report: AnnualReport) -> Document:
    """Emissions with regional and national grid factors. No conformity with GB/T 32151 is claimed."""
    region = report.plan.china_region
    places = [*filter(None, [region]), "national", "national_without_green"]
    rows, indirect = [], {}
    for name in (f"cn_{place}_{CHINA_YEAR}" for place in places):
        factor = carbon_dioxide(name)
        t_co2 = report.electricity_mwh * factor.kg_per("MWh") / 1000
        rows.append((name, report.electricity_mwh, factor.kg_per("MWh"), whole_t(t_co2), factor.source))
        indirect[name] = t_co2
    footprint = carbon_dioxide("cn_footprint_2024")
    note = (
        f"The footprint factor, {footprint.kg_per('MWh'):g} kg CO2e/MWh, is another thing: it belongs to footprints of "
        "products and stands in no row. Under the national emission trading only direct emissions count."
    )
    columns = ("factor", "electricity [MWh]", "kg CO2/MWh", "t CO2", "source")
    tables = (_streams(report), table("Indirect emissions by grid factor", columns, rows, note))
    figures = {**_totals(report), "indirect_t_co2": indirect, "electricity_mwh": report.electricity_mwh}
    return _document("China: emissions", report, tables, figures)


def ghg(report: AnnualReport) -> Document:
    """Scope 1 and 2 by both methods (GHG Protocol, Scope 2 Guidance).

    Raises:
        ValueError: the monitoring plan does not say how electricity is rated.
    """
    return ghg_with(report, annual_scope2(report.electricity_mwh, _electricity(report)))


def _electricity(report: AnnualReport) -> Electricity:
    if report.plan.electricity is None:
        raise ValueError("electricity is required in the monitoring plan: location_t_co2_per_mwh and location_source")
    return report.plan.electricity


def ghg_with(report: AnnualReport, scope2: Scope2) -> Document:
    """Scope 1 and 2, where scope 2 is known already (by the hour, for example)."""
    rows = [(part.name, part.mwh, part.t_co2_per_mwh, part.t_co2, part.source) for part in scope2.parts]
    sums = (
        ("1", whole_t(report.fossil_t_co2)),
        ("2, location-based", whole_t(scope2.location_t_co2)),
        ("2, market-based", whole_t(scope2.market_t_co2)),
        ("biogenic, in no total", whole_t(report.biogenic_t_co2)),
    )
    tables = (
        table("Scopes", ("scope", "t CO2"), sums, "The two methods of scope 2 stand side by side and never add up."),
        table(
            "Market-based: contracts and the rest", ("name", "MWh", "t CO2/MWh", "t CO2", "source"), rows, scope2.note
        ),
        _streams(report),
    )
    figures = {
        **_totals(report),
        "scope2_location_t_co2": scope2.location_t_co2,
        "scope2_market_t_co2": scope2.market_t_co2,
        "electricity_mwh": report.electricity_mwh,
    }
    return _document("GHG Protocol: scope 1 and 2", report, tables, figures)


def ghg_by_hour(report: AnnualReport, path: Path) -> Document:
    """Scope 1 and 2, certificates matched by the hour from a file of use and certificates.

    Raises:
        ValueError: the file is wrong, or its use is not that of the period.
    """
    electricity = _electricity(report)
    use, certificates = read_hourly(path)
    if abs(sum(use) - report.electricity_mwh) > SAME_USE * max(report.electricity_mwh, 1.0):
        raise ValueError(
            f"{path.name}: {sum(use):,.1f} MWh are used by the hour, "
            f"the activity data say {report.electricity_mwh:,.1f}"
        )
    return ghg_with(report, hourly_scope2(use, certificates, electricity))


DOCUMENTS: dict[str, Callable[[AnnualReport], Document]] = {"cbam": cbam, "ets": ets, "ghg": ghg, "china": china}


def _totals(report: AnnualReport) -> dict[str, float | int]:
    return {
        "direct_t_co2": report.fossil_t_co2,
        "direct_whole_t_co2": whole_t(report.fossil_t_co2),
        "biogenic_t_co2": report.biogenic_t_co2,
    }


def _streams(report: AnnualReport) -> Table:
    rows: list[tuple[str | float | int | None, ...]] = [
        (
            line.stream.name,
            line.stream.method.replace("_", " "),
            line.amount.amount,
            line.stream.unit,
            line.stream.t_co2_each,
            line.stream.biogenic_share,
            whole_t(line.emissions.fossil_t_co2),
            whole_t(line.emissions.biogenic_t_co2),
        )
        for line in report.streams
    ]
    if rows:
        totals = whole_t(report.fossil_t_co2), whole_t(report.biogenic_t_co2)
        rows.append(("Total", "", None, "", None, None, *totals))
    amounts = ("stream", "method", "amount", "unit", "t CO2/unit", "biogenic share")
    note = "Whole tonnes; the total is rounded once, not the sum of rounded rows."
    return table("Source streams", (*amounts, "fossil [t CO2]", "biogenic [t CO2]"), rows, note)


def _cogeneration(report: AnnualReport) -> Table:
    rows = [(name, *astuple(shared)) for name, shared in report.cogeneration.items()]
    columns = ("unit", "heat [t CO2]", "electricity [t CO2]", "share of heat", "heat [t CO2/TJ]", "power [t CO2/MWh]")
    return table("Cogeneration", columns, rows, "Shared out by reference efficiencies of heat and power made alone.")


def _evidence(report: AnnualReport) -> Table:
    rows = [
        (
            line.stream.name,
            line.stream.meter or "",
            None if line.uncertainty is None else f"± {line.uncertainty:.2%}",
            ", ".join(f"{name} {tier}" for name, tier in line.stream.tiers.model_dump().items() if tier is not None),
            line.stream.source,
            "; ".join(dict.fromkeys(row.source for row in line.amount.rows)) or f"production of {line.stream.process}",
        )
        for line in report.streams
    ]
    columns = ("stream", "meter", "uncertainty", "tiers", "source of factors", "source of amounts")
    return table("Evidence", columns, rows, "Tiers as the monitoring plan states them.")


def _document(title: str, report: AnnualReport, tables: tuple[Table, ...], figures: dict) -> Document:
    subtitle = f"{report.plan.installation.name}, {report.period}"
    return Document(title, subtitle, tables, tuple(report.remarks()), figures)


def evidence_files(
    report: AnnualReport, sources: Mapping[str, bytes], template: Path | None = None
) -> dict[str, bytes]:
    """Files of evidence by name.

    Args:
        report: figures of the period.
        sources: monitoring plan and activity data, by file name.
        template: copy of the communication template; its filled copy belongs to the evidence.

    Raises:
        TemplateError: the template cannot be filled.
    """
    kinds = [name for name in DOCUMENTS if name not in report.undescribed]
    files = {f"{kind}.json": DOCUMENTS[kind](report).json().encode() for kind in kinds}
    if template is not None:
        from emberline.reports.compliance.workbook import filled

        files["cbam.xlsx"] = filled(template, report)
    return {**sources, **files}
