"""Command ``emberline signals``: public prices and carbon intensities, fetched and kept as issued."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.command import Refused, group, print_json, refusing, writable, writing
from emberline.ui.cli.options import AsJson, Force, argument, optional, to_file

if TYPE_CHECKING:
    from emberline.scenarios import Scenario
    from emberline.scenarios.signals.catalogue import Signal

Named = Annotated[
    list[str],
    argument("source, quantity and zone, such as smard/price/DE-LU", "SIGNAL"),
]

app = group("List and fetch public signals: prices, loads and carbon intensities, kept as they were issued.")


@app.callback(invoke_without_command=True)
def signals(context: typer.Context, as_json: AsJson = False) -> None:
    """List the signals that were fetched, with their age."""
    if context.invoked_subcommand is not None:
        return
    from emberline.scenarios.signals.issues import stored

    rows = [_row(signal) for signal in stored()]
    if as_json:
        print_json(rows)
        return
    if not rows:
        print("no signal has been fetched yet; emberline signals sources lists what there is")
        return
    _table(rows, ("signal", "unit", "from", "to", "issued", "age", "estimated", "licence"))


@app.command()
def sources(as_json: AsJson = False) -> None:
    """List the sources, what they publish, and the account that they need."""
    from emberline.scenarios.signals.catalogue import SOURCES

    rows = [
        {
            "signal": f"{name}/{quantity}/{source.zone}",
            "unit": measure.unit,
            "publisher": source.title,
            "needs": ", ".join(source.secrets),
            "licence": source.licence,
        }
        for name, source in SOURCES.items()
        for quantity, measure in source.quantities.items()
    ]
    if as_json:
        print_json(rows)
        return
    _table(rows, tuple(rows[0]))


@app.command()
def fetch(
    names: Named,
    start: str | None = optional("a date in UTC, or a time with offset; default today", "TIME", "--from"),
    end: str | None = optional("a date in UTC (included), or a time with offset; default tomorrow", "TIME", "--to"),
    as_json: AsJson = False,
) -> None:
    """Fetch signals from their publishers and keep what is new.

    Where one cannot be fetched, its last issue stays in use and its age is reported; the exit code is then 1.
    """
    from emberline.live.signals import SourceError, Span
    from emberline.live.signals import fetch as fetch_signal
    from emberline.scenarios.signals.catalogue import signal

    with refusing():
        requested = [signal(name) for name in names]
    span = Span(*_span(start, end))
    results: list[dict[str, Any]] = []
    failed = False
    for one in requested:
        try:
            result = fetch_signal(one, span)
        except SourceError as error:
            failed = True
            last = _last_issue(one)
            results.append({"signal": str(one), "error": str(error), "last_issue": last})
            print(f"{one}: {error}; {last}", file=sys.stderr)
            continue
        results.append(
            {"signal": str(one), "values": result.values, "new": result.news, "remarks": list(result.remarks)}
        )
        if not as_json:
            print(f"{one}: {result.values} values, {result.news} of them new")
            for remark in result.remarks:
                print(f"  note: {remark}")
    if as_json:
        print_json(results)
    raise typer.Exit(1 if failed else 0)


@app.command()
def forecast(
    name: Annotated[str, argument("source, quantity and zone, such as smard/price/DE-LU", "SIGNAL")],
    days: int = optional("from the last published value on; 1 to 14", "N", default=7),
    on: list[str] | None = optional("a signal for the regression; default: forecasts of load and wind", "SIGNAL"),
    as_json: AsJson = False,
) -> None:
    """Forecast a signal where none is published, with the error on days that were held out.

    Scenarios that name the signal use the forecast after its last published value, marked as estimated.
    """
    from emberline.live.signals import forecast as forecast_signal
    from emberline.scenarios.signals.catalogue import signal

    with refusing():
        one = signal(name)
        result, errors = forecast_signal(one, days, None if on is None else [signal(other) for other in on])
    if as_json:
        rows = [[_stamp(at), value] for at, value in zip(result.starts.tolist(), result.values.tolist(), strict=True)]
        facts = {"signal": name, "unit": one.measure.unit, "method": result.method, "mean_absolute_errors": errors}
        print_json({**facts, "error_days": result.error_days, "seconds": result.seconds, "values": rows})
        return
    print(f"{name}: {len(result.values)} values from {_stamp(int(result.starts[0]))} on, estimated")
    unit, span = one.measure.unit, f"on the last {result.error_days:g} days"
    for method, miss in errors.items():
        mark = ", used" if method == result.method else ""
        print(f"  {method}: mean absolute error {miss:.3g} {unit} {span}{mark}")


@app.command()
def export(
    name: Annotated[str, argument("source, quantity and zone, such as smard/price/DE-LU", "SIGNAL")],
    output: Annotated[Path, to_file("a .csv or .parquet file")],
    force: Force = False,
) -> None:
    """Write all values of a signal as they were issued: time of issue, interval, value, whether estimated, licence."""
    from emberline.scenarios.signals.catalogue import signal
    from emberline.scenarios.signals.issues import table

    with refusing():
        frame = table(signal(name))
    writable(output, force, ("csv", "parquet"))
    with writing(output) as path:
        if output.suffix == ".csv":
            frame.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n")
        else:
            frame.to_parquet(path, index=False)
    print(f"{output}: {len(frame)} values of {name}")


def ages(scenario: Scenario) -> list[str]:
    """Age of each signal of a scenario, one line each."""
    from emberline.scenarios.signals.catalogue import signal

    sources = {name for _, _, series, _ in scenario.series() if (name := series.signal) is not None}
    return [f"signal {name}: {_last_issue(signal(name))}" for name in sorted(sources)]


def _row(one: Signal) -> dict[str, Any]:
    from emberline.reports.text.numbers import age
    from emberline.scenarios.signals.issues import newest_values

    try:
        newest = newest_values(one)
    except ValueError as error:
        return {"signal": str(one), "unit": one.measure.unit, "licence": str(error)}
    return {
        "signal": str(one),
        "unit": one.measure.unit,
        "from": _stamp(int(newest.starts[0])),
        "to": _stamp(int(newest.starts[-1]) + newest.seconds),
        "issued": _stamp(int(newest.issued.timestamp())),
        "age": age(datetime.now(UTC) - newest.issued),
        "estimated": int(newest.estimated.sum()),
        "licence": newest.licence,
    }


def _last_issue(one: Signal) -> str:
    from emberline.reports.text.numbers import age
    from emberline.scenarios.signals.issues import newest_values

    try:
        newest = newest_values(one)
    except ValueError:
        return "nothing of it is kept"
    issued = _stamp(int(newest.issued.timestamp()))
    return f"the last issue stays in use: {issued}, {age(datetime.now(UTC) - newest.issued)} old"


def _span(start: str | None, end: str | None) -> tuple[datetime, datetime]:
    today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
    first = today if start is None else _moment("--from", start, 0)
    last = (first if first > today else today) + timedelta(days=2) if end is None else _moment("--to", end, 1)
    if first >= last:
        raise Refused("--to: must be after --from")
    return first, last


def _moment(option: str, text: str, days: int) -> datetime:
    from datetime import date

    from emberline.scenarios.records.instants import read_instant

    with refusing(f"{option}: "):
        if len(text.strip()) == 10:
            return datetime.combine(date.fromisoformat(text.strip()), time(), UTC) + timedelta(days=days)
        return read_instant(text)


def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    cells = [columns, *(tuple(str(row.get(column, "")) for column in columns) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
