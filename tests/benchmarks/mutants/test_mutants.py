"""The modules and tests that `make mutants` names exist."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "benchmarks" / "mutants"


def test_rooms_and_equivalents_name_what_there_is() -> None:
    """Proves: every module and test file of a room exists, and every equivalent mutant is of a line that does.

    Sensitivity: a module that was renamed would silently be tried no more."""
    rooms = tomllib.loads((FOLDER / "rooms.toml").read_text(encoding="utf-8"))["rooms"]
    for parts in rooms.values():
        for part in (*parts["modules"], *parts["tests"]):
            assert (ROOT / part).exists(), part
    for reason, listed in tomllib.loads((FOLDER / "equivalent.toml").read_text(encoding="utf-8")).items():
        for key in listed["mutants"]:
            module, _, rest = key.partition(":")
            assert rest.partition(" | ")[2] in (ROOT / module).read_text(encoding="utf-8"), (reason, key)
