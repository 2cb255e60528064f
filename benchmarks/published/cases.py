"""What families of published cases have in common: how a file is read, and the options of their commands."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any


class BadCase(ValueError):
    """A file is missing or does not say what it must; one line."""


def read_json(path: str | Path) -> Any:
    """What a JSON file holds.

    Raises:
        BadCase: it cannot be read.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadCase(f"{path}: is missing") from None
    except json.JSONDecodeError as error:
        raise BadCase(f"{path}:{error.lineno}: is not JSON: {error.msg}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadCase(f"{path}: cannot be read: {error}") from None


def parser(family: str, text: str | None) -> argparse.ArgumentParser:
    """The parser of a family's command, without options yet."""
    return argparse.ArgumentParser(prog=f"python -m benchmarks oracle {family}", description=text)


def parsed(
    argument_parser: argparse.ArgumentParser, argv: list[str], time_limit: float, of: str = "seconds"
) -> argparse.Namespace:
    """The arguments of a family's command, ``--time-limit`` and ``--json`` among them.

    Args:
        argument_parser: with the options that are the family's own.
        argv: the command line.
        time_limit: seconds.
        of: what the seconds are, for the help.
    """
    argument_parser.add_argument("--time-limit", type=float, default=time_limit, help=f"{of} (default {time_limit:g})")
    argument_parser.add_argument("--json", action="store_true", help="print JSON, and nothing else on stdout")
    case = argument_parser.parse_args(argv)
    if not 0 < case.time_limit < math.inf:
        argument_parser.error("--time-limit must be above 0")
    return case


def tell(answer: dict[str, Any], as_json: bool) -> None:
    """Print what came of a case."""
    if as_json:
        print(json.dumps(answer, indent=2))
        return
    for key, value in answer.items():
        print(f"{key:12} {value}")
