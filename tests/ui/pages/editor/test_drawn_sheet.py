"""The flow sheet of a draft: what is drawn, what a line means, what helps while the text is typed."""

from __future__ import annotations

from typing import Any

import pytest

from emberline.scenarios import bundled, loads
from emberline.scenarios.goal_metrics import GOALS, IN_MINUTES
from emberline.scenarios.loading.loading import find
from emberline.scenarios.reading.document import parse
from emberline.scenarios.records.goal import Goal
from emberline.scenarios.templates.plants import TEMPLATES, template
from emberline.ui.pages.editor.drawing import layout
from emberline.ui.pages.editor.fields import fields
from emberline.ui.pages.editor.source_text import keys


def texts() -> dict[str, str]:
    """All templates and bundled scenarios."""
    return {name: template(name) for name in TEMPLATES} | {
        name: find(name).read_text(encoding="utf-8") for name in bundled()
    }


@pytest.mark.parametrize("name", texts())
def test_lines_say_what_assets_give_and_take(name: str) -> None:
    """Proves: what is drawn of the plain data is what the records say once they are read; a store, which evens out, has
    a line both ways. Sensitivity: a machine whose electricity or waste heat is not drawn, or drawn the wrong way."""
    site, boxes = loads(texts()[name]).site, layout.assets(parse(texts()[name]).data)
    for (box, _), asset in zip(boxes, site.assets, strict=True):
        core = site.cores.get(asset.name, asset)
        flows = (set(core.gives), set(core.takes))
        stored = set(core.flows.values()) if flows == (set(), set()) else set()
        assert (set(box.gives), set(box.takes)) == (flows[0] | stored, flows[1] | stored)


def test_goals_that_no_plan_is_made_for_are_not_offered() -> None:
    """Proves: form and completion offer every goal but those to the minute. Sensitivity: the list of the record."""
    (goal,) = [field for field in fields(Goal, "EUR") if field.name == "minimize"]
    assert set(goal.choices) == set(GOALS) - set(IN_MINUTES)
    assert set(keys()["Goal"]["minimize"][2]) == set(goal.choices)


@pytest.mark.parametrize("name", texts())
def test_everything_is_drawn_once(name: str) -> None:
    """Proves: each store, carrier, asset, stage, process and delivery is one box or bar within the drawing, with lines
    to bars that exist. Sensitivity: a kind of asset that touches a carrier without a line."""
    text = texts()[name]
    data, scenario = parse(text).data, loads(text)
    sheet = layout.drawing(data, {})
    ids = [entry["id"] for entry in (*sheet.boxes, *sheet.bars)]
    assert len(ids) == len(set(ids))
    count = len(scenario.site.assets) + len(scenario.processes) + len(scenario.line.stages)
    count += len(scenario.deliveries) + len(scenario.arrivals)
    assert len([one for one in sheet.boxes if one["id"].split("/")[-1].isdigit()]) == count
    assert len(sheet.bars) == len(scenario.site.carrier) + len(scenario.stores)
    lanes = {bar["name"] for bar in sheet.bars}
    assert {line["bar"] for line in sheet.lines if "bar" in line} <= lanes
    for box in sheet.boxes:
        assert box["x"] + box["w"] <= layout.WIDTH
        assert box["y"] + box["h"] <= sheet.height
    lines = {(line["box"], line["bar"]) for line in sheet.lines if "bar" in line}
    for i, core in enumerate(scenario.site.equipment[len(scenario.site.short) :]):
        for carrier in core.flows.values():
            assert (f"site/assets/{i}", carrier) in lines, core.name


def test_lines_change_the_draft() -> None:
    """Proves: a line from a box to a bar is an output, the other way an input, of a process, machine or truck; what is
    there already and what has no meaning is refused, and a line can be cut. Sensitivity: sides that are swapped."""
    data: dict[str, Any] = {
        "stores": [{"name": "a"}, {"name": "b"}],
        "processes": [{"name": "mill"}],
        "arrivals": [{"name": "trucks", "store": "a"}],
        "site": {
            "carriers": [{"name": "gas"}, {"name": "steam"}],
            "assets": [{"kind": "boiler", "name": "boiler"}, {"kind": "load", "name": "users"}],
        },
    }
    mill, boiler, users = ("processes", 0), ("site", "assets", 0), ("site", "assets", 1)
    lines = ((mill, "a", "takes"), (mill, "b", "gives"), (mill, "steam", "takes"), (boiler, "gas", "takes"))
    for path, bar, way in (*lines, (boiler, "steam", "gives"), (users, "steam", "takes")):
        data, why = layout.connected(data, path, bar, way)
        assert why == ""
    assert data["processes"][0]["inputs"] == [{"store": "a"}, {"carrier": "steam", "per_t": layout.OF_CARRIER}]
    assert data["processes"][0]["outputs"] == [{"store": "b"}]
    assert data["site"]["assets"][0] == {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "steam"}
    assert layout.connected(data, mill, "a", "takes")[1] == layout.ALREADY
    assert layout.connected(data, mill, "electricity", "gives")[1] == layout.NO_PLACE
    assert layout.connected(data, users, "steam", "gives")[1] == layout.NO_PLACE
    data, why = layout.connected(data, ("arrivals", 0), "b", "gives")
    assert data["arrivals"][0]["store"] == "b"
    assert "outputs" not in layout.cut(data, mill, "b")["processes"][0]


def test_the_schema_offers_keys() -> None:
    """Proves: records lead from one to the next, choices and kinds of assets are offered."""
    table = keys()
    assert table[""]["site"][1] == "Site"
    assert table["Site"]["assets"][1] == "asset"
    assert "boiler" in table["asset"]["kind"][2]
    assert table["kind boiler"]["efficiency"][1] == ""
    assert "cost" in table["Goal"]["minimize"][2]
    assert table["Market"]["price_per_mwh"][1] == "Series"
