"""The command ``emberline import``: a meter's, historian's or market's file as a series of any scenario."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Refused, print_json, writable, writing

if TYPE_CHECKING:
    from emberline.scenarios.importing import Imported, Raw
    from emberline.scenarios.records.horizon import Horizon


def bring_in(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Excel (.xlsx) or Parquet, whatever its name")],
    output: Annotated[Path, typer.Option("--out", "--output", "-o", metavar="FILE", help="the .csv to write")],
    role: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="WHAT", help="price, export-price, intensity, marginal-intensity, load, pv or actual"
        ),
    ] = None,
    column: Annotated[str | None, typer.Option(metavar="NAME", help="column of the values")] = None,
    through: Annotated[
        str | None, typer.Option(metavar="NAME", help="last column, where a row is a day and --column its first")
    ] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="COLUMN=NAME", help="rows to take of a long table")] = None,
    time: Annotated[str | None, typer.Option(metavar="NAME", help="column of the times")] = None,
    clock: Annotated[
        str | None, typer.Option(metavar="NAME", help="column of the times of the day, where --time has dates only")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="of times without offset: UTC, Europe/Berlin, +01:00")
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(metavar="ORDER", help="'year first', 'day first', 'month first', 'unix seconds' …"),
    ] = None,
    stamps: Annotated[str | None, typer.Option(metavar="start|end", help="which end of its interval a time is")] = None,
    interval: Annotated[float | None, typer.Option(metavar="MINUTES", help="length of the intervals")] = None,
    unit: Annotated[str | None, typer.Option(metavar="UNIT", help="of the values, such as kW, kWh, EUR/MWh")] = None,
    counts: Annotated[
        str | None,
        typer.Option(metavar="interval|register", help="what an energy is: its interval's, or a meter's register"),
    ] = None,
    scale: Annotated[float | None, typer.Option(metavar="NUMBER", help="a factor on all values")] = None,
    peak: Annotated[float | None, typer.Option(metavar="MW", help="peak of a PV plant told as power")] = None,
    gaps: Annotated[
        str | None, typer.Option(metavar="HOW", help="of missing values: refuse, hold, interpolate or zero")
    ] = None,
    missing: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="a word that stands for a missing value, such as Bad")
    ] = None,
    duplicates: Annotated[
        str | None, typer.Option(metavar="HOW", help="of values at the same time: refuse, first, last or mean")
    ] = None,
    into: Annotated[
        str | None, typer.Option(metavar="SCENARIO", help="whose horizon the series is to cover; nothing is changed")
    ] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="of a workbook")] = None,
    header: Annotated[int | None, typer.Option(min=1, metavar="LINE", help="line of the columns' names")] = None,
    decimal: Annotated[str | None, typer.Option(metavar=".|,", help="decimal mark")] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="read the file as an earlier one; options go before it")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite the files if they are there")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a file of any shape in as a series: load, price, intensity, PV, or metered power to calibrate with.

    What is not said is guessed, and told. Written are the series in UTC, how it was read (.mapping.yaml), and an
    overlay (.overlay.yaml) that gives it to any scenario by --set @FILE."""
    from emberline import scenarios
    from emberline.scenarios.importing import LARGEST_MB, bring, guess, read
    from emberline.scenarios.reading.series import LARGEST_FILE_MB

    horizon = None if into is None else scenarios.load(into).horizon
    writable(output, force, ("csv",))
    files = {part: output.with_suffix(f".{part}.yaml") for part in ("mapping", "overlay")}
    for path in files.values():
        writable(path, force)
    said: dict[str, Any] = {
        "value": column, "through": through, "where": _pairs(where), "time": time, "clock": clock, "zone": zone,
        "order": order, "stamps": stamps, "interval_min": interval, "unit": unit, "counts": counts, "scale": scale,
        "peak_mw": peak,
        "gaps": gaps, "missing": tuple(missing) if missing else None, "duplicates": duplicates,
        "sheet": sheet, "header": header, "decimal": decimal,
    }  # fmt: skip
    said = {name: value for name, value in said.items() if value is not None}
    if mapping is not None:
        kept = _kept(mapping)
        role = role or str(kept.pop("as"))
        said = {**kept, **said}
    if role is None:
        from emberline.scenarios.importing import ROLES

        raise Refused(f"--as is required: say what the series is, one of {', '.join(ROLES)}")
    raw = read(
        _content(file, max(LARGEST_MB, LARGEST_FILE_MB)), file.name, sheet=said.get("sheet"),
        header=said.get("header"), separator=said.get("separator"), largest_mb=LARGEST_FILE_MB,
    )  # fmt: skip
    found = guess(raw, role, said)
    made = bring(raw, found.mapping)
    texts = {output: made.csv(), files["mapping"]: made.mapping.yaml()}
    if made.role.path:
        texts[files["overlay"]] = made.overlay(output.name)
    write_together(texts)
    if as_json:
        covers = {} if horizon is None else {"covers_horizon": made.covers(horizon)}
        print_json(
            summary(raw, made) | covers | {"guessed": list(found.reasons), "files": [str(path) for path in texts]}
        )
        return
    for line in lines(made):
        print(line)
    if horizon is not None and not made.covers(horizon):
        print(f"note      {uncovered(made, horizon)}")
    for reason in found.reasons:
        print(f"guessed   {reason}")
    for path in texts:
        print(f"written   {path}")
    if made.role.path:
        print(f"use it    emberline plan SCENARIO --set @{files['overlay']}")
    else:
        print(f"use it    emberline calibrate SCENARIO --log HEATS --meter {output}")


def _content(file: Path, largest_mb: float) -> bytes:
    from emberline.scenarios.reading.files import named, unreadable

    wrong = unreadable(file)
    if wrong:
        raise Refused(f"{named(file)}: {wrong}")
    size = file.stat().st_size
    if size > largest_mb * 1e6:
        raise Refused(f"{file.name}: has {size / 1e6:.0f} MB, at most {largest_mb:g} are read")
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


def _kept(path: Path) -> dict[str, Any]:
    from emberline.scenarios.importing.mapping import read_mapping
    from emberline.scenarios.reading.files import named, unreadable

    wrong = unreadable(path)
    if wrong:
        raise Refused(f"--mapping {named(path)}: {wrong}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Refused(f"--mapping {path}: cannot be read as text") from None
    return read_mapping(text, path.name).model_dump(by_alias=True)


def lines(made: Imported) -> list[str]:
    """What was brought in, a line each."""
    first, last = (f"{at:%Y-%m-%d %H:%M}Z" for at in made.span)
    unit = f" {made.unit}" if made.unit else ""
    values = made.values
    count = f"{len(values)} values of {made.mapping.interval_min:g} min"
    found = [
        f"series    {made.role.title}",
        f"from      {made.name}: {first} to {last}, {count}",
        f"values    {values.min():g} to {values.max():g}{unit}, mean {values.mean():g}",
    ]
    if made.missing:
        found.append(f"missing   {made.missing} values; a plan takes: {made.mapping.gaps}")
    return [*found, *(f"note      {remark}" for remark in made.remarks)]


def uncovered(made: Imported, horizon: Horizon) -> str:
    """What a series covers of a horizon that it does not cover in full."""
    ends = (*made.span, horizon.start_utc, horizon.end_utc)
    first, last, start, end = (f"{at.astimezone(horizon.tz):%Y-%m-%d %H:%M}" for at in ends)
    return (
        f"the file covers {first} to {last}, the horizon is {start} to {end} ({horizon.zone}): a plan over it is "
        "refused; bring a longer file, or move the horizon"
    )


def summary(raw: Raw, made: Imported) -> dict[str, Any]:
    """What was brought in, as plain data."""
    first, last = (at.isoformat().replace("+00:00", "Z") for at in made.span)
    return {
        "file": raw.name,
        "kind": raw.kind,
        "mapping": made.mapping.model_dump(mode="json", by_alias=True),
        "first": first,
        "last": last,
        "values": len(made.values),
        "missing": made.missing,
        "unit": made.unit,
        "lowest": float(made.values.min()),
        "highest": float(made.values.max()),
        "mean": float(made.values.mean()),
        "remarks": list(made.remarks),
    }


def write_together(texts: dict[Path, str]) -> None:
    """Write several files: all of them, or none where one cannot be written."""
    partial = {path: path.with_name(f".{path.name}.partial") for path in texts}
    try:
        with writing(next(iter(texts))):
            for path, text in texts.items():
                partial[path].write_text(text, encoding="utf-8")
            for path, beside in partial.items():
                os.replace(beside, path)
    finally:
        for beside in partial.values():
            with suppress(OSError):  # what could not be made cannot be taken away
                beside.unlink(missing_ok=True)
