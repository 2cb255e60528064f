"""Every command of the command line has its row in the table of pages, and each page that it names can be drawn."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
import typer
from pages import page

from emberline.runs.work.analyses import works
from emberline.ui.cli.main import app
from emberline.ui.pages import PAGES
from emberline.ui.pages import analyses as pages
from emberline.ui.pages.analyses.shape import Analysis

TABLE = Path(__file__).resolve().parents[4] / "docs" / "pages.md"
ROW = re.compile(r"^\| `([\w-]+)` \| .+ \| (?:`([\w?=]+)`|–) \|$", re.MULTILINE)
ROWS = dict(ROW.findall(TABLE.read_text(encoding="utf-8")))


def test_every_command_has_its_row() -> None:
    """Proves: the table has the commands that exist and no others. Sensitivity: a command without a place."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(ROWS) == set(commands)


def test_every_analysis_is_reached_by_a_command() -> None:
    """Proves: no analysis is on the page only. Sensitivity: one that the table forgets."""
    assert {row.partition("=")[2] for row in ROWS.values() if "=" in row} == set(works())


def test_every_form_belongs_to_an_analysis() -> None:
    """Proves: each analysis has an ``Analysis`` of its name, in the module called as that of its work, and no other is
    there. Sensitivity: a form without work is on no page, work without a form ends the page."""
    names = [f"{pages.__name__}.{info.name}" for info in iter_modules(pages.__path__)]
    forms = [value for name in names for value in vars(import_module(name)).values() if isinstance(value, Analysis)]
    assert sorted(form.title for form in forms) == sorted(form.title for form in pages.BY_NAME.values())
    assert list(pages.BY_NAME) == list(works())


@pytest.mark.parametrize("address", sorted({row for row in ROWS.values() if row}))
def test_every_page_of_the_table_is_drawn(home: Path, address: str) -> None:
    """Proves: the addresses lead somewhere, with an empty home too."""
    module, _, analysis = address.partition("?analysis=")
    assert module in PAGES
    result = page(module, analysis=analysis) if analysis else page(module)
    assert not result.exception
