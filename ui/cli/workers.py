"""What commands have in common whose work is done by many: who does it, and how it is given up."""

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
    """Who works, in words."""
    return "in this process" if workers == 1 else f"{workers} workers"


def one_place(workers: int | None, cluster: str | None) -> None:
    """Refuse workers here and on a cluster at the same time."""
    if workers is not None and cluster is not None:
        raise Refused("--workers: a cluster has workers of its own; leave out --workers or --cluster")
