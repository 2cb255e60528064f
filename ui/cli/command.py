"""Parts shared by commands: refusing input, using workers, reading histories, writing files, printing results."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from emberline.ui.cli import faults

if TYPE_CHECKING:
    from emberline.live.history import Measured
    from emberline.runs.store import Store, StoredRun
    from emberline.scenarios import Case
    from emberline.scenarios.loading.heat_log import HeatLog


class Refused(Exception):
    """The request is invalid; one line per mistake."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@contextmanager
def refusing(before: str = "") -> Iterator[None]:
    """Turn what a library says of a wrong value into a refusal; the mistakes of a scenario stay as they are.

    Args:
        before: what the line begins with, such as the option.
    """
    try:
        yield
    except ValueError as error:
        if getattr(error, "problems", None) is not None:
            raise
        raise Refused(f"{before}{error}") from error


def group(about: str, **how: Any) -> typer.Typer:
    """Commands under one name."""
    settings = {"help_option_names": ["-h", "--help"]}
    return typer.Typer(help=about, rich_markup_mode=None, context_settings=settings, **how)


def case_of(scenario: str, changes: Sequence[str] | None) -> Case:
    """A scenario by its name or file, with overrides."""
    from emberline.scenarios import load

    return load(scenario, list(changes or []))


def of_searches(gap: str | None, time_limit: float | None) -> list[str]:
    """The overrides that limit each search of a scenario."""
    fixed = [] if gap is None else [f"goal.gap={gap}"]
    return fixed if time_limit is None else [*fixed, f"goal.time_limit_s={time_limit}"]


def as_asked(scenario: str, changes: Sequence[str]) -> str:
    """Scenario and overrides in shell syntax."""
    return shlex.join([scenario, *(part for change in changes for part in ("--set", change))])


def writable(output: Path | None, force: bool, kinds: Sequence[str] = ()) -> None:
    """Refuse an output file that cannot be written: wrong format, missing or read-only folder, or the file exists.

    None, where no file is to be written, passes."""
    from emberline.scenarios.reading.files import named, reason

    if output is None:
        return
    if kinds and output.suffix.removeprefix(".") not in kinds:
        raise Refused(f"--output {named(output)}: formats are {', '.join(f'.{kind}' for kind in kinds)}")
    try:
        is_folder, there = output.is_dir(), output.exists()
        if is_folder or not output.parent.is_dir():
            raise Refused(f"--output {named(output)}: {'is a folder' if is_folder else 'there is no such folder'}")
    except (OSError, ValueError) as error:
        raise Refused(f"--output {named(output)}: {reason(error)}") from None
    if there and not force:
        raise Refused(f"{named(output)} exists; overwrite it with --force, or choose another file with --output")
    if not os.access(output if there else output.parent, os.W_OK):
        raise Refused(f"--output {named(output)}: {'it' if there else 'its folder'} cannot be written to")


@contextmanager
def writing(output: Path) -> Iterator[Path]:
    """Write a file completely or not at all: yields a path next to it, which is renamed once it is complete.

    Writers that are atomic themselves may ignore the path; errors of the system still become one line.

    Raises:
        OSError: the disk is full, which is not the user's mistake.
        Refused: the file cannot be written.
    """
    from emberline.scenarios.reading.files import named, reason

    # something that is not a file, such as /dev/stdout, is written directly
    direct = output.exists() and not output.is_file()
    # always the same name, so that a file left by a killed process is overwritten
    partial = output if direct else output.with_name(f".{output.stem}.partial{output.suffix}")
    try:
        yield partial
        if partial != output and partial.is_file():
            partial.replace(output)
    except OSError as error:
        if faults.in_words(error):
            raise OSError(error.errno, error.strerror, named(output)) from error
        raise Refused(f"--output {named(output)}: {reason(error)}") from error
    finally:
        if partial != output:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def write_text(output: Path, text: str) -> None:
    """Write a file of text completely or not at all."""
    with writing(output) as partial:
        partial.write_text(text, encoding="utf-8")


def print_json(data: Any) -> None:
    """JSON on standard output, with ids and parameters of its messages."""
    from emberline.scenarios.messages import with_messages

    document = with_messages(data) if isinstance(data, dict) else data
    print(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False))


def print_result(result: Any, as_json: bool, show: Callable[[Any], None], **head: Any) -> None:
    """Print the result of a study: its summary as JSON, with what stands before it, or as ``show`` prints it."""
    if as_json:
        print_json({**head, **result.summary()})
    else:
        show(result)


def store_if_any() -> Store | None:
    """The store; None if nothing was ever stored, so that a query creates no folders."""
    from emberline.runs.store import Store

    return Store() if Store.exists() else None


def find(prefix: str, *, deleted: bool = False) -> tuple[Store, str]:
    """The store, and the full id of a run given by its first digits or ``last``."""
    store = store_if_any()
    if store is None:
        raise Refused("there are no stored runs yet; create one with 'emberline plan'")
    return store, store.find(prefix, deleted=deleted)


def opened(run: str) -> StoredRun:
    """A stored run by its first digits or ``last``."""
    store, number = find(run)
    return store.open(number)


def give_up() -> NoReturn:
    """End at once; workers follow their parent."""
    print("given up", file=sys.stderr, flush=True)
    os._exit(130)


def at_work(workers: int) -> str:
    """Place of the work, in words: this process or a number of workers."""
    return "in this process" if workers == 1 else f"{workers} workers"


def one_place(workers: int | None, cluster: str | None) -> None:
    """Refuse local workers together with a cluster."""
    if workers is not None and cluster is not None:
        raise Refused("--workers: a cluster has its own workers; drop --workers or --cluster")


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
    """Measurements of a plant between two times."""
    assert file is not None
    from emberline.live.history import Measured
    from emberline.live.tags import load

    return Measured.of(load(file), *span(start, end))


def heats_of(measured: Measured, scenario: Case) -> HeatLog:
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
