"""Commands ``emberline calibrate`` (fit a scenario to a heat log) and ``emberline log`` (a heat log from the twin)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emberline.ui.cli.command import Refused, case_of, heats_of, measured_of, one_of, print_json, writable, write_text
from emberline.ui.cli.options import AsJson, Changes, End, Force, FromHistory, Named, Quiet, Start, optional, to_file

if TYPE_CHECKING:
    from emberline.scenarios import Scenario

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
        write_text(output, calibration.yaml())
    if as_json:
        print_json(calibration.summary())
    else:
        from emberline.ui.cli.studies import printing

        printing.show_calibration(calibration)
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
    write_text(output, heats.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ"))
    print(output)


def _has_line(scenario: Scenario) -> None:
    if not scenario.line.stages:
        raise Refused(f"{scenario.name}: has no line, so a heat log cannot belong to it")


COMMANDS = (calibrate, log)
