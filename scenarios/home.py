"""Home folder for runs, signals and measurements."""

from __future__ import annotations

import os
import re
from pathlib import Path

from platformdirs import user_data_path

RUN_ID = re.compile(r"[0-9a-f]{32}\Z")
"""Pattern of ids in the home folder: runs, drafts, jobs, fronts."""


def home() -> Path:
    """Return the folder given by ``EMBERLINE_HOME``, or the user's data folder."""
    return Path(os.environ.get("EMBERLINE_HOME") or user_data_path("emberline", appauthor=False))
