"""The command ``emberline import``: a series, how it was read, and an overlay for any scenario, or one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ui.cli import main

ROOT = Path(__file__).resolve().parents[1]
PRICES = "Start,Spot [EUR/kWh]\n" + "".join(
    f"{16 + h // 24}.06.2026 {h % 24:02d}:00,{0.05 + h / 1000:.3f}\n" for h in range(48)
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ui", *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "EMBERLINE_HOME": str(folder / "home")},
    )  # fmt: skip


def test_import_check_repeat(tmp_path: Path) -> None:
    """Proves: guesses are told, the overlay plans any scenario from any folder, and the mapping repeats the import."""
    (tmp_path / "spot.csv").write_text(PRICES)
    done = run(tmp_path, "import", "spot.csv", "--as", "price", "--zone", "Europe/Berlin", "-o", "price.csv")
    assert done.returncode == 0, done.stderr
    assert "guessed   dates with the day first" in done.stdout
    assert "values    50 to 97 EUR/MWh" in done.stdout
    names = {"spot.csv", "price.csv", "price.mapping.yaml", "price.overlay.yaml"}
    assert {path.name for path in tmp_path.iterdir()} == names
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    checked = run(elsewhere, "check", "melt-shop-small", "--set", f"@{tmp_path / 'price.overlay.yaml'}")
    assert "series price_per_mwh: 50 to 73 EUR/MWh, from price.csv" in checked.stdout
    again = run(
        tmp_path, "import", "spot.csv", "--mapping", "price.mapping.yaml", "-o", "again.csv", "--json"
    )  # fmt: skip
    told = json.loads(again.stdout)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "price.csv").read_bytes()
    assert (told["values"], told["first"], told["mapping"]["zone"]) == (48, "2026-06-15T22:00:00Z", "Europe/Berlin")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["spot.csv", "--as", "price", "-o", "p.csv"], "say the zone of the times"),
        (["spot.csv", "--as", "prise", "--zone", "UTC", "-o", "p.csv"], "as: unknown 'prise'; a series can be price"),
        (["spot.csv", "-o", "p.csv"], "--as is required"),
        (["none.csv", "--as", "price", "-o", "p.csv"], "none.csv: no such file"),
        (["spot.csv", "--as", "price", "--zone", "UTC", "-o", "p.parquet"], "formats are .csv"),
        (["spot.csv", "--as", "price", "--zone", "UTC", "-o", "no/p.csv"], "there is no such folder"),
        (["spot.csv", "--as", "price", "--zone", "UTC", "-o", "spot.csv"], "is there already"),
        (["spot.csv", "--as", "price", "--column", "Sport", "--zone", "UTC", "-o", "p.csv"], "there is no such column"),
        (["spot.csv", "--as", "price", "--where", "tag", "-o", "p.csv"], "write it as COLUMN=NAME"),
        (["spot.csv", "--as", "price", "--mapping", "spot.csv", "-o", "p.csv"], "spot.csv:1: is not"),
    ],
)
def test_what_is_refused_leaves_nothing(
    tmp_path: Path, arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Proves: exit code 2, one line, no file written. Sensitivity: an overlay without its series would stay behind."""
    (tmp_path / "spot.csv").write_text(PRICES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["emberline", "import", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert len(told.err.splitlines()) == 1
    assert says in told.err
    assert [path.name for path in tmp_path.iterdir()] == ["spot.csv"]
    assert (tmp_path / "spot.csv").read_text() == PRICES
