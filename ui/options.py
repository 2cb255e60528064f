"""What several commands have in common: their options, and how they refuse and print."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

Named = Annotated[str, typer.Argument(metavar="SCENARIO", help="a YAML file, or the name of a bundled scenario")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="override a key of the scenario, such as goal.minimize=cost"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON and nothing else")]


class Refused(Exception):
    """What was asked cannot be done; one line for each mistake."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def print_json(data: Any) -> None:
    """JSON on standard output."""
    print(json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False))
