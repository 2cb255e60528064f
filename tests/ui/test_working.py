"""Jobs that have ended badly, on a page: one vocabulary, with what to do next."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pages import page, texts

from emberline.reports.text import wording
from emberline.runs.jobs.status import ENDED
from emberline.runs.store.catalogue.tables import STATES as OF_RUNS
from emberline.ui.cli import terminal
from emberline.ui.pages import runs

EVENTS = {"failed": ["ValueError: x"], "refused": ["goal.gap: is negative"]}


def test_every_state_has_its_words() -> None:
    """Proves: whatever a job or a run can come to is called somehow, and all but what is done says what to do next."""
    for state in ("queued", "working", *ENDED):
        word, text, then = wording.STATES[state]
        assert word
        assert text.endswith(".")
        assert then.endswith(".") or state == "stored"
    assert set(runs.STATES) == set(OF_RUNS)
    assert set(runs.STATES.values()) <= set(wording.STATES)


@pytest.mark.parametrize("module", ["plan", "pareto"])
@pytest.mark.parametrize("state", ["stopped", "broken", "failed", "refused"])
def test_pages_say_the_same(home: Path, module: str, state: str) -> None:
    """Proves: the pages Plan and Pareto tell how a job ended in the same words, with its lines, what to do next, and
    which button does it. Sensitivity: "lost" here and "broken" there."""
    number = "1" * 32
    folder = home / "jobs" / number
    folder.mkdir(parents=True)
    kind = "front" if module == "pareto" else "plan"
    table = {"kind": kind, "scenario": "melt-shop-small", "overrides": [], "note": {}, "given": {"points": 3}}
    (folder / "request.json").write_text(json.dumps(table))
    (folder / "worker.pid").write_text("0")
    if state in EVENTS:
        (folder / "events.jsonl").write_text(json.dumps({"phase": state, "lines": EVENTS[state]}) + "\n")
    if state == "stopped":
        (folder / "stop").touch()
    app = page(module, number, **({"front": number} if module == "pareto" else {}))
    assert not app.exception
    text = texts(app)
    _, sentence, then = wording.STATES[state]
    assert f"✕ {sentence}" in text
    assert f"{then} Press {'Search the front' if module == 'pareto' else 'Plan'} at the side to try again." in text
    assert all(line in text for line in EVENTS.get(state, []))


def test_who_gives_up_ends_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Proves: a second Ctrl-C ends any study with exit code 130 and one line, wherever it is begun."""

    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    class Ended(BaseException):
        """Instead of the end of this process."""

    def ended(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(terminal, "answering", pressed)
    monkeypatch.setattr(os, "_exit", ended)
    with pytest.raises(Ended, match="130"):
        terminal.study(lambda on_progress, cancel: None, "taking what there is", quiet=True)
    assert capsys.readouterr().err == "given up\n"
