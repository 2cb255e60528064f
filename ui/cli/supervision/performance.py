"""Command ``emberline performance``: a period of energy use judged by a baseline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from emberline.ui.cli.command import Refused, heats_of, print_json, refusing, writable, writing
from emberline.ui.cli.options import AsJson, Force, FromHistory, argument, flag, option, optional

if TYPE_CHECKING:
    from emberline.live.history import Measured
    from emberline.reports.compliance.monitoring import Period
    from emberline.reports.performance import Losses, Step

STEPS = ("day", "week", "month")


def performance(
    energy: Annotated[str, option("energy used", "COLUMN")],
    production: Annotated[
        list[str],
        option("a variable that measures production; repeatable", "COLUMN"),
    ],
    baseline: Annotated[str, option("baseline period, such as 2025", "PERIOD")],
    report: Annotated[str, option("report period, such as 2026 or 2026-Q1", "PERIOD")],
    files: Annotated[
        list[Path] | None,
        argument("CSV tables with a column of times, energy and variables; may be several", "FILE"),
    ] = None,
    history: FromHistory = None,
    variable: list[str] | None = optional("another relevant variable, such as degree days; repeatable", "COLUMN"),
    use: list[str] | None = optional("energy of a single use, such as a furnace; repeatable", "COLUMN"),
    plant: str | None = optional("the plant, for losses by cause; needs --log and --meter, or --history", "SCENARIO"),
    log: Path | None = optional("its heat log, of both periods", "FILE"),
    meter: Path | None = optional("its meter (time, power_mw)", "FILE"),
    zone: str = optional("time zone of the plant, such as Europe/Berlin; else the file's clock", "ZONE", default=""),
    by: str = optional("rows are added up by this", "|".join(STEPS), default="month"),
    ashrae: bool = flag("hold the baseline to ASHRAE Guideline 14 too", "--ashrae"),
    output: Path | None = optional(
        "write a page (.html), a workbook (.xlsx) or figures (.json)", "FILE", "--output", "-o"
    ),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Judge energy use by a baseline: indicator, CUSUM with alarm, normalised savings with their interval.

    A baseline that breaks a rule of validity is refused by the rule's name.
    """
    from emberline.reports.compliance.monitoring import Period
    from emberline.reports.compliance.reports import write_excel
    from emberline.reports.performance import joined, read_table, review

    if by not in STEPS:
        raise Refused(f"--by {by}: choose {', '.join(STEPS)}")
    if not files and history is None:
        raise Refused("give a FILE, or --history with the live.yaml of a plant")
    sources = plant, log, meter
    if any(sources) and not all(sources) and (history is None or log is not None or meter is not None):
        raise Refused("losses by cause need --plant, --log and --meter, or --plant and --history")
    writable(output, force, ("html", "xlsx", "json"))
    tables = [read_table(file, zone) for file in files or []]
    names = ", ".join(file.name for file in files or [])
    variables = [*production, *(variable or [])]
    with refusing():
        spans = [Period.parse(text) for text in (baseline, report)]
        if spans[0].overlaps(spans[1]):
            raise Refused(f"baseline {spans[0]} and report period {spans[1]} overlap")
        if history is not None:
            measured = _measured(history, spans)
            tables.append(measured.by_day())
            tables[-1].attrs["file"] = measured.name
            names = ", ".join(filter(None, (names, measured.name)))
        step: Step = "month" if by == "month" else "week" if by == "week" else "day"
        rows = [joined(tables, step, span.first, span.last) for span in spans]
        lacking = [name for name in (energy, *variables, *(use or [])) if name not in rows[0].values]
        if lacking:
            raise Refused(f"{names} has no column {lacking[0]}; there are {', '.join(rows[0].values)}")
        result = review(rows[0], rows[1], energy, variables, production, use or [], ashrae=ashrae)
        if plant is not None:
            result = replace(result, losses=_losses(plant, log, meter, history, spans))
    document = result.document(names)
    if output is not None:
        with writing(output) as partial:
            if output.suffix == ".xlsx":
                write_excel(document, partial)
            else:
                text = json.dumps(document.as_dict(), indent=1) if output.suffix == ".json" else document.html()
                partial.write_text(f"{text}\n", encoding="utf-8")
    if as_json:
        print_json(document.as_dict())
        return
    saved, alarm = result.savings, result.cusum.alarm
    for remark in result.remarks:
        print(f"period      {remark}")
    print(f"expected    {saved.predicted:,.6g}")
    print(f"actual      {saved.actual:,.6g}")
    print(
        f"saving      {saved.saving:,.6g} ({saved.low:,.6g} to {saved.high:,.6g}, {saved.confidence:.0%}), "
        f"{saved.share:.1%} of what was expected"
    )
    print(f"EnPI        {saved.enpi:.4f}")
    sentence = "none" if alarm is None else f"in {alarm.at}, more energy than expected since {alarm.since}"
    print(f"alarm       {sentence} (false alarms: {result.cusum.false_alarms:.0%} of unchanged periods)")
    if result.uses is not None:
        for name, row in result.uses.iterrows():
            print(f"use         {name}: {row['energy']:,.6g}, {row['share']:.0%}{', significant' * row['significant']}")
    if result.losses is not None:
        for cause, mwh, share in result.losses.rows:
            print(f"loss        {cause}: {mwh:,.6g} MWh, {share:.0%} of the deviation")
    for rule in result.rules:
        print(f"warning     {rule}")
    if output is not None:
        print(output)


def _measured(history: Path, spans: list[Period]) -> Measured:
    """Measurements of a live plant in two periods and between them."""
    from emberline.live.history import Measured
    from emberline.live.tags import load

    return Measured.of_days(load(history), min(span.first for span in spans), max(span.last for span in spans))


def _losses(plant: str, log: Path | None, meter: Path | None, history: Path | None, spans: list[Period]) -> Losses:
    from emberline.reports.performance import losses
    from emberline.scenarios import load
    from emberline.scenarios.loading import heat_log
    from emberline.scenarios.loading import meter as meters

    scenario = load(plant)
    if not scenario.line.stages:
        raise Refused(f"--plant {plant}: has no line, so a heat log cannot belong to it")
    periods = [(span.first, span.last) for span in spans]
    if log is not None and meter is not None:
        return losses(scenario, heat_log.read(log, scenario), meters.read(meter, scenario), periods[0], periods[1])
    assert history is not None
    measured = _measured(history, spans)
    return losses(scenario, heats_of(measured, scenario), measured.meter(), periods[0], periods[1])
