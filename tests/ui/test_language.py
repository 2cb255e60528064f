"""The pages in Chinese: the catalogue is whole, dates and numbers are its own, and nobody hears another's language."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from pages import SCRIPT, page, with_tab
from streamlit.testing.v1 import AppTest

from emberline.reports.text import wording
from emberline.reports.text.language import CATALOGUES, LANGUAGES, LOCALES, spoken, tr, trn
from emberline.reports.text.messages import say
from emberline.runs.store.store import Store
from emberline.scenarios.messages import loads
from emberline.ui.extraction import KEYWORDS
from emberline.ui.pages import PAGES

ROOT = Path(__file__).resolve().parents[2]
PLACE = re.compile(r"\{(\w*)")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z][a-z]{2,}")
NAMES = ("Excel", "CSV", "JSON", "B2MML", "netCDF", "Parquet", "iCalendar", "English")
"""Labels that are names, the same in every language."""
DRAWS = {
    "button", "caption", "download_button", "error", "expander", "file_uploader", "form_submit_button", "header",
    "info", "markdown", "metric", "multiselect", "number_input", "popover", "selectbox", "subheader", "text",
    "text_area", "text_input", "title", "toggle", "warning",
}  # fmt: skip
"""Functions of Streamlit whose first argument is read."""
KINDS = (
    "button", "caption", "checkbox", "date_input", "download_button", "expander", "header", "info", "markdown",
    "metric", "multiselect", "number_input", "selectbox", "slider", "subheader", "tab", "text_input", "toggle",
    "warning",
)  # fmt: skip


@cache
def messages_of_code() -> set[str | tuple[str, str]]:
    """Every message of the code, as ``make messages`` reads it."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    result = extract_from_dir(ROOT, methods, options, keywords=KEYWORDS)
    return {(message[0], message[1]) if isinstance(message, tuple) else message for _, _, message, *_ in result}


def translations(language: str) -> dict[str | tuple[str, str], Message]:
    """Messages of a catalogue."""
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        rows = [message for message in read_po(file, locale=LOCALES[language]) if message.id]
    return {m.id if isinstance(m.id, str) else (m.id[0], m.id[1]): m for m in rows}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_catalogue_is_whole(language: str) -> None:
    """Proves: every message of the code is translated, none is doubtful, each keeps its values, and none is left of
    what the code says no more. Sensitivity: a new ``tr("…")`` without its translation."""
    target, there = messages_of_code(), translations(language)
    assert len(target) > 1000
    assert sorted(map(str, target - set(there))) == []
    assert sorted(map(str, set(there) - target)) == []
    for key, message in there.items():
        texts = [message.string] if isinstance(message.string, str) else list(message.string or [""])
        assert all(texts), f"{key}: not translated"
        assert not message.fuzzy, f"{key}: fuzzy"
        many = key if isinstance(key, str) else key[1]
        for text in texts:
            assert set(PLACE.findall(text)) == set(PLACE.findall(many)), f"{key}: other values in {text}"


def test_sentences_of_earlier_releases_stay_translated() -> None:
    """Proves: a stored run whose reason no code says any more is worded in Chinese with its values.
    Sensitivity: a catalogue that forgets a sentence as soon as its English text is improved."""
    text = "As printed a simple rule saves nothing on {days} and holds on {share} of them ({rule})."
    assert text not in messages_of_code()
    stored = loads(json.dumps({"id": text, "params": {"days": "D", "share": "S", "rule": "R"}}))
    with spoken("zh"):
        worded = say(stored)
    assert CHINESE.search(worded)
    assert [worded.count(value) for value in "DSR"] == [1, 1, 1]


def test_calls_within_texts_are_read() -> None:
    """Proves: a message within an f-string is found, too. Sensitivity: Babel's own reader of Python 3.11 misses it."""
    assert "What breaks the plan" in messages_of_code()  # st.markdown(f"**{tr('What breaks the plan')}**")


def test_messages_of_files_are_read() -> None:
    """Proves: what files for people say is in the catalogue: of their template, and of who words them, whichever
    argument the message is. Sensitivity: a folder or a method that the reader does not know."""
    assert {"Where this is from", "{count} more rows are in the Excel and CSV files."} <= messages_of_code()
    assert {"version of {name}", "unit of measure", "Runs of units"} <= messages_of_code()


def blocks(block: Any) -> Iterator[Any]:
    """Everything that is drawn."""
    for inner in block.children.values():
        yield inner
        if hasattr(inner, "children"):
            yield from blocks(inner)


COLOUR = re.compile(r":[a-z]+\[")


def english(app: AppTest) -> set[str]:
    """Labels, headings and sentences with a word in Latin letters and none in Chinese."""
    names = set()
    for item in blocks(app._tree):
        if item.type in KINDS:
            texts = [str(getattr(item, name, "") or "") for name in ("label", "help", "placeholder")]
            if item.type in ("caption", "header", "info", "markdown", "subheader", "warning"):
                texts.append(COLOUR.sub("", str(item.value)))
            names |= {text for text in texts if WORD.search(text) and not CHINESE.search(text)}
    return {text for text in names if not any(name in text for name in NAMES)}


def in_chinese(module: str, run: str, tab: str = "") -> AppTest:
    app = AppTest.from_string(SCRIPT.format(module=module), default_timeout=60)
    app.query_params["lang"] = "zh"
    app.query_params["run"] = run
    if tab:
        app.session_state[f"result.{run}.tabs.zh"] = tab
    return app.run()


@pytest.fixture
def run_id(home: Path, stored_home: tuple[Path, str]) -> str:
    """A home of this test's own with one plan; its id."""
    shutil.copytree(stored_home[0], home)
    return stored_home[1]


@pytest.mark.parametrize("module", list(PAGES))
def test_a_page_in_chinese_has_no_english_label(module: str, run_id: str) -> None:
    """Proves: with ``?lang=zh`` the page is drawn, and no label, heading or hint on it is English. Sensitivity: a text
    that does not go through ``tr``."""
    app = in_chinese(module, run_id)
    assert not app.exception
    assert english(app) == set()
    assert any(CHINESE.search(str(item.value)) for item in [*app.subheader, *app.text, *app.caption, *app.info])


def test_a_stored_plan_is_shown_in_chinese(run_id: str) -> None:
    """Proves: what plans and models say in English, as status and verdict, is Chinese on the page; the English page
    has it as it is."""
    store = Store()
    plan = store.open(run_id).plan
    assert plan.objective is not None
    # whatever a short search has proven
    proven = dataclasses.replace(plan, status="within gap", gap=0.01, bound=0.99 * plan.objective)
    with store.working(plan.scenario) as run:
        store.save(run, proven)
    message = "\n".join(text.value for text in in_chinese("plan", run, "关于此计划").main.text)
    assert "已证明" in message
    assert "proven" not in message
    assert "proven" in "\n".join(text.value for text in with_tab(page("plan", run), "About this plan").main.text)


def script() -> None:
    """What a language says of a moment, a number and counts; kept in the session for the test."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import streamlit as st

    from emberline.reports.charts import site_panels
    from emberline.reports.charts.view import View, time_axis
    from emberline.reports.text import wording
    from emberline.reports.text.language import trn
    from emberline.reports.text.numbers import listed, stamp
    from emberline.scenarios.records.horizon import Horizon
    from emberline.ui.pages.session import session

    session.begin()
    at = datetime(2026, 6, 6, 6, 15, tzinfo=ZoneInfo("Europe/Berlin"))
    horizon = Horizon.model_validate({"start": "2026-06-06", "zone": "Europe/Berlin", "days": 1})
    st.session_state["texts"] = {
        "moment": wording.moment(at),
        "stamp": stamp(at),
        "number": wording.number(-12345.678, 2),
        "zero": wording.number(-0.001, 1),
        "percent": wording.percent(0.1234, 2),
        "list": listed(["a", "b"]),
        "counts": [trn("{count} heat", "{count} heats", n) for n in (1, 2)],
        "axis": str(time_axis(View.of(horizon), title=True).to_dict()),
        "grouped": site_panels.grouped(),
    }


def lower_rooms() -> None:
    """Messages of the rooms below in the language of the page; kept in the session for the test."""
    from datetime import UTC, datetime

    import streamlit as st

    from emberline.models.explain import limits
    from emberline.reports.text.messages import say
    from emberline.scenarios import load
    from emberline.scenarios.messages import Message, sentences
    from emberline.ui.pages.session import session

    session.begin()
    at, days = datetime(2026, 6, 16, 6, 15, tzinfo=UTC), Message("{count} disturbed days", count=5)
    st.session_state["texts"] = {
        "limits": [
            say(text)
            for name in ("melt-shop-site", "cement-week", "works-hub-year")
            for limit in limits(load(name))
            for text in (limit.statement, limit.says(limit.loosest))
        ],
        "verdict": say(
            sentences(
                Message("Feasible, and the twin agrees; as printed it held in {held} of {days}.", held=4, days=days),
                Message("No better switches than the baseline's were found."),
            )
        ),
        "missing": say(
            Message("{name} lacks {tonnes:.4g} t by {time}, whatever is made", name="clinker", tonnes=12.0, time=at)
        ),
        "unknown": say("deliveries.6.release: lies outside the horizon"),
    }


def heard(language: str, what: Any = script) -> AppTest:
    app = AppTest.from_function(what, default_timeout=60)
    app.query_params["lang"] = language
    return app


def test_dates_and_numbers_are_the_languages() -> None:
    """Proves: Chinese has its own order of dates, comma between thousands, names of days; English stays as it was."""
    ours, chinese = (heard(language).run().session_state["texts"] for language in ("en", "zh"))
    assert ours["moment"] == "Sat 6 Jun 2026 06:15 +02:00"
    assert chinese["moment"] == "2026年6月6日 周六 06:15 +02:00"
    assert (ours["stamp"], chinese["stamp"]) == ("06 Jun 06:15", "6月6日 06:15")
    assert (ours["number"], chinese["number"]) == ("−12\u202f345.68", "-12,345.68")
    assert ours["zero"] == chinese["zero"] == "0.0"
    assert (ours["percent"], chinese["percent"]) == ("12.34 %", "12.34%")
    assert (ours["list"], chinese["list"]) == ("a, b", "a、b")
    assert (ours["counts"], chinese["counts"]) == (["1 heat", "2 heats"], ["1 个炉次", "2 个炉次"])
    assert "local time, Europe/" in ours["axis"]
    assert "当地时间，Europe/" in chinese["axis"]
    assert "'\u2009'" in ours["grouped"]
    assert "','" in chinese["grouped"]


def test_messages_of_lower_rooms_are_known() -> None:
    """Proves: every limit of a works, a verdict of several sentences and a time within a sentence are in Chinese;
    other text stays as it is. Sensitivity: a limit of ``models/explain`` without a translation."""
    text = heard("zh", lower_rooms).run().session_state["texts"]
    assert text["limits"]
    assert [limit for limit in text["limits"] if not CHINESE.search(limit)] == []
    assert (
        text["verdict"]
        == "可行，数字孪生与之一致；照打印执行，5 个扰动日中守住了 4 个。 没有找到比基准更好的启停安排。"
    )
    assert "6月16日 周二 06:15" in text["missing"]
    assert text["unknown"] == "deliveries.6.release: lies outside the horizon"


def test_sessions_keep_their_languages() -> None:
    """Proves: of two sessions in turn each hears its own language, also when it is drawn again; outside of a page all
    is English. Sensitivity: a language kept for the whole process."""
    one, other = heard("zh"), heard("en")
    for _ in range(2):
        assert one.run().session_state["texts"]["counts"][0] == "1 个炉次"
        assert other.run().session_state["texts"]["counts"][0] == "1 heat"
    assert tr("Plan") == "Plan"
    assert trn("{count} heat", "{count} heats", 2) == "2 heats"
    assert say("within gap") == "within gap"
    assert wording.percent(0.5, 0) == "50 %"


def test_a_language_that_is_not_there_is_english() -> None:
    """Proves: an address that names no language of ours changes nothing."""
    assert heard("xx").run().session_state["texts"]["percent"] == "12.34 %"


def test_no_page_draws_words_of_its_own() -> None:
    """Proves: what a page draws is no literal text, but went through ``tr``. Sensitivity: ``st.text("Some words")``."""
    rows = []
    for path in sorted((ROOT / "ui" / "pages").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not call.args:
                continue
            first = call.args[0]
            parts = first.values if isinstance(first, ast.JoinedStr) else [first]
            words = [part.value for part in parts if isinstance(part, ast.Constant) and WORD.search(str(part.value))]
            if call.func.attr in DRAWS and words and words not in (["Emberline"], ["Language · 语言"]):
                rows.append((path.name, call.lineno, words))
    assert not rows, "\n".join(map(str, rows))
