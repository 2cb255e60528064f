"""Options and helpers of commands that use several workers: where they run, and how to give up."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from emberline.ui.cli.options import Refused

Cluster = Annotated[
    str | None, typer.Option("--cluster", metavar="ADDRESS", help="a Dask scheduler, such as tcp://10.0.0.5:8786")
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, max=256, show_default="one for each core", help="processes on this machine"),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="no progress")]


def give_up() -> NoReturn:
    """End at once; workers follow their parent."""
    print("given up", file=sys.stderr, flush=True)
    os._exit(130)


def at_work(workers: int) -> str:
    """Where the work is done, in words."""
    return "in this process" if workers == 1 else f"{workers} workers"


def one_place(workers: int | None, cluster: str | None) -> None:
    """Refuse local workers together with a cluster."""
    if workers is not None and cluster is not None:
        raise Refused("--workers: a cluster has its own workers; drop --workers or --cluster")
