"""Read a workbook in a separate process: ``python -m emberline.scenarios.importing.sheets SHEET < book.xlsx``.

A workbook of a few kilobytes can require hundreds of gigabytes, and the reader aborts its process when it runs out of
memory. The process has limits on memory and time. It writes JSON lines: first the names of all sheets, then one row per
line.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

LARGEST_UNPACKED_MB = 100
MAX_PARTS = 1000
MAX_MEMORY_MB = 1500
LONGEST_S = 60
MAX_CELLS = 4_000_000


def rows_of(content: bytes, sheet: str | None) -> tuple[list[str], list[list[str]]]:
    """Read the names of the sheets of a workbook, and the cells of one sheet as text, with dates in ISO format.

    Args:
        content: content of the file.
        sheet: name of the sheet; None: the first.

    Raises:
        ValueError: it is not a workbook, is too large, or has no such sheet.
    """
    _weigh(content)
    command = [sys.executable, "-m", "emberline.scenarios.importing.sheets", json.dumps(sheet)]
    try:
        process = subprocess.run(
            command, input=content, capture_output=True, timeout=LONGEST_S, check=False,
            cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ValueError(f"cannot be read within {LONGEST_S} s") from None
    lines = process.stdout.decode("utf-8", "replace").splitlines()
    if process.returncode == 2 and lines:
        raise ValueError(lines[-1])
    if process.returncode or not lines:
        raise ValueError("cannot be read: the workbook is damaged, or its sheet spans far more cells than it fills")
    return json.loads(lines[0]), [json.loads(line) for line in lines[1:]]


def _weigh(content: bytes) -> None:
    """Reject archives that are too large when unpacked, before they are unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if "xl/workbook.xml" not in archive.namelist():
                raise ValueError("is an archive, but no Excel workbook (.xlsx)")
            if len(parts) > MAX_PARTS or unpacked > LARGEST_UNPACKED_MB * 1e6:
                raise ValueError(
                    f"unpacks to {unpacked / 1e6:.0f} MB in {len(parts)} parts; at most {LARGEST_UNPACKED_MB} MB in "
                    f"{MAX_PARTS} are read"
                )
            torn = archive.testzip()  # finds parts with a wrong size
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(f"is a damaged archive: {' '.join(str(error).split())[:100]}") from None
    if torn is not None:
        raise ValueError("is a damaged archive: a part of it does not match its list of contents")


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not available on this system
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_MB << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _cell(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, float):
        return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return str(value)


def main() -> int:
    """Write the cells of the workbook on standard input; return 2 with an error message if it is unreadable."""
    _limit()
    from python_calamine import CalamineWorkbook

    sheet_name = json.loads(sys.argv[1])
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        names = book.sheet_names
        if sheet_name is not None and sheet_name not in names:
            raise ValueError(f"has no sheet {sheet_name[:40]!r}; it has {', '.join(name[:40] for name in names[:12])}")
        if not names:
            raise ValueError("has no sheet")
        sheet = book.get_sheet_by_name(sheet_name or names[0])
        if sheet.total_height * max(sheet.total_width, 1) > MAX_CELLS:
            raise ValueError(f"has more than {MAX_CELLS} cells")
        print(json.dumps(names))
        for row in sheet.iter_rows():
            print(json.dumps([_cell(value) for value in row], ensure_ascii=False))
    except Exception as error:  # the reader raises many types of exception; all mean that the workbook is unreadable
        print(" ".join(str(error).split())[:200] or "cannot be read")
        return 2
    return 0


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(encoding="utf-8")
    raise SystemExit(main())
