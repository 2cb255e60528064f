"""Edits of a draft made of a template: every section can be opened, and what was changed stays changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from pages import page
from scenario_page import copied, field, of, opened, script, section, texts, view
from streamlit.testing.v1 import AppTest

from emberline.runs.store import drafts, snapshots
from emberline.runs.store.drafts import Draft
from emberline.scenarios import loads
from emberline.scenarios.reading.document import parse
from emberline.scenarios.reading.editing import revised
from emberline.scenarios.templates.plants import start
from emberline.ui.pages.editor import draft as draft_state
from emberline.ui.pages.editor import form, tables
from emberline.ui.pages.editor.draft import typical
from emberline.ui.pages.editor.fields import value_of
from emberline.ui.pages.result import answer
from emberline.ui.pages.session import navigation


def of_template(name: str) -> tuple[AppTest, Draft]:
    """The page of a new draft of a template."""
    draft = drafts.create(start(name, "ours"), name)
    return opened(draft.id), draft


def deleted(row: int) -> dict[str, Any]:
    """State of a table in which a row was deleted."""
    return {"edited_rows": {}, "added_rows": [], "deleted_rows": [row]}


@pytest.mark.parametrize("name", ["grinding-plant", "melt-shop"])
def test_every_section_can_be_opened(name: str, home: Path) -> None:
    """Proves: no field is drawn twice in any section, with a mistake in the carbon price counted at its section."""
    app, draft = of_template(name)
    for key in form.SECTIONS:
        section(app, draft, key)
    drafts.write(draft, draft.text.replace("\n  currency: EUR", "\n  currency: EUR\n  carbon_price: {per_t: 8 MW}"))
    app.run()
    section(app, draft, "market")
    labels = [option.content for option in app.pills(key=f"form.section.{draft.id}").proto.options]
    assert [label for label in labels if "✕" in label] == [labels[2]]
    assert labels[2].startswith("Market")


def test_a_part_that_fails_stops_no_button(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where a view of the draft fails, that is shown, and Plan this goes to the plan all the same."""
    app, draft = of_template("grinding-plant")
    section(app, draft, "goal")
    monkeypatch.setattr(form, "group", lambda *_, **__: 1 / 0)
    app.run()
    assert len(app.exception) == 1
    assert "My drafts" in [part.label for part in app.expander]
    pages: list[str] = []
    monkeypatch.setattr(navigation, "go", pages.append)
    app.button(key="plan.this").click().run()
    assert (pages, app.session_state["plan.at_once"]) == (["plan"], draft.id)


def test_a_charge_that_was_deleted_stays_deleted(home: Path) -> None:
    """Proves: a row deleted in a table is not there again when the table is drawn after another view or page, nor when
    another value is changed then; undo brings it back for good. Sensitivity: a table that begins with its earlier rows
    but without the edits that were made in it."""
    app, draft = of_template("grinding-plant")
    section(app, draft, "market")
    name = f"table.{draft.id}.market.tariff.demand"
    app.session_state[f"{name}.{draft.version}"] = deleted(0)
    app.run()
    assert not app.exception
    without = of(app).text
    assert "demand" not in parse(without).data["market"]["tariff"]
    view(app, draft, "text")
    view(app, draft, "form")
    section(app, draft, "market")
    assert of(app).text == without
    app.button(key="undo").click().run()
    app.run()
    assert of(app).text == draft.text


@pytest.mark.parametrize("saved", [True, False])
def test_what_is_typed_while_the_last_value_is_saved_counts(
    saved: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a run that the next value in a table ends, once the draft is saved or before, loses neither value, and
    no other window is blamed. Sensitivity: an editor that begins again as its note of the draft's version is missing.
    """
    app, draft = of_template("grinding-plant")
    section(app, draft, "market")
    key = f"table.{draft.id}.market.tariff.energy.0.rates.{draft.version}"
    write = draft_state.set_values

    def ended(*arguments: Any) -> bool:
        if saved:
            write(*arguments)
        return bool(st.stop())

    monkeypatch.setattr(tables, "set_values", ended)
    edits: dict[str, Any] = {"edited_rows": {0: {"per_mwh": "135"}}, "added_rows": [], "deleted_rows": []}
    app.session_state[key] = edits
    app.run()
    monkeypatch.setattr(tables, "set_values", write)
    app.session_state[key] = edits | {"edited_rows": {0: {"per_mwh": "135"}, 1: {"per_mwh": "71"}}}
    app.run()
    assert not app.exception
    energy = parse(of(app).text).data["market"]["tariff"]["energy"]
    assert [rate["per_mwh"] for rate in energy[0]["rates"]] == [135, 71]
    assert "another window" not in texts(app)


def test_a_template_says_what_its_tariff_charges(home: Path) -> None:
    """Proves: the card of a template names every charge of its tariff with its price, the demand charge too; a template
    without a tariff names none."""
    app = opened()
    app.button(key="new.side").click().run()
    assert not app.exception
    sentence = {caption.value.partition("  \n")[0]: caption.value for caption in app.caption}
    mill, shop = (
        next(text for name, text in sentence.items() if word in name) for word in ("mill between", "arc furnace")
    )
    assert "65 to 110 EUR/MWh" in mill
    assert "8000 EUR/MW, monthly" in mill
    assert "EUR/MW" not in shop


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("22,5", 22.5), ("-1,25 MW", "-1.25 MW"), ("0,125", 0.125), ("1,2345", 1.2345), ("85000,0 kW", "85000.0 kW"),
        ("1,250", "1,250"), ("1,250 MW", "1,250 MW"), ("1,250.5", "1,250.5"), ("1.250,5", "1.250,5"), ("a,5", "a,5"),
        ("1,2,3", "1,2,3"),
    ],
)  # fmt: skip
def test_a_decimal_comma_is_read_where_it_is_clear(typed: str, value: Any) -> None:
    """Proves: a comma before three digits, which may be thousands, and lists stay as typed; every other is a point."""
    assert value_of(typed) == value


def test_a_mistake_in_a_cell_stands_at_the_table(home: Path) -> None:
    """Proves: a decimal comma in a field or cell reaches the draft as a point; what stays wrong is said at the top and
    once more where it was typed, also in a table within a box of the flow sheet."""
    app, draft = of_template("grinding-plant")
    section(app, draft, "site")
    field(app, draft, "site.base_load_mw").set_value("0,75 MW").run()
    assert "base_load_mw: 0.75 MW" in of(app).text
    app.session_state[f"sheet.{draft.id}"] = "deliveries/0"
    view(app, draft, "sheet")
    key = f"table.{draft.id}.deliveries.0.weekly.{of(app).version}"
    edits: dict[str, Any] = {"edited_rows": {0: {"rate_tph": "22,5"}}, "added_rows": [], "deleted_rows": []}
    app.session_state[key] = edits
    app.run()
    assert "rate_tph: 22.5}" in of(app).text
    assert "✓ no mistake found" in texts(app)
    app.session_state[key] = edits | {"edited_rows": {0: {"rate_tph": "1,500"}}}
    app.run()
    assert not app.exception
    assert texts(app).count("'1,500' has a comma") == 2


def test_a_file_of_ones_own_is_the_source_of_its_figures(home: Path) -> None:
    """Proves: where a meter's file is the base load, the template's remark on typical figures is not said of it;
    Sensitivity: without a file it is."""
    app, draft = of_template("melt-shop")
    app.session_state[f"sheet.{draft.id}"] = "site/base_load_mw"
    view(app, draft, "sheet")
    assert "as placed: Typical: dedusting" in texts(app)
    csv = "time_utc,base_load_mw\n" + "".join(f"2026-09-{14 + h // 24}T{h % 24:02d}:00Z,4\n" for h in range(72))
    path = drafts.add_files(draft, "load", {"csv": csv})["csv"]
    series = f"{{csv: {path}, column: base_load_mw, interval_min: 60}}"
    (line,) = [line for line in draft.text.splitlines() if "base_load_mw" in line]
    drafts.write(draft, draft.text.replace(line, f"  base_load_mw: {series}"))
    app.run()
    assert "✓ no mistake found" in texts(app)
    assert "your own file" in texts(app)
    assert "Typical: dedusting" not in texts(app) + str([caption.help for caption in app.caption])


def test_an_empty_field_says_what_counts(home: Path) -> None:
    """Proves: a field without value whose description says what then counts shows that, not *none*."""
    app, draft = of_template("grinding-plant")
    app.session_state[f"sheet.{draft.id}"] = "stores/1"
    view(app, draft, "sheet")
    assert field(app, draft, "stores.1.end_level_t").placeholder == "the initial level"


def test_one_power_takes_the_place_of_phases(home: Path) -> None:
    """Proves: a power typed where phases are preset can replace them by one button, after which there is no mistake."""
    app, draft = copied()
    view(app, draft, "tables")
    app.selectbox(key=f"table.{draft.id}").set_value("units.0").run()
    app.session_state[f"table.{draft.id}.units.0.{draft.version}"] = {
        "edited_rows": {0: {"power_mw": "40"}}, "added_rows": [], "deleted_rows": [],
    }  # fmt: skip
    app.run()
    assert "give power_mw or phases, not both" in texts(app)
    app.button(key="power.line.stages.0.units.0").click().run()
    assert not app.exception
    assert "✓ no mistake found" in texts(app)
    (unit, *_) = parse(of(app).text).data["line"]["stages"][0]["units"]
    assert (unit["power_mw"], "phases" in unit) == (40, False)


def test_one_rate_hides_the_fields_of_a_range(home: Path) -> None:
    """Proves: the form of a mill with one rate folds low and high away; one with a range shows them."""
    app, draft = of_template("grinding-plant")
    app.session_state[f"sheet.{draft.id}"] = "processes/0"
    view(app, draft, "sheet")

    def ranges() -> list[tuple[str, bool]]:
        parts = [part for part in app.expander if part.label.startswith(("A range", "Rate"))]
        return [(part.label, part.proto.expanded) for part in parts]

    assert ranges() == [("A range instead of one rate", False)]
    drafts.write(draft, draft.text.replace("rate: 100 t/h\n", "rate: {low: 80 t/h, high: 100 t/h}\n", 1))
    app.run()
    assert not app.exception
    ((label, expanded),) = ranges()
    assert label == "Rate"
    assert expanded


def test_a_draft_opens_where_it_was_left(home: Path) -> None:
    """Proves: view and section of a draft are those that were open before another scenario was looked at."""
    app, draft = of_template("grinding-plant")
    section(app, draft, "site")
    view(app, draft, "sheet")
    for name in ("melt-shop-small", draft.id):
        app.selectbox(key="scenario").set_value(name).run()
    assert app.segmented_control(key=f"view.{draft.id}").value == "sheet"
    view(app, draft, "form")
    assert app.pills(key=f"form.section.{draft.id}").value == "site"


def test_the_page_plant_leads_to_where_plants_are_built(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the page Plant says that it only shows, and its buttons lead to the draft's flow sheet and to a new
    plant."""
    _, draft = of_template("grinding-plant")
    went: list[str] = []
    monkeypatch.setattr(navigation, "go", went.append)
    app = page("plant")
    assert "built and changed on the page Scenario" in texts(app)
    app.session_state["source"] = draft.id
    app.button(key="plant.edit").click().run()
    assert not app.exception
    assert (went, app.session_state["new.plant"]) == (["scenario"], False)
    key = navigation.view_key(draft.id)
    editor = AppTest.from_function(script, default_timeout=60)
    editor.query_params["draft"] = draft.id
    editor.session_state[key] = app.session_state[key]
    assert editor.run().segmented_control(key=f"view.{draft.id}").value == "sheet"
    app.button(key="plant.new").click().run()
    assert (went[1:], app.session_state["new.plant"]) == (["scenario"], True)


def either() -> None:
    """The page Scenario or Plan, as the session says."""
    import streamlit as st

    from emberline.ui.pages import plan, scenario
    from emberline.ui.pages.session import session

    session.begin()
    {"scenario": scenario, "plan": plan}[st.session_state["where"]].page()


def test_a_draft_that_the_form_at_the_side_changed_is_no_other_windows(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: what the quick form writes into a draft is known to its window; what somebody else writes is warned of.
    Sensitivity: a warning of another window after Edit everything."""
    monkeypatch.setattr(navigation, "go", lambda _: None)
    draft = drafts.create(start("melt-shop", "ours"), "melt-shop")
    app = AppTest.from_function(either, default_timeout=60)
    app.query_params["draft"] = draft.id
    for where in ("scenario", "plan"):
        app.session_state["where"] = where
        app.run()
    next(item for item in app.number_input if item.label == "Carbon [EUR/t]").set_value(77.0).run()
    app.button(key="quick.edit").click().run()
    assert drafts.open_draft(draft.id).version != draft.version
    app.session_state["where"] = "scenario"
    app.run()
    assert not app.exception
    assert "another window" not in texts(app)
    now = drafts.open_draft(draft.id)
    drafts.write(now, now.text + "\n# by somebody else\n")
    app.run()
    assert "another window" in texts(app)


def test_breakdowns_and_prices_are_found_from_the_boxes(home: Path) -> None:
    """Proves: the box of a mill says how often it fails and leads to the section where that is entered, which says so
    in its title and has the table of breakdowns; the grid leads to the price of electricity and the price to the grid,
    on the sheet and in the form. Sensitivity: a section without the table, a box that leads nowhere."""
    app, draft = of_template("grinding-plant")
    app.session_state[f"sheet.{draft.id}"] = "processes/0"
    view(app, draft, "sheet")
    (row,) = parse(draft.text).data["disturbances"]["breakdowns"]
    assert f"{row['unit']} fails every" in texts(app)
    app.button(key="link.disturbances").click().run()
    assert not app.exception
    assert app.session_state[f"view.{draft.id}"] == "form"
    assert "Disturbances: breakdowns, delays, missed deliveries" in texts(app)
    assert "Breakdowns (1)" in [part.label for part in app.expander]
    assert app.pills(key=f"form.section.{draft.id}").value == "disturbances"
    section(app, draft, "site")
    app.button(key="link.market").click().run()
    assert app.pills(key=f"form.section.{draft.id}").value == "market"
    app.button(key="link.site").click().run()
    assert app.pills(key=f"form.section.{draft.id}").value == "site"
    app.session_state[f"sheet.{draft.id}"] = "site/grid"
    view(app, draft, "sheet")
    app.button(key="sheet.link.site").click().run()
    assert app.session_state[f"sheet.{draft.id}"] == "site"
    app.button(key="sheet.link.site/grid").click().run()
    assert app.session_state[f"sheet.{draft.id}"] == "site/grid"
    assert not app.exception


def test_typical_figures_are_counted_until_they_are_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the page Scenario lists the figures of a template that nobody has changed, each with its source; one that
    is changed leaves the list, and what stands for the plant itself was never on it; a plan of the draft says how many
    were in it, and a plan of something else nothing. Sensitivity: the figures of the draft as it is now."""
    app, draft = of_template("grinding-plant")
    original = str(draft.folder / draft.texts[0])
    rows = typical(original, original)
    assert rows
    assert all("typical" in source.lower() for _, _, source in rows)
    assert not [place for place, _, _ in rows if place[0] in ("stores", "deliveries", "arrivals")]
    text = f"{len(rows)} typical figures still in use"
    assert text in [part.label for part in app.expander]
    planned = snapshots.take(draft.path)
    place, value, _ = rows[0]
    data = parse(draft.text).data
    inner: Any = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = 2 * value if isinstance(value, int | float) else "7.5 MW"
    latest = drafts.write(draft, revised(draft.text, data))
    assert [one for one in rows if one[0] != place] == typical(str(latest.path), original)
    for scenario, labels in ((draft.id, [text]), ("melt-shop-small", [])):
        note = {"scenario": scenario, "snapshot": planned}
        monkeypatch.setattr(answer, "note_of", lambda run, note=note: note)
        title = AppTest.from_function(titled, default_timeout=60)
        title.query_params["draft"] = draft.id
        title.run()
        assert not title.exception
        assert [button.label for button in title.button] == labels


def titled() -> None:
    """The title of a plan alone."""
    from emberline.scenarios import load
    from emberline.ui.pages.result import answer
    from emberline.ui.pages.session import session

    session.begin()
    answer.show_title(load("melt-shop-small"), "a" * 32)


def test_todays_practice_is_set_in_the_form(home: Path) -> None:
    """Proves: what the baseline of a works follows has a section: levels of each store, also of one that the template
    says nothing of, usual rates and fuels, marked as not the user's; what is typed is what the baseline keeps; a line
    has nothing to set. Sensitivity: stores listed only where they have keys."""
    app, draft = of_template("grinding-plant")
    section(app, draft, "practice")
    place = f"form.{draft.id}.{draft.version}."
    names = {str(one.key).removeprefix(place) for one in app.text_input if str(one.key).startswith(place)}
    assert names == {f"stores.{i}.{name}" for i in (0, 1) for name in ("keep_low", "keep_high")}
    assert "Savings are measured against the baseline" in texts(app)
    captions = [caption.value for caption in app.caption]
    assert (captions.count("✓ typical"), captions.count("✓ example")) == (2, 2)
    app.text_input(key=f"{place}stores.0.keep_low").set_value("25 %").run()
    assert not app.exception
    assert loads(drafts.open_draft(draft.id).text).stores[0].keep_low == 0.25
    app, draft = of_template("cement-works")
    section(app, draft, "practice")
    place = f"form.{draft.id}.{draft.version}."
    names = {str(one.key).removeprefix(place) for one in app.text_input if str(one.key).startswith(place)}
    assert {name for name in names if not name.startswith("stores")} == {
        "processes.1.rate.usual", "processes.1.heat.fuels.0.share", "processes.1.heat.fuels.1.share",
    }  # fmt: skip
    app, draft = of_template("melt-shop")
    section(app, draft, "practice")
    assert "no values of its own" in texts(app)
