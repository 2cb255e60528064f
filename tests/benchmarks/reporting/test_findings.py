"""What benches find: spread, ratio and bars, kept in JSON and written as a page."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import registry
from benchmarks.reporting import charts, findings, report, results
from benchmarks.reporting.findings import NEVER, Bar, Findings, Plot, Table, measured


@pytest.mark.parametrize(
    ("bar", "within_bar"),
    [
        (Bar(2.0), True),
        (Bar(1.9), False),
        (Bar(5.0, "worst"), True),
        (Bar(4.9, "worst"), False),
        (Bar(0.5, "ratio"), True),
        (Bar(0.4, "ratio"), False),
    ],
    ids=str,
)
def test_a_bar_is_at_most(bar: Bar, within_bar: bool) -> None:
    """Proves: 1, 2 and 5 s against a median of 4 s. Sensitivity: mean for median, least for worst."""
    row = measured("it", [5.0, 1.0, 2.0], reference=[3.0, 4.0, 9.0], bars=[bar])
    assert (row.median, row.least, row.most, row.ratio) == (2.0, 1.0, 5.0, 0.5)
    assert row.within is within_bar


def test_what_is_no_number_was_not_reached() -> None:
    """Proves: a search without a bound misses every bar. Sensitivity: comparisons with nan, which hold by chance."""
    for values in ([math.nan, 1.0], [1.0, math.nan]):
        row = measured("gap", values, bars=[Bar(2.0, "worst")])
        assert (row.most, row.within) == (NEVER, False)


def test_two_bars_are_both_asked() -> None:
    """Proves: a row within one bar and beyond another is not within. Sensitivity: any for all."""
    row = measured("it", [1.0, 3.0], bars=[Bar(2.5), Bar(2.5, "worst")])
    assert row.within is False
    assert row.bar == "median ≤ 2.5 s; worst ≤ 2.5 s"
    assert measured("it", [1.0]).within is None


def test_a_ratio_needs_a_reference() -> None:
    """Proves: a bar that cannot be judged is refused. Sensitivity: one that counts as kept."""
    with pytest.raises(ValueError, match="reference"):
        measured("it", [1.0], bars=[Bar(1.0, "ratio")])


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0"), (0.00123, "0.0012"), (1.234, "1.23"), (35040.0, "35,040"), (NEVER, "not reached"), (99.96, "100.0")],
)
def test_numbers_have_three_digits(value: float, words: str) -> None:
    """Proves: small and large figures stay readable. Sensitivity: a fixed number of places."""
    assert findings.number(value) == words


def some() -> Findings:
    rows = [
        measured("fast", [1.0, 2.0, 3.0], reference=[1.0], bars=[Bar(2.5, "ratio")]),
        measured("never | ever", [NEVER], bars=[Bar(10.0)], says="best found"),
        measured("plain", [5.0], "MiB"),
    ]
    plot = Plot("curve", "Seconds", "heats", "s", {"a": [(1.0, 2.0), (4.0, NEVER)], "b": []}, logarithmic=True)
    return Findings([Table("Some", rows, "by hand", ["A note."])], [plot])


def test_findings_survive_json() -> None:
    """Proves: what was not reached stays not reached, in JSON that any reader takes. Sensitivity: a bare Infinity."""
    text = json.dumps(some().data(), allow_nan=False)
    again = findings.read(json.loads(text))
    assert again == some()
    assert again.missed == ["never | ever"]


def test_a_table_in_words() -> None:
    """Proves: spread, ratio and verdict stand in the row, a bar in a name breaks no Markdown, empty columns go.

    Sensitivity: a miss that reads like a pass.
    """
    lines = findings.markdown(some().tables[0]).splitlines()
    assert "| fast | 2.00 (1.00–3.00) s | 2 | ≤ 2.5× | yes |  |" in lines
    assert "| never \\| ever | not reached s |  | median ≤ 10 s | NO | best found |" in lines
    assert "Reference: by hand." in lines
    assert "A note." in lines
    plain = replace(some().tables[0], rows=[measured("plain", [5.0], "MiB")])
    assert "| what | median (least–most) |" in findings.markdown(plain).splitlines()
    assert "not reached" in findings.text(some().tables[0])


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "docs" / "results.json"
    for name in ("second", "first"):
        results.store(path, results.Result(name, f"says {name}", "x86_64, 2 cores", "highspy 1", 12.0, some()))
    return path


def test_results_are_kept_by_bench(stored: Path) -> None:
    """Proves: a bench run again replaces its own entry only. Sensitivity: a file that is overwritten each time."""
    results.store(stored, results.Result("first", "says more", "arm64, 8 cores", "highspy 2", 1.0, Findings()))
    first, second = results.read(stored)
    assert (first.machine, first.findings) == ("arm64, 8 cores", Findings())
    assert second.findings.tables == some().tables


@pytest.mark.parametrize("text", ["[]", "{", '{"hub": 1}', '{"hub": {"says": "x"}}'])
def test_another_file_is_no_results(tmp_path: Path, text: str) -> None:
    """Proves: one line names the file. Sensitivity: a stack trace of JSON or a lost key."""
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"other\.json: no results"):
        results.read(path)


def test_the_page_tells_every_bar(stored: Path) -> None:
    """Proves: each judged row stands in the first table, kept or not, and each bench tells machine and versions.

    Sensitivity: misses left out.
    """
    page = report.page(results.read(stored), {"curve": "speed/curve.svg"})
    assert "2 of 4 are kept" in page
    assert "| [first](#first) | Some: never \\| ever | not reached s |  | median ≤ 10 s | NO |" in page
    assert page.count("x86_64, 2 cores; highspy 1; 12 s in all.") == 2
    assert "![Seconds](speed/curve.svg)" in page


def test_a_plot_leaves_out_what_was_not_reached() -> None:
    """Proves: only values that the scale can show are drawn. Sensitivity: an infinite value, or log of zero."""
    (plot,) = some().plots
    plot = replace(plot, curves={**plot.curves, "b": [(0.0, 1.0), (2.0, 0.0), (3.0, 1.0)]})
    assert charts.chart(plot).to_dict()["data"]["values"] == [
        {"curve": "a", "x": 1.0, "y": 2.0},
        {"curve": "b", "x": 3.0, "y": 1.0},
    ]


def test_the_command_prints_and_stores(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Proves: a bench's tables are printed and stored, also where it found something wrong, then with exit code 1.

    Sensitivity: findings lost with the exception.
    """

    def wrong() -> Findings:
        raise registry.Wrong("objectives differ", some())

    benches = {
        "fine": registry.Bench("fine", "is fine", some),
        "wrong": registry.Bench("wrong", "is wrong", wrong, long=True),
        "silent": registry.Bench("silent", "prints", lambda: None),
    }
    monkeypatch.setattr(registry, "discover", lambda: None)
    monkeypatch.setattr(registry, "BENCHES", benches)
    path = tmp_path / "results.json"
    assert command.main(["--json", str(path)]) == 0
    text = capsys.readouterr().out
    assert "not reached s" in text
    assert "not within their bar: never | ever" in text
    assert "wrong" not in text
    assert command.main(["wrong", "--json", str(path)]) == 1
    assert "objectives differ" in capsys.readouterr().err
    assert [one.bench for one in results.read(path)] == ["fine", "wrong"]
    with pytest.raises(SystemExit) as ended:
        command.main(["nothing"])
    assert ended.value.code == 2
    assert "unknown bench nothing; there are fine, wrong, silent" in capsys.readouterr().err


def test_every_bench_is_found() -> None:
    """Proves: all modules register, those that take long or need more only when named.

    Sensitivity: a bench whose module is not imported.
    """
    registry.discover()
    long = {name for name, bench in registry.BENCHES.items() if bench.long}
    assert {"hub", "startup", "growth", "plans", "plans-5min", "twin", "week", "cement"} <= set(registry.BENCHES) - long
    assert {"peers", "weeks", "cement-weeks", "levers"} <= long
    assert math.isinf(NEVER)
