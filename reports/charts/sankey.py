"""Sankey diagrams: nodes in columns from source to use, with bands as wide as their flow.

Columns follow the longest path; final uses are in the last column. Within a column, nodes are ordered by their
neighbours (Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", IEEE
Transactions on Systems, Man, and Cybernetics 11, 1981). Bands that close a cycle run backwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.planning.accounts.sankey import Diagram, Link
from emberline.reports.charts import palette
from emberline.reports.text import mark, tr, wording
from emberline.scenarios import Scenario
from emberline.scenarios.assets.quantity import ELECTRICITY

CARRIERS = ("#8C6BB1", "#B4543C", "#44A08B", "#A08A00", "#6B8E9E", "#C46FA0", "#7A9A3A", "#C77B30")
"""Colours of carriers other than electricity."""
ENDS = ("grid", "source", "use", "product")
"""Kinds of nodes where flows begin and end."""
SCOPES = {"direct_kg": "#B4543C", "bought_kg": "#8C6BB1"}
"""Colours of scopes; the grid has the colour of power."""
WORDS = (
    mark("electricity"), mark("grid"), mark("PV"), mark("export"), mark("base load"), mark("battery"), mark("losses"),
    mark("vented"), mark("used on site"), mark("surplus"), mark("shortage"), mark("from materials"),
    mark("from surroundings"), mark("charged to storage"), mark("taken from storage"), mark("idle units"),
    mark("scope 1"), mark("scope 2, bought heat"), mark("scope 2, grid, average"), mark("scope 2, grid, marginal"),
    mark("site"), mark("lost in stores"),
)  # fmt: skip
"""Names of nodes that do not come from the scenario."""
NODE, THINNEST, LABEL = 0.011, 0.8, 25
"""Width of a node as a share of the total width; minimum width of a band and height of a label [px]."""
SWEEPS, SAMPLES, FEW = 12, 25, 2
HIDDEN = 2e-4
"""Bands below this share of the total flow appear only in the table."""
INK, DARK_INK = "#1C2530", "#E3E8ED"


@dataclass
class _NodePlace:
    key: str
    column: int
    y: float = 0.0
    height: float = 0.0

    @property
    def centre(self) -> float:
        return self.y + self.height / 2


def carrier_colours(scenario: Scenario) -> dict[str, str]:
    """Return a colour for each carrier of a site, the same in every diagram."""
    others = [name for name in scenario.site.carrier if name != ELECTRICITY]
    return {ELECTRICITY: palette.POWER} | {name: CARRIERS[i % len(CARRIERS)] for i, name in enumerate(others)}


def node_name(diagram: Diagram, key: str) -> str:
    """Return the name of a node in the current language; names from the scenario are not translated."""
    node = diagram.nodes[key]
    return node.name if node.named else tr(node.name)


def table(diagram: Diagram) -> pd.DataFrame:
    """Return a table with a row for each band, widest first."""
    links = sorted(diagram.links, key=lambda link: -link.amount)
    return pd.DataFrame(
        {
            tr("from"): [node_name(diagram, link.source) for link in links],
            tr("to"): [node_name(diagram, link.target) for link in links],
            diagram.unit: [link.amount for link in links],
        }
    )


def draw(diagram: Diagram, colour_of: dict[str, str], dark: bool) -> alt.LayerChart:
    """Draw the diagram.

    Args:
        diagram: flows to draw.
        colour_of: colours of carriers by name.
        dark: whether the page is dark.
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
    colour = alt.Color("colour:N", scale=None)
    box = alt.Chart(nodes).mark_rect(cornerRadius=1)
    layers: list[Any] = [
        area.encode(x=x, y=y, y2="y2:Q", detail="band:N", color=colour, tooltip=tooltip),
        box.encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=colour, tooltip=tooltip),
    ]
    for side, part in nodes.groupby("side"):
        anchor: Any = {"align": "left", "dx": 4} if side == "right" else {"align": "right", "dx": -4}
        text = alt.Chart(part).mark_text(
            fontSize=10.5, color=ink, lineBreak="\n", lineHeight=12, baseline="middle", dy=-6,
            limit=alt.ExprRef(f"width * {1 / max(last, 1):.3f} - 12"), **anchor,
        )  # fmt: skip
        edge = alt.X("edge:Q", axis=None, scale=alt.Scale(domain=[0, 1]))
        layers.append(text.encode(x=edge, y="middle:Q", text="label:N"))
    return alt.layer(*layers).properties(height=height).configure_view(strokeOpacity=0)


def _columns(diagram: Diagram) -> dict[str, int]:
    """Return the column of each node: the longest path to it, ignoring links that close a cycle."""
    after: dict[str, list[str]] = {key: [] for key in diagram.nodes}
    for link in sorted(diagram.links, key=lambda link: -link.amount):
        if link.target not in after[link.source] and not _reaches(after, link.target, link.source):
            after[link.source].append(link.target)  # the wider band runs forward
    columns = dict.fromkeys(diagram.nodes, 0)
    for _ in diagram.nodes:
        for source, targets in after.items():
            for target in targets:
                columns[target] = max(columns[target], columns[source] + 1)
    last = max(columns.values(), default=0)
    before = {target for targets in after.values() for target in targets}
    for key in diagram.nodes:
        if not after[key]:
            columns[key] = last
    for key in diagram.nodes:
        if key not in before and after[key]:
            columns[key] = min(columns[target] for target in after[key]) - 1
    return columns


def _reaches(after: dict[str, list[str]], start: str, end: str) -> bool:
    nodes, open_ = {start}, [start]
    while open_:
        for target in after[open_.pop()]:
            if target not in nodes:
                nodes.add(target)
                open_.append(target)
    return end in nodes


def _placed(diagram: Diagram, columns: dict[str, int], height: float) -> dict[str, _NodePlace]:
    """Place the nodes: order by neighbours, then set heights, then align each node with its neighbours."""
    stacks: dict[int, list[str]] = {}
    for key in diagram.nodes:
        stacks.setdefault(columns[key], []).append(key)
    neighbours: dict[str, dict[str, float]] = {key: {} for key in diagram.nodes}
    for link in diagram.links:
        neighbours[link.source][link.target] = neighbours[link.source].get(link.target, 0.0) + link.amount
        neighbours[link.target][link.source] = neighbours[link.target].get(link.source, 0.0) + link.amount
    gap = 4.0
    scale = min(
        max(height - LABEL * len(stack), height * 0.3) / max(sum(diagram.through(key) for key in stack), 1e-12)
        for stack in stacks.values()
    )
    places = {key: _NodePlace(key, columns[key], 0.0, max(diagram.through(key) * scale, 1.5)) for key in diagram.nodes}
    for stack in stacks.values():
        _stack([places[key] for key in stack], height, gap)
    # in a diagram of three columns, the last column keeps its order and the others follow it
    few = len(stacks) <= FEW + 1
    order = sorted(stacks, reverse=True)[1:] if few else sorted(stacks)
    for sweep in range(1 if few else SWEEPS):
        for column in order[:: -1 if sweep % 2 else 1]:
            nodes = [places[key] for key in stacks[column]]
            for place in nodes:
                near = {k: v for k, v in neighbours[place.key].items() if not few or columns[k] > column}
                whole = sum(near.values())
                if whole:
                    centre = sum(places[k].centre * amount for k, amount in near.items()) / whole
                    place.y = centre - place.height / 2
            _stack(sorted(nodes, key=lambda place: place.centre), height, gap, keep=True)
    return places


def _stack(stack: list[_NodePlace], height: float, gap: float, keep: bool = False) -> None:
    """Keep the nodes of a column apart and within the height; ``keep``: close to their current places."""
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


def _shared(diagram: Diagram, key: str, colour_of: dict[str, str]) -> str | None:
    """Return the colour that a carrier or scope passes to its bands; None for other nodes."""
    node = diagram.nodes[key]
    if node.kind == "carrier":
        return colour_of.get(node.name, palette.BASELINE)
    return SCOPES.get(key, palette.POWER) if node.kind == "scope" else None


def _of_band(diagram: Diagram, link: Link, colour_of: dict[str, str]) -> str:
    """Return the colour of a band: that of the first of its nodes with a colour for its bands."""
    shades = (_shared(diagram, key, colour_of) for key in (link.source, link.target))
    return next(filter(None, shades), palette.BASELINE)


def _of_node(diagram: Diagram, key: str, colour_of: dict[str, str]) -> str:
    """Return the colour of a node; nodes at which flows begin or end have that of their widest band."""
    kind = diagram.nodes[key].kind
    if kind in ENDS:
        bands = (link for link in diagram.links if key in (link.source, link.target))
        return _of_band(diagram, max(bands, key=lambda link: link.amount), colour_of)
    return palette.PALE if kind == "loss" else _shared(diagram, key, colour_of) or palette.BASELINE


def _bands(
    diagram: Diagram, places: dict[str, _NodePlace], last: int, colour_of: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield points along the edges of each band."""
    along = np.linspace(0.0, 1.0, SAMPLES)
    smooth = along * along * (3 - 2 * along)
    out = _offsets(diagram, places, leaving=True)
    into = _offsets(diagram, places, leaving=False)
    for number, link in enumerate(diagram.links):
        one, other = places[link.source], places[link.target]
        thick = max(link.amount * one.height / max(diagram.through(link.source), 1e-12), THINNEST)
        x0, x1 = _x(one.column, last) + NODE, _x(other.column, last)
        y0, y1 = one.y + out[number], other.y + into[number]
        names = f"{node_name(diagram, link.source)} → {node_name(diagram, link.target)}"
        share = wording.percent(link.amount / diagram.through(link.source), 0)
        text = f"{wording.number(link.amount, 1)} {diagram.unit}, {share}"
        base = {"band": number, "name": names, "says": text}
        base["colour"] = _of_band(diagram, link, colour_of)
        for t, s in zip(along.tolist(), smooth.tolist(), strict=True):
            y = y0 + (y1 - y0) * s
            yield {**base, "x": x0 + (x1 - x0) * t, "y": y, "y2": y + thick}


def _offsets(diagram: Diagram, places: dict[str, _NodePlace], leaving: bool) -> dict[int, float]:
    """Return the offset of each band from the top of its node [px], in the order of the nodes at the other ends."""
    offsets: dict[int, float] = {}
    for key, place in places.items():
        mine = [
            (places[link.target if leaving else link.source].centre, number, link.amount)
            for number, link in enumerate(diagram.links)
            if (link.source if leaving else link.target) == key
        ]
        y, scale = 0.0, place.height / max(diagram.through(key), 1e-12)
        for _, number, amount in sorted(mine):
            offsets[number] = y
            y += amount * scale
    return offsets


def _nodes(
    diagram: Diagram, places: dict[str, _NodePlace], last: int, colour_of: dict[str, str]
) -> Iterator[dict[str, Any]]:
    for key, place in places.items():
        amount, x = diagram.through(key), _x(place.column, last)
        number = wording.number(amount, 0 if amount >= 100 else 1)
        right = place.column < last
        yield {
            "x": x, "x2": x + NODE, "y": place.y, "y2": place.y + place.height, "middle": place.centre,
            "edge": x + NODE if right else x, "side": "right" if right else "left",
            "colour": _of_node(diagram, key, colour_of),
            "name": node_name(diagram, key), "says": f"{wording.number(amount, 1)} {diagram.unit}",
            "label": f"{node_name(diagram, key)}\n{number}",
        }  # fmt: skip
