"""Command ``emberline live``: what is read from the plant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emberline.ui.cli.options import AsJson, print_json

File = Annotated[Path, typer.Argument(metavar="LIVE.YAML", help="connectors and tags of the plant")]

app = typer.Typer(
    help="Read the plant: connectors and tags of a file live.yaml.",
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def live() -> None:
    """Read the plant: connectors and tags of a file live.yaml."""


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """Connect, read each tag once and report what is wrong. The exit code is 1 if a value is suspect or stale."""
    from datetime import UTC, datetime

    from emberline.live.connectors import read
    from emberline.live.tags import Finding, Quality, judge, load

    plant = load(file)
    readings = read(plant)
    now = datetime.now(UTC)
    findings = []
    for tag in plant.live.tags:
        reading = readings[tag.name]
        if isinstance(reading, str):
            findings.append(Finding(tag.name, Quality.SUSPECT, None, plant.unit_of(tag), None, reading))
        else:
            findings.append(judge(plant, tag, reading, now))
    wrong = sum(finding.quality is not Quality.OK for finding in findings)
    if as_json:
        print_json([{**vars(finding), "quality": finding.quality.value} for finding in findings])
    else:
        width = max(len(finding.tag) for finding in findings)
        for one in findings:
            value = f"{one.value:g}" if isinstance(one.value, float) else one.value or "no value"
            unit = f" {one.unit}" if one.unit and one.value is not None else ""
            age = "" if one.age_s is None or one.quality is not Quality.OK else f", {max(one.age_s, 0):.0f} s old"
            says = f": {one.says}" if one.says else ""
            print(f"{one.quality.value:<8}{one.tag:<{width}}  {value}{unit}{age}{says}")
        print(f"\n{len(findings)} tags, {wrong or 'none'} suspect or stale")
    raise typer.Exit(1 if wrong else 0)
