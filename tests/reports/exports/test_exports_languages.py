"""Files for people in another language than English: words change; numbers, names and what programs read do not."""

from __future__ import annotations

import dataclasses
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from babel.messages.pofile import read_po
from exported import HOSTILE, PLANS, SHORT, renamed, sheets, stored_run
from icalendar import Calendar
from lxml import html

from emberline.reports.exports import FORMATS, export
from emberline.reports.exports.formats.excel import sheet_name
from emberline.reports.exports.worded import for_people, printable, worded
from emberline.reports.text.activities import activities
from emberline.reports.text.language import CATALOGUES, spoken, tr
from emberline.runs.store.run_folder import StoredRun

CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z][a-z]{2,}")
PLANTS = [*PLANS, "2026-10-25"]


def names(run: StoredRun) -> set[str]:
    """Every text of the scenario, and those that the run itself has: what nobody translates."""

    def texts(data: Any) -> Iterator[str]:
        if isinstance(data, str):
            yield data
        elif isinstance(data, dict):
            yield from (text for part in data.values() for text in texts(part))
        elif isinstance(data, list):
            yield from (text for part in data for text in texts(part))

    scenario = run.plan.scenario
    replay = run.plan.replay
    assert replay is not None
    members = {text for part in texts(scenario.model_dump(mode="json")) for text in (part, printable(part))}
    members |= {
        str(label) for name in replay.coords if replay[name].dtype.kind in "UO" for label in replay[name].values
    }
    with spoken("zh"):
        members |= {activity.products() for activity in activities(scenario, replay)}
    members |= {f"{emitter}: {one.source}" for emitter, emissions in scenario.emitters for one in emissions}
    return members | {run.id, str(run.meta["input_sha256"]), scenario.horizon.zone}


def translated() -> dict[str, str]:
    """The messages that Chinese has other words for."""
    with (CATALOGUES / "zh.po").open("rb") as file:
        table = {m.id: m.string for m in read_po(file) if isinstance(m.id, str) and isinstance(m.string, str)}
    return {message: text for message, text in table.items() if WORD.search(message) and text != message}


def in_english(texts: set[str], run: StoredRun) -> set[str]:
    """Those that are English: a message of the catalogue, or words with none in Chinese, and no name of the plant's."""
    ours, facts = names(run), translated()
    bare = {text: re.sub(r" \[[^\]]*\]$", "", text).strip() for text in texts}
    members = {text for text, label in bare.items() if (text in facts or label in facts) and label not in ours}
    return members | {
        text for text, label in bare.items() if WORD.search(label) and not CHINESE.search(label) and label not in ours
    }


@pytest.mark.parametrize("plant", PLANTS)
def test_a_chinese_workbook_has_the_same_numbers(tmp_path: Path, plant: str) -> None:
    """Proves: sheets and heads are Chinese, read back by another library than wrote them; each number, time and name
    stands in the cell where English has it, and nothing that is ours is left in English.

    Sensitivity: a head that does not go through who words it, a name of the plant's that does."""
    run = stored_run(plant)
    ours = sheets(export(run, "xlsx", tmp_path / "en.xlsx"))
    theirs = sheets(export(run, "xlsx", tmp_path / "zh.xlsx", language="zh"))
    assert len(theirs) == len(ours)
    assert all(CHINESE.search(name) and len(name) <= 31 for name in theirs), list(theirs)
    # what could be a word of ours is looked at in a test of its own
    plain, texts, compared = names(run) - set(translated()), set(), 0
    for english, chinese in zip(ours.values(), theirs.values(), strict=True):
        assert len(english) == len(chinese)
        for row, other in zip(english, chinese, strict=True):
            for before, after in zip(row, other, strict=True):
                if isinstance(before, str):
                    assert after == before or CHINESE.search(after), (before, after)
                    assert before not in plain or after == before
                    texts.add(after)
                else:
                    assert after == before
                    compared += 1
    assert compared > 300
    assert in_english(texts, run) == set()
    if run.plan.scenario.heats:
        assert {"炉次", "钢种", "质量 [t]", "电力 [MWh]"} <= texts


@pytest.mark.parametrize("plant", PLANTS)
def test_a_chinese_report_has_no_english_label(tmp_path: Path, plant: str) -> None:
    """Proves: the document says that it is Chinese, names fonts that have the glyphs and loads none, and no label,
    head, caption, axis or status of it is English. Sensitivity: a word of the template outside of ``tr``."""
    run = stored_run(plant)
    text = export(run, "html", tmp_path / "plan.html", language="zh").read_text(encoding="utf-8")
    root = html.fromstring(text)
    assert root.get("lang") == "zh-Hans-CN"
    assert "Noto Sans CJK SC" in root.findtext(".//style")
    assert "@font-face" not in text
    assert "default-src 'none'" in text
    for style in root.xpath("//style"):
        style.drop_tree()
    texts = {" ".join(part.split()) for part in root.itertext()} - {""}
    assert in_english(texts, run) == set()
    assert all(CHINESE.search(label) for label in root.xpath("//figure/@aria-label"))
    english = html.fromstring(export(run, "html", tmp_path / "en.html").read_text(encoding="utf-8"))
    assert english.get("lang") == "en"
    rows = [[cell.text_content() for cell in page.xpath("//td[@class='number']")] for page in (english, root)]
    plain = [cell.replace("\u202f", ",").replace("−", "-") for cell in rows[0]]
    assert plain == rows[1]
    assert any("," in cell for cell in rows[1])
    times = [cell.text_content() for cell in root.xpath("//td[@class='time']")]
    assert times
    assert all(re.match(r"2026年\d+月\d+日 周. \d\d:\d\d", cell) for cell in times)


def test_what_was_missed_is_chinese(tmp_path: Path) -> None:
    """Proves: a plan that the twin does not accept says so in Chinese, with the limit that is missed and the time.

    Sensitivity: a kind of limit, or a verdict, left as it is."""
    run = stored_run("line")
    assert run.plan.replay is not None
    table = {"kind": "wait", "heat": "A-1", "unit": "L", "at_min": 90.0, "amount": 12.5, "measure": "min"}
    rows = {f"violation_{name}": ("violation", np.array([value], object)) for name, value in table.items()}
    gone = [name for name in run.plan.replay.variables if "violation" in run.plan.replay[name].dims]
    plan = dataclasses.replace(run.plan, replay=run.plan.replay.drop_vars(gone).assign(rows))
    text = export(dataclasses.replace(run, plan=plan), "html", tmp_path / "plan.html", language="zh").read_text("utf-8")
    assert "不可接受。" in text
    assert "不可接受：数字孪生执行排程时发现 1 处越限。" in text
    assert "越限：等待过长（A-1、L），12.50 min，2026年3月10日 周二 01:30 +00:00" in text


@pytest.mark.parametrize("plant", list(PLANS))
def test_a_chinese_calendar(tmp_path: Path, plant: str) -> None:
    """Proves: events keep their identity, times and names; operations and other texts are Chinese.

    Sensitivity: an identity that depends on the language doubles the events where both are imported."""
    run = stored_run(plant)
    ours, theirs = (
        Calendar.from_ical(export(run, "ics", tmp_path / name, language=language).read_bytes()).walk("VEVENT")
        for name, language in (("en.ics", "en"), ("zh.ics", "zh"))
    )
    for key in ("uid", "dtstart", "dtend", "dtstamp"):
        assert [str(e[key].to_ical()) for e in ours] == [str(e[key].to_ical()) for e in theirs]
    assert all(CHINESE.search(str(event["description"])) for event in theirs)
    texts = {part for e in theirs for key in ("summary", "location") for part in str(e[key]).split()}
    assert in_english({text.strip("()") for text in texts}, run) == set()
    if plant == "site":
        assert {"engine 开机", "电池 充入", "电池 放出"} <= {str(event["summary"]) for event in theirs}
    assert b"-//Emberline//plan//ZH" in (tmp_path / "zh.ics").read_bytes()


@pytest.mark.parametrize("kind", [kind for kind, item in FORMATS.items() if not item.of_people and kind != "nc"])
def test_what_programs_read_is_the_same(tmp_path: Path, kind: str) -> None:
    """Proves: CSV, Parquet, JSON and B2MML do not change with the language. Sensitivity: a head of a CSV in Chinese."""
    paths = [tmp_path / name / f"plan.{kind}" for name in ("en", "zh")]
    for path, language in zip(paths, ("en", "zh"), strict=True):
        path.parent.mkdir()
        export(stored_run("line"), kind, path, language=language)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_hostile_names_stay_texts_in_chinese(tmp_path: Path) -> None:
    """Proves: no name becomes a formula, a link, an element or a script, and a name with braces is no message.

    Sensitivity: a name that is set into a message twice, a title that is not escaped."""
    run = renamed(stored_run("line"), 2_000)
    path = export(run, "xlsx", tmp_path / "plan.xlsx", language="zh")
    result = sheets(path)
    assert {row[0] for row in result["炉次"][1:]} == {printable(HOSTILE[name]) for name in ("A-1", "A-2", "B-1")}
    assert SHORT in result["甘特图"][1]
    with zipfile.ZipFile(path) as book:
        message = b"".join(book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/"))
    assert b"<f>" not in message
    assert b"hyperlink" not in message
    text = export(run, "html", tmp_path / "plan.html", language="zh").read_text(encoding="utf-8")
    assert not html.fromstring(text).xpath("//script | //b | //iframe | //img | //link | //object")
    with spoken("zh"):
        assert tr("{name}, run {run}", name="{run}", run="{0}") == "{run}，运行 {0}"


def test_names_like_our_words_stay(tmp_path: Path) -> None:
    """Proves: a contract called spot, a store called baseline and an asset's flow keep their names, and ours next to it
    are reported in Chinese. Sensitivity: a table of words that is asked for every text."""
    run = stored_run("line")
    bill = pd.DataFrame({"name": ["grid", "spot", "export"], "kind": ["fuel", "energy", "export"], "unit": ["t"] * 3})
    with spoken("zh"):
        table = for_people(bill, "bill", run.plan.scenario)
        assert table["名称"].tolist() == ["grid", "现货", "外送电"]
        levels = pd.DataFrame({"end": ["x"], "baseline [t]": [1.0], "baseline baseline [t]": [2.0]})
        assert list(worded(levels, "stores", "EUR").columns) == ["结束", "baseline [t]", "基准 baseline [t]"]
        hours = pd.DataFrame({"grid import [MWh]": [1.0], "grid import.main [MWh]": [2.0]})
        assert list(worded(hours, "hours", "EUR").columns) == ["购电 [MWh]", "grid import.main [MWh]"]
        steps = pd.DataFrame({"line_mw": [1.0], "line [MW]": [2.0], "plan mode": ["a"], "plan delivered [t]": [1.0]})
        assert list(worded(steps, "steps", "EUR").columns) == [
            "生产用电 [MW]", "line [MW]", "plan 工况", "plan 发运量 [t]",
        ]  # fmt: skip


def test_names_of_sheets_are_such_as_excel_takes() -> None:
    """Proves: at most 31 characters, no forbidden sign, and no two alike. Sensitivity: two titles cut to the same."""
    rows: list[str] = []
    for title in ("a" * 40, "A" * 40, "a" * 40, "b/c:[d]", "'", "汉" * 40, "汉" * 35):
        rows.append(sheet_name(title, rows))
    assert len({name.casefold() for name in rows}) == len(rows)
    assert max(map(len, rows)) == 31
    assert not [name for name in rows if re.search(r"[\[\]:*?/\\]|^'|'$", name) or not name]


def test_times_are_times(tmp_path: Path) -> None:
    """Proves: Excel's cells hold times in the plant's clock, written in the order of the language."""
    path = export(stored_run("line"), "xlsx", tmp_path / "plan.xlsx", language="zh")
    rows = sheets(path)["炉次"]
    starts = [row[rows[0].index("开始")] for row in rows[1:]]
    assert all(isinstance(at, datetime) for at in starts if not hasattr(at, "year") or at.hour)
    with zipfile.ZipFile(path) as book:
        assert "yyyy&quot;年&quot;mm&quot;月&quot;dd&quot;日&quot; hh:mm" in book.read("xl/styles.xml").decode()
