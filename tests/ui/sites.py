"""The README's example of a site, and variants of it."""

from __future__ import annotations

import re
from pathlib import Path

from scenarios import Scenario, loads

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"^```yaml my-works\.yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def example() -> str:
    """The YAML of the README as it stands."""
    (text,) = BLOCK.findall(README.read_text(encoding="utf-8"))
    return str(text)


def works(*overrides: str) -> Scenario:
    """The README's site with overrides."""
    return loads(example(), overrides=list(overrides))
