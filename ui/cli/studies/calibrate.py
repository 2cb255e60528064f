"""Commands ``emberline calibrate`` (fit a scenario to a heat log) and ``emberline log`` (a heat log from the twin)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.command import Refused, case_of, heats_of, measured_of, one_of, print_json, writable, writing
from emberline.ui.cli.options import AsJson, Changes, End, Force, FromHistory, Named, Quiet, Start, optional, to_file

if TYPE_CHECKING:
    from rich.console import Console

    from emberline.scenarios import Scenario
    from emberline.studies.calibration import Calibration

MAX_THIN = 12
MAX_DAYS = 1000


def calibrate(
    scenario: Named,
    log: Path | None = optional("heat log: .csv or .parquet", "FILE"),
    history: FromHistory = None,
    start: Start = None,
    end: End = None,
    meter: Path | None = optional("power over time, if the log has no energies", "FILE"),
    output: Path | None = optional("write the overlay to a .yaml", "FILE", "--out", "--output", "-o"),
    changes: Changes = None,
    confidence: float = optional("confidence level of each interval", "SHARE", min=0.5, max=0.999, default=0.95),
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Fit durations, energies, breakdowns and repairs to the plant's heat log, or to what its tags have measured.

    The result is written as an overlay for --set @FILE. The twin is fitted to the first 70 % of the log and must
    reproduce the rest (exit code 1 if it does not); residuals over time show which unit drifts.
    """
    from emberline.scenarios.loading import heat_log
    from emberline.scenarios.loading import meter as meters

    one_of(log, history, "--log", start, end)
    if output is not None:
        writable(output, force, ("yaml", "yml"))
    case = case_of(scenario, changes)
    _has_line(case)
    heats = heat_log.read(log, case) if log is not None else heats_of(measured_of(history, start, end), case)
    metered = None if meter is None else meters.read(meter, case)
    from emberline.studies.calibration import calibrate as fit

    def tell(phase: str) -> None:
        if not quiet and sys.stderr.isatty():
            print(f"{phase} …", file=sys.stderr)

    calibration = fit(case, heats, metered, confidence=confidence, on_progress=tell)
    if output is not None:
        with writing(output) as partial:
            partial.write_text(calibration.yaml(), encoding="utf-8")
    if as_json:
        print_json(calibration.summary())
    else:
        from emberline.ui.cli import terminal

        show(terminal.out(), calibration)
        if output is not None:
            print(f"\nuse it                 emberline plan {scenario} --set @{output}")
    raise typer.Exit(1 if calibration.hold_out is not None and calibration.hold_out.passed is False else 0)


def log(
    scenario: Named,
    output: Annotated[Path, to_file("the .csv to write", "FILE", "--out", "--output", "-o")],
    changes: Changes = None,
    days: int = optional("number of times the scenario's horizon is simulated", min=1, max=MAX_DAYS, default=30),
    seed: int | None = optional("random seed; default: the scenario's", min=0),
    force: Force = False,
) -> None:
    """Write a heat log that the twin generates from a scenario with its disturbances, for example to try
    calibration."""
    writable(output, force, ("csv",))
    case = case_of(scenario, changes)
    _has_line(case)
    from emberline.studies.calibration import twin_log

    heats = twin_log(case, replications=range(days), seed=seed)
    with writing(output) as partial:
        heats.to_csv(partial, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    print(output)


def _has_line(scenario: Scenario) -> None:
    if not scenario.line.stages:
        raise Refused(f"{scenario.name}: has no line, so a heat log cannot belong to it")


def show(console: Console, calibration: Calibration) -> None:
    """Print the calibration: parameters, fit, sparse data, check on held-out heats, drift."""
    from emberline.reports.text.studies import check_rows, estimate_rows
    from emberline.ui.cli import terminal

    zone = calibration.scenario.horizon.tz
    first, last = (calibration.log.instant(at).astimezone(zone) for at in (0.0, calibration.log.until_min))
    heats, broken = calibration.log.heats["heat"].nunique(), len(calibration.log.breakdowns)
    title = f"{calibration.scenario.name}: fitted to {calibration.log.name}, {heats} heats and {broken} breakdowns"
    console.print(f"{title}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M %Z}")
    console.print()
    result = calibration.summary()
    fitted = estimate_rows(result)
    if fitted:
        console.print(terminal.table_of(fitted, words=3), soft_wrap=True)
    console.print()
    console.print(_comparisons(calibration), soft_wrap=True)
    console.print()
    checks = check_rows(result)
    if checks:
        console.print("heats that the twin was not fitted to", style="bold")
        console.print(terminal.table_of(checks, more=1), soft_wrap=True)
        console.print()
    terminal.print_facts(console, _facts(calibration), 12)


def _comparisons(calibration: Calibration) -> Any:
    from emberline.reports.text.wording import number
    from emberline.ui.cli import terminal

    table = terminal.table(
        ("working time [min]", "grade"), ("heats", "log mean", "fit mean", "log 10–90 %", "fit 10–90 %")
    )
    for item in calibration.comparisons:
        spans = (
            f"{number(a)} … {number(b)}" for a, b in ((item.log_low, item.log_high), (item.fit_low, item.fit_high))
        )
        table.add_row(
            item.unit, item.grade, number(item.n, 0), number(item.log_mean, 2), number(item.fit_mean, 2), *spans
        )
    return table


def _facts(calibration: Calibration) -> list[tuple[str, str]]:
    from emberline.reports.text.studies import CALIBRATION_KINDS, calibration_figure
    from emberline.reports.text.wording import number, percent
    from emberline.studies.calibration import POOR_FIT, drift

    facts = []
    poor = [f"{one.unit} {one.what} ({one.law}, p = {number(one.p_value, 3)})"
            for one in calibration.goodness if one.p_value < POOR_FIT]  # fmt: skip
    says = f"rejected for {', '.join(poor)}" if poor else f"no distribution rejected (p at least {number(POOR_FIT, 2)})"
    facts.append(("fit", f"{says}; {len(calibration.goodness)} tests by parametric bootstrap"))
    if calibration.meter is not None:
        base = calibration_figure(calibration.meter.base_mw, "MW")
        residual, explained = number(calibration.meter.residual_mw, 2), percent(calibration.meter.explained, 1)
        says = f"base load {base} MW; residual {residual} MW rms, {explained} of the variance explained"
        facts.append(("meter", says))
    hold_out = calibration.hold_out
    if hold_out is not None:
        outcome = {True: "passed: the twin reproduces", False: "failed: the twin does not reproduce"}
        if hold_out.passed is None:
            facts.append(("check", f"not possible: {hold_out.reason}"))
        else:
            policy = "" if hold_out.planned else "; durations only: planned starts are not in the log"
            facts.append(("check", f"{outcome[hold_out.passed]} the last {hold_out.heats} heats{policy}"))
    drifting = [chart for chart in calibration.charts if chart.drifts]
    for chart in drifting:
        at = calibration.log.instant(float(chart.start_min[chart.first])).astimezone(calibration.scenario.horizon.tz)
        change = percent(chart.change, 1)
        facts.append(
            ("drift", f"{chart.unit} {chart.what}: outside the limits from {at:%Y-%m-%d %H:%M}, {change} since")
        )
    if not calibration.charts:
        facts.append(("drift", f"no chart: fewer than {drift.FEWEST_BEFORE} observations in the first part of the log"))
    elif not drifting:
        facts.append(
            ("drift", f"none on {len(calibration.charts)} charts (false alarm {percent(drift.FALSE_ALARM, 0)} each)")
        )
    thin = [
        f"{item.unit} {CALIBRATION_KINDS[item.kind]}{f' {item.grade}' if item.grade else ''}: {item.reason}"
        for item in calibration.thin
    ]
    facts += [("kept" if i == 0 else "", line) for i, line in enumerate(thin[:MAX_THIN])]
    if len(thin) > MAX_THIN:
        facts.append(("", f"and {len(thin) - MAX_THIN} more (all with --json)"))
    facts += [("note", line) for line in calibration.remarks]
    return facts
