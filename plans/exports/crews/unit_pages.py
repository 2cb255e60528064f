"""Pages for the crews: one for each unit and shift, as HTML to print. A gap is a line of its own."""

from __future__ import annotations

import html

from emberline.plans.exports.activities import called
from emberline.plans.exports.crews import unit_lists
from emberline.plans.exports.crews.unit_lists import Line
from emberline.plans.exports.speaker import ENGLISH, Speaker, mark
from emberline.plans.exports.worded import does
from emberline.plans.store.run_folder import StoredRun

STYLE = """body { font: 14px/1.5 sans-serif; color: #1c2530; background: #fff; margin: 0 }
section { padding: 18px 24px; break-after: page } section:last-child { break-after: auto }
h1 { font-size: 24px; margin: 0 } p { margin: 2px 0 10px; color: #4a5460 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 6px 8px; border: 1px solid #b9c0c7 }
th { background: #eef1f4 } .gap td { background: #f4f5f6; color: #4a5460; font-style: italic } .free { width: 28% }"""
HEAD = (mark("start"), mark("end"), mark("does"), mark("heat or mode"), mark("made"), mark("remarks of the shift"))


def unit_pages(run: StoredRun, speaker: Speaker = ENGLISH) -> str:
    """The document: a page for each unit and each shift in which it has something to do."""
    scenario = run.plan.scenario
    pages = []
    for unit in unit_lists.crews(run):
        rows = list(unit_lists.lines(run, unit))
        for start, end in unit_lists.shifts(run):
            ends = scenario.horizon.minutes(start), scenario.horizon.minutes(end)
            mine = [row for row in rows if row.start_min < ends[1] and row.end_min > ends[0]]
            if not any(row.activity for row in mine):
                continue
            title = f"{called(unit, scenario, speaker)}, {speaker.moment(start, offset=False)} – {end:%H:%M}"
            says = speaker.say(mark("{name}, run {run}"), name=scenario.title or scenario.name, run=run.id[:8])
            head = "".join(f"<th>{html.escape(speaker.say(name))}</th>" for name in HEAD)
            body = "".join(_row(run, row, speaker) for row in mine)
            pages.append(
                f"<section><h1>{html.escape(title)}</h1><p>{html.escape(says)}, {scenario.horizon.zone}</p>"
                f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"
            )
    return (
        f'<!DOCTYPE html><html lang="{speaker.tag}"><head><meta charset="utf-8"><title>Emberline</title>'
        f"<style>{STYLE}</style></head><body>{''.join(pages)}</body></html>"
    )


def _row(run: StoredRun, row: Line, speaker: Speaker) -> str:
    horizon = run.plan.scenario.horizon
    start, end = (f"{horizon.instant(at):%H:%M}" for at in (row.start_min, row.end_min))
    if row.activity is None:
        says = speaker.say(mark("free for {minutes} min"), minutes=speaker.number(row.minutes, 0))
        cells, kind = [start, end, says, "", ""], ' class="gap"'
    else:
        cells = [start, end, does(row.activity.what, speaker), row.activity.name, row.activity.definition]
        kind = ""
    return f'<tr{kind}>{"".join(f"<td>{html.escape(cell)}</td>" for cell in cells)}<td class="free"></td></tr>'
