"""A button that plays the replay by moving its slider to the end."""

from __future__ import annotations

from functools import cache
from typing import Any

from emberline.reports.charts.view import View
from emberline.reports.text.language import tr

WHOLE_S = 40.0
"""Duration of a whole replay [s]."""
FASTEST_MS, SLOWEST_MS = 40.0, 400.0
HTML = '<button type="button" class="play"></button>'
CSS = """.play {
  font: inherit; font-size: 0.875rem; padding: 0.25rem 0.9rem; cursor: pointer; color: var(--st-text-color);
  background: var(--st-background-color); border: 1px solid var(--st-border-color); border-radius: 0.25rem;
}
.play:hover, .play:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }"""
SCRIPT = """export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const slider = () => document.querySelector(".st-key-replay .vega-bindings input[type=range]");
  let timer = null;
  const show = () => { button.textContent = timer ? data.pause : "▶\\uFE0E " + data.play; };
  const stop = () => { clearInterval(timer); timer = null; show(); };
  const move = (to) => {
    const found = slider();
    if (!found || to > Number(found.max)) return stop();
    found.value = to;
    found.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const step = () => { const found = slider(); found ? move(Number(found.value) + Number(found.step)) : stop(); };
  button.onclick = () => {
    if (timer) return stop();
    const found = slider();
    if (!found) return;
    if (Number(found.value) >= Number(found.max)) move(Number(found.min));
    timer = setInterval(step, data.every);
    show();
  };
  stop();
  return () => clearInterval(timer);
}"""


@cache
def _player() -> Any:
    from streamlit.components.v2 import component

    return component("emberline_player", html=HTML, css=CSS, js=SCRIPT)


def button(view: View) -> None:
    """Draw the button.

    Args:
        view: the range of the slider.
    """
    every = min(max(1000 * WHOLE_S / len(view.starts), FASTEST_MS), SLOWEST_MS)
    _player()(data={"play": tr("Play"), "pause": tr("Pause"), "every": every}, key="twin.player", height="content")
