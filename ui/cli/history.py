"""Options by which commands read the history of a live plant instead of a file."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emberline.ui.cli.options import Refused, refusing

if TYPE_CHECKING:
    from emberline.live.history import Measured
    from emberline.scenarios import Scenario
    from emberline.scenarios.loading.heat_log import HeatLog

FromHistory = Annotated[
    Path | None,
    typer.Option("--history", metavar="LIVE.YAML", help="read what this plant has measured, instead of a file"),
]
Start = Annotated[str | None, typer.Option("--from", metavar="TIME", help="a time with its offset")]
End = Annotated[str | None, typer.Option("--to", metavar="TIME", help="a time with its offset")]


def span(start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """The times of ``--from`` and ``--to``."""
    from emberline.scenarios.records.instants import read_instant

    moments = []
    for option, moment in (("--from", start), ("--to", end)):
        with refusing(f"{option} {moment}: "):
            moments.append(None if moment is None else read_instant(moment))
    begin, until = moments
    if begin is not None and until is not None and begin >= until:
        raise Refused("--to: must be after --from")
    return begin, until


def measured_of(file: Path | None, start: str | None, end: str | None) -> Measured:
    """What a plant has measured between two times."""
    assert file is not None
    from emberline.live.history import Measured
    from emberline.live.tags import load

    return Measured.of(load(file), *span(start, end))


def heats_of(measured: Measured, scenario: Scenario) -> HeatLog:
    """A heat log from what was measured; what it lacks is reported."""
    from emberline.scenarios.loading import heat_log

    heats = measured.heats()
    for count, why in (
        (heats.uncertain, "no message came near their start or end"),
        (heats.unknown, "the scenario has no such heats any more"),
    ):
        if count:
            print(f"note: {count} operations left out: {why}", file=sys.stderr)
    return heat_log.checked(heats.table, scenario, measured.name)


def one_of(file: Path | None, history: Path | None, option: str, start: str | None, end: str | None) -> None:
    """Refuse both a file and a history, or neither."""
    if (file is None) == (history is None):
        raise Refused(f"give {option}, or --history with the live.yaml of a plant")
    if history is None and (start or end):
        raise Refused("--from and --to belong to --history")
