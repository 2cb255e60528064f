"""Hostile uploads: each gives one clear line and leaves nothing behind, and the page works on."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
from scenario_page import copied, of, opened, texts, view
from streamlit.testing.v1 import AppTest

from emberline.runs.store import drafts
from emberline.runs.store.drafts import Draft
from emberline.scenarios.loading.loading import LIBRARY

TEXT = (LIBRARY / "melt-shop-small.yaml").read_text(encoding="utf-8")
EVIL = '![x](http://x.invalid/y) <img src=x onerror="alert(1)"> [a](javascript:b) :red[c]'
HOURS = [f"2026-06-15T{h:02d}:00Z" for h in range(24)]


def workbook(*cells: tuple[int, int]) -> bytes:
    result = io.BytesIO()
    book = xlsxwriter.Workbook(result)
    sheet = book.add_worksheet()
    for row, column in cells:
        sheet.write(row, column, 1.0)
    book.close()
    return result.getvalue()


def bomb() -> bytes:
    """A workbook of some hundred kilobytes that unpacks to 150 MB."""
    result = io.BytesIO(workbook((0, 0)))
    with zipfile.ZipFile(result, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b"0" * 150_000_000)
    return result.getvalue()


def liar() -> bytes:
    """A workbook whose list tells a part to be a thousandth of what it is."""
    result = io.BytesIO(workbook((0, 0)))
    with zipfile.ZipFile(result, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b"0" * 1_000_000)
    content = result.getvalue()
    return content.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 1_000))


def parquet_of_lists() -> bytes:
    result = io.BytesIO()
    pd.DataFrame({"time": HOURS, "load_mw": [[1.0] * 3] * 24}).to_parquet(result)
    return result.getvalue()


def csv(*rows: str, name: str = "price [EUR/MWh]") -> bytes:
    return ("time," + name + "\n" + "\n".join(rows) + "\n").encode()


SERIES = {
    "a zip bomb": (bomb, "unpacks to"),
    "an archive that lies": (liar, "is a damaged archive"),
    "a sheet that spans all cells": (
        lambda: workbook((0, 0), (1_048_575, 16_383)),
        "spans far more cells than it fills",
    ),
    "an archive of another kind": (lambda: _zip({"word/document.xml": b"x"}), "is an archive, but no Excel workbook"),
    "a torn archive": (lambda: workbook((0, 0))[:900], "is a damaged archive"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is neither CSV, Excel (.xlsx) nor Parquet"),
    "nothing": (lambda: b"", "is empty"),
    "200 MB": (lambda: b"0" * 200_000_000, "has 200 MB, the limit is 20 MB"),
    "a torn Parquet file": (lambda: b"PAR1 and then nothing", "cannot be read as Parquet"),
    "lists in Parquet": (parquet_of_lists, "holds neither numbers, times nor text"),
    "a page": (lambda: f"<html>\n<body>\n<p>{EVIL}</p>\n</body>\n</html>\n".encode(), "has no column of times"),
    "not a number": (
        lambda: csv(*(f"{at},{'NaN' if i == 3 else i}" for i, at in enumerate(HOURS))),
        "a value is missing",
    ),
    "infinite": (lambda: csv(*(f"{at},{'inf' if i == 3 else i}" for i, at in enumerate(HOURS))), "'inf' is infinite"),
    "mixed zones": (
        lambda: csv(*(f"{at[:-1] if i == 3 else at},{i}" for i, at in enumerate(HOURS))),
        "times with and without offset are mixed",
    ),
    "a formula": (
        lambda: csv(*(f"{at},{'=cmd|x!A1' if i == 3 else i}" for i, at in enumerate(HOURS))),
        "'=cmd|x!A1' is not a number",
    ),
    "far too large": (lambda: csv(*(f"{at},1e200" for at in HOURS)), "is beyond"),
    "a year of its own": (
        lambda: csv(*(at.replace("2026", "9999") + ",1" for at in HOURS)),
        "lies outside 1971 to 2200",
    ),
}
ALIASES = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)  # fmt: skip
YAML = {
    "an alias bomb": (ALIASES.encode(), "aliases (*name) are not allowed"),
    "keys twice": (TEXT.replace("goal:", "name: again\ngoal:").encode(), "key given twice; the first is on line 1"),
    "a tag": (TEXT.replace("carbon\n", "!!python/object/apply:os.system [x]\n", 1).encode(), "not allowed"),
    "deep nesting": (b"a: " + b"[" * 5000 + b"]" * 5000, "nested"),
    "not text": (b"\xff\xfe\x00\x01", "is not UTF-8 text"),
    "too large": (b"#" * 600_000, "has 600 kB, the limit for a scenario is 200"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "is not UTF-8 text"),
    "no mapping": (b"- a\n- b\n", "is not a mapping"),
    "a control character": (b"name: a\x00b\n", "is not YAML"),
}


def _zip(parts: dict[str, bytes]) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return result.getvalue()


def files(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def refused(app: AppTest) -> list[str]:
    assert not app.exception
    return [item.value for item in app.text if item.value.startswith("✕")]


@pytest.fixture
def page(home: Path) -> tuple[AppTest, Draft]:
    app, draft = copied()
    view(app, draft, "series")
    return app, draft


def test_hostile_series(page: tuple[AppTest, Draft], home: Path) -> None:
    """Proves: for each kind one clear line, nothing kept, and the page goes on."""
    app, draft = page
    before = files(home)
    for kind, (make, text) in SERIES.items():
        app.file_uploader(key=f"series.{draft.id}.0").upload("../../../tmp/" + EVIL + ".csv", make()).run()
        assert not app.exception, kind
        (line,) = refused(app)
        assert text in line, kind
        assert len(line) < 400, kind
        assert "\n" not in line, kind
        assert "/tmp" not in line, kind
        assert files(home) == before, kind
    view(app, draft, "form")


def test_hostile_scenarios(home: Path) -> None:
    """Proves: for each kind one clear line, no draft made, and the page goes on."""
    app = opened()
    for kind, (content, text) in YAML.items():
        app.file_uploader(key="yaml.0").upload("../../evil.yaml", content, "application/yaml").run()
        assert not app.exception, kind
        (line,) = refused(app)
        assert text in line, kind
        assert line.startswith("✕ evil.yaml"), kind
        assert files(home) == [], kind
        assert not [button for button in app.button if button.key == "yaml.take"], kind
    app.button(key="copy").click().run()
    assert not app.exception


def test_evil_names_are_letters(home: Path) -> None:
    """Proves: HTML and markdown in every field of a scenario are shown letter by letter, or refused by a line; they
    never reach what draws markdown."""
    text = TEXT
    for old in ("Small melt shop, one day, 9 heats", "EAF", "C1", "rebar", "electrodes", "melt-shop-small", "casting"):
        text = text.replace(old, f"'{EVIL}'")
    app = opened()
    app.file_uploader(key="yaml.0").upload(f"{EVIL}.yaml", text.encode(), "application/yaml").run()
    app.button(key="yaml.take").click().run()
    assert not app.exception
    draft = of(app)
    assert "![x]" in texts(app)
    for name in ("form", "tables", "series", "text", "changes"):
        view(app, draft, name)
        for kind in ("markdown", "caption", "subheader", "html", "warning"):
            assert not any("x.invalid" in str(getattr(item, "value", "")) for item in app.get(kind)), (name, kind)
        for widget in (*app.selectbox, *app.text_input, *app.button, *app.button_group):
            assert "x.invalid" not in str(widget.label)
            assert "x.invalid" not in str(getattr(widget, "help", ""))
    assert len(draft.origin) <= 60
    assert "/" not in draft.origin


def _unit(app: AppTest) -> str:
    return next(str(item.key) for item in app.text_input if item.label == "Unit of the values")


def test_names_of_columns_are_letters(page: tuple[AppTest, Draft]) -> None:
    """Proves: a column called like a picture is offered and shown as text, and is not kept in the result."""
    app, draft = page
    content = csv(*(f"{at},{i}" for i, at in enumerate(HOURS)), name=f"price {EVIL}".replace('"', ""))
    app.file_uploader(key=f"series.{draft.id}.0").upload("a.csv", content).run()
    app.text_input(key=_unit(app)).set_value("EUR/MWh").run()
    assert refused(app) == []
    for kind in ("markdown", "caption", "html"):
        assert not any("x.invalid" in str(getattr(item, "value", "")) for item in app.get(kind))
    app.button(key=f"series.{draft.id}.take").click().run()
    assert not app.exception
    part = next(path for path in (of(app).folder / "files").iterdir() if path.suffix == ".csv")
    assert part.read_text().startswith("time_utc,price_per_mwh\n2026-06-15T00:00:00Z,0.0\n")


def test_a_full_draft_keeps_nothing_more(page: tuple[AppTest, Draft], monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where a draft may hold no more, the line says so and no file is left."""
    app, draft = page
    monkeypatch.setattr(drafts, "LARGEST_FILES_MB", 0)
    app.file_uploader(key=f"series.{draft.id}.0").upload("a.csv", csv(*(f"{at},1" for at in HOURS))).run()
    app.button(key=f"series.{draft.id}.take").click().run()
    (line,) = refused(app)
    assert "already contains 0 MB of series" in line
    assert list((draft.folder / "files").iterdir()) == []
