"""A user's mistake gets one clear line with its place; nothing else is said and nothing is guessed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emberline.scenarios import ScenarioError, bundled, load, loads
from emberline.scenarios.loading.loading import LIBRARY

TEXT = (LIBRARY / "melt-shop-small.yaml").read_text(encoding="utf-8")


def lines(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        loads(text, "plant.yaml", overrides)
    return str(caught.value).splitlines()


def changed(old: str, new: str) -> str:
    assert old in TEXT, f"the bundled scenario no longer has {old!r}"
    return TEXT.replace(old, new, 1)


def line_of(text: str, fragment: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), start=1) if fragment in line)


@pytest.mark.parametrize("name", bundled())
def test_bundled_scenarios_load(name: str) -> None:
    """Proves: what is shipped is valid, and survives being written out and read back."""
    scenario = load(name)
    again = type(scenario).model_validate_json(scenario.model_dump_json(exclude_defaults=True))
    assert again.model_dump() == scenario.model_dump()
    assert [heat.due_min for heat in again.heats] == [heat.due_min for heat in scenario.heats]


@pytest.mark.parametrize(
    ("old", "new", "key", "sentence"),
    [
        ("mass_t: 100 t", "mass_t: 100 t\n      colour: red", "line.grades.0.colour", "unknown key"),
        ("power_mw: 8 MW}", "power_mw: 8 MWh}", "line.stages.1.units.0.power_mw", "wrong unit 'MWh'"),
        ("power_mw: 8 MW}", "power_mw: -8 MW}", "line.stages.1.units.0.power_mw", "must be at least 0"),
        ("power_mw: 8 MW}", "power_mw: 9**9**9**9 MW}", "line.stages.1.units.0.power_mw", "is not a quantity"),
        ("power_mw: 8 MW}", "power_mw: 1e999 MW}", "line.stages.1.units.0.power_mw", "not a"),
        ("power_mw: 8 MW}", "power_mw: .inf}", "line.stages.1.units.0.power_mw", "finite"),
        ("power_mw: 8 MW}", "power_mw: true}", "line.stages.1.units.0.power_mw", "is not a quantity"),
        ("start: 2026-06-16", "start: 2026-06-16T00:00", "horizon.start", "time without offset"),
        ("start: 2026-06-16", "start: 2026-02-30", "horizon.start", "not a day of the calendar"),
        ("zone: Europe/Berlin", "zone: Europe/Bonn", "horizon.zone", "unknown time zone"),
        ("zone: Europe/Berlin", "zone: localtime", "horizon.zone", "unknown time zone"),
        ("step_min: 15", "step_min: 7", "horizon.step_min", "does not divide the hour"),
        ("days: 1", "days: 1, length_h: 5 h", "horizon", "give exactly one of days"),
        ("due: 14 h", "due: 30 h", "orders.0.due", "outside the horizon"),
        ("due: 14 h", "due: 14", "orders.0.due", "has no unit"),
        ("grade: wire", "grade: wier", "orders.2.heats.0.grade", "unknown grade 'wier'"),
        ("name: C2", "name: C1", "orders.1.name", "used twice"),
        ("ladle: 30, casting: 60", "ladle: 30, casting: 600", "orders.0", "longer than the horizon"),
        ("share: 60 %", "share: 50 %", "line.stages.0.units.0.phases", "add up to 0.9"),
        (
            "power_mw: 8 MW}",
            "power_mw: 8 MW, states: {states: [{name: on, power_mw: 1 MW}], ready: hot}}",
            "line.stages.1.units.0.states",
            "ready: there is no state hot, only on",
        ),
        (
            "power_mw: 8 MW}",
            "power_mw: 8 MW, states: {states: [{name: on, power_mw: 0}, {name: off, power_mw: 0}], "
            "ready: on, final: off}}",
            "line.stages.1.units.0.states",
            "no transitions lead from on to off",
        ),
        (
            "power_mw: 8 MW}",
            "power_mw: 8 MW, states: {states: [{name: on, power_mw: 1 kg}], ready: on}}",
            "line.stages.1.units.0.states.states.0.power_mw",
            "wrong unit",
        ),
        ("per_t: 70 EUR/t", "per_t: 70 USD/t", "market.carbon_price.per_t", "wrong unit 'USD/t'"),
        ("level_share: 50 %", "level_share: 150 %", "site.battery.level_share", "must be at most 1"),
        ("minimize: carbon", "minimize: carbn", "goal.minimize", "did you mean carbon?"),
        ("name: melt-shop-small", "name: ../evil", "name", "must be a name of 1 to 60 letters"),
        ("unit: EAF, mtbf_h", "unit: EAF9, mtbf_h", "disturbances.breakdowns.0.unit", "unknown unit"),
        ("table: pv_typical", "table: pv_martian", "site.pv.capacity_factor", "no bundled table"),
    ],
)
def test_one_mistake_one_line(old: str, new: str, key: str, sentence: str) -> None:
    """Proves: file, line, key and what is allowed. Sensitivity: the unchanged text loads."""
    text = changed(old, new)
    rows = [line for line in lines(text) if f": {key}: " in line]
    assert len(rows) == 1, lines(text)
    assert sentence in rows[0]
    assert re.match(r"plant\.yaml:\d+: ", rows[0])


def test_line_number_is_that_of_the_key() -> None:
    """Proves: the number leads the user to the line."""
    text = changed("import_limit_mw: 75 MW", "import_limit_mw: much")
    assert lines(text)[0].startswith(
        f"plant.yaml:{line_of(text, 'import_limit_mw: much')}: site.grid.import_limit_mw: "
    )


def test_twenty_mistakes_at_once() -> None:
    """Proves: all mistakes of a file are reported together, those between the nouns too, one line for each."""
    text = TEXT
    edits = [
        ("name: melt-shop-small", "name: a b/c"),
        ("title: Small melt shop, one day, 9 heats", "titel: Small"),
        ("start: 2026-06-16", "start: 2026-06-16T00:00"),
        ("step_min: 15", "step_min: 7"),
        ("power_mw: 32 MW", "power_mw: 32 MWh"),
        ("transfer_min: 8", "transfer_min: 8\n      transfer_min: 9"),
        ("longest_wait_min: 60", "longest_wait_min: -1"),
        ("power_mw: 8 MW}", "power_mw: -8 MW}"),
        ("setup_min: 45", "setup_min: a while"),
        ("rate_k_per_min: 0.5", "rate_k_per_min: 0.5 K"),
        ("mass_t: 100 t", "mass: 100 t"),
        ("ladle: 38, casting: 60}", "ladle: 38, casting: 600}"),
        ("due: 14 h", "due: 34 h"),
        (
            "site:",
            "locks: [{heat: C1-1, stage: melting, start: 30 h}, {heat: C9-9, stage: melting, start: 3 h}]\nsite:",
        ),
        ("import_limit_mw: 75 MW", "import_limit_mw: .nan"),
        ("energy_mwh: 8 MWh", "energy_mwh: 8 GW"),
        (
            "price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}",
            "price_per_mwh: {csv: nowhere.csv, column: p}",
        ),
        ("per_t: 70 EUR/t", "per_t: 70 USD/t"),
        ("replications: 20", "replications: 20.5"),
        ("gap: 1 %", "gap: &anchor 0.5 %\n  effort: *anchor\n  x: 1"),
    ]
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    result = lines(text.replace("\n  effort: 30", ""))
    expected = [
        ": name: ", ": titel: unknown key; did you mean title", "horizon.start: time without offset",
        "horizon.step_min",
        "power_mw: wrong unit 'MWh'", "transfer_min: key given twice", "longest_wait_min", "got '-8 MW'",
        "setup_min: 'a while' is not a quantity", "rate_k_per_min: wrong unit 'K'",
        "grades.0.mass: unknown key; did you mean mass_t?",
        "cast C3 takes", "orders.0.due", "locks.0.start", "unknown heat 'C9-9'",
        "import_limit_mw", "energy_mwh: wrong unit 'GW'", "no such file", "per_t: wrong unit 'USD/t'", "replications",
        "aliases", "goal.x: unknown key",
    ]  # fmt: skip
    for fragment in expected:
        assert sum(fragment in line for line in result) == 1, (fragment, result)
    assert len(result) == len(expected), result


def test_hostile_files(tmp_path: Path) -> None:
    """Proves: no alias bomb, no deep nesting, no tag, no huge or binary file gets past, each with one line."""
    bomb = "a: &a [1,1]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)
    )
    assert any("aliases" in line for line in lines(bomb))
    assert any("nested" in line for line in lines("a: " + "[" * 5000 + "]" * 5000))
    assert any("tags" in line for line in lines("name: !!python/object/apply:os.system [ls]"))
    big = tmp_path / "big.yaml"
    with big.open("wb") as file:
        file.truncate(100_000_000)
    for path, text in ((big, "at most 1"), (tmp_path, "is a folder")):
        with pytest.raises(ScenarioError, match=text):
            load(path if path.suffix else _as_yaml(path))
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load(binary)


def _as_yaml(folder: Path) -> Path:
    path = folder / "folder.yaml"
    path.mkdir()
    return path


@pytest.mark.parametrize("text", ["", "[1, 2]", "just words", "a: [1", "\t", "a: b: c", "? [x]\n: 1"])
def test_what_is_no_scenario(text: str) -> None:
    """Proves: any text is answered with a line, never with a stack trace."""
    assert lines(text)


@pytest.mark.parametrize(
    ("assignment", "text"),
    [
        ("goal.gap=2", "must be at most 1"),
        ("goal.gapp=0.1", "unknown key; did you mean gap"),
        ("nonsense", "key.path=value"),
        ("line.stages.9.name=x", "has no item '9'; it has melting, ladle, casting"),
        ("line.stages.melting.units.EAF.phases.0.share=5 %", "add up to"),
        ("goal.gap.deep=1", "goal.gap"),
        ("market.price_per_mwh=80 USD/MWh", "wrong unit"),
        ("market.price_per_mwh=1e308", "at most 1e+07 is taken"),
        (
            "line.grades.rebar.duration_min={melting: 52, casting: 60}",
            "energy_kwh_per_t names 'ladle', duration_min does not",
        ),
        ("horizon.start=9999-12-31", "lies outside 1900 to 2200"),
        ("orders.0.due=99999999999999 h", "more than 100 years"),
        ("line.heat_loss.reheating_stage=casting", "casts without a gap"),
        ("site.battery.power_mw=0", "needs power"),
        ("locks=[{heat: C1-1, stage: melting, start: 192 min}]", "lies between steps of 5 min; use 2026-06-16T03:10"),
    ],
)
def test_overrides_are_checked_like_the_file(assignment: str, text: str) -> None:
    """Proves: a mistake in --set names the assignment. Sensitivity: a right one is applied (below)."""
    result = lines(TEXT, assignment)
    assert any(text in line for line in result), result
    assert all(f"--set {assignment}" in line for line in result if text in line), result


def test_overrides_reach_into_lists_by_name() -> None:
    """Proves: --set speaks the plant's names."""
    overrides = ["line.stages.ladle.units.LF.power_mw=9000 kW", "orders.C1.due=10 h", "goal.minimize=cost"]
    scenario = loads(TEXT, overrides=overrides)
    assert scenario.line.unit["LF"].power_mw == 9
    assert scenario.heats[0].due_min == 600
    assert scenario.goal.minimize == "cost"


def test_a_time_without_offset_gets_the_plants_own() -> None:
    """Proves: the example has the offset of the plant's zone on that day. Sensitivity: winter's in June."""
    for month, offset in (("01", "+01:00"), ("06", "+02:00")):
        (line,) = lines(TEXT, f"orders.C1.due=2018-{month}-01T06:00")
        assert f"add it, as in 2018-{month}-01T06:00{offset} or …Z" in line


def test_aliases_are_one_mistake() -> None:
    """Proves: a file with many aliases gets one line about them, with their number. Sensitivity: a line for each."""
    text = TEXT + "x: &long a text\n" + "".join(f"x{i}: *long\n" for i in range(60))
    sentence = [line for line in lines(text) if "aliases" in line]
    assert len(sentence) == 1
    assert sentence[0].endswith("aliases (*name) are not allowed; write the value out; the file has 60 of them")


def test_a_series_of_numbers_has_no_column() -> None:
    """Proves: numbers that are too few are counted without a column's name. Sensitivity: *values of None*."""
    series = "{values: [1, 2], start: 2026-06-16T00:00+02:00, interval_min: 60}"
    (line,) = lines(TEXT, f"market.price_per_mwh={series}")
    assert "values are missing in the horizon" in line
    assert "None" not in line
