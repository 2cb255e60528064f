"""Findings kept in a JSON file, one entry for each bench, with the machine and the versions that it ran with."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.reporting import findings
from benchmarks.reporting.findings import Findings

PACKAGES = ("highspy", "pyomo", "simpy", "numpy", "xarray")


@dataclass(frozen=True)
class Result:
    """What one bench found on one machine."""

    bench: str
    says: str
    machine: str
    versions: str
    seconds: float
    findings: Findings


def machine() -> str:
    """Kind of this machine, without its name."""
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def versions() -> str:
    """Of the libraries that the figures depend on."""
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def read(path: Path) -> list[Result]:
    """The results in a file, none where there is no file.

    Raises:
        ValueError: the file is something else; one line.
    """
    if not path.exists():
        return []
    try:
        return [
            Result(
                bench=name,
                says=entry["says"],
                machine=entry["machine"],
                versions=entry["versions"],
                seconds=entry["seconds"],
                findings=findings.read(entry["found"]),
            )
            for name, entry in json.loads(path.read_text(encoding="utf-8")).items()
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(f"{path}: no results of `python -m benchmarks --json`") from None


def store(path: Path, result: Result) -> None:
    """Put a result into a file, in place of an earlier one of the same bench."""
    stored = {one.bench: one for one in read(path)} | {result.bench: result}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({name: _entry(one) for name, one in sorted(stored.items())}, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )


def _entry(result: Result) -> dict[str, Any]:
    return {
        "says": result.says,
        "machine": result.machine,
        "versions": result.versions,
        "seconds": round(result.seconds, 1),
        "found": result.findings.data(),
    }
