"""Mistakes that pydantic finds are reported in the project's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emberline.scenarios import Scenario, ScenarioError, load
from emberline.scenarios.importing.mapping import read_mapping
from emberline.scenarios.loading.loading import suggestion
from emberline.scenarios.records.faults import PATTERNS, literal

FOREIGN = re.compile(r"Input|should|String|Tuple|List|Unable|valid |parse|instance|validation|pattern '")
"""Words of pydantic's own."""


@pytest.mark.parametrize(
    ("assignment", "text"),
    [
        ("goal.time_limit_s=abc", "goal.time_limit_s: must be a number, got 'abc'"),
        ("goal.time_limit_s=0", "goal.time_limit_s: must be more than 0, got 0"),
        ("goal.time_limit_s=1e9", "goal.time_limit_s: must be at most 86400, got 1e+09"),
        ("goal.time_limit_s=.nan", "goal.time_limit_s: must be a finite number, got nan"),
        ("goal.time_limit_s=null", "goal.time_limit_s: must be a number, got nothing"),
        ("site.grid.import_limit_mw=[1]", "site.grid.import_limit_mw: must be a number, got a list"),
        ("disturbances.seed=1.5", "disturbances.seed: must be a whole number, got 1.5"),
        ("disturbances.seed=x", "disturbances.seed: must be a whole number, got 'x'"),
        ("disturbances.seed=-1", "disturbances.seed: must be at least 0, got -1"),
        ("disturbances.hold=1", "disturbances.hold: must be less than 1, got 1"),
        ("orders.0.heats.0.count=1e30", "orders.0.heats.0.count: must be a whole number, got 1e+30"),
        ("line.stages=5", "line.stages: must be a list, got 5"),
        ("line=[1]", "line: must be a mapping of keys to values, got a list"),
        ("site.grid=true", "site.grid: must be a mapping of keys to values, got true"),
        ("line.grades.0.duration_min=5", "line.grades.0.duration_min: must be a mapping of keys to values, got 5"),
        ("line.stages.casting.campaign=often", "line.stages.2.campaign: must be true or false, got"),
        ("title=5", "title: must be text, got 5; in quotes it is text"),
        ("title={}", "title: must be text, got a mapping"),
        (f"title={'a' * 201}", "title: may have at most 200 characters, got 201: 'aaaa"),
        ("name=''", "name: must be a name of 1 to 60 letters, digits, _ and -, which begins with a letter or digit"),
        ("orders.0.heats=[]", "orders.0.heats: must have at least 1 item, got none"),
        (
            "goal.minimize=gas",
            "goal.minimize: must be one of carbon, cost, cost_with_carbon_price, water, lateness, makespan, got 'gas'",
        ),
        ("goal.minimize=carbn", "got 'carbn'; did you mean carbon?"),
        ("market.price_per_mwh=[1]", "market.price_per_mwh: must be a mapping of keys to values, got a list"),
    ],
)
def test_a_value_that_cannot_be(assignment: str, text: str) -> None:
    """Proves: what is allowed and what was given, for every kind of value. Sensitivity: pydantic's own words."""
    with pytest.raises(ScenarioError) as caught:
        load("melt-shop-small", [assignment])
    (line,) = [str(problem) for problem in caught.value.problems if problem.where.startswith("--set")]
    assert text in line
    assert not FOREIGN.search(line.partition(": ")[2]), line


@pytest.mark.parametrize(("value", "text"), [([1], "a list"), ((), "a list"), ({}, "a mapping"), (b"", "a bytes")])
def test_a_value_of_many_parts_is_named_by_its_kind(value: object, text: str) -> None:
    """Proves: what is no single value is named, not printed. Sensitivity: everything else called a list."""
    assert literal(value) == text


def patterns(schema: Any) -> Iterator[str]:
    """The patterns in a JSON Schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for part in schema.values():
            yield from patterns(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from patterns(part)


def test_every_pattern_has_words() -> None:
    """Proves: no user is shown a regular expression. Sensitivity: a pattern that a record has and the table has not."""
    records = [pattern for pattern in patterns(Scenario.model_json_schema()) if not pattern.startswith(r"^\s*[+-]")]
    assert records
    assert set(records) <= set(PATTERNS)


def test_a_mapping_file() -> None:
    """Proves: a file that tells how to read another is reported in the same words, with its lines."""
    text = "as: load\ntime: [t]\nvalue: 5\nheader: x\nseparator: ';;'\nscale: yes\nwhere: 3\nmissing: {}\nsheets: a\n"
    with pytest.raises(ScenarioError) as caught:
        read_mapping(text, "m.yaml")
    lines = [str(problem) for problem in caught.value.problems]
    assert lines == [
        "m.yaml:2: time: must be text, got a list",
        "m.yaml:3: value: must be text, got 5; in quotes it is text",
        "m.yaml:7: where: must be a mapping of keys to values, got 3",
        "m.yaml:4: header: must be a whole number, got 'x'",
        r"m.yaml:5: separator: must be one of ',', ';', '\t', '|', got ';;'",
        "m.yaml:6: scale: must be a number, got 'yes'",
        "m.yaml:8: missing: must be a list, got a mapping",
        "m.yaml:9: sheets: unknown key",
    ]


def test_what_a_file_of_factors_lacks(tmp_path: Path) -> None:
    """Proves: a row of a table is reported with its line, its column and in the project's words."""
    from emberline.scenarios.reading.factor_table import read_table

    (tmp_path / "f.csv").write_text("name,value,unit,source,valid_from\ncoal,much,kg/GJ,me,\n")
    with pytest.raises(ValueError, match=r"f\.csv line 2: value: must be a number, got 'much'"):
        read_table(tmp_path / "f.csv")
    (tmp_path / "f.csv").write_text("name,value,unit,source,valid_from\ncoal,1,kg/GJ,me,some day\n")
    with pytest.raises(ValueError, match=r"f\.csv line 2: valid_from: must be a date such as 2026-03-12, got 'some"):
        read_table(tmp_path / "f.csv")


def test_what_is_suggested_for_an_unknown_key() -> None:
    """Proves: the near key, else the keys that are allowed, and nothing below a key that is unknown itself.
    Sensitivity: a list of allowed keys that is empty."""
    assert suggestion(("goal", "minimise")) == "; did you mean minimize?"
    assert suggestion(("site", "grid", "zzz")).startswith("; allowed are import_limit_mw, ")
    assert suggestion(("site", "nothing", "below")) == ""
