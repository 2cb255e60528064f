"""An example of a monitoring plan and its activity data, to begin with."""

from __future__ import annotations

from pathlib import Path

MONITORING, ACTIVITY = "monitoring.yaml", "activity.csv"
FOLDER = Path(__file__).with_name("example_files")


def example_files() -> dict[str, bytes]:
    """The files by name."""
    return {name: (FOLDER / name).read_bytes() for name in (MONITORING, ACTIVITY)}
