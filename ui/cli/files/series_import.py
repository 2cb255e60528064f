"""Commands ``emberline new`` and ``import``: a plant of one's own, from a template and a meter's file; its series.

A series of any scenario is a file of a meter, historian or market, or what a live plant has measured.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.command import Refused, measured_of, one_of, print_json, writable, write_text, writing
from emberline.ui.cli.options import AsJson, End, Force, FromHistory, Start, argument, flag, optional, to_file

RENAMED = {"column": "value", "interval": "interval_min", "peak": "peak_mw"}
"""Keys of a mapping whose options have other names; the other options of ``import`` are named as their keys."""

if TYPE_CHECKING:
    from emberline.scenarios.importing import Imported, Raw
    from emberline.scenarios.records.horizon import Horizon


def bring_in(
    context: typer.Context,
    output: Annotated[Path, to_file("the .csv to write", "FILE", "--out", "--output", "-o")],
    file: Annotated[Path | None, argument("CSV, Excel (.xlsx) or Parquet, with any extension", "FILE")] = None,
    history: FromHistory = None,
    start: Start = None,
    end: End = None,
    role: str | None = optional(
        "price, export-price, intensity, marginal-intensity, load, pv or actual", "WHAT", "--as"
    ),
    column: str | None = optional("column of the values; of a history, the tag", "NAME"),
    through: str | None = optional("last column, if a row is a day and --column is its first", "NAME"),
    where: list[str] | None = optional("rows to take from a long table", "COLUMN=NAME"),
    time: str | None = optional("column of the times", "NAME"),
    clock: str | None = optional("column of the times of day, if --time has dates only", "NAME"),
    zone: str | None = optional("zone of times without offset: UTC, Europe/Berlin, +01:00", "ZONE"),
    order: str | None = optional("'year first', 'day first', 'month first', 'unix seconds' …", "ORDER"),
    stamps: str | None = optional("whether times are starts or ends of intervals", "start|end"),
    interval: float | None = optional("length of an interval", "MINUTES"),
    unit: str | None = optional("unit of the values, such as kW, kWh, EUR/MWh", "UNIT"),
    counts: str | None = optional(
        "whether an energy belongs to its interval or is a meter's register", "interval|register"
    ),
    scale: float | None = optional("factor on all values", "NUMBER"),
    peak: float | None = optional("peak of the PV plant, if the file gives power", "MW"),
    gaps: str | None = optional("how to treat missing values: refuse, hold, interpolate or zero", "HOW"),
    missing: list[str] | None = optional("word that stands for a missing value, such as Bad", "WORD"),
    duplicates: str | None = optional("how to treat values at the same time: refuse, first, last or mean", "HOW"),
    into: str | None = optional(
        "check that the series covers the horizon of this scenario, which stays unchanged", "SCENARIO"
    ),
    sheet: str | None = optional("sheet of a workbook", "NAME"),
    header: int | None = optional("line of the column names", "LINE", min=1),
    decimal: str | None = optional("decimal mark", ".|,"),
    mapping: Path | None = optional("read the file in the same way as an earlier one; options override it", "FILE"),
    force: bool = flag("overwrite the files if they exist", "--force"),
    as_json: AsJson = False,
) -> None:
    """Import a file of any shape as a series: load, price, intensity, PV, or metered power for calibration.

    What the options leave out is guessed and reported. It writes the series in UTC, how it was read (.mapping.yaml),
    and an overlay (.overlay.yaml) that adds it to any scenario with --set @FILE.
    """
    from emberline import scenarios
    from emberline.scenarios.importing import LARGEST_MB, bring, guess, read
    from emberline.scenarios.reading.series import LARGEST_FILE_MB

    one_of(file, history, "a FILE", start, end)
    horizon = None if into is None else scenarios.load(into).horizon
    writable(output, force, ("csv",))
    files = {part: output.with_suffix(f".{part}.yaml") for part in ("mapping", "overlay")}
    for path in files.values():
        writable(path, force)
    settings = _settings({**context.params, "where": _pairs(where), "missing": tuple(missing or ()) or None})
    if mapping is not None:
        earlier = _earlier_mapping(mapping)
        role = role or str(earlier.pop("as"))
        settings = {**earlier, **settings}
    if role is None:
        from emberline.scenarios.importing import ROLES

        raise Refused(f"--as is required: the kind of series, one of {', '.join(ROLES)}")
    if file is None:
        content, name = _of_history(history, start, end, settings)
    else:
        content, name = _content(file, max(LARGEST_MB, LARGEST_FILE_MB)), file.name
    layout = {key: settings.get(key) for key in ("sheet", "header", "separator")}
    raw = read(content, name, **layout, largest_mb=LARGEST_FILE_MB)
    proposal = guess(raw, role, settings)
    series = bring(raw, proposal.mapping)
    texts = {output: series.csv(), files["mapping"]: series.mapping.yaml()}
    if series.role.path:
        texts[files["overlay"]] = series.overlay(output.name)
    write_together(texts)
    if as_json:
        covers = {} if horizon is None else {"covers_horizon": series.covers(horizon)}
        print_json(
            summary(raw, series) | covers | {"guessed": list(proposal.reasons), "files": [str(path) for path in texts]}
        )
        return
    print(*lines(series), sep="\n")
    if horizon is not None and not series.covers(horizon):
        print(f"note      {uncovered(series, horizon)}")
    for reason in proposal.reasons:
        print(f"guessed   {reason}")
    for path in texts:
        print(f"written   {path}")
    if series.role.path:
        print(f"use it    emberline plan SCENARIO --set @{files['overlay']}")
    else:
        print(f"use it    emberline calibrate SCENARIO --log HEATS --meter {output}")


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """Keys of a mapping that options give, other than its role."""
    from emberline.scenarios.importing import Mapping

    named = {RENAMED.get(option, option): value for option, value in options.items() if value is not None}
    return {key: value for key, value in named.items() if key in Mapping.model_fields and key != "role"}


def _of_history(file: Path | None, start: str | None, end: str | None, settings: dict[str, Any]) -> tuple[bytes, str]:
    """Means of what a live plant has measured, as a file; its times and its column are added to the settings."""
    measured = measured_of(file, start, end)
    interval_min = settings.setdefault("interval_min", measured.plant.scenario.site.grid.metered_interval_min)
    tag = next((tag for tag in measured.plant.live.tags if tag.name == settings.get("value")), None)
    if tag is not None:
        settings |= {"value": measured.column(tag)}
    settings |= {"time": "time_utc", "zone": "UTC", "stamps": "start"}
    return measured.series(interval_min).to_csv(date_format="%Y-%m-%dT%H:%M:%SZ").encode(), measured.name


def _check_readable(file: Path, option: str = "") -> None:
    from emberline.scenarios.reading.files import named, unreadable

    if wrong := unreadable(file):
        raise Refused(f"{option}{named(file)}: {wrong}")


def _content(file: Path, largest_mb: float) -> bytes:
    _check_readable(file)
    size = file.stat().st_size
    if size > largest_mb * 1e6:
        raise Refused(f"{file.name}: has {size / 1e6:.0f} MB, the limit is {largest_mb:g} MB")
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(f"{file}: cannot be read: {error.strerror}") from None


def _pairs(where: list[str] | None) -> dict[str, str] | None:
    if not where:
        return None
    pairs = [part.partition("=") for part in where]
    for column, equals, name in pairs:
        if not equals or not column or not name:
            raise Refused(f"--where {column}{equals}{name}: write it as COLUMN=NAME")
    return {column.strip(): name.strip() for column, _, name in pairs}


def _earlier_mapping(path: Path) -> dict[str, Any]:
    from emberline.scenarios.importing.mapping import read_mapping

    _check_readable(path, "--mapping ")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Refused(f"--mapping {path}: is not readable text") from None
    return read_mapping(text, path.name).model_dump(by_alias=True)


def lines(series: Imported) -> list[str]:
    """Summary of the imported series, one line each."""
    first, last = (f"{at:%Y-%m-%d %H:%M}Z" for at in series.span)
    unit = f" {series.unit}" if series.unit else ""
    values = series.values
    count = f"{len(values)} values of {series.mapping.interval_min:g} min"
    rows = [
        f"series    {series.role.title}",
        f"from      {series.name}: {first} to {last}, {count}",
        f"values    {values.min():g} to {values.max():g}{unit}, mean {values.mean():g}",
    ]
    if series.missing:
        rows.append(f"missing   {series.missing} values; treated by a plan as: {series.mapping.gaps}")
    return [*rows, *(f"note      {remark}" for remark in series.remarks)]


def uncovered(series: Imported, horizon: Horizon) -> str:
    """The part of a horizon that a series covers, if it does not cover all of it."""
    ends = (*series.span, horizon.start_utc, horizon.end_utc)
    first, last, start, end = (f"{at.astimezone(horizon.tz):%Y-%m-%d %H:%M}" for at in ends)
    return (
        f"the file covers {first} to {last}, but the horizon is {start} to {end} ({horizon.zone}): it cannot be "
        "planned; import a longer file, or move the horizon"
    )


def summary(raw: Raw, series: Imported) -> dict[str, Any]:
    """Summary of the imported series as plain data."""
    first, last = (at.isoformat().replace("+00:00", "Z") for at in series.span)
    return {
        "file": raw.name,
        "kind": raw.kind,
        "mapping": series.mapping.model_dump(mode="json", by_alias=True),
        "first": first,
        "last": last,
        "values": len(series.values),
        "missing": series.missing,
        "unit": series.unit,
        "lowest": float(series.values.min()),
        "highest": float(series.values.max()),
        "mean": float(series.values.mean()),
        "remarks": list(series.remarks),
    }


def write_together(texts: dict[Path, str]) -> None:
    """Write several files: all of them, or none if one cannot be written."""
    partial = {path: path.with_name(f".{path.name}.partial") for path in texts}
    try:
        with writing(next(iter(texts))):
            for path, text in texts.items():
                partial[path].write_text(text, encoding="utf-8")
            for path, file in partial.items():
                os.replace(file, path)
    finally:
        for file in partial.values():
            with suppress(OSError):  # a file that was never created cannot be removed
                file.unlink(missing_ok=True)


def new(
    template: Annotated[str | None, argument("none: list the templates", "TEMPLATE", show_default=False)] = None,
    name: Annotated[str | None, argument("of the new plant; none: the template's", "NAME", show_default=False)] = None,
    meter: Path | None = optional("the site's meter: its load, and the days to plan (its last whole ones)", "FILE"),
    zone: str | None = optional("of the plant, such as Europe/Berlin; none: the template's", "ZONE"),
    output: Path | None = optional("the .yaml to write; none: NAME.yaml", "FILE", "--out", "--output", "-o"),
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
    write_text(target, text)
    print(f"{target}: a copy of {template}; change what differs, then")
    print(f"check it  emberline check {target}")
    print(f"plan it   emberline plan {target}")


def _with_meter(text: str, meter: Path, zone: str | None, target: Path, force: bool) -> str:
    """The text with a meter's load, whose normalised file is written next to it."""
    from emberline.scenarios.importing.meter_file import by_meter, load_of
    from emberline.scenarios.reading.document import parse

    _check_readable(meter, "--meter ")
    place = zone or str(parse(text).data["horizon"]["zone"])
    series = load_of(meter.read_bytes(), meter.name, place)
    path = target.with_name(f"{target.stem}-load.csv")
    text = by_meter(text, series, path.name, place)
    writable(path, force)
    write_text(path, series.csv())
    for remark in series.remarks:
        print(remark)
    return text
