"""Figures of a stored plan as they are shown: by page, selector, lists, command line and files, read from their texts.

A figure's key is its name with its basis, so that a figure without one has nothing that it could agree with.
"""

from __future__ import annotations

import html
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from commands import emberline
from lxml import etree
from pages import page, with_tab

from emberline.runs.store import Store, StoredRun
from emberline.scenarios.goal_metrics import goal_metric
from emberline.ui.pages.session import stored_runs

NUMBER = r"−?[\d\u202f]+(?:\.\d+)?"
BASIS = "(planned again|as printed|undisturbed)"
BASES = {"replan": "planned again", "follow": "as printed", "undisturbed": "undisturbed"}
SAVING = re.compile(
    rf"(?P<way>Saves|Emits|Costs|It saves|It emits|It costs) (?P<amount>{NUMBER}) "
    rf"(?P<unit>t CO2e|EUR)(?: more)? {BASIS} "
    rf"\((?:(?P<low>{NUMBER}) to (?P<high>{NUMBER}) in four of five replays, undisturbed (?P<net>{NUMBER}); )?"
    rf"(?P<share>{NUMBER}) %\)"
)
OTHER_SIGNAL = re.compile(
    rf"By the (average|marginal) intensity of the grid it (saves|emits) ({NUMBER}) t CO2e.*? {BASIS}"
)
HOLDS = re.compile(
    rf"(Planned again|As printed) it keeps all limits on ({NUMBER}) % of \d+ "
    rf".*?(?:baseline(?:, which keeps them)? on ({NUMBER}) %)?\."
)
LEFT_ALONE = re.compile(
    rf"Followed as printed, the plan (?:(saves|adds) ({NUMBER}) (?:t CO2e|EUR).*? \(({NUMBER}) to ({NUMBER})\) and )?"
    rf"keeps all limits on ({NUMBER}) % of .*?baseline on ({NUMBER}) %"
)
CHANGE = re.compile(rf"({NUMBER}) (?:t CO2e|EUR) (less|more) \(({NUMBER}) %\)")
RANGE = re.compile(rf"({NUMBER}) to ({NUMBER}) (less|more) in four of five disturbed replays, ({NUMBER}) undisturbed")
TILES = {"Cost": "cost", "Carbon, average intensity": "average", "Carbon, marginal intensity": "marginal"}
TILES |= {"Demand charge of the month, part of the cost": "demand"}
SAVED = {
    "cost saved": "cost",
    "carbon saved, average intensity": "average",
    "carbon saved, marginal intensity": "marginal",
    "demand charge of the month saved": "demand",
    "cost saved without the demand charge of the month": "all else",
    "days without a missed limit": "days",
    "days without a missed limit, baseline": "baseline days",
}


@dataclass(frozen=True)
class Sighting:
    """A figure in one place: its text, or its value where all digits are given."""

    figure: str
    place: str
    text: str | None
    value: float | None = None


Place = Iterator[tuple[str, str | float | None]]


def sightings(run: str, folder: Path) -> list[Sighting]:
    """Every figure of a stored run in every place."""
    return [each for place in PLACES for each in in_place(place, run, folder)]


def in_place(place: str, run: str, folder: Path) -> list[Sighting]:
    """Every figure of a stored run in one place."""
    stored = Store().open(run)
    pairs = [(figure, one) for figure, one in PLACES[place](stored, folder) if one not in (None, "", "–")]
    return [
        Sighting(figure, place, None, one) if isinstance(one, float) else Sighting(figure, place, plain(str(one)))
        for figure, one in pairs
    ]


def plain(text: str) -> str:
    """A number as Python writes it, without its unit."""
    match = re.search(NUMBER, text.replace("\xa0", "").strip())
    assert match, text
    return match[0].replace("\u202f", "").replace("−", "-")


def contradictions(sights: Iterable[Sighting]) -> list[str]:
    """Pairs of one figure that differ, a line each."""
    return [
        f"{one.figure}: {one.text or one.value} ({one.place}), {other.text or other.value} ({other.place})"
        for one, other in pairs(sights)
        if not agree(one, other)
    ]


def pairs(sights: Iterable[Sighting]) -> Iterator[tuple[Sighting, Sighting]]:
    """Pairs of one figure in two places."""
    by_figure: dict[str, list[Sighting]] = defaultdict(list)
    for each in dict.fromkeys(sights):
        by_figure[each.figure].append(each)
    for several in by_figure.values():
        yield from combinations(several, 2)


def agree(one: Sighting, other: Sighting) -> bool:
    """Whether two are the same text, or the text is the value rounded; shares of days are rounded down."""
    if one.text is not None and other.text is not None:
        return one.text == other.text
    if one.value is not None and other.value is not None:
        return abs(one.value - other.value) <= 1e-6 * max(abs(one.value), 1.0)
    text, value = (one.text, other.value) if one.text is not None else (other.text, one.value)
    assert text is not None
    assert value is not None
    digit = 10.0 ** -len(text.partition(".")[2])
    if "days, " in one.figure:
        return -1e-9 <= value - float(text) < digit
    return abs(value - float(text)) <= digit / 2 + 1e-9


def _signed(text: str | None, more: bool) -> str | None:
    """A number that is said to be more as what it saves."""
    if text is None or not more or not re.search("[1-9]", text):
        return text
    return text[1:] if text.startswith("−") else f"−{text}"


def _sentences(stored: StoredRun, text: str) -> Place:
    signal = str(stored.plan.scenario.goal.signal)
    for match in SAVING.finditer(text):
        name, basis = ("cost" if match["unit"] == "EUR" else signal), match[4]
        more = "aves" not in match["way"]
        low, high = (_signed(match[end], more) for end in ("low", "high"))
        yield f"{name}, {basis}", _signed(match["amount"], more)
        yield f"share of {name}, {basis}", _signed(match["share"], more)
        yield f"{name}, undisturbed", _signed(match["net"], more)
        yield from _ends(name, basis, low, high)
    for match in OTHER_SIGNAL.finditer(text):
        yield f"{match[1]}, {match[4]}", _signed(match[3], match[2] == "emits")
    for match in HOLDS.finditer(text):
        yield f"days, {match[1].lower()}", match[2]
        yield f"baseline days, {match[1].lower()}", match[3]
    for match in LEFT_ALONE.finditer(text):
        name = "cost" if goal_metric(stored.plan.scenario).money else signal
        more = match[1] == "adds"
        low, high = (_signed(end, more) for end in (match[3], match[4]))
        yield f"{name}, as printed", _signed(match[2], more)
        yield from _ends(name, "as printed", low, high)
        yield "days, as printed", match[5]
        yield "baseline days, as printed", match[6]


def _ends(name: str, basis: str, low: str | None, high: str | None) -> Place:
    if low is not None and high is not None:
        ordered = sorted((low, high), key=lambda text: float(plain(text)))
        yield f"low of {name}, {basis}", ordered[0]
        yield f"high of {name}, {basis}", ordered[1]


def _tiles(stored: StoredRun, rows: Iterable[tuple[str, str, str]]) -> Place:
    """Label, value and note or brief of each tile."""
    signal = str(stored.plan.scenario.goal.signal)
    for label, value, note in rows:
        head, _, basis = label.rpartition(", ")
        if head in TILES:
            name = TILES[head]
            if match := CHANGE.search(value):
                more = match[2] == "more"
                yield f"{name}, {basis}", _signed(match[1], more)
                yield f"share of {name}, {basis}", _signed(match[3], more)
            if match := RANGE.search(note):
                more = match[3] == "more"
                yield from _ends(name, basis, _signed(match[1], more), _signed(match[2], more))
                yield f"{name}, undisturbed", _signed(match[4], more)
            total = {"cost": "cost", signal: "carbon"}.get(name)
            if total and (match := re.search(rf"undisturbed ({NUMBER}) to ({NUMBER})", note)):
                yield f"{total}, baseline", match[1]
                yield f"{total}, plan", match[2]
            if total and (match := re.search(rf"undisturbed ({NUMBER}) → ({NUMBER})", note)):
                yield f"{total}, baseline", match[1]
                yield f"{total}, plan{' credited' if 'stock' in note else ''}", match[2]
        if label == "Peak, undisturbed":
            yield "peak, metered mean, plan", value
            match = re.search(rf"baseline ({NUMBER}) MW", note)
            yield "peak, metered mean, baseline", match and match[1]
        if label.startswith("Holds, "):
            for place, text in zip(label.removeprefix("Holds, ").split(" / "), value.split(" / "), strict=True):
                yield f"days, {place}", text
            if match := re.search(rf"baseline ({NUMBER}) %", note):
                yield f"baseline days, {label.removeprefix('Holds, ').split(' / ')[0]}", match[1]


def _table(stored: StoredRun, rows: Iterable[tuple[Any, ...]]) -> Place:
    """Name, unit, baseline, plan, saved and percentage of each row."""
    scenario = stored.plan.scenario
    table = [(str(name).strip(), *remaining) for name, *remaining in rows]
    names = {name for name, *_ in table}
    for name, unit, baseline, plan, saved, share in table:
        head, _, basis = name.rpartition(", ")
        if head in SAVED:
            yield f"{SAVED[head]}, {basis}", saved
            yield f"share of {SAVED[head]}, {basis}", share
            continue
        total, credited = name.removesuffix(", stock credited"), name.endswith(", stock credited")
        # what is to end with the baseline's stock is of carbon and of cost
        key = f"{total} [{unit}]" if total.startswith("to end") else total
        yield f"{key}, baseline", baseline
        yield f"{key}, plan{' credited' if credited else ''}", plan
        yield f"{key}, saved{' credited' if credited else ''}", saved
        if total in ("cost", "carbon") and (credited or f"{total}, stock credited" not in names):
            whole = "cost" if total == "cost" else str(scenario.goal.signal)
            yield f"{whole}, undisturbed", saved
            yield f"share of {whole}, undisturbed", share


def _causes(rows: Iterable[tuple[str, ...]]) -> Place:
    heads, *remaining = rows
    for name, text in zip(heads, remaining[-1], strict=True):
        column = name.partition(" [")[0].removeprefix("carbon, ")
        if column in ("cost", "average", "marginal"):
            yield f"{column}, undisturbed", text


def command(stored: StoredRun, folder: Path) -> Place:
    """``emberline show``."""
    text = emberline("show", stored.id).stdout
    yield from _sentences(stored, text)
    lines = [re.split(r"\s{2,}", line.rstrip()) for line in text.splitlines()]
    yield from _tiles(stored, [(cells[0], cells[1], "") for cells in lines if len(cells) > 1 and ", " in cells[0]])
    start = next(i for i, cells in enumerate(lines) if cells[:2] == ["undisturbed", "unit"])
    rows = [[cell for cell in cells if cell] for cells in lines[start + 1 :]]
    rows = rows[: rows.index([])]
    yield from _table(stored, [tuple(row) for row in rows if len(row) == 6])
    heads = [i for i, cells in enumerate(lines) if cells[0] == "saved by"]
    for i in heads:
        last = next(cells for cells in lines[i:] if cells[0] == "in all")
        yield from _causes([tuple(lines[i]), tuple(last)])


def command_json(stored: StoredRun, folder: Path) -> Place:
    """``emberline show --json``."""
    yield from _data(stored, json.loads(emberline("show", stored.id, "--json").stdout))


def exported_json(stored: StoredRun, folder: Path) -> Place:
    """The JSON file."""
    path = folder / f"{stored.id}.json"
    emberline("export", stored.id, "-o", str(path), "--force")
    data = json.loads(path.read_text(encoding="utf-8"))
    yield from _data(stored, {**data["summary"], "answer": data["answer"]})
    yield from _figures(data["summary"]["figures"])


def _data(stored: StoredRun, data: dict[str, Any]) -> Place:
    yield from _figures(data["answer"]["figures"])
    yield from _sentences(stored, data["answer"]["says"])
    locked = any(rule["name"] == "unlocked" for rule in data["rules"])
    for label, name, factor in (
        ("carbon", "carbon_kg", 1e-3), ("cost", "cost", 1.0), ("peak, metered mean", "peak_mw", 1.0),
        ("electricity imported", "import_mwh", 1.0), ("production", "tonnes", 1.0),
    ):  # fmt: skip
        if not locked:  # there it is a baseline that respects the locks
            yield f"{label}, baseline", factor * data["baseline"][name]
        yield f"{label}, plan", factor * data["replay"][name]
    if not locked:
        for name, column in (("cost", "cost"), (data["signal"], "carbon_kg")):
            yield (
                f"{name}, undisturbed",
                None
                if column not in data["saved"]
                else (data["saved"][column] * (1e-3 if column == "carbon_kg" else 1.0)),
            )
            if column in data["expected"]:
                factor = 1e-3 if column == "carbon_kg" else 1.0
                yield f"{name}, {BASES[data['expected_policy']]}", factor * data["expected"][column]["p50"]


def _figures(figures: dict[str, dict[str, Any]]) -> Place:
    for row in figures.values():
        key = f"{row['name']}, {BASES[row['basis']]}"
        assert row["demand_charge"] == {"cost": "in", "demand": "only", "all else": "out"}.get(row["name"], "")
        yield key, float(row["value"])
        yield key, row["text"]
        yield f"share of {key}", None if row["share"] is None else 100 * row["share"]
        if row["unit"] != "%":
            yield f"low of {key}", row["low"]
            yield f"high of {key}", row["high"]


def schedule_page(stored: StoredRun, folder: Path) -> Place:
    """The page of the plan: headline, tiles, and the tabs with all figures, the disturbed days and what it is about."""
    app = page("plan", stored.id)
    assert not app.exception
    (headline,) = [item.value for item in app.markdown if item.value.startswith("##### ")]
    yield from _sentences(stored, headline.replace("\\", ""))
    yield from _sentences(stored, "\n".join(str(item.value) for item in app.text))
    (strip,) = [str(item.proto.body) for item in app.get("html") if 'class="strip"' in str(item.proto.body)]
    tiles = re.findall(r'<div class="[^"]*" title="([^"]*)"><span>(.*?)</span><b>(.*?)</b><small>(.*?)</small>', strip)
    for note, label, value, brief in ([html.unescape(text) for text in tile] for tile in tiles):
        yield from _tiles(stored, [(label, value, note), (label, value, brief)])
    app = with_tab(app, "All figures")
    figures = app.table[0].value
    yield from _table(stored, [(name, *row) for name, row in zip(figures.index, figures.to_numpy(), strict=True)])
    for table in app.table[1:]:
        if table.value.index.name == "saved by":
            yield from _causes([tuple(map(str, row)) for row in (table.value.columns, table.value.loc["in all"])])
    app = with_tab(app, "About this plan")
    yield from _sentences(stored, "\n".join(str(item.value) for item in app.text))
    if not any(rule.name == "unlocked" for rule in stored.plan.rules):
        yield from _disturbed(stored, with_tab(app, "Disturbed replays"))


def _disturbed(stored: StoredRun, app: Any) -> Place:
    tables = [table.value for table in app.table if "median" in table.value]
    bases = ["planned again", "as printed"][-len(tables) :] if tables else []
    goal = "cost" if goal_metric(stored.plan.scenario).money else str(stored.plan.scenario.goal.signal)
    for basis, table in zip(bases, tables, strict=True):
        for kind, name in (("carbon", str(stored.plan.scenario.goal.signal)), ("cost", "cost")):
            row = f"{kind} saved compared with the baseline"
            if row not in table.index or (basis == "as printed" and len(tables) == 2 and name != goal):
                continue
            low, middle, high = (str(table.loc[row, column]) for column in ("P10", "median", "P90"))
            yield f"{name}, {basis}", middle
            yield from _ends(name, basis, low, high)


def selector(stored: StoredRun, folder: Path) -> Place:
    """The label in the choice of a plan."""
    label = stored_runs.label(Store().entry(stored.id))
    name = "cost" if goal_metric(stored.plan.scenario).money else str(stored.plan.scenario.goal.signal)
    if match := re.search(rf"({NUMBER}) (?:t CO2e|EUR) (saved|more) {BASIS}", label):
        yield f"{name}, {match[3]}", _signed(match[1], match[2] == "more")
    if match := re.search(rf"holds on ({NUMBER}) % {BASIS}", label):
        yield f"days, {match[2]}", match[1]


def plans_page(stored: StoredRun, folder: Path) -> Place:
    """The row of the page Runs."""
    table = _plans(stored.folder.parent, Store.figures)
    (row,) = table[table["run"] == stored.id[:8]].to_dict("records")
    basis, signal = row["saved on days"], str(stored.plan.scenario.goal.signal)
    yield f"{signal}, {basis}", row["saved [t CO2e]"]
    yield f"cost, {basis}", row["saved cost"]
    yield f"days, {row['holds on days']}", row["holds on"]
    yield "carbon, plan", row["carbon, undisturbed [t CO2e]"]
    yield "cost, plan", row["cost, undisturbed"]
    yield "peak, metered mean, plan", row["peak, undisturbed [MW]"]


@cache
def _plans(folder: Path, read: object) -> Any:
    """The table of that page, drawn once for all runs of a folder and each way in which their figures are read."""
    return page("runs").dataframe[0].value


def command_list(stored: StoredRun, folder: Path) -> Place:
    """The row of ``emberline runs``, and of its JSON."""
    lines = emberline("runs").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith(stored.id[:8])]
    match = re.search(rf"({NUMBER}) t +({NUMBER}) EUR +{BASIS}", line)
    assert match, line
    yield f"{stored.plan.scenario.goal.signal}, {match[3]}", match[1]
    yield f"cost, {match[3]}", match[2]
    if match := re.search(rf"({NUMBER}) % {BASIS}", line):
        yield f"days, {match[2]}", match[1]
    (entry,) = [row for row in json.loads(emberline("runs", "--json").stdout) if row["id"] == stored.id]
    yield from _figures(entry["figures"])


def excel(stored: StoredRun, folder: Path) -> Place:
    """The first sheet of the workbook, each number as its format shows it."""
    path = folder / f"{stored.id}.xlsx"
    emberline("export", stored.id, "-o", str(path), "--force")
    yield from _table(stored, _cells(path))


def _cells(path: Path) -> list[tuple[str, ...]]:
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as book:
        sheet, styles, texts = (
            etree.fromstring(book.read(f"xl/{name}.xml")) for name in ("worksheets/sheet1", "styles", "sharedStrings")
        )
    formats = {one.get("numFmtId"): one.get("formatCode") for one in styles.findall(".//x:numFmt", space)}
    kinds = [formats.get(one.get("numFmtId"), "") for one in styles.findall("x:cellXfs/x:xf", space)]
    words = ["".join(one.itertext()) for one in texts.findall("x:si", space)]
    rows = []
    for row in sheet.findall(".//x:row", space)[1:]:
        cells = {re.sub(r"\d", "", cell.get("r")): cell for cell in row}
        if len(cells) < 3:
            break
        line = []
        for column in "ABCDEF":
            value = None if column not in cells else cells[column].findtext("x:v", None, space)
            if value is None:
                line.append("–")
            elif cells[column].get("t") == "s":
                line.append(words[int(value)])
            else:
                digits = len(kinds[int(cells[column].get("s", "0"))].partition(".")[2].partition("_")[0])
                line.append(f"{float(value):.{digits}f}".replace("-", "−"))
        rows.append(tuple("–" if text == "not given" else text for text in line))
    return rows


def report(stored: StoredRun, folder: Path) -> Place:
    """The printable report."""
    path = folder / f"{stored.id}.html"
    emberline("export", stored.id, "-o", str(path), "--force")
    tree = etree.HTML(path.read_text(encoding="utf-8"))
    text = lambda item: "".join(item.itertext()).strip()  # noqa: E731
    yield from _sentences(stored, "\n".join(map(text, tree.findall(".//section/p"))))
    strip = tree.find(".//table[@class='strip']")
    cells = [[text(cell) for cell in row] for row in strip.iter("tr")]
    yield from _tiles(stored, [(label, value, note) for label, value, note in cells])
    for table in tree.iter("table"):
        rows = [tuple(map(text, row)) for row in table.iter("tr")]
        if rows[0][0] == "figure":
            yield from _table(stored, rows[1:])
        elif rows[0][0] == "saved by":
            yield from _causes([rows[0], rows[-1]])


PLACES: dict[str, Callable[[StoredRun, Path], Place]] = {
    "command": command, "command, JSON": command_json, "list of the command": command_list, "page": schedule_page,
    "selector": selector, "page of plans": plans_page, "Excel": excel, "report": report, "JSON file": exported_json,
}  # fmt: skip


def compared_page(runs: list[str]) -> list[list[Sighting]]:
    """Figures of some runs on the page Compare."""
    app = page("compare", runs=",".join(runs))
    assert not app.exception
    tables = [table.value for table in app.dataframe if "figure" in table.value]
    by_run: list[list[Sighting]] = [[] for _ in runs]
    for row in (row for table in tables for row in table.to_dict("records")):
        name = row["figure"].rpartition(" [")[0].removesuffix(", each compared with its own baseline")
        head, _, basis = name.rpartition(", ")
        figure = f"{SAVED[head]}, {basis}" if head in SAVED else f"{name}, plan"
        for letter, sights in zip("ABCDE", by_run, strict=False):
            if row.get(letter, "–") not in ("–", None):
                sights.append(Sighting(figure, "page of a comparison", plain(row[letter])))
    return by_run
