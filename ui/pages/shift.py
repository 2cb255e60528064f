"""Page Shift: present state of the plant compared with its plan, and advice to approve or decline."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from emberline.live.loop import current, decide, message, withdraw
from emberline.reports.charts import shift as charts
from emberline.reports.text import mark, say, tr, trn
from emberline.reports.text.wording import number
from emberline.runs.decisions import APPROVED, OPEN, Advice, Decisions
from emberline.runs.store import StoreError
from emberline.scenarios.messages import loads, restored
from emberline.ui.pages.session import sign_in, widgets

EVERY_S = 2.0
STYLE = Path(__file__).with_name("shift.css")
QUALITIES = {"ok": mark("✓ good"), "suspect": mark("⚠ suspect"), "stale": mark("⏲ stale")}


def page() -> None:
    """Draw the page."""
    st.html(STYLE)
    snapshots = {snapshot["plant"]: snapshot for snapshot in current()}
    if not snapshots:
        st.info(tr("No plant is connected. Start the loop: emberline live run live.yaml"))
        st.caption(tr("Without a plant, try a simulated one: make demo-live"))
        return
    plant = next(iter(snapshots))
    if len(snapshots) > 1:
        plant = st.selectbox(tr("Plant"), list(snapshots), key="shift.plant") or plant
    _now(plant)


@st.fragment(run_every=EVERY_S)
def _now(plant: str) -> None:
    snapshot = next((candidate for candidate in current() if candidate["plant"] == plant), None)
    if snapshot is None:
        return
    silent_s = (datetime.now(UTC) - datetime.fromisoformat(snapshot["written"])).total_seconds()
    if silent_s > 3 * snapshot["read_every_s"] + 10:
        st.error(tr("The loop has not reported for {minutes:.0f} min: what follows is old.", minutes=silent_s / 60))
    st.html(f'<div class="shift">{"".join(_tiles(snapshot))}</div>')
    _advice(plant, snapshot)
    st.altair_chart(charts.units(snapshot), width="stretch", key="shift.units", alt=tr("Units around now"))
    st.caption(tr("Thick: actual, pale: expected; thin below: plan. The line is now."))
    wide, narrow = st.columns([3, 2])
    with wide:
        st.altair_chart(charts.power(snapshot), width="stretch", key="shift.power", alt=tr("Metered power around now"))
        st.caption(tr("Dashed: plan. Orange: import limit."))
        _heats(snapshot)
    with narrow:
        _events(snapshot)
    _tags(snapshot)


def _tiles(snapshot: dict[str, Any]) -> list[str]:
    power, zone = snapshot["power"], ZoneInfo(snapshot["zone"])
    at, ends = (datetime.fromisoformat(text).astimezone(zone) for text in (snapshot["at"], power["ends"]))
    plan = tr("plan in force: {id}", id=snapshot["plan"][:8]) if snapshot["plan"] else tr("the baseline is followed")
    wall_s = (datetime.now(UTC) - datetime.fromisoformat(snapshot["written"])).total_seconds()
    age = tr("{seconds:.0f} s old", seconds=max(wall_s * snapshot["speed"], 0))
    tiles = [_tile(f"{at:%H:%M:%S}", f"{at:%d.%m.%Y}, {age}", plan)]
    limit = tr("no limit") if power["limit_mw"] is None else tr("limit {mw:g} MW", mw=power["limit_mw"])
    planned = tr("plan {mw:.1f} MW", mw=power["plan_mw"])
    label = tr("import now")
    if power["age_s"] is not None:
        label += f", {tr('{seconds:.0f} s old', seconds=max(power['age_s'], 0))}"
    predicted = bool(power.get("predicted"))  # no valid measurement
    label += f" {tr('(predicted)')}" if predicted else ""
    tiles.append(_tile(_mw(power["now_mw"]), label, f"{planned}, {limit}", bad=predicted))
    over = power["limit_mw"] is not None and power["forecast_mw"] > power["limit_mw"]
    until = tr("until now {mw}", mw=_mw(power["mean_mw"]))
    sentence = tr("expected mean at {time}", time=f"{ends:%H:%M}")
    tiles.append(_tile(_mw(power["forecast_mw"]), sentence, until, bad=over))
    tiles.append(_tile(_mw(power["peak_mw"]), tr("peak of the month so far"), ""))
    late = snapshot["late"]
    most = max(late.values(), default=0.0)
    cost = snapshot["late_cost"]
    costs = "" if cost is None else tr("costs {money} {currency}", money=number(cost, 0), currency=snapshot["currency"])
    off = sum(name in snapshot["levels"] for name in late)  # stores; process plants report no other deviation
    text = trn("{count} heat late", "{count} heats late", len(late)) if late else tr("as planned")
    if off:
        text = trn("{count} store off its planned level", "{count} stores off their planned levels", off)
    worst = tr("at most {minutes:.0f} min", minutes=most) if late else ""
    tiles.append(_tile(worst or "✓", text, costs, bad=most > 10))
    bad = sum(tag["quality"] != "ok" for tag in snapshot["tags"])
    sentence = trn("{count} tag", "{count} tags", len(snapshot["tags"]))
    wrong = tr("{count} suspect or stale", count=bad)
    tiles.append(_tile(f"{len(snapshot['tags']) - bad} ✓", sentence, wrong, bad=bad > 0))
    return tiles


def _tile(value: str, label: str, more: str, bad: bool = False) -> str:
    look = "bad" if bad else ""
    return f'<div class="{look}"><span>{escape(label)}</span><b>{escape(value)}</b><i>{escape(more)}</i></div>'


def _mw(value: float | None) -> str:
    return "–" if value is None else f"{number(value, 1)} MW"


def _advice(plant: str, snapshot: dict[str, Any]) -> None:
    """Draw the open advice with its two buttons, and the button that ends the plan in force."""
    alive: dict[str, Advice] = {}
    with widgets.refusal(StoreError):
        alive = {advice.state: advice for advice in reversed(Decisions(plant).concerning())}
    if APPROVED in alive and sign_in.may_approve():
        _withdrawal(plant, alive[APPROVED])
    advice = alive.get(OPEN)
    now, zone = datetime.fromisoformat(snapshot["at"]), ZoneInfo(snapshot["zone"])
    if advice is None or advice.expires <= now:
        return
    with st.container(border=True):
        body = restored(dict(advice.body))
        st.subheader(tr("Advice: {reason}", reason=say(body["says"])), anchor=False)
        st.text("\n".join(f"• {say(message(change))}" for change in body["changes"]))
        facts = [
            tr("data of {time}", time=f"{advice.data_at.astimezone(zone):%H:%M}"),
            tr("expires at {time}", time=f"{advice.expires.astimezone(zone):%H:%M}"),
            tr("id {id}, hash {hash}", id=advice.id[:8], hash=advice.hash[:8]),
        ]
        st.caption(" · ".join(facts))
        if body["marks"]:
            st.warning(tr("Made while these were not measured well: {tags}", tags=", ".join(body["marks"])))
        _buttons(plant, advice)


def _buttons(plant: str, advice: Advice) -> None:
    if not sign_in.may_approve():
        st.caption(tr("You may read this, not decide it."))
        return
    reason = st.text_input(tr("Reason (required to decline)"), key=f"shift.reason.{advice.id}")
    yes, no, _ = st.columns([1, 1, 3])
    approve = yes.button(tr("Approve"), type="primary", width="stretch", key=f"shift.approve.{advice.id}")
    decline = no.button(tr("Decline"), width="stretch", key=f"shift.decline.{advice.id}")
    if approve or decline:
        with widgets.refusal(StoreError):
            decide(plant, advice.id, approve=approve, who=sign_in.name() or tr("the shift"), reason=reason)
            st.rerun()


def _withdrawal(plant: str, advice: Advice) -> None:
    with st.popover(tr("Withdraw plan {id}", id=advice.id[:8]), key=f"shift.withdrawal.{advice.id}"):
        st.text(tr("The plan in force ends now: its set-points return, and the baseline is followed."))
        reason = st.text_input(tr("Reason (required)"), key=f"shift.withdrawal.reason.{advice.id}")
        if st.button(tr("Withdraw it"), type="primary", key=f"shift.withdraw.{advice.id}"):
            with widgets.refusal(StoreError):
                withdraw(plant, advice.id, who=sign_in.name() or tr("the shift"), reason=reason)
                st.rerun()


def _heats(snapshot: dict[str, Any]) -> None:
    rows = [
        {
            tr("heat"): heat["heat"],
            tr("unit"): heat["unit"] + (f" ({tr('broken down')})" if heat["down"] else ""),
            tr("time left [min]"): f"{heat['remaining']['median']:.0f}",
            tr("90 % interval [min]"): f"{heat['remaining']['low']:.0f}–{heat['remaining']['high']:.0f}",
        }
        for heat in snapshot["heats"]
    ]
    if rows:
        st.table(rows)


def _events(snapshot: dict[str, Any]) -> None:
    zone = ZoneInfo(snapshot["zone"])
    st.markdown(f"**{tr('Events')}**")
    for event in reversed(snapshot["events"][-12:]):
        st.text(f"{datetime.fromisoformat(event['at']).astimezone(zone):%H:%M}  {say(loads(event['says']))}")


def _tags(snapshot: dict[str, Any]) -> None:
    """Draw all tags with quality and age, bad quality first."""
    st.markdown(f"**{tr('Tags')}**")
    rows = []
    for tag in sorted(snapshot["tags"], key=lambda tag: tag["quality"] == "ok"):
        value = tag["value"]
        text = f"{number(value, 2)} {tag['unit']}" if isinstance(value, float) else value or "–"
        band = "" if tag["low"] is None else f"± {number((tag['high'] - tag['low']) / 2, 2)}"
        rows.append(
            {
                tr("tag"): tag["tag"],
                tr("quality"): tr(QUALITIES[tag["quality"]]),
                tr("value"): f"{text} {tr('(predicted)') if tag['predicted'] else ''}".strip(),
                tr("90 % band"): band,
                tr("age"): "–" if tag["age_s"] is None else f"{max(tag['age_s'], 0):.0f} s",
                tr("remark"): say(loads(tag["says"])),
            }
        )
    st.dataframe(rows, hide_index=True, width="stretch")
