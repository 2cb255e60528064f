"""The home folder: where runs, signals and what was measured are kept."""

from __future__ import annotations

import os
import re
from pathlib import Path

from platformdirs import user_data_path

RUN_ID = re.compile(r"[0-9a-f]{32}\Z")
"""Id of whatever is kept in it: runs, drafts, jobs, fronts."""


def home() -> Path:
    """The folder that ``EMBERLINE_HOME`` names, or the user's data folder."""
    return Path(os.environ.get("EMBERLINE_HOME") or user_data_path("emberline", appauthor=False))
