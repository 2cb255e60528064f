"""Command ``emberline new``: a plant of one's own from a template, and from a meter's file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emberline.ui.cli.options import Force, Refused, writable, writing


def new(
    template: Annotated[
        str | None, typer.Argument(metavar="TEMPLATE", help="none: list the templates", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="of the new plant; none: the template's", show_default=False)
    ] = None,
    meter: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="the site's meter: its load, and the days to plan (its last whole ones)"),
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="of the plant, such as Europe/Berlin; none: the template's")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--out", "--output", "-o", metavar="FILE", help="the .yaml to write; none: NAME.yaml")
    ] = None,
    force: Force = False,
) -> None:
    """Start a plant of your own from a template, a file to edit and plan; typical figures say so in comments."""
    from emberline.scenarios import loads
    from emberline.scenarios.templates import plants as templates

    if template is None:
        width = max(map(len, templates.TEMPLATES))
        for entry in templates.TEMPLATES:
            title, description = templates.summary(entry)
            print(f"{entry:<{width}}  {title}. {description}")
        return
    if meter is not None and template == templates.EMPTY:
        template = templates.METER
    plant = name or template
    text = templates.start(template, plant)
    loads(text)  # the name may be refused
    target = output or Path(f"{plant}.yaml")
    writable(target, force, ("yaml", "yml"))
    if meter is not None:
        text = _with_meter(text, meter, zone, target, force)
    elif zone is not None:
        raise Refused("--zone belongs to --meter; without a file, edit horizon.zone")
    with writing(target) as partial:
        partial.write_text(text, encoding="utf-8")
    print(f"{target}: a copy of {template}; change what differs, then")
    print(f"check it  emberline check {target}")
    print(f"plan it   emberline plan {target}")


def _with_meter(text: str, meter: Path, zone: str | None, target: Path, force: bool) -> str:
    """The text with a meter's load, whose normalised file is written next to it."""
    from emberline.scenarios.importing.meter_file import by_meter, load_of
    from emberline.scenarios.reading.document import parse
    from emberline.scenarios.records.files import named, unreadable

    wrong = unreadable(meter)
    if wrong:
        raise Refused(f"--meter {named(meter)}: {wrong}")
    place = zone or str(parse(text).data["horizon"]["zone"])
    series = load_of(meter.read_bytes(), meter.name, place)
    path = target.with_name(f"{target.stem}-load.csv")
    text = by_meter(text, series, path.name, place)
    writable(path, force)
    with writing(path) as partial:
        partial.write_text(series.csv(), encoding="utf-8")
    for remark in series.remarks:
        print(remark)
    return text
