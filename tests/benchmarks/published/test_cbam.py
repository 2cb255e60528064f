"""Installations of the CBAM template by the command: the published figures, and what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.published import cbam

STEEL: dict[str, Any] = {
    "processes": [
        {
            "name": "crude steel",
            "total_production_t": 100,
            "source_streams": [{"name": "coke", "method": "mass_balance", "t": 50, "carbon_content": 0.88}],
            "electricity_mwh": 40,
            "electricity_t_co2_per_mwh": 0.5,
        },
        {"name": "rolled", "total_production_t": 80, "direct_t_co2": 10, "takes_t": {"crude steel": 90}},
    ]
}


def answer(case: dict[str, Any], folder: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command prints of a case."""
    path = folder / "case.json"
    path.write_text(json.dumps(case), encoding="utf-8")
    assert cbam.main([str(path), "--json"]) == 0
    return dict(json.loads(capfd.readouterr().out)["processes"])


def changed(place: int, **fields: Any) -> dict[str, Any]:
    """The steel works with some keys of a process changed; None removes one."""
    case = json.loads(json.dumps(STEEL))
    process = case["processes"][place] | fields
    case["processes"][place] = {key: value for key, value in process.items() if value is not None}
    return dict(case)


@pytest.mark.shared
def test_published_examples(shared: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Proves: every figure of the four examples, SEE to 1e-9. Sensitivity: 44/12, the 0.667, A by market tonnes."""
    paths = sorted((shared / "oracles" / "cbam").glob("*.json"))
    assert len(paths) >= 4
    for path in paths:
        expected = json.loads(path.read_text(encoding="utf-8"))["expected"]
        assert cbam.main([str(path), "--json"]) == 0
        figures = json.loads(capfd.readouterr().out)["processes"]
        for name, row in expected.items():
            for key, value in row.items():
                # the published biogenic part is rounded to kilograms
                assert figures[name][key] == pytest.approx(value, rel=1e-8 if "biogenic" in key else 1e-9), (path, key)


def test_heat_that_leaves_and_precursors_with_their_electricity(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Proves: keys that the published examples do not have. Sensitivity: a key read and not used."""
    precursors = [
        {"t": 10, "see_direct": 2, "mwh_per_t": 3, "electricity_t_co2_per_mwh": 0.1},
        {"t": 10, "see_direct": 1, "mwh_per_t": 3},
    ]
    case = changed(0, heat_exported_tj=0.5, heat_t_co2_per_tj=60, precursors=precursors)
    figures = answer(case, tmp_path, capfd)
    direct = 50 * 0.88 * 3.664 - 30
    assert figures["crude steel"]["direct_t_co2"] == pytest.approx(direct, rel=1e-12)
    assert figures["crude steel"]["heat_credit_t_co2"] == pytest.approx(30)
    see = (direct + 30) / 100
    assert figures["crude steel"]["see_direct"] == pytest.approx(see, rel=1e-12)
    assert figures["crude steel"]["see_indirect"] == pytest.approx((20 + 3 + 15) / 100, rel=1e-12)
    assert figures["rolled"]["see_direct"] == pytest.approx(10 / 80 + 90 / 80 * see, rel=1e-12)
    assert figures["rolled"]["mwh_per_t"] == pytest.approx(90 / 80 * 1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ([], "processes must be a list"),
        ({"processes": []}, "at least one"),
        (changed(0, total_production_t=None), "processes.0.total_production_t: is required"),
        (changed(0, total_production_t="many"), "must be a number, got 'many'"),
        (changed(0, total_production_t=0), "processes.0.production_t: must be more than 0"),
        (changed(0, source_streams=[{"name": "coke", "method": "guess", "t": 1}]), "source_streams.0"),
        (changed(0, heat_exported_tj=3), "processes.0.heat_t_co2_per_tj: is required"),
        (changed(0, heat_exportd_tj=3), "did you mean heat_exported_tj?"),
        (changed(0, electricity_mwh=-1), "electricity_mwh: must be at least 0"),
        (changed(0, takes_t={"rolled": 5}), "circle: "),
        (changed(1, takes_t={"slab": 5}), "takes slab; processes are crude steel, rolled"),
        (changed(1, name="crude steel"), "two processes are named crude steel"),
        (changed(0, precursors=[{"t": 1}]), "precursors.0.see_direct: is required"),
        (changed(0, direct_t_co2=5), "not both"),
    ],
)
def test_bad_files_are_named_in_one_line(
    case: Any, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Proves: exit code 2, one line on stderr, nothing on stdout. Sensitivity: a traceback, or a guess."""
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case), encoding="utf-8")
    assert cbam.main([str(path), "--json"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert words in err
    assert cbam.main([str(tmp_path / "none.json"), "--json"]) == 2
