"""The command ``emberline import``: a series, how it was read, and an overlay for any scenario, or one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emberline.ui.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
PRICES = "Start,Spot [EUR/kWh]\n" + "".join(
    f"{16 + h // 24}.06.2026 {h % 24:02d}:00,{0.05 + h / 1000:.3f}\n" for h in range(48)
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ui", *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "EMBERLINE_HOME": str(folder / "home")},
    )  # fmt: skip


def test_import_check_repeat(tmp_path: Path) -> None:
    """Proves: guesses are reported, the overlay plans any scenario from any folder, and the mapping repeats the
    import."""
    (tmp_path / "spot.csv").write_text(PRICES)
    process = run(tmp_path, "import", "spot.csv", "--as", "price", "--zone", "Europe/Berlin", "-o", "price.csv")
    assert process.returncode == 0, process.stderr
    assert "guessed   dates with the day first" in process.stdout
    assert "values    50 to 97 EUR/MWh" in process.stdout
    names = {"spot.csv", "price.csv", "price.mapping.yaml", "price.overlay.yaml"}
    assert {path.name for path in tmp_path.iterdir()} == names
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    checked = run(elsewhere, "check", "melt-shop-small", "--set", f"@{tmp_path / 'price.overlay.yaml'}")
    assert "series price_per_mwh: 50 to 73 EUR/MWh, from price.csv" in checked.stdout
    again = run(
        tmp_path, "import", "spot.csv", "--mapping", "price.mapping.yaml", "-o", "again.csv", "--json"
    )  # fmt: skip
    answer = json.loads(again.stdout)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "price.csv").read_bytes()
    assert (answer["values"], answer["first"], answer["mapping"]["zone"]) == (
        48,
        "2026-06-15T22:00:00Z",
        "Europe/Berlin",
    )


def test_two_columns_are_repeated_by_the_mapping(tmp_path: Path) -> None:
    """Proves: a date and its clock, said or guessed, are read again by the mapping; what a scenario's horizon is not
    covered by is reported at once, and words for no value are counted."""
    rows = [(20 + q // 96, q % 96, q) for q in range(288)]
    cells = [
        f"{day}.10.2025;{q // 4:02d}:{q % 4 * 15:02d};{(q + 1) % 96 // 4:02d}:{(q + 1) % 4 * 15:02d};"
        f"{'No Data' if value == 7 else value}"
        for day, q, value in rows
    ]
    (tmp_path / "load.csv").write_text("Datum;Von;Bis;Verbrauch in kWh\n" + "\n".join(cells) + "\n")
    into = ["--zone", "Europe/Berlin", "--gaps", "hold", "--into", "melt-shop-small"]
    process = run(tmp_path, "import", "load.csv", "--as", "load", *into, "-o", "a.csv")
    assert process.returncode == 0, process.stderr
    assert "guessed   times joined from 'Datum' and 'Von'" in process.stdout
    assert "guessed   taken as missing: 'No Data' (1)" in process.stdout
    assert (
        "the file covers 2025-10-20 00:00 to 2025-10-23 00:00, but the horizon is 2026-06-16 00:00 to" in process.stdout
    )
    text = (tmp_path / "a.mapping.yaml").read_text()
    assert "time: Datum\nclock: Von\n" in text
    assert "missing: [No Data]" in text
    again = run(tmp_path, "import", "load.csv", "--mapping", "a.mapping.yaml", "-o", "b.csv", "--json")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    ends = run(tmp_path, "import", "load.csv", "--as", "load", *into[:4], "--time", "Datum", "--clock", "Bis",
               "-o", "c.csv", "--json")  # fmt: skip
    answer = json.loads(ends.stdout)
    assert (answer["mapping"]["stamps"], answer["mapping"]["clock"]) == ("end", "Bis")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "c.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["spot.csv", "--as", "price", "-o", "p.csv"], "say the zone of the times"),
        (["spot.csv", "--as", "prise", "--zone", "UTC", "-o", "p.csv"], "as: unknown 'prise'; a series can be price"),
        (["spot.csv", "-o", "p.csv"], "--as is required"),
        (["none.csv", "--as", "price", "-o", "p.csv"], "none.csv: no such file"),
        (["spot.csv", "--as", "price", "--zone", "UTC", "-o", "p.parquet"], "formats are .csv"),
        (["spot.csv", "--as", "price", "--zone", "UTC", "-o", "no/p.csv"], "there is no such folder"),
        (["spot.csv", "--as", "price", "--zone", "UTC", "-o", "spot.csv"], "exists; overwrite it with --force"),
        (["spot.csv", "--as", "price", "--column", "Sport", "--zone", "UTC", "-o", "p.csv"], "there is no such column"),
        (["spot.csv", "--as", "price", "--where", "tag", "-o", "p.csv"], "write it as COLUMN=NAME"),
        (["spot.csv", "--as", "price", "--duplicates", "all", "--zone", "UTC", "-o", "p.csv"], "duplicates: "),
        (["spot.csv", "--as", "price", "--clock", "start", "--zone", "UTC", "-o", "p.csv"], "did you mean 'Start'?"),
        (["spot.csv", "--as", "price", "--into", "melt-shop-tiny", "-o", "p.csv"], "melt-shop-tiny"),
        (["spot.csv", "--as", "price", "--mapping", "spot.csv", "-o", "p.csv"], "spot.csv:1: is not"),
    ],
)
def test_what_is_refused_leaves_nothing(
    tmp_path: Path, arguments: list[str], text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Proves: exit code 2, one line, no file written. Sensitivity: an overlay without its series would stay behind."""
    (tmp_path / "spot.csv").write_text(PRICES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["emberline", "import", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    output = capsys.readouterr()
    assert (ended.value.code, output.out) == (2, "")
    assert len(output.err.splitlines()) == 1
    assert text in output.err
    assert [path.name for path in tmp_path.iterdir()] == ["spot.csv"]
    assert (tmp_path / "spot.csv").read_text() == PRICES
