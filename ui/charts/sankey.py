"""Sankey diagrams drawn: nodes in columns from source to use, bands as wide as what flows.

Columns follow the longest way, what ends stands in the last one. Within a column nodes are ordered by where their
neighbours are (Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", IEEE
Transactions on Systems, Man, and Cybernetics 11, 1981). Bands that close a circle run back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.plans.accounts.sankey import Diagram
from emberline.plans.exports import palette
from emberline.scenarios import Scenario
from emberline.scenarios.assets import ELECTRICITY
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr

CARRIERS = ("#8C6BB1", "#B4543C", "#44A08B", "#A08A00", "#6B8E9E", "#C46FA0", "#7A9A3A", "#C77B30")
"""Colours of carriers beside electricity."""
SCOPES = {"direct_kg": "#B4543C", "bought_kg": "#8C6BB1"}
"""Colours of scopes; the grid's is that of power."""
WORDS = (
    mark("electricity"), mark("grid"), mark("PV"), mark("export"), mark("base load"), mark("battery"), mark("losses"),
    mark("let go"), mark("used there"), mark("surplus"), mark("shortage"), mark("from materials"),
    mark("from surroundings"), mark("kept in stores"), mark("taken from stores"), mark("units that idle"),
    mark("scope 1"), mark("scope 2, bought heat"), mark("scope 2, grid, average"), mark("scope 2, grid, marginal"),
    mark("site"), mark("lost in stores"),
)  # fmt: skip
"""Names of nodes that are ours."""
NODE, THINNEST, LABEL = 0.011, 0.8, 25
"""Width of a node as a share; thinnest band, and room for a label [px]."""
SWEEPS, SAMPLES, FEW = 12, 25, 2
HIDDEN = 2e-4
"""Share of all that flows below which a band is in the table only."""
INK, DARK_INK = "#1C2530", "#E3E8ED"


@dataclass
class _Place:
    key: str
    column: int
    y: float = 0.0
    height: float = 0.0

    @property
    def centre(self) -> float:
        return self.y + self.height / 2


def carrier_colours(scenario: Scenario) -> dict[str, str]:
    """A colour for each carrier of a site by name, the same in every diagram."""
    others = [name for name in scenario.site.carrier if name != ELECTRICITY]
    return {ELECTRICITY: palette.POWER} | {name: CARRIERS[i % len(CARRIERS)] for i, name in enumerate(others)}


def called(diagram: Diagram, key: str) -> str:
    """Name of a node in the current language; what the scenario names stays."""
    node = diagram.nodes[key]
    return node.name if node.named else tr(node.name)


def table(diagram: Diagram) -> pd.DataFrame:
    """A row for each band, the widest first."""
    links = sorted(diagram.links, key=lambda link: -link.amount)
    return pd.DataFrame(
        {
            tr("from"): [called(diagram, link.source) for link in links],
            tr("to"): [called(diagram, link.target) for link in links],
            diagram.unit: [link.amount for link in links],
        }
    )


def draw(diagram: Diagram, colour_of: dict[str, str], dark: bool) -> alt.LayerChart:
    """The diagram.

    Args:
        diagram: what flows.
        colour_of: of carriers by name.
        dark: whether the page is.
    """
    diagram = diagram.without(HIDDEN * diagram.total)
    columns = _columns(diagram)
    crowded = max(sum(c == column for c in columns.values()) for column in columns.values())
    height = float(min(max(260, 40 * crowded), 760))
    places = _placed(diagram, columns, height)
    top = min(place.y - max(LABEL - place.height, 0.0) / 2 for place in places.values())
    for place in places.values():
        place.y -= top
    height = max(place.y + max(place.height, (place.height + LABEL) / 2) for place in places.values()) + 2
    last = max(columns.values())
    ink = DARK_INK if dark else INK
    bands = pd.DataFrame(list(_bands(diagram, places, last, colour_of)))
    nodes = pd.DataFrame(list(_nodes(diagram, places, last, colour_of)))
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = alt.Y("y:Q", axis=None, stack=None, scale=alt.Scale(domain=[height, 0], nice=False))
    tooltip = [alt.Tooltip("name:N", title=" "), alt.Tooltip("says:N", title="  ")]
    area = alt.Chart(bands).mark_area(opacity=0.42, interpolate="linear")
    layers: list[Any] = [
        area.encode(x=x, y=y, y2="y2:Q", detail="band:N", color=alt.Color("colour:N", scale=None), tooltip=tooltip),
        alt.Chart(nodes)
        .mark_rect(cornerRadius=1)
        .encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=alt.Color("colour:N", scale=None), tooltip=tooltip),
    ]
    for side, part in nodes.groupby("side"):
        beside: Any = {"align": "left", "dx": 4} if side == "right" else {"align": "right", "dx": -4}
        text = alt.Chart(part).mark_text(
            fontSize=10.5, color=ink, lineBreak="\n", lineHeight=12, baseline="middle", dy=-6,
            limit=alt.ExprRef(f"width * {1 / max(last, 1):.3f} - 12"), **beside,
        )  # fmt: skip
        layers.append(
            text.encode(x=alt.X("edge:Q", axis=None, scale=alt.Scale(domain=[0, 1])), y="middle:Q", text="label:N")
        )
    return alt.layer(*layers).properties(height=height).configure_view(strokeOpacity=0)


def _columns(diagram: Diagram) -> dict[str, int]:
    """Column of each node: the longest way to it, links that close a circle left out."""
    after: dict[str, list[str]] = {key: [] for key in diagram.nodes}
    for link in sorted(diagram.links, key=lambda link: -link.amount):
        if link.target not in after[link.source] and not _reaches(after, link.target, link.source):
            after[link.source].append(link.target)  # the wider band runs forward
    found = dict.fromkeys(diagram.nodes, 0)
    for _ in diagram.nodes:
        for source, targets in after.items():
            for target in targets:
                found[target] = max(found[target], found[source] + 1)
    last = max(found.values(), default=0)
    before = {target for targets in after.values() for target in targets}
    for key in diagram.nodes:
        if not after[key]:
            found[key] = last
    for key in diagram.nodes:
        if key not in before and after[key]:
            found[key] = min(found[target] for target in after[key]) - 1
    return found


def _reaches(after: dict[str, list[str]], start: str, end: str) -> bool:
    found, open_ = {start}, [start]
    while open_:
        for target in after[open_.pop()]:
            if target not in found:
                found.add(target)
                open_.append(target)
    return end in found


def _placed(diagram: Diagram, columns: dict[str, int], height: float) -> dict[str, _Place]:
    """Where each node is: order by neighbours, then heights, then as level with its neighbours as there is room."""
    stacks: dict[int, list[str]] = {}
    for key in diagram.nodes:
        stacks.setdefault(columns[key], []).append(key)
    beside: dict[str, dict[str, float]] = {key: {} for key in diagram.nodes}
    for link in diagram.links:
        beside[link.source][link.target] = beside[link.source].get(link.target, 0.0) + link.amount
        beside[link.target][link.source] = beside[link.target].get(link.source, 0.0) + link.amount
    gap = 4.0
    scale = min(
        max(height - LABEL * len(stack), height * 0.3) / max(sum(diagram.through(key) for key in stack), 1e-12)
        for stack in stacks.values()
    )
    places = {key: _Place(key, columns[key], 0.0, max(diagram.through(key) * scale, 1.5)) for key in diagram.nodes}
    for stack in stacks.values():
        _stack([places[key] for key in stack], height, gap)
    # what a diagram of three columns ends in keeps the order that it is given in, and all else follows it
    few = len(stacks) <= FEW + 1
    order = sorted(stacks, reverse=True)[1:] if few else sorted(stacks)
    for sweep in range(1 if few else SWEEPS):
        for column in order[:: -1 if sweep % 2 else 1]:
            nodes = [places[key] for key in stacks[column]]
            for place in nodes:
                near = {k: v for k, v in beside[place.key].items() if not few or columns[k] > column}
                whole = sum(near.values())
                if whole:
                    centre = sum(places[k].centre * amount for k, amount in near.items()) / whole
                    place.y = centre - place.height / 2
            _stack(sorted(nodes, key=lambda place: place.centre), height, gap, keep=True)
    return places


def _stack(stack: list[_Place], height: float, gap: float, keep: bool = False) -> None:
    """Keep nodes of a column apart and within the height; ``keep``: near where they are."""
    if not keep:
        y = 0.0
        for place in stack:
            place.y, y = y, y + max(place.height, LABEL) + gap
        free = height - (y - gap)
        for place in stack:
            place.y += max(free, 0.0) / 2
        return
    y = 0.0
    for place in stack:
        room = max(LABEL - place.height, 0.0) / 2
        place.y = max(place.y, y + room)
        y = place.y + place.height + room + gap
    y = height
    for place in reversed(stack):
        room = max(LABEL - place.height, 0.0) / 2
        place.y = min(place.y, y - room - place.height)
        y = place.y - room - gap


def _x(column: int, last: int) -> float:
    return column / max(last, 1) * (1 - NODE)


def _colour(diagram: Diagram, source: str, target: str, colour_of: dict[str, str]) -> str:
    for key in (source, target):
        node = diagram.nodes[key]
        if node.kind == "carrier":
            return colour_of.get(node.name, palette.BASELINE)
        if node.kind == "scope":
            return SCOPES.get(key, palette.POWER)
    return palette.BASELINE


def _bands(
    diagram: Diagram, places: dict[str, _Place], last: int, colour_of: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Points along the edges of each band."""
    along = np.linspace(0.0, 1.0, SAMPLES)
    smooth = along * along * (3 - 2 * along)
    out = _offsets(diagram, places, leaving=True)
    into = _offsets(diagram, places, leaving=False)
    for number, link in enumerate(diagram.links):
        one, other = places[link.source], places[link.target]
        thick = max(link.amount * one.height / max(diagram.through(link.source), 1e-12), THINNEST)
        x0, x1 = _x(one.column, last) + NODE, _x(other.column, last)
        y0, y1 = one.y + out[number], other.y + into[number]
        names = f"{called(diagram, link.source)} → {called(diagram, link.target)}"
        share = wording.percent(link.amount / diagram.through(link.source), 0)
        says = f"{wording.number(link.amount, 1)} {diagram.unit}, {share}"
        told = {"band": number, "name": names, "says": says}
        told["colour"] = _colour(diagram, link.source, link.target, colour_of)
        for t, s in zip(along.tolist(), smooth.tolist(), strict=True):
            y = y0 + (y1 - y0) * s
            yield {**told, "x": x0 + (x1 - x0) * t, "y": y, "y2": y + thick}


def _offsets(diagram: Diagram, places: dict[str, _Place], leaving: bool) -> dict[int, float]:
    """Where each band touches its node, from the node's top [px]; in the order of the nodes at their other ends."""
    found: dict[int, float] = {}
    for key, place in places.items():
        mine = [
            (places[link.target if leaving else link.source].centre, number, link.amount)
            for number, link in enumerate(diagram.links)
            if (link.source if leaving else link.target) == key
        ]
        y, scale = 0.0, place.height / max(diagram.through(key), 1e-12)
        for _, number, amount in sorted(mine):
            found[number] = y
            y += amount * scale
    return found


def _nodes(
    diagram: Diagram, places: dict[str, _Place], last: int, colour_of: dict[str, str]
) -> Iterator[dict[str, Any]]:
    for key, place in places.items():
        node, x = diagram.nodes[key], _x(place.column, last)
        amount = diagram.through(key)
        number = wording.number(amount, 0 if amount >= 100 else 1)
        colour = _colour(diagram, key, key, colour_of)
        if node.kind == "loss":
            colour = palette.LEFT
        elif node.kind in ("grid", "source", "use", "product"):
            # that of its widest band
            near = max(
                (link for link in diagram.links if key in (link.source, link.target)), key=lambda link: link.amount
            )
            colour = _colour(diagram, near.source, near.target, colour_of)
        right = place.column < last
        yield {
            "x": x, "x2": x + NODE, "y": place.y, "y2": place.y + place.height, "middle": place.centre,
            "edge": x + NODE if right else x, "side": "right" if right else "left", "colour": colour,
            "name": called(diagram, key), "says": f"{wording.number(amount, 1)} {diagram.unit}",
            "label": f"{called(diagram, key)}\n{number}",
        }  # fmt: skip
