"""Stored results of analyses: whole or not at all, with their messages, and refused where they are torn."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from emberline.runs.store import StoreError
from emberline.runs.work import analyses
from emberline.scenarios.messages import Message


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    return tmp_path


def test_a_result_comes_back_with_its_messages(home: Path) -> None:
    """Proves: what was asked and found is read again, sentences with their parameters."""
    text = Message("{load:.0f} % load", load=80.0)
    request = {"scenario": "melt-shop-small", "overrides": ["goal.minimize=cost"], "given": {"loads": [0.8]}}
    analyses.save(home, "b" * 32, "headroom", request, {"scenario": "melt-shop-small", "says": text})
    stored = analyses.read("b" * 32)
    assert (stored.name, stored.scenario, stored.overrides) == ("headroom", "melt-shop-small", ("goal.minimize=cost",))
    assert stored.options == {"loads": [0.8]}
    restored = stored.result["says"]
    assert isinstance(restored, Message)
    assert (restored, restored.params) == ("80 % load", {"load": 80.0})


def test_a_torn_result_is_refused_and_left_out(home: Path) -> None:
    """Proves: half a file is no result. Sensitivity: a list that fails because of one torn file."""
    for number in ("c" * 32, "d" * 32):
        analyses.save(home, number, "prices", {"given": {"run": "e" * 32}}, {"scenario": "site"})
    path = home / "analyses" / f"{'c' * 32}.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(StoreError, match="torn"):
        analyses.read("c" * 32)
    assert [one.id for one in analyses.headlines(9)] == ["d" * 32]
    with pytest.raises(StoreError, match="not stored"):
        analyses.read("../../etc/passwd")


@pytest.mark.parametrize("name", [info.name for info in iter_modules(analyses.__path__)])
def test_every_work_is_an_analysis(name: str) -> None:
    """Proves: no ``work_NAME`` of a module is forgotten in its ``WORK``, no module in ``MODULES``. Sensitivity: an
    analysis that no job and no page knows."""
    module = vars(import_module(f"{analyses.__name__}.{name}"))
    works = {key.removeprefix("work_"): value for key, value in module.items() if key.startswith("work_")}
    assert works == {key: value for key, value in analyses.works().items() if value.__module__ == module["__name__"]}


def test_an_unknown_analysis_is_refused() -> None:
    """Proves: a name from outside imports nothing."""
    with pytest.raises(StoreError, match="unknown analysis"):
        analyses.work("os")
