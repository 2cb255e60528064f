"""Examples of the guides are scenarios as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emberline.scenarios import loads
from emberline.scenarios.checking.mistakes import between_nouns

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(("guide", "name"), [("lines.md", "my-line"), ("assets.md", "my-site")])
def test_the_example_is_a_scenario(guide: str, name: str) -> None:
    """Proves: what a reader copies from the guide loads without a mistake. Sensitivity: a key that was renamed."""
    result = re.search(
        rf"^```yaml {name}\.yaml\n(.*?)^```$", (DOCS / guide).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert result
    scenario = loads(result[1], f"{name}.yaml")
    assert scenario.name == name
    assert list(between_nouns(scenario)) == []
