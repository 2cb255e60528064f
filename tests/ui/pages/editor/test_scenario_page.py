"""The page Scenario: copy, edit as form, table and text, series, difference, undo; users stay apart."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from babel.messages.pofile import read_po
from scenario_page import copied, field, of, opened, script, section, texts, view
from streamlit.testing.v1 import AppTest
from waiting import until

from emberline.runs.jobs import queue
from emberline.runs.store import drafts, snapshots
from emberline.runs.store.store import Store
from emberline.scenarios import bundled, loads
from emberline.scenarios.descriptions import documented
from emberline.scenarios.importing import bring, guess, read
from emberline.scenarios.loading.loading import LIBRARY
from emberline.scenarios.reading.document import parse
from emberline.scenarios.reading.editing import differences
from emberline.ui.pages.editor import form, tables
from emberline.ui.pages.editor import series as editing_series
from emberline.ui.pages.editor.draft import DraftState, checked
from emberline.ui.pages.editor.fields import columns, fields, inner, renamed
from emberline.ui.pages.editor.source_text import records

ROOT = Path(__file__).resolve().parents[4]


def test_a_bundled_scenario_is_shown_and_copied(home: Path) -> None:
    """Proves: what is bundled stays as it is until it is copied; the copy's id is in the address."""
    app = opened()
    assert [item.value for item in app.subheader] == ["Scenario"]
    assert "melt-shop-small: Small melt shop" in texts(app)
    assert not (home / "drafts").exists() or not list((home / "drafts").iterdir())
    app.button(key="copy").click().run()
    draft = of(app)
    assert draft.text == (LIBRARY / "melt-shop-small.yaml").read_text()
    assert "✓ no mistake found, 0 changes" in texts(app)


def test_form_check_undo_redo_reset(home: Path) -> None:
    """Proves: a field takes quantities, its mistake stands next to it and bars the plan; undo, redo and reset work."""
    app, draft = copied()
    section(app, draft, "site")
    field(app, draft, "site.grid.import_limit_mw").set_value("80000 kW").run()
    assert not app.exception
    draft = of(app)
    assert snapshots.load(draft.path).site.grid.import_limit_mw == 80
    assert "✓ 80 MW" in texts(app)
    # comments and all other lines are still there
    assert draft.text == draft.original.replace("import_limit_mw: 75 MW", "import_limit_mw: 80000 kW")
    field(app, draft, "site.battery.energy_mwh").set_value("8 t").run()
    draft = of(app)
    assert "✕ wrong unit 't': this takes 'MWh' or a unit that converts to it" in texts(app)
    assert "line 59" in texts(app)
    assert app.button(key="plan.this").disabled
    app.button(key="undo").click().run()
    assert not app.button(key="plan.this").disabled
    app.button(key="redo").click().run()
    assert app.button(key="plan.this").disabled
    app.button(key="reset").click().run()
    assert of(app).text == draft.original
    app.button(key="undo").click().run()
    assert "8 t" in of(app).text


def test_what_is_left_empty_takes_the_default(home: Path) -> None:
    """Proves: clearing a field takes the key away, and the last key its block: no battery is left of an empty one."""
    app, draft = copied()
    section(app, draft, "site")
    for name in ("energy_mwh", "power_mw", "self_loss_per_h", "level_share"):
        field(app, of(app), f"site.battery.{name}").set_value("").run()
        assert not app.exception
    assert snapshots.load(of(app).path).site.battery is None
    assert "battery" not in parse(of(app).text).data["site"]
    section(app, draft, "goal")
    app.selectbox(key=f"form.{draft.id}.{of(app).version}.goal.minimize").set_value("cost").run()
    assert snapshots.load(of(app).path).goal.minimize == "cost"


def test_text_with_mistakes_has_lines(home: Path) -> None:
    """Proves: typed text is checked with its line before it is kept, and kept on request; the form follows."""
    app, draft = copied()
    view(app, draft, "text")
    typed = draft.text.replace("minimize: carbon", "minimise: carbon")
    app.text_area(key=f"text.{draft.id}.{draft.version}").set_value(typed).run()
    assert "goal.minimise: unknown key; did you mean minimize?" in texts(app)
    assert of(app).text == draft.text
    app.button(key=f"text.{draft.id}.{draft.version}.apply").click().run()
    assert not app.exception
    assert of(app).text == typed
    now = of(app)
    app.text_area(key=f"text.{now.id}.{now.version}").set_value("a: [1").run()
    app.button(key=f"text.{now.id}.{now.version}.apply").click().run()
    assert "is not YAML" in texts(app)
    for name in ("form", "tables", "series", "changes"):
        view(app, draft, name)
        assert app.button(key="plan.this").disabled
    app.button(key="undo").click().run()
    app.button(key="undo").click().run()
    assert "✓ no mistake found, 0 changes" in texts(app)


def test_changes_are_listed_by_key(home: Path) -> None:
    """Proves: the difference to the original is a table of key, original and now, items by their names; people
    see labels with units first."""
    app, draft = copied()
    data = parse(draft.text).data
    data["orders"][2]["heats"][0]["count"] = 2
    data["goal"]["gap"] = "2 %"
    del data["site"]["pv"]
    data["line"]["stages"][0]["units"][0]["phases"][1]["power_mw"] = 60
    from emberline.scenarios.reading.editing import revised

    drafts.write(draft, revised(draft.text, data))
    app.run()
    view(app, draft, "changes")
    *_, first, table = (one.value for one in app.dataframe)
    rows = {row["key"]: (row["original"], row["now"]) for row in table.to_dict("records")}
    assert rows["goal.gap"] == ("1 %", "2 %")
    assert rows["orders.C3.heats.0.count"] == ("3", "2")
    assert rows["site.pv"][1] == "–"
    assert len(rows) == 4
    people = {row["what"]: (row["before"], row["after"]) for row in first.to_dict("records")}
    assert people["Orders › C3 › Heats › 1 › Count"] == ("3", "2")
    assert people["Goal › Gap [share or %]"] == ("1 %", "2 %")
    assert people["Stages › melting › Units › EAF › Phases › 2 › Power [MW]"] == ("64 MW", "60")
    (gone,) = (before for what, (before, after) in people.items() if after == "–")
    assert gone == "Peak 8 MW, Capacity factor (table pv_typical, column capacity_factor)"


def test_users_do_not_see_each_other(home: Path) -> None:
    """Proves: another tab has no draft at hand that it has not opened; one that is not kept is reported."""
    app, draft = copied()
    section(app, draft, "site")
    field(app, draft, "site.base_load_mw").set_value("9").run()
    other = opened()
    assert draft.id not in [*other.selectbox(key="scenario").options, str(other.query_params)]
    assert "draft:" not in str(other.selectbox(key="scenario").options)
    again = opened(draft.id)
    assert "1 change" in texts(again)
    gone = opened("f" * 32)
    assert "no longer exists here" in texts(gone)
    assert "draft" not in gone.query_params


def test_a_change_from_an_older_window_is_refused(home: Path) -> None:
    """Proves: two windows on one draft do not overwrite each other silently: what is entered on an older text is not
    kept, and that is reported once. Sensitivity: a window's own changes, and its undo, are none of another one."""
    app, draft = copied()
    field(app, draft, "title").set_value("Mine").run()
    app.button(key="undo").click().run()
    assert "in another window" not in texts(app)
    draft = of(app)
    drafts.write(draft, draft.text + "# by the other window\n")
    field(app, draft, "title").set_value("Lost").run()
    assert not app.exception
    assert of(app).text.endswith("# by the other window\n")
    assert "Lost" not in of(app).text
    assert "in another window" in texts(app)
    app.run()
    assert "in another window" not in texts(app)


def test_a_draft_is_planned_as_it_is(home: Path) -> None:
    """Proves: the page Plan offers the draft, its worker takes the text of that moment with its series, and the run
    does not name the draft. Sensitivity: a worker that read the draft later would see the other gap."""
    _, draft = copied()
    text = draft.text.replace("effort: 30", "effort: 5").replace("gap: 1 %", "gap: 30 %")
    text = text.replace("replications: 20", "replications: 1")
    draft = drafts.write(draft, text)
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    page.query_params["draft"] = draft.id
    page.run()
    assert not page.exception
    assert page.selectbox(key="scenario").value == draft.id
    next(button for button in page.button if button.label == "Plan").click().run()
    drafts.write(draft, text.replace("gap: 30 %", "gap: 29 %"))
    named = page.query_params["run"]
    run = named if isinstance(named, str) else named[0]
    assert draft.id not in str(queue.request(run)["scenario"])
    until(run)
    result = Store().open(run).plan.scenario
    assert (result.goal.gap, result.goal.budget) == (0.3, 5)
    # somebody else opens the run: it is shown as it was asked, and the draft is not among what can be edited
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    other.query_params["run"] = run
    other.run()
    assert not other.exception
    assert "draft" not in other.query_params
    assert "melt-shop-small, as planned" in other.selectbox(key="scenario").options


def run_of(page: AppTest) -> str:
    """The run that the page looks at, once it has ended; the page is drawn again."""
    named = page.query_params["run"]
    run = named if isinstance(named, str) else named[0]
    until(run)
    page.run()
    assert not page.exception
    return run


def test_what_was_just_planned_is_that_of_the_side(home: Path) -> None:
    """Proves: a plan that begins with the one before is searched for as long as asked, and is that of the side; when a
    number is moved the page says so. Sensitivity: what is stored differs from what was asked."""
    text = (LIBRARY / "melt-shop-small.yaml").read_text(encoding="utf-8").replace("replications: 20", "replications: 1")
    draft = drafts.create(text.replace("gap: 1 %", "gap: 30 %").replace("effort: 30", "effort: 5"), "melt-shop-small")
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    page.query_params["draft"] = draft.id
    page.run()

    def planned() -> str:
        next(button for button in page.button if button.label == "Plan").click().run()
        return run_of(page)

    planned()
    drafts.write(draft, draft.text.replace("import_limit_mw: 75 MW", "import_limit_mw: 20 MW"))
    page.run()
    assert any("inputs at the side differ from those" in item.value for item in page.info)
    result = Store().open(planned()).plan
    assert not result.has_schedule
    assert result.scenario.goal.time_limit_s == loads(draft.text).goal.time_limit_s
    assert not page.info
    widget = next(field for field in page.number_input if str(field.key).endswith(".carbon_price"))
    widget.set_value(99.0).run()
    assert any("inputs at the side differ from those" in item.value for item in page.info)


def test_a_run_of_a_text_of_ones_own_is_planned_again(home: Path, stored_home: tuple[Path, str]) -> None:
    """Proves: a run that the command line made of a scenario that is not bundled stands at the side as it was planned,
    without a note that it differs, also when it is opened later, and on the page Scenario; Plan plans the same, and a
    copy has its series. Sensitivity: a side that begins with a bundled scenario would plan another plant."""
    csv = "time_utc,price\n" + "".join(f"2026-06-{14 + h // 24}T{h % 24:02d}:00Z,{h}\n" for h in range(96))
    (home.parent / "price.csv").write_text(csv, encoding="utf-8")
    text = (LIBRARY / "melt-shop-small.yaml").read_text(encoding="utf-8").replace("name: melt-shop-small", "name: mine")
    price = {"csv": str(home.parent / "price.csv"), "column": "price"}
    scenario = loads(text, overrides=[f"market.price_per_mwh={json.dumps(price)}", "goal.gap=0.5", "goal.hold=off"])
    store = Store()
    with store.working(scenario) as run:
        store.save(run, dataclasses.replace(Store(stored_home[0]).open(stored_home[1]).plan, scenario=scenario))
    (home.parent / "price.csv").unlink()

    def chosen_scenario(page: AppTest) -> str:
        assert not page.exception
        assert not page.info
        box = page.selectbox(key="scenario")
        return str(box.format_func(box.value))

    first = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    first.query_params["run"] = run
    first.run()
    assert chosen_scenario(first) == "mine, as planned"
    later = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert chosen_scenario(later) == "melt-shop-small"
    later.session_state["run"] = run
    later.run()
    assert chosen_scenario(later) == "mine, as planned"
    next(button for button in later.button if button.label == "Plan").click().run()
    result = Store().open(run_of(later)).plan.scenario
    assert chosen_scenario(later) == "mine, as planned"
    assert result.name == "mine"
    assert result.inputs["price_per_mwh"].equals(scenario.inputs["price_per_mwh"])
    page = AppTest.from_function(script, default_timeout=60)
    for key in ("seed", "source"):
        page.session_state[key] = first.session_state[key]
    page.run()
    assert chosen_scenario(page) == "mine, as planned"
    page.button(key="copy").click().run()
    assert not page.exception
    copy = snapshots.load(of(page).path)
    assert copy.inputs["price_per_mwh"].values[0] == scenario.inputs["price_per_mwh"].values[0]
    assert "✓ no mistake found, 0 changes" in texts(page)


def test_text_typed_over_an_older_state_says_so(home: Path) -> None:
    """Proves: typed text waits while the form changes the draft, and says that it would replace that; discarded it is
    gone. Sensitivity: a field that begins again drops it."""
    app, draft = copied()
    view(app, draft, "text")
    typed = draft.text.replace("gap: 1 %", "gap: 3 %")
    app.text_area(key=f"text.{draft.id}.{draft.version}").set_value(typed).run()
    view(app, draft, "form")
    section(app, draft, "site")
    field(app, draft, "site.base_load_mw").set_value("9").run()
    now = of(app)
    assert now.version != draft.version
    app.button(key="plan.this").click().run()
    assert "Nothing is planned yet" in texts(app)
    area = app.text_area(key=f"text.{now.id}.{now.version}")
    assert area.value == typed
    assert "The draft has changed since this was typed" in texts(app)
    app.button(key=f"text.{now.id}.{now.version}.discard").click().run()
    assert app.text_area(key=f"text.{now.id}.{now.version}").value == now.text
    assert "not applied" not in texts(app)


def test_series_are_brought_in_and_planned_with(home: Path) -> None:
    """Proves: a file becomes a series of the draft through the guided mapping, with what it was read by next to it."""
    app, draft = copied()
    view(app, draft, "series")
    rows = "".join(f"{15 + h // 24}.06.2026 {h % 24:02d}:00;{h},5\n" for h in range(72))
    name = "../../etc/prices.csv"
    app.file_uploader(key=f"series.{draft.id}.0").upload(
        name, f"Zeit;Preis [EUR/MWh]\n{rows}".encode(), "text/csv"
    ).run()
    assert not app.exception
    text = texts(app)
    assert "72 values of 60 min, 2026-06-14 22:00Z to 2026-06-17 22:00Z" in text
    assert "decimal comma" in text
    app.text_input(key=f"series.{draft.id}.map.prices.csv.price.zone").set_value("Mars/Base").run()
    assert "unknown zone 'Mars/Base'" in texts(app)
    app.text_input(key=f"series.{draft.id}.map.prices.csv.price.zone").set_value("Europe/Berlin").run()
    app.button(key=f"series.{draft.id}.take").click().run()
    assert not app.exception
    draft = of(app)
    scenario = snapshots.load(draft.path)
    assert scenario.inputs["price_per_mwh"].values[0] == 24.5
    names = sorted(path.suffix for path in (draft.folder / "files").iterdir())
    assert names == [".csv", ".yaml"]
    assert not list(home.rglob("prices*"))
    changes = differences(parse(draft.original).data, parse(draft.text).data)
    assert ("market", "price_per_mwh") in {change.path[:2] for change in changes}


def test_a_meters_file_is_guessed_and_reported(home: Path) -> None:
    """Proves: date and clock in two columns, ends of intervals and a unit that no one named are shown as guesses in the
    fields, and a file that does not cover the horizon says so before it is taken."""
    app, draft = copied()
    view(app, draft, "series")
    rows = "".join(
        f"{20 + q // 96}.10.2025;{q % 96 // 4:02d}:{q % 4 * 15:02d};{'Bad' if q == 9 else q}\n" for q in range(1, 289)
    )
    app.file_uploader(key=f"series.{draft.id}.0").upload("load.csv", f"Datum;Uhrzeit;Wert\n{rows}".encode(), "text/csv")
    app.run()
    app.selectbox(key=f"series.{draft.id}.map.role").set_value("load").run()
    assert not app.exception
    key = f"series.{draft.id}.map.load.csv.load"
    assert "say gaps: hold" in texts(app)
    app.selectbox(key=f"{key}.gaps").set_value("hold").run()
    assert not app.exception
    assert [app.selectbox(key=f"{key}.{name}").value for name in ("clock", "stamps")] == ["Uhrzeit", "end"]
    assert [app.text_input(key=f"{key}.{name}").value for name in ("unit", "missing")] == ["MW", "Bad"]
    text = texts(app)
    for guessed in (
        "times joined from 'Datum' and 'Uhrzeit'", "as the first is 00:15 and the last 00:00",
        "unit MW, as the file names none", "taken as missing: 'Bad' (1)",
    ):  # fmt: skip
        assert guessed in text
    assert (
        "The file covers Mon 20 Oct 2025 00:00 to Thu 23 Oct 2025 00:00, but the horizon is Tue 16 Jun 2026 00:00"
        in text
    )


def test_a_day_in_each_row_on_the_page(home: Path) -> None:
    """Proves: a day in each row is found and its first and last column shown, and what was guessed can be changed."""
    app, draft = copied()
    view(app, draft, "series")
    names = ";".join(f"{h:02d}:00" for h in range(24))
    rows = "".join(f"{day}.06.2026;" + ";".join(str(h) for h in range(24)) + ";276\n" for day in (15, 16, 17))
    text = f"Datum;{names};Summe\n{rows}"
    app.file_uploader(key=f"series.{draft.id}.0").upload("days.csv", text.encode(), "text/csv").run()
    key = f"series.{draft.id}.map.days.csv.price"
    assert [app.selectbox(key=f"{key}.{name}").value for name in ("shape", "value", "through")] == [
        "days", "00:00", "23:00",
    ]  # fmt: skip
    assert "say the unit" in texts(app)
    app.text_input(key=f"{key}.unit").set_value("EUR/MWh").run()
    assert not app.exception
    assert "72 values of 60 min, 2026-06-14 22:00Z to 2026-06-17 22:00Z" in texts(app)
    assert "covers" not in texts(app)
    app.button(key=f"series.{draft.id}.take").click().run()
    assert not app.exception
    assert snapshots.load(of(app).path).inputs["price_per_mwh"].values[20] == 5


def test_an_import_is_drawn_on_the_axis_of_all_charts() -> None:
    """Proves: the preview is labelled in the plant's zone with 24 hours, across a change of clocks. Sensitivity: in UTC
    its first label would be 22:00."""
    rows = "".join(f"2025-10-25T{h:02d}:00+02:00,{h}\n" for h in range(24))
    raw = read(f"time,load_mw\n{rows}".encode(), "a.csv")
    imported = bring(raw, guess(raw, "load").mapping)
    result = editing_series.preview(imported, "Europe/Berlin", "MW").to_dict()
    axis = result["encoding"]["x"]["axis"]
    assert axis["title"].startswith("local time, Europe/Berlin")
    labels = json.loads(axis["labelExpr"].removeprefix("(").partition(")[")[0])
    assert labels["0"] == ["00:00", "Sat 25 Oct"]
    assert labels["840"][0] == "14:00"
    (data,) = result["datasets"].values()
    assert data[23]["when"].startswith("Sat 25 Oct 2025 23:00")


@pytest.mark.parametrize("name", bundled())
def test_every_form_and_table_gives_back_what_it_shows(name: str) -> None:
    """Proves: tables of all bundled scenarios change nothing untouched; one cell changes that alone."""
    text = (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")
    now = DraftState(text, parse(text).data, None, ())
    visited = 0
    for table in tables.tables(now):
        items = now.items(table.path)
        frame = tables.frame_of(items, table)
        assert tables.items_of(frame, items, frame) == items
        if not items or "name" not in frame:
            continue
        visited += 1
        edited: Any = frame.copy()
        edited.loc[0, "name"] = "renamed"
        new = dict.fromkeys(frame.columns) | {"name": "new"}
        edited = pd.concat([edited, pd.DataFrame([new])], ignore_index=True)
        result = tables.items_of(edited, items, frame)
        assert result == [{**items[0], "name": "renamed"}, *items[1:], {"name": "new"}]
    assert visited


def test_a_table_is_edited(home: Path) -> None:
    """Proves: cells, new and deleted rows reach the text, one edit after the other in the same editor, and undo takes
    them back into the table. Sensitivity: an editor that begins again would apply the first edit twice."""
    app, draft = copied()
    view(app, draft, "tables")
    key = f"table.{draft.id}.orders.{draft.version}"
    edits: dict[str, Any] = {"edited_rows": {0: {"heats": "2 × rebar, wire"}}, "added_rows": [], "deleted_rows": []}
    app.session_state[key] = edits
    app.run()
    assert not app.exception
    assert [heat.grade.name for heat in snapshots.load(of(app).path).heats[:3]] == ["rebar", "rebar", "wire"]
    edits |= {"added_rows": [{"name": "C4", "heats": "wire", "due": "20 h"}], "deleted_rows": [1]}
    app.session_state[key] = edits
    app.run()
    assert not app.exception
    scenario = snapshots.load(of(app).path)
    assert [order.name for order in scenario.orders] == ["C1", "C3", "C4"]
    assert len(scenario.heats) == 7
    assert "# One order is one cast." in of(app).text
    app.button(key="undo").click().run()
    app.button(key="undo").click().run()
    assert of(app).text == draft.text
    assert app.data_editor[0].value["heats"].tolist() == ["3 × rebar", "3 × rebar", "3 × wire"]


def test_orders_are_written_short() -> None:
    """Proves: '3 × A, B' is four heats; what has names or due times of its own is marked, and stays."""
    now = checked(
        "orders:\n  - {name: C1, heats: [{grade: A, count: 3}, {grade: B}]}\n"
        "  - {name: C2, heats: [{grade: A, due: 3 h}]}\n",
        LIBRARY,
    )
    (table,) = [table for table in tables.tables(now) if table.name == "orders"]
    items = now.items(table.path)
    frame = tables.frame_of(items, table)
    assert frame["heats"].tolist() == ["3 × A, B", "A …"]
    edited = frame.copy()
    edited.loc[0, "heats"] = "2x B , 4 * A"
    result = tables.items_of(edited, items, frame)
    assert result[0]["heats"] == [{"grade": "B", "count": 2}, {"grade": "A", "count": 4}]
    assert result[1] == items[1]


def test_every_field_has_its_unit_and_help() -> None:
    """Proves: labels of the form name a unit wherever the field's name does. Sensitivity: a unit left out fails."""
    for groups in form.GROUPS.values():
        for group in groups:
            form_fields = fields(group.record, "EUR")
            assert form_fields
            assert len({one.label for one in form_fields}) == len(form_fields)
            for one in form_fields:
                if one.name.endswith(("_mw", "_mwh", "_min", "_h", "_t", "_s", "_kg", "_share")):
                    assert one.unit, one


def test_every_field_has_words_as_help() -> None:
    """Proves: every field, column and inner record of the editor is described, and the description translated.
    Sensitivity: a field without a description shows its bare key as help."""
    with (ROOT / "reports/text/locale/zh.po").open("rb") as file:
        chinese = read_po(file)
    for record in records():
        texts = documented(record)
        names = {*columns(record, "EUR"), *(one.name for one in fields(record, "EUR"))}
        names |= {one.name for one in inner(record)}
        assert names <= set(texts), record.__name__
        for name in names:
            translation = chinese.get(texts[name])
            assert translation is not None, texts[name]
            assert translation.string, texts[name]


def test_nested_values_are_tables_of_their_own(home: Path) -> None:
    """Proves: phases of a unit are a table whose cells reach the text, no cell holds braces.
    Sensitivity: a list of records written into a cell."""
    app, draft = copied()
    view(app, draft, "tables")
    app.selectbox(key=f"table.{draft.id}").set_value("units.0").run()
    assert not app.exception
    name = "line.stages.0.units.0.phases"
    (phases,) = [one for one in app.data_editor if list(one.value.columns) == ["#", "share", "power_mw"]]
    assert phases.value["power_mw"].tolist() == ["32 MW", "64 MW", "32 MW"]
    app.session_state[f"table.{draft.id}.{name}.{draft.version}"] = {
        "edited_rows": {1: {"power_mw": "60 MW"}}, "added_rows": [], "deleted_rows": [],
    }  # fmt: skip
    app.run()
    assert not app.exception
    assert "- {share: 60 %, power_mw: 60 MW}" in of(app).text
    assert "Bore-in, melting, refining" in of(app).text
    for one in app.data_editor:
        assert not any("{" in str(cell) for cell in one.value.to_numpy().ravel())


def test_who_is_renamed_keeps_what_refers_to_it() -> None:
    """Proves: a store's new name is that of inputs, deliveries and modes too, a stage's that of durations; names that
    change places, and what is called so elsewhere, are left alone."""
    data: dict[str, Any] = {
        "stores": [{"name": "a"}, {"name": "b"}],
        "processes": [{"name": "a", "inputs": [{"store": "a"}], "modes": [{"name": "m", "outputs": [{"store": "b"}]}]}],
        "deliveries": [{"name": "a", "store": "b"}],
    }
    old, new = data["stores"], [{"name": "c"}, {"name": "b"}]
    assert renamed(data, ("stores",), old, new) == {("processes", 0, "inputs", 0, "store"): "c"}
    assert renamed(data, ("stores",), old, [{"name": "b"}, {"name": "a"}]) == {}
    assert renamed(data, ("stores",), old, old[:1]) == {}
    line: dict[str, Any] = {"stages": [{"name": "s"}], "grades": [{"name": "g", "duration_min": {"s": 3, "t": 4}}]}
    values = renamed({"line": line}, ("line", "stages"), line["stages"], [{"name": "r"}])
    assert values == {("line", "grades", 0, "duration_min"): {"r": 3, "t": 4}}
