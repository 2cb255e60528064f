"""Heats are dragged on the planning board: what the browser calls a conflict is what the judge of the search calls one.

Bars are moved at random, near and far, on the plans of three melt shops; the browser's rules (``rules.js``) are run in
Chromium. How long a check takes there is reported, for it is made while a bar is dragged.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from benchmarks.speed.pages import QUIET, chromium

if TYPE_CHECKING:
    from emberline.studies.board import HeatBoard

SHOPS = ("melt-shop-small", "melt-shop-day", "melt-shop-site")
DRAGS = 500
FRAME = Bar(50.0)
"""A check lasts no longer than what the eye takes for at once [ms]."""
RULES = Path(__file__).resolve().parents[2] / "reports" / "charts" / "board" / "rules.js"
CHECK = """([rules, cases]) => { const home = placesOf(rules); const begin = performance.now();
  const result = cases.map((moves) => conflicts(rules, {...home, ...moves})
    .map((one) => [one.kind, ...[...one.keys].sort()].join(" ")).sort());
  return [result, (performance.now() - begin) / cases.length]; }"""


def _board(shop: str) -> HeatBoard:
    from emberline.planning.planner import PLAIN, make_plan
    from emberline.scenarios import load
    from emberline.studies.board import heat_board

    result = heat_board.of_line(
        make_plan(load(shop, ["goal.effort=20", "goal.hold=0", "disturbances.replications=0"]), PLAIN)
    )
    if result is None:
        raise Wrong(f"{shop}: no plan to drag")
    return result


def _moves(board: HeatBoard, draw: random.Random) -> dict[tuple[int, int], tuple[int, int]]:
    moves = {}
    for _ in range(draw.choice((1, 1, 2, 3))):
        key = draw.choice(sorted(set(board.key_of.values())))
        unit, slot = board.place(key)
        far = draw.choice((4, board.problem.n_slots))
        moves[key] = draw.choice((unit, draw.choice(board.units(key)))), slot + draw.randint(-far, far)
    return moves


def _text(key: tuple[int, int]) -> str:
    return f"{key[0]}.{key[1]}"


@bench("drags", "500 random drags on the board of three melt shops: the conflict shown is the judge's", long=True)
def main() -> Findings:
    """Drag, and compare."""
    from playwright.sync_api import sync_playwright

    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        page = browser.new_page()
        page.add_script_tag(content=RULES.read_text(encoding="utf-8").replace("export ", ""))
        for shop in SHOPS:
            board, draw = _board(shop), random.Random(7)
            cases = [_moves(board, draw) for _ in range(DRAGS)]
            began = time.perf_counter()
            expected = [
                sorted(" ".join([one.kind, *sorted(map(_text, one.keys))]) for one in board.conflicts(moves))
                for moves in cases
            ]
            python_ms = 1000 * (time.perf_counter() - began) / DRAGS
            sent = [{_text(key): list(place) for key, place in moves.items()} for moves in cases]
            conflicts, browser_ms = page.evaluate(CHECK, [board.rules(), sent])
            wrong = sum(one != other for one, other in zip(conflicts, expected, strict=True))
            if wrong:
                raise Wrong(f"{shop}: {wrong} of {DRAGS} drags are judged otherwise")
            free = sum(not one for one in expected)
            text = f"{DRAGS} of {DRAGS} alike, {free} free of conflicts"
            rows.append(measured(f"{shop}, a check in the browser", [browser_ms], "ms", bars=[FRAME], says=text))
            rows.append(measured(f"{shop}, a check by the judge", [python_ms], "ms"))
        browser.close()
    return Findings([Table("Drags on the planning board", rows)])
