"""Command ``emberline live``: what is read from the plant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emberline.ui.cli.options import AsJson, Force, Named, Refused, print_json, writable

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
    from emberline.live.connectors import read
    from emberline.live.tags import Finding, Quality, judge, load

    plant = load(file)
    readings = read(plant)
    now = plant.now()
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
            value = (
                f"{one.value:g}"
                if isinstance(one.value, float)
                else ("no value" if one.value is None else one.value or "none")
            )
            unit = f" {one.unit}" if one.unit and one.value is not None else ""
            age = "" if one.age_s is None or one.quality is not Quality.OK else f", {max(one.age_s, 0):.0f} s old"
            says = f": {one.says}" if one.says else ""
            print(f"{one.quality.value:<8}{one.tag:<{width}}  {value}{unit}{age}{says}")
        print(f"\n{len(findings)} tags, {wrong or 'none'} suspect or stale")
    raise typer.Exit(1 if wrong else 0)


@app.command()
def simulate(
    scenario: Named,
    output: Annotated[Path, typer.Option("--output", "-o", help="the file live.yaml to write")] = Path("live.yaml"),
    speed: Annotated[float, typer.Option(min=0.1, max=3600, help="seconds of the plant in a second")] = 60,
    port: Annotated[int, typer.Option(min=1024, max=65_535, help="port of the OPC UA server")] = 4840,
    noise: Annotated[float, typer.Option(min=0, max=0.2, help="noise of numbers, as a share of the range")] = 0.01,
    lost: Annotated[float, typer.Option(min=0, max=0.9, help="share of messages that are lost")] = 0.02,
    swapped: Annotated[float, typer.Option(min=0, max=0.5, help="share of messages that arrive late")] = 0.01,
    restart_every: Annotated[
        float | None, typer.Option(min=10, metavar="MIN", help="the server restarts so often, in the plant's minutes")
    ] = None,
    replication: Annotated[int, typer.Option(min=0, help="which disturbances of the scenario happen")] = 0,
) -> None:
    """Simulate a plant in accelerated time: the twin behind an OPC UA server, and a file live.yaml that reads it.

    The plant follows the baseline, and from each approval on the approved plan.
    """
    import asyncio

    from emberline.live.simulation import Messages, SimulatedPlant, Simulation
    from emberline.scenarios import load

    plant = SimulatedPlant(load(scenario), replication=replication)
    named = str(Path(scenario).resolve()) if Path(scenario).is_file() else scenario
    simulation = Simulation(plant, named, port, speed, Messages(replication + 1, noise, lost, swapped), restart_every)
    simulation.write(output)
    print(f"plant {plant.scenario.name} at {simulation.url}, {speed:g} times as fast; tags in {output}")
    print(f"  emberline live check {output}\n  emberline live run {output}")
    asyncio.run(simulation.run())


@app.command()
def export(
    file: File,
    output: Annotated[Path, typer.Option("--output", "-o", help="a file .csv or .parquet")],
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="a time with its offset")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="a time with its offset")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="only this tag; may be repeated")] = None,
    force: Force = False,
) -> None:
    """Export what was measured, with its quality; without times the last day."""
    from datetime import timedelta

    from emberline.live.history import export as write
    from emberline.live.history import of_plant
    from emberline.live.tags import load
    from emberline.scenarios.records.instants import read_instant

    plant = load(file)
    writable(output, force, ("csv", "parquet"))
    moments = []
    for option, given in (("--from", start), ("--to", end)):
        try:
            moments.append(None if given is None else read_instant(given))
        except ValueError as error:
            raise Refused(f"{option} {given}: {error}") from None
    begin, until = moments
    until = until or plant.now()
    begin = begin or until - timedelta(days=1)
    table = of_plant(plant).table(begin, until, tag or None)
    write(table, output)
    print(f"{table.num_rows} values in {output}")
