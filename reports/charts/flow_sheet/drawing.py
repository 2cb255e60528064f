"""Flow sheet drawn as a one-line diagram: carriers are horizontal bars with boxes attached.

The site is above the carriers; converters and production are below them, and stores of material are bars at the bottom.
The width of a line shows the flow, arrows show the direction, and idle boxes are pale. Everything is labelled, so that
no information depends on colour alone. Positions are shares of the width and pixels of the height.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.flow_sheet import SMALL, Box, Lane, Sheet
from emberline.reports.charts.site_panels import display_name
from emberline.reports.text import tr, wording

GUTTER, GAUGE = 0.115, 0.155
"""Width of the names of the bars and of the store levels, as shares of the total width."""
MAX_ACROSS = 7
"""Maximum number of boxes in a row; more are drawn in two rows, offset so that lines pass between the boxes."""
LINE, PAD, GAP, BAR, STORE = 13, 8, 20, 32, 42
"""Heights: text line, padding of boxes, gap between rows, between bars, between stores [px]."""
LONGEST = 15
"""Maximum length of a name on one line [characters]."""
APART = 0.009
"""Distance between the lines of a box, as a share of the width."""


@dataclass(frozen=True)
class Theme:
    """Colours of text and background."""

    ink: str
    pale: str
    paper: str
    edge: str


LIGHT = Theme("#1C2530", "#5B6672", "#FFFFFF", "#9AA5B0")
DARK = Theme("#E3E8ED", "#9AA7B4", "#1C242D", "#5B6A78")


@dataclass(frozen=True)
class _BoxPlace:
    box: Box
    x: float
    half: float
    top: float
    bottom: float


Rows = defaultdict[str, list[dict[str, Any]]]
"""Table rows of the drawing by kind of mark: boxes, levels, texts, bars, lines, arrows."""


def draw(sheet: Sheet, colour_of: dict[str, str], dark: bool) -> alt.LayerChart:
    """Draw the diagram.

    Args:
        sheet: flow sheet to draw.
        colour_of: colours of carriers and stores by name.
        dark: whether the page is dark.
    """
    theme, rows = DARK if dark else LIGHT, Rows(list)
    right = 1.0 - GAUGE if sheet.stores else 1.0
    above, y = _placed(sheet.site, 4.0, right)
    bars: dict[str, float] = {}
    for lane in sheet.carriers:
        y += BAR if bars else 16
        bars[lane.name] = y
        _bar(rows, lane, y, 1.0, colour_of[lane.name], theme)
    below, y = _under(sheet, y + GAP + 6, right)
    for lane in sheet.stores:
        y += STORE
        bars[lane.name] = y
        _bar(rows, lane, y, right - 0.01, colour_of[lane.name], theme)
        _gauge(rows, lane, y, right, colour_of[lane.name], theme)
    most = _most(sheet)
    for place in (*above, *below):
        _box(rows, place, theme)
        _connect(rows, place, bars, most, colour_of, sheet)
    _onwards(rows, below, theme)
    return _chart(rows, y + 16)


def _most(sheet: Sheet) -> dict[str, float]:
    """Return the largest flow among lanes of the same unit, by lane; line widths are relative to it."""
    units, greatest = sheet.units, dict[str, float]()
    for box in sheet.boxes:
        for name, amount in box.flows.items():
            if name in units:
                greatest[units[name]] = max(greatest.get(units[name], 0.0), abs(amount))
    return {name: greatest.get(unit, 0.0) for name, unit in units.items()}


def _height(box: Box) -> float:
    return PAD + LINE * (len(_wrapped(box.name)) + len(box.lines))


def _wrapped(name: str) -> list[str]:
    return textwrap.wrap(name, LONGEST) or [name]


def _placed(
    boxes: tuple[Box, ...], top: float, right: float, across: int = 0, shift: float = 0.0
) -> tuple[list[_BoxPlace], float]:
    """Place boxes next to each other, in two rows if there are many; return the places and the lower edge."""
    if not boxes:
        return [], top
    if len(boxes) > MAX_ACROSS and not across:
        half = -(-len(boxes) // 2)
        first, y = _placed(boxes[:half], top, right, half)
        second, y = _placed(boxes[half:], y + GAP, right, half, 0.5)
        return [*first, *second], y
    slots = across + 0.5 if across else float(max(len(boxes), 3))
    width = (right - GUTTER) / slots
    tall = max(map(_height, boxes))
    start = 0.0 if across else (slots - len(boxes)) / 2
    places = []
    for i, box in enumerate(boxes):
        x = GUTTER + width * (start + i + 0.5 + shift)
        places.append(_BoxPlace(box, x, 0.42 * width, top, top + tall))
    return places, top + tall


def _under(sheet: Sheet, top: float, right: float) -> tuple[list[_BoxPlace], float]:
    """Place machines and production in one row if they fit, otherwise production below the machines."""
    across = max(len(sheet.machines), len(sheet.production), 3)
    together = len(sheet.machines) + len(sheet.production) <= MAX_ACROSS
    if together or across > MAX_ACROSS or not sheet.machines or not sheet.production:
        return _placed((*sheet.machines, *sheet.production), top, right)
    first, y = _placed(sheet.machines, top, right, across)
    second, y = _placed(sheet.production, y + GAP, right, across, 0.5)
    return [*first, *second], y


def _bar(rows: Rows, lane: Lane, y: float, right: float, colour: str, theme: Theme) -> None:
    text = tr("{amount} {unit} supplied", amount=wording.number(lane.supply), unit=lane.unit)
    name = display_name(lane.name)
    rows["bars"].append({"x": 0.0, "x2": right, "y": y, "colour": colour, "name": name, "says": text})
    rows["texts"].append(_text(name, 0.0, y - 7, theme.ink, "left", bold=True, share=GUTTER))
    amount = f"{wording.number(lane.supply, 0 if lane.supply >= 100 else 1)} {lane.unit}"
    rows["texts"].append(_text(amount, 0.0, y + 9, theme.pale, "left", share=GUTTER))


def _gauge(rows: Rows, lane: Lane, y: float, right: float, colour: str, theme: Theme) -> None:
    level, width = lane.level_t or 0.0, 1.0 - right
    share = min(max(level / lane.capacity_t, 0.0), 1.0)
    text = tr(
        "{level} of {capacity} t, {share}",
        level=wording.number(level, 0), capacity=wording.number(lane.capacity_t, 0), share=wording.percent(share, 0),
    )  # fmt: skip
    place = {"x": right, "x2": 1.0, "y": y - 5, "y2": y + 5, "name": lane.name, "says": text}
    rows["boxes"].append({**place, "edge": theme.edge, "fill": theme.paper, "dash": False})
    rows["levels"].append({**place, "x2": right + share * width, "fill": colour})
    amount = f"{wording.number(level, 0)} t · {wording.percent(share, 0)}"
    rows["texts"].append(_text(amount, right, y - 12, theme.ink, "left", share=width))
    if lane.note:
        rows["texts"].append(_text(lane.note, right, y + 13, theme.pale, "left", share=width))


def _box(rows: Rows, place: _BoxPlace, theme: Theme) -> None:
    box, works = place.box, place.box.works
    text = "; ".join(box.lines)
    at: dict[str, Any] = {"x": place.x - place.half, "x2": place.x + place.half, "y": place.top, "y2": place.bottom}
    at |= {"name": box.name, "says": text}
    rows["boxes"].append({**at, "edge": theme.edge, "fill": theme.paper, "dash": not works})
    if box.level is not None:
        height = (place.bottom - place.top) * min(max(box.level, 0.0), 1.0)
        rows["levels"].append({**at, "y": place.bottom - height, "fill": palette.BATTERY})
    y = place.top + PAD / 2 + LINE / 2
    width = 2 * place.half
    for line in _wrapped(box.name):
        rows["texts"].append(_text(line, place.x, y, theme.ink, "center", bold=True, share=width))
        y += LINE
    for line in box.lines:
        rows["texts"].append(_text(line, place.x, y, theme.ink if works else theme.pale, "center", share=width))
        y += LINE


def _text(
    text: str, x: float, y: float, colour: str, align: str, bold: bool = False, share: float = 1.0
) -> dict[str, Any]:
    weight = "bold" if bold else "normal"
    return {"text": text, "x": x, "y": y, "colour": colour, "align": align, "weight": weight, "share": round(share, 3)}


def _connect(
    rows: Rows, place: _BoxPlace, bars: dict[str, float], most: dict[str, float],
    colour_of: dict[str, str], sheet: Sheet,
) -> None:  # fmt: skip
    """Draw the lines from a box to the bars of its inputs and outputs."""
    box = place.box
    units = sheet.units
    names = [name for name in units if name in box.flows]
    for side in (True, False):
        here = [name for name in names if (bars[name] < place.top) == side]
        for i, name in enumerate(here):
            amount, bar = box.flows[name], bars[name]
            x = place.x + (i - (len(here) - 1) / 2) * min(APART, 1.7 * place.half / max(len(here), 1))
            end = place.top if side else place.bottom
            flows = abs(amount) > SMALL
            thick = 1.2 + 4.0 * abs(amount) / most[name] if flows and most[name] else 1.0
            way = tr("supplies") if amount > 0 else tr("consumes")
            text = f"{way} {wording.number(abs(amount), 2)} {units[name]}" if flows else tr("no flow")
            label, opacity = f"{box.name}: {display_name(name)}", 1.0 if flows else 0.3
            mark = {"name": label, "says": text, "colour": colour_of[name], "shown": opacity}
            rows["lines"].append({"x": x, "y": end, "y2": bar, "thick": thick, **mark})
            if flows:
                target = bar if amount > 0 else end
                up = target == min(bar, end)
                rows["arrows"].append({"x": x, "y": target + (5 if up else -5), "turn": 0 if up else 180, **mark})


def _onwards(rows: Rows, below: list[_BoxPlace], theme: Theme) -> None:
    """Draw arrows between consecutive stages."""
    stages = [place for place in below if place.box.onwards]
    for one, other in pairwise(stages):
        y = (one.top + one.bottom) / 2
        if one.top != other.top:
            continue
        mark = {"name": f"{one.box.name} → {other.box.name}", "says": "", "colour": theme.pale, "shown": 1.0}
        rows["arrows"].append({"x": (one.x + one.half + other.x - other.half) / 2, "y": y, "turn": 90, **mark})


def _chart(rows: Rows, height: float) -> alt.LayerChart:
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    tooltip = [alt.Tooltip("name:N", title=" "), alt.Tooltip("says:N", title="  ")]

    def colour(channel: str) -> Any:
        return alt.Color(f"{channel}:N", scale=None)

    def table(part: list[dict[str, Any]]) -> alt.Chart:
        return alt.Chart(pd.DataFrame(part)).encode(x=x, y=y)

    bars = table(rows["bars"]).mark_rule(strokeWidth=3)
    thick = alt.StrokeWidth("thick:Q", scale=None, legend=None)
    opacity = alt.Opacity("shown:Q", scale=None, legend=None)
    lines = table(rows["lines"]).mark_rule().encode(y2="y2:Q", strokeWidth=thick, opacity=opacity)
    layers: list[Any] = [
        bars.encode(x2="x2:Q", color=colour("colour"), tooltip=tooltip),
        lines.encode(color=colour("colour"), tooltip=tooltip),
    ]
    fill, edge = alt.Fill("fill:N", scale=None), alt.Stroke("edge:N", scale=None)
    for dashed, dash in ((False, [1, 0]), (True, [3, 3])):
        part = [row for row in rows["boxes"] if row["dash"] == dashed]
        if part:
            boxes = table(part).mark_rect(cornerRadius=3, strokeWidth=1.1, strokeDash=dash)
            layers.append(boxes.encode(x2="x2:Q", y2="y2:Q", fill=fill, stroke=edge, tooltip=tooltip))
    if rows["levels"]:
        filled = table(rows["levels"]).mark_rect(cornerRadius=2, opacity=0.45)
        layers.append(filled.encode(x2="x2:Q", y2="y2:Q", fill=fill, tooltip=tooltip))
    if rows["arrows"]:
        arrows = table(rows["arrows"]).mark_point(shape="triangle", filled=True, size=70, opacity=1)
        layers.append(arrows.encode(color=colour("colour"), angle=alt.Angle("turn:Q", scale=None), tooltip=tooltip))
    layers += _texts(rows["texts"], x, y)
    return alt.layer(*layers).properties(height=height).configure_view(strokeOpacity=0)


def _texts(rows: list[dict[str, Any]], x: alt.X, y: alt.Y) -> Iterator[Any]:
    """Yield the text layers, clipped to their boxes. Alignment, weight and width belong to the mark, so each
    combination of them needs its own layer."""
    frame = pd.DataFrame(rows)
    kinds: Any = frame.groupby(["align", "weight", "share"], sort=False)
    for (align, weight, share), part in kinds:
        mark = alt.Chart(part.drop(columns=["align", "weight", "share"])).mark_text(
            align=align, fontWeight=weight, fontSize=11 if weight == "bold" else 10.5, baseline="middle",
            limit=alt.ExprRef(f"{share} * width - 6"),
        )  # fmt: skip
        yield mark.encode(x=x, y=y, text="text:N", color=alt.Color("colour:N", scale=None))
