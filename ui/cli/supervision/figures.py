"""Options that name a monitoring plan and activity data, and the figures of a period read from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emberline.ui.cli.options import refusing

if TYPE_CHECKING:
    from emberline.reports.compliance.reports import AnnualReport

DEFAULT_PLAN, DEFAULT_ACTIVITY = "monitoring.yaml", "activity.csv"
PlanFile = Annotated[
    Path, typer.Option("--monitoring", metavar="FILE", help="the monitoring plan")
]  # fmt: skip
ActivityFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--activity", metavar="FILE", help=f"activity data; may be repeated; default: {DEFAULT_ACTIVITY} in its folder"
    ),
]
DefaultsFile = Annotated[
    Path | None,
    typer.Option(
        "--defaults", metavar="FILE", help="table of default values of precursors (CSV), with official figures"
    ),
]
Template = Annotated[
    Path | None,
    typer.Option("--template", metavar="FILE", help="your copy of the Commission's communication template (xlsx)"),
]


def data_files(monitoring: Path, activity: list[Path] | None) -> list[Path]:
    """Files of activity data."""
    return activity or [monitoring.parent / DEFAULT_ACTIVITY]


def period_report(
    period: str, monitoring: Path, activity: list[Path] | None, defaults: Path | None = None
) -> AnnualReport:
    """The figures of a period.

    Raises:
        Refused: something in them is wrong.
        ScenarioError: the same, with every mistake.
    """
    from emberline.reports.compliance.monitoring import Period, read_activity, read_monitoring_plan
    from emberline.reports.compliance.reports import annual_report, read_default_values

    with refusing():
        span = Period.parse(period)
        plan = read_monitoring_plan(monitoring)
        table = None if defaults is None else read_default_values(defaults)
        return annual_report(plan, read_activity(data_files(monitoring, activity)), span, table)
