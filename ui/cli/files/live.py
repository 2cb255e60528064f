"""Command ``emberline live``: what is read from the plant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from emberline.ui.cli.command import Refused, group, print_json, refusing, span, writable, writing
from emberline.ui.cli.options import AsJson, End, Force, Named, Start, argument, flag, option, optional, to_file

File = Annotated[Path, argument("connectors and tags of the plant", "LIVE.YAML")]

app = group("Read the plant: connectors and tags of a file live.yaml.", no_args_is_help=True)


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
    findings = [
        Finding(tag.name, Quality.SUSPECT, None, plant.unit_of(tag), None, reading)
        if isinstance(reading := readings[tag.name], str)
        else judge(plant, tag, reading, now)
        for tag in plant.live.tags
    ]
    wrong = sum(finding.quality is not Quality.OK for finding in findings)
    if as_json:
        print_json([{**vars(finding), "quality": finding.quality.value} for finding in findings])
    else:
        width = max(len(finding.tag) for finding in findings)
        for one in findings:
            value = "no value" if one.value is None else one.value or "none"
            if isinstance(one.value, float):
                value = f"{one.value:g}"
            unit = f" {one.unit}" if one.unit and one.value is not None else ""
            age = "" if one.age_s is None or one.quality is not Quality.OK else f", {max(one.age_s, 0):.0f} s old"
            text = f": {one.says}" if one.says else ""
            print(f"{one.quality.value:<8}{one.tag:<{width}}  {value}{unit}{age}{text}")
        print(f"\n{len(findings)} tags, {wrong or 'none'} suspect or stale")
    raise typer.Exit(1 if wrong else 0)


@app.command()
def simulate(
    scenario: Named,
    output: Path = optional("the file live.yaml to write", None, "--output", "-o", default=Path("live.yaml")),
    speed: float = optional("seconds of the plant in a second", min=0.1, max=3600, default=60),
    port: int = optional("port of the OPC UA server", min=1024, max=65_535, default=4840),
    noise: float = optional("noise of numbers, as a share of the range", min=0, max=0.2, default=0.01),
    lost: float = optional("share of messages that are lost", min=0, max=0.9, default=0.02),
    swapped: float = optional("share of messages that arrive late", min=0, max=0.5, default=0.01),
    broker: str | None = optional("be an edge node of Sparkplug B at this broker too", "mqtt://HOST:PORT"),
    restart_every: float | None = optional("the server restarts so often, in the plant's minutes", "MIN", min=10),
    replication: int = optional("which disturbances of the scenario happen", min=0, default=0),
    policy: Literal["follow", "replan"] = optional(
        "follow the list as printed, or plan it again as goal.replan says", default="follow"
    ),
) -> None:
    """Simulate a plant in accelerated time: the twin behind an OPC UA server, and a file live.yaml that reads it.

    The plant follows the baseline, and from each approval on the approved plan.
    """
    import asyncio

    from emberline.live.loop import approved
    from emberline.live.tags import load as load_plant
    from emberline.scenarios import load
    from emberline.scenarios.records.replanning import Using

    try:
        from emberline.live.simulation import Messages, SimulatedPlant, Simulation
    except ModuleNotFoundError as error:
        text = f"{error.name} is not installed; a simulated plant needs it: pip install 'emberline[live]'"
        raise Refused(text) from None
    _free(port)
    if broker is not None:
        _note_broker(broker)
    plant = SimulatedPlant(load(scenario), replication=replication, using=Using(policy))
    named = str(Path(scenario).resolve()) if Path(scenario).is_file() else scenario
    simulation = Simulation(
        plant, named, port, speed, Messages(replication + 1, noise, lost, swapped), restart_every, broker
    )
    simulation.write(output)
    print(f"plant {plant.scenario.name} at {simulation.url}, {speed:g} times as fast; tags in {output}")
    print(f"  emberline live check {output}\n  emberline live run {output}")
    simulation.approved = approved(load_plant(output))
    asyncio.run(simulation.run())


def _free(port: int) -> None:
    import socket

    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind(("127.0.0.1", port))
        except OSError:
            raise Refused(f"--port {port}: is in use; choose another") from None


def _note_broker(url: str) -> None:
    """Report a broker that does not answer: the plant goes on trying."""
    import socket
    import sys
    from urllib.parse import urlsplit

    with refusing(f"--broker {url[:60]}: "):
        parts = urlsplit(url)
        place = parts.hostname or "", parts.port or 1883
    if parts.scheme != "mqtt" or not place[0]:
        raise Refused(f"--broker {url[:60]}: write it as mqtt://HOST:PORT")
    try:
        socket.create_connection(place, 2).close()
    except OSError:
        print(f"note: no broker answers at {url}; values go there as soon as one does", file=sys.stderr)


@app.command()
def export(
    file: File,
    output: Annotated[Path, to_file("a file .csv or .parquet", None)],
    start: Start = None,
    end: End = None,
    tag: list[str] | None = optional("only this tag; may be repeated"),
    force: Force = False,
) -> None:
    """Export what was measured, with its quality; without times the last day."""
    from datetime import timedelta

    from emberline.live.history import export as write
    from emberline.live.history import of_plant
    from emberline.live.tags import load

    plant = load(file)
    writable(output, force, ("csv", "parquet"))
    begin, until = span(start, end)
    until = until or plant.now()
    begin = begin or until - timedelta(days=1)
    table = of_plant(plant).table(begin, until, tag or None)
    write(table, output)
    print(f"{table.num_rows} values in {output}")


@app.command()
def activity(
    file: File,
    period: Annotated[str, argument("2026, 2026-Q1, 2026-03 or two dates", "PERIOD")],
    quantity: Annotated[
        list[str],
        option('such as "crude steel: electricity=power"; repeatable', "NAME=TAG"),
    ],
    output: Annotated[Path, to_file("activity data to write (csv)")],
    force: Force = False,
) -> None:
    """Write activity data for reports: what power tags have measured on each day [MWh].

    Days that are not measured are left out, so that the monitoring plan's rule for gaps fills and shows them.
    """
    import csv

    from emberline.live.history import Measured
    from emberline.live.tags import load
    from emberline.reports.compliance.monitoring import Period

    plant = load(file)
    writable(output, force, ("csv",))
    rows: list[tuple[str | float, ...]] = []
    with refusing():
        days = Period.parse(period)
        measured = Measured.of_days(plant, days.first, days.last)
        for pair in quantity:
            name, equals, tag = (part.strip() for part in pair.rpartition("="))
            if not (name and equals and tag):
                raise Refused(f"--quantity {pair}: write NAME=TAG")
            energies = measured.daily_energy(tag)
            rows += [(name, str(day), str(day), mwh, "MWh", f"history of {tag}") for day, mwh in energies]
    with writing(output) as partial, partial.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([("name", "from", "to", "amount", "unit", "source"), *rows])
    print(f"{len(rows)} of {days.days * len(quantity)} days in {output}")


@app.command()
def run(
    file: File,
    minutes: float | None = optional("end after so long, by this computer's clock"),
) -> None:
    """Run the loop: read, estimate, plan again, advise. Nothing is done without approval; Ctrl-C ends it."""
    import time

    from emberline.live.loop import Service
    from emberline.live.tags import load

    plant = load(file)
    service = Service(plant)
    print(f"plant {plant.name} ({plant.scenario.name}): {len(plant.live.tags)} tags; page Shift shows it")
    end = None if minutes is None else time.monotonic() + minutes * 60
    count = 0

    def over() -> bool:
        nonlocal count
        for event in service.events[count:]:
            print(f"{event['at'][:16]}  {event['says']}", flush=True)
        count = len(service.events)
        return end is not None and time.monotonic() >= end

    service.run(over)
    over()


Number = Annotated[str, argument("id of the advice, or its first digits", "ADVICE")]
Who = Annotated[str, option("name of the person who decides", None, "--who")]
PlantName = Annotated[str, option("name of the file live.yaml without its ending", None, "--plant")]


@app.command()
def advice(plant: PlantName = "live", as_json: AsJson = False) -> None:
    """List advice, the newest first."""
    from emberline.runs.decisions import Decisions

    rows = Decisions(plant).all()
    if as_json:
        times = ("created", "data_at", "expires", "ends")
        print_json([{**vars(row), **{name: getattr(row, name).isoformat() for name in times}} for row in rows])
        return
    for row in rows:
        print(f"{row.id[:8]}  {row.state:<9} {row.created:%Y-%m-%d %H:%M}Z  {row.body['says']}")
        if row.state == "open":
            for change in row.body["changes"]:
                print(f"          {change['says']}")


@app.command()
def approve(number: Number, who: Who = "", reason: str = optional("", default=""), plant: PlantName = "live") -> None:
    """Approve an advice: it is in force from then on."""
    _decide(number, True, who, reason, plant)


@app.command()
def decline(
    number: Number,
    reason: Annotated[str, option("why")],
    who: Who = "",
    plant: PlantName = "live",
) -> None:
    """Decline an advice with a reason."""
    _decide(number, False, who, reason, plant)


@app.command()
def withdraw(
    reason: Annotated[str, option("why")],
    number: Annotated[
        str | None,
        argument("id of the advice, or its first digits", "ADVICE", show_default="the one in force"),
    ] = None,
    who: Who = "",
    plant: PlantName = "live",
) -> None:
    """End the plan in force with a reason: its set-points return, and the baseline is followed."""
    import getpass

    from emberline.live.loop import withdraw as end

    decision = end(plant, number, who=who or getpass.getuser(), reason=reason)
    print(f"advice {decision.id[:8]} is {decision.state}")


def _decide(number: str, approve_it: bool, who: str, reason: str, plant: str) -> None:
    import getpass

    from emberline.live.loop import decide

    decision = decide(plant, number, approve=approve_it, who=who or getpass.getuser(), reason=reason)
    print(f"advice {decision.id[:8]} is {decision.state}")


@app.command()
def audit(plant: PlantName = "live") -> None:
    """List what was advised, decided and ended, with who and why. The exit code is 1 if a row was changed."""
    from emberline.runs.decisions import Decisions

    decisions = Decisions(plant)
    for row in decisions.audit():
        number = "" if row.advice is None else row.advice[:8]
        print(f"{row.number:>5}  {row.at:%Y-%m-%d %H:%M}Z  {row.act:<9} {number:<8}  {row.who}: {row.reason}")
    intact = decisions.unbroken()
    print("the chain of hashes is intact" if intact else "a row was changed, or taken away between others")
    raise typer.Exit(0 if intact else 1)


@app.command()
def replay(
    file: File,
    day: str | None = optional("begin with the day of this time", "TIME", "--from"),
    solve: bool = flag("search again, instead of what the searches returned", "--solve"),
) -> None:
    """Replay the log: the same readings through the same loop. The exit code is 1 if a decision differs."""
    from emberline.live.loop import Log, replayed
    from emberline.live.tags import load
    from emberline.runs.decisions import Decisions
    from emberline.studies.rolling import onward

    plant = load(file)
    decisions = Decisions(plant.name)
    since, _ = span(day, None)
    log, planner = Log(decisions.folder / "log"), onward if solve else None
    rows = list(replayed(plant, log, decisions.schedule, since=since, planner=planner))
    for row in rows:
        decision = row.replayed or row.logged or {}
        number = str(decision["advice"] or "no advice")[:9]
        print(f"{row.now:%Y-%m-%d %H:%M}  {'same' if row.same else 'DIFFERS'}  {decision['reason']:<10} {number}")
    wrong = sum(not row.same for row in rows)
    print(f"{len(rows)} decisions, {wrong or 'none'} different")
    raise typer.Exit(1 if wrong else 0)
