"""Cells of an xlsx workbook written in place: everything else in the file stays byte for byte.

Libraries that read and write whole workbooks lose what they do not know (conditional formats, printer settings,
protection). Here the text of one cell is replaced in the XML of its sheet. A cell with a formula is never written.
Values that Excel stored for formulas are dropped, so that no program shows figures from before; formulas are kept as
they are, and both Excel and LibreOffice calculate them when the file is opened.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

LARGEST_BYTES = 100_000_000
"""Of a part of the workbook, unpacked."""
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
WORKBOOK, RELATIONS, STRINGS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
_CELL = r'<c\b(?=[^>]*\br="{name}")[^>]*?(?:/>|>.*?</c>)'
_ANY_CELL = re.compile(r"<c\b(?P<attributes>[^>]*?)(?:/>|>(?P<content>.*?)</c>)", re.DOTALL)
_STORED = re.compile(r"(<f\b[^>]*?(?:/>|>[^<]*</f>))\s*<v(?:/>|>[^<]*</v>)")
_CALCULATION = re.compile(r"<calcPr\b[^>]*?/>")
Value = str | float | int | bool


class TemplateError(ValueError):
    """The file is not the template that is expected, or cannot hold what is to be written."""


class Workbook:
    """A workbook that is read, changed cell by cell and written to another file."""

    def __init__(self, path: Path) -> None:
        """Read the parts.

        Raises:
            TemplateError: the file is no workbook.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                too_large = next((i.filename for i in archive.infolist() if i.file_size > LARGEST_BYTES), None)
                if too_large:
                    raise TemplateError(f"{path.name}: {too_large} is too large")
                self._infos = archive.infolist()
                self._parts = {info.filename: archive.read(info) for info in self._infos}
            self._sheets = self._places()
        except (OSError, zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
            raise TemplateError(f"{path.name} is no Excel workbook (xlsx): {error}") from None
        self.name = path.name
        self._texts: dict[str, str] = {}

    def _places(self) -> dict[str, str]:
        relations = {
            item.get("Id"): str(item.get("Target")).lstrip("/")
            for item in ElementTree.fromstring(self._parts[RELATIONS])
        }
        sheets = ElementTree.fromstring(self._parts[WORKBOOK]).iter(f"{MAIN}sheet")
        targets = {str(sheet.get("name")): str(relations[sheet.get(RELATION)]) for sheet in sheets}
        return {name: target if target.startswith("xl/") else f"xl/{target}" for name, target in targets.items()}

    def text(self, sheet: str) -> str:
        """Source of a sheet, as it is now.

        Raises:
            TemplateError: there is no such sheet.
        """
        if sheet not in self._sheets:
            raise TemplateError(f"{self.name} has no sheet {sheet}; give the Commission's communication template")
        if sheet not in self._texts:
            self._texts[sheet] = self._parts[self._sheets[sheet]].decode("utf-8")
        return self._texts[sheet]

    def values(self, sheet: str) -> dict[str, str]:
        """Texts of the cells of a sheet, by cell name; stored values of formulas included."""
        strings = self._strings()
        values = {}
        for match in _ANY_CELL.finditer(self.text(sheet)):
            name = re.search(r'\br="([A-Z]+\d+)"', match["attributes"])
            value = re.search(r"<v>(.*?)</v>|<is>.*?<t[^>]*>(.*?)</t>", match["content"] or "", re.DOTALL)
            if name and value:
                text = html.unescape(value[1] if value[1] is not None else value[2])
                shared = 't="s"' in match["attributes"]
                values[name[1]] = strings[int(text)] if shared else text
        return values

    def _strings(self) -> list[str]:
        if STRINGS not in self._parts:
            return []
        root = ElementTree.fromstring(self._parts[STRINGS])
        return ["".join(part.text or "" for part in item.iter(f"{MAIN}t")) for item in root.iter(f"{MAIN}si")]

    def write(self, sheet: str, cells: Mapping[str, Value | None]) -> None:
        """Write values into cells; None leaves a cell as it is.

        Raises:
            TemplateError: a cell does not exist, or holds a formula.
        """
        text = self.text(sheet)
        for name, value in cells.items():
            if value is None:
                continue
            match = re.search(_CELL.format(name=name), text, re.DOTALL)
            if match is None:
                raise TemplateError(f"{self.name}: sheet {sheet} has no cell {name}")
            if "<f" in match[0]:
                raise TemplateError(f"{self.name}: cell {sheet}!{name} holds a formula, which is never written")
            style = re.search(r'\bs="\d+"', match[0][: match[0].index(">")])
            text = text[: match.start()] + _cell(name, style[0] if style else "", value) + text[match.end() :]
        self._texts[sheet] = text

    def content(self) -> bytes:
        """The workbook as a file, formulas to be calculated when it is opened."""
        parts = dict(self._parts)
        for sheet, place in self._sheets.items():
            parts[place] = _STORED.sub(r"\1", self.text(sheet)).encode("utf-8")
        book = parts[WORKBOOK].decode("utf-8")
        parts[WORKBOOK] = _CALCULATION.sub(_calculated, book, count=1).encode("utf-8")
        file = BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for info in self._infos:
                archive.writestr(info, parts[info.filename], compress_type=zipfile.ZIP_DEFLATED)
        return file.getvalue()


def _calculated(match: re.Match[str]) -> str:
    """The calculation settings, with a full calculation on load."""
    remaining = re.sub(r'\s*fullCalcOnLoad="[^"]*"', "", match[0])
    return remaining[:-2].rstrip() + ' fullCalcOnLoad="1"/>'


def _cell(name: str, style: str, value: Any) -> str:
    attributes = f'r="{name}"' + (f" {style}" if style else "")
    if isinstance(value, bool):
        return f'<c {attributes} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c {attributes}><v>{value!r}</v></c>"
    clean = "".join(letter for letter in value if letter.isprintable() or letter == "\n")
    return f'<c {attributes} t="inlineStr"><is><t xml:space="preserve">{html.escape(clean, quote=False)}</t></is></c>'
