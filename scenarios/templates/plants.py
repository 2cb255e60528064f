"""Templates of plants to start from: small scenarios with typical figures, each with its source in a comment.

A template is a scenario in the form of the bundled ones (``library/templates``). ``remarks.py`` reads them
back, so that pages can say next to a figure where it is from.
"""

from __future__ import annotations

from functools import cache

from emberline.scenarios.loading.loading import LIBRARY
from emberline.scenarios.reading.document import parse
from emberline.scenarios.reading.editing import revised
from emberline.scenarios.records.base import Problem, ScenarioError

TEMPLATES = (
    "melt-shop", "mini-mill", "cement-works", "grinding-plant", "foundry", "boiler-house", "meter", "empty",
)  # fmt: skip
"""In the order in which they are offered; the last one is an empty flow sheet."""
EMPTY = TEMPLATES[-1]
METER = "meter"
"""The template of a site whose load is a meter's."""


@cache
def template(name: str) -> str:
    """The text of a template.

    Raises:
        ScenarioError: there is none of this name.
    """
    if name not in TEMPLATES:
        raise ScenarioError([Problem(name[:80], "", f"no such template; there are {', '.join(TEMPLATES)}")])
    return (LIBRARY / "templates" / f"{name}.yaml").read_text(encoding="utf-8")


def summary(name: str) -> tuple[str, str]:
    """Title and description of a template."""
    data = parse(template(name)).data
    return str(data["title"]), str(data["description"])


def start(name: str, plant: str, title: str = "") -> str:
    """The text of a new plant from a template, without the template's description, which would soon be false.

    Args:
        name: of the template.
        plant: name of the new scenario.
        title: of the new scenario; empty: the template's.
    """
    text = template(name)
    data = parse(text).data
    data = {key: value for key, value in data.items() if key != "description"}
    return revised(text, {**data, "name": plant, **({"title": title} if title else {})})
