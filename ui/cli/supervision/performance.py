"""Command ``emberline performance``: a period of energy use judged by a baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from emberline.ui.cli.options import AsJson, Force, Refused, print_json, writable, writing

STEPS = ("day", "week", "month")


def performance(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV table with a column of times, energy and variables")
    ],
    energy: Annotated[str, typer.Option(metavar="COLUMN", help="energy used")],
    production: Annotated[
        list[str],
        typer.Option("--production", metavar="COLUMN", help="a variable that measures production; repeatable"),
    ],
    baseline: Annotated[str, typer.Option(metavar="PERIOD", help="baseline period, such as 2025")],
    report: Annotated[str, typer.Option(metavar="PERIOD", help="report period, such as 2026 or 2026-Q1")],
    variable: Annotated[
        list[str] | None,
        typer.Option("--variable", metavar="COLUMN", help="another relevant variable, such as degree days; repeatable"),
    ] = None,
    use: Annotated[
        list[str] | None,
        typer.Option("--use", metavar="COLUMN", help="energy of a single use, such as a furnace; repeatable"),
    ] = None,
    by: Annotated[str, typer.Option(metavar="|".join(STEPS), help="rows are added up by this")] = "month",
    ashrae: Annotated[bool, typer.Option("--ashrae", help="hold the baseline to ASHRAE Guideline 14 too")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="write a page (.html), a workbook (.xlsx) or figures (.json)"
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Judge energy use by a baseline: indicator, CUSUM with alarm, normalised savings with their interval.

    A baseline that breaks a rule of validity is refused by the rule's name.
    """
    from emberline.plans.compliance.monitoring import Period
    from emberline.plans.compliance.reports import write_excel
    from emberline.plans.performance import by_period, read_table, review

    if by not in STEPS:
        raise Refused(f"--by {by}: choose {', '.join(STEPS)}")
    if output is not None:
        writable(output, force, ("html", "xlsx", "json"))
    data = read_table(file)
    variables = [*production, *(variable or [])]
    try:
        spans = [Period.parse(text) for text in (baseline, report)]
        parts = [data.loc[str(span.first) : str(span.last)] for span in spans]
        empty = next((span for span, part in zip(spans, parts, strict=True) if part.empty), None)
        if empty is not None:
            raise Refused(f"{file.name} has no rows from {empty}")
        rows = [by_period(part, "month" if by == "month" else "week" if by == "week" else "day") for part in parts]
        lacking = [name for name in (energy, *variables, *(use or [])) if name not in rows[0]]
        if lacking:
            raise Refused(f"{file.name} has no column {lacking[0]}; there are {', '.join(rows[0].columns)}")
        result = review(rows[0], rows[1], energy, variables, production, use or [], ashrae=ashrae)
    except ValueError as error:
        raise Refused(str(error)) from error
    document = result.document("Energy performance", f"{file.name}: {spans[1]} against {spans[0]}")
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
    print(f"expected    {saved.predicted:,.6g}")
    print(f"actual      {saved.actual:,.6g}")
    print(
        f"saving      {saved.saving:,.6g} ({saved.low:,.6g} to {saved.high:,.6g}, {saved.confidence:.0%}), "
        f"{saved.share:.1%} of what was expected"
    )
    print(f"EnPI        {saved.enpi:.4f}")
    says = "none" if alarm is None else f"in {alarm.at}, more energy than expected since {alarm.since}"
    print(f"alarm       {says} (false alarms: {result.cusum.false_alarms:.0%} of unchanged periods)")
    if result.uses is not None:
        for name, row in result.uses.iterrows():
            print(f"use         {name}: {row['energy']:,.6g}, {row['share']:.0%}{', significant' * row['significant']}")
    for rule in result.rules:
        print(f"warning     {rule}")
    if output is not None:
        print(output)
