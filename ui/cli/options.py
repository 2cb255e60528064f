"""Options and arguments that several commands share, short ways to declare others, and what their texts mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from emberline.ui.cli.command import Refused, refusing


def option(about: str, metavar: str | None = None, *names: str, **how: Any) -> Any:
    """Option of a command in the annotation of its parameter: shared by commands, or required.

    Args:
        about: its help.
        metavar: stands for its value in the help.
        names: how it is written; none: as the parameter.
        how: further arguments of ``typer.Option``.
    """
    return typer.Option(*names, help=about, metavar=metavar, **how)


def optional(about: str, metavar: str | None = None, *names: str, default: Any = None, **how: Any) -> Any:
    """Option of one command, as the default of its parameter; arguments as of :func:`option`.

    Args:
        default: its value where it is left out.
    """
    return typer.Option(default, *names, help=about, metavar=metavar, **how)


def flag(about: str, *names: str, default: bool = False) -> Any:
    """Option without a value, as the default of its parameter; arguments as of :func:`optional`."""
    return typer.Option(default, *names, help=about)


def to_file(about: str, metavar: str | None = "FILE", *names: str) -> Any:
    """Option for a file to write; arguments as of :func:`option`."""
    return typer.Option(*(names or ("--output", "-o")), help=about, metavar=metavar)


def argument(about: str, metavar: str | None = None, **how: Any) -> Any:
    """Argument of a command; arguments as of :func:`option`."""
    return typer.Argument(help=about, metavar=metavar, **how)


Named = Annotated[str, argument("a YAML file, or the name of a bundled scenario", "SCENARIO")]
Changes = Annotated[
    list[str] | None,
    option(
        "override a key of the scenario, such as goal.minimize=cost; @FILE.yaml lays a file over it",
        "KEY=VALUE",
        "--set",
    ),
]
Run = Annotated[str, argument("id of the run, its first digits, or 'last'", "RUN")]
SearchGap = Annotated[str | None, option("gap of each search, such as 0.5%", "SHARE", "--gap")]
SearchTime = Annotated[float | None, option("time limit of each search", "SECONDS", "--time-limit")]
Force = Annotated[bool, option("overwrite the file if it exists", None, "--force")]
AsJson = Annotated[bool, option("print only JSON", None, "--json")]
Cluster = Annotated[str | None, option("a Dask scheduler, such as tcp://10.0.0.5:8786", "ADDRESS", "--cluster")]
Workers = Annotated[
    int | None,
    option("processes on this machine", min=1, max=256, show_default="one for each core"),
]
Quiet = Annotated[bool, option("no progress", None, "--quiet", "-q")]
FromHistory = Annotated[
    Path | None,
    option("read what this plant has measured, instead of a file", "LIVE.YAML", "--history"),
]
Start = Annotated[str | None, option("a time with its offset", "TIME", "--from")]
End = Annotated[str | None, option("a time with its offset", "TIME", "--to")]


def quantity_of(option: str, text: str, unit: str) -> float:
    """The quantity that an option gives, in a unit; empty: a share."""
    from emberline.scenarios.records.quantity import convert

    with refusing(f"{option} "):
        return convert(text, unit)


def share_of(option: str, text: str) -> float:
    """The share that an option gives, such as 80 %."""
    share = quantity_of(option, text, "")
    if not 0 < share <= 1:
        raise Refused(f"{option} {text}: must be a share above 0 up to 100 %")
    return share


def minutes_of(option: str, text: str) -> float:
    """The minutes that an option gives as a number with its unit."""
    if not text.strip().lower().endswith(("h", "min", "d", "day", "days")):
        raise Refused(f"{option} {text!r}: write a number with its unit, such as 1h or 90min")
    return round(quantity_of(option, text, "min"), 6)
