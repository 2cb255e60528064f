"""The home folder: where runs, signals and what was measured are kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """The folder that ``EMBERLINE_HOME`` names, or the user's data folder."""
    return Path(os.environ.get("EMBERLINE_HOME") or user_data_path("emberline", appauthor=False))
