"""What several commands have in common: their options, and how they refuse and print."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.scenarios.messages import with_messages
from emberline.ui.cli import faults

if TYPE_CHECKING:
    from emberline.plans.store import Store

Named = Annotated[str, typer.Argument(metavar="SCENARIO", help="a YAML file, or the name of a bundled scenario")]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="override a key of the scenario, such as goal.minimize=cost; @FILE.yaml lays a file over it",
    ),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="id of a run, its first digits, or 'last'")]
SearchGap = Annotated[str | None, typer.Option("--gap", metavar="SHARE", help="of each search, such as 0.5%")]
SearchTime = Annotated[float | None, typer.Option("--time-limit", metavar="SECONDS", help="of each search")]
Force = Annotated[bool, typer.Option("--force", help="overwrite the file if it is there")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON and nothing else")]


class Refused(Exception):
    """What was asked cannot be done; one line for each mistake."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def of_searches(gap: str | None, time_limit: float | None) -> list[str]:
    """The changes to a scenario by which each of its searches is limited."""
    fixed = [] if gap is None else [f"goal.gap={gap}"]
    return fixed if time_limit is None else [*fixed, f"goal.time_limit_s={time_limit}"]


def as_asked(scenario: str, changes: Sequence[str]) -> str:
    """Scenario and overrides, as a shell takes them."""
    return shlex.join([scenario, *(part for change in changes for part in ("--set", change))])


def writable(output: Path, force: bool, kinds: Sequence[str] = ()) -> None:
    """Refuse a file that cannot be written: of another kind, in no folder or one that is closed, or there already."""
    from emberline.scenarios.reading.files import named, reason

    if kinds and output.suffix.removeprefix(".") not in kinds:
        raise Refused(f"--output {named(output)}: formats are {', '.join(f'.{kind}' for kind in kinds)}")
    try:
        is_folder, there = output.is_dir(), output.exists()
        if is_folder or not output.parent.is_dir():
            raise Refused(f"--output {named(output)}: {'is a folder' if is_folder else 'there is no such folder'}")
    except (OSError, ValueError) as error:
        raise Refused(f"--output {named(output)}: {reason(error)}") from None
    if there and not force:
        raise Refused(f"{named(output)} is there already; overwrite it with --force, or name another with --output")
    if not os.access(output if there else output.parent, os.W_OK):
        raise Refused(f"--output {named(output)}: {'it' if there else 'its folder'} cannot be written to")


@contextmanager
def writing(output: Path) -> Iterator[Path]:
    """Write a file whole or not at all: yields a path next to it, whose file is renamed when all of it is written.

    What writes its file whole by itself leaves the path alone; the system's refusals are one line for it too.

    Raises:
        OSError: the disk is full, which is no mistake of who asked.
        Refused: the file cannot be written.
    """
    from emberline.scenarios.reading.files import named, reason

    # what is there and no file, such as /dev/stdout, is written to as it is
    partial = output if output.exists() and not output.is_file() else _partial(output)
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


def _partial(output: Path) -> Path:
    """The same each time, so that one which a killed process has left is written over."""
    return output.with_name(f".{output.stem}.partial{output.suffix}")


def print_json(data: Any) -> None:
    """JSON on standard output; ids and parameters of its sentences stand under ``messages``."""
    print(
        json.dumps(
            with_messages(data) if isinstance(data, dict) else data, indent=1, allow_nan=False, ensure_ascii=False
        )
    )


def store_if_any() -> Store | None:
    """The store; None where nothing was ever stored, so that asking leaves no trace."""
    from emberline.plans.store import Store

    return Store() if Store.begun() else None


def find(prefix: str, *, deleted: bool = False) -> tuple[Store, str]:
    """The store, and the whole number of a run that is named by its beginning or ``last``."""
    store = store_if_any()
    if store is None:
        raise Refused("there is no stored run yet; make one with 'emberline plan'")
    return store, store.find(prefix, deleted=deleted)
