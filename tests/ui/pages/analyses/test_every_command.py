"""Every command of the command line has its row in the table of pages, and each page that it names can be drawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from pages import page

from emberline.runs.work.analyses import ANALYSES
from emberline.ui.cli.main import app
from emberline.ui.pages import PAGES

TABLE = Path(__file__).resolve().parents[4] / "docs" / "pages.md"
ROW = re.compile(r"^\| `([\w-]+)` \| .+ \| (?:`([\w?=]+)`|–) \|$", re.MULTILINE)
ROWS = dict(ROW.findall(TABLE.read_text(encoding="utf-8")))


def test_every_command_has_its_row() -> None:
    """Proves: the table has the commands that exist and no others. Sensitivity: a command without a place."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(ROWS) == set(commands)


def test_every_analysis_is_reached_by_a_command() -> None:
    """Proves: no analysis is on the page only. Sensitivity: one that the table forgets."""
    assert {row.partition("=")[2] for row in ROWS.values() if "=" in row} == set(ANALYSES)


@pytest.mark.parametrize("address", sorted({row for row in ROWS.values() if row}))
def test_every_page_of_the_table_is_drawn(home: Path, address: str) -> None:
    """Proves: the addresses lead somewhere, with an empty home too."""
    module, _, analysis = address.partition("?analysis=")
    assert module in PAGES
    result = page(module, analysis=analysis) if analysis else page(module)
    assert not result.exception
