"""Templates of plants to start from: small scenarios with typical figures, each with its source in a comment.

A template is a scenario in the form of the bundled ones (``library/templates``). The comments of a text are read back
by :func:`remarks`, so that pages can say next to a figure where it is from.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from emberline.scenarios.reading.document import Keys, parse
from emberline.scenarios.reading.editing import revised
from emberline.scenarios.reading.loading import LIBRARY
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
    """The text of a new plant from a template.

    Args:
        name: of the template.
        plant: name of the new scenario.
        title: of the new scenario; empty: the template's.
    """
    text = template(name)
    data = parse(text).data
    return revised(text, {**data, "name": plant, **({"title": title} if title else {})})


def remarks(text: str) -> dict[Keys, str]:
    """Comments of a scenario's text by the key or list item below them; a comment holds for all that is within it.

    Args:
        text: of a scenario that can be read.
    """
    from ruamel.yaml import YAML

    comments = _comments(text)
    remarks: dict[Keys, str] = {}

    def walk(node: Any, path: Keys) -> None:
        if node.id == "scalar" or node.flow_style:
            return  # stands on lines of which only the first may have a comment above it
        if node.id == "mapping":
            for key, value in node.value:
                note((*path, key.value), key.start_mark.line)
                walk(value, (*path, key.value))
        elif node.id == "sequence":
            for place, item in enumerate(node.value):
                note((*path, place), item.start_mark.line)
                walk(item, (*path, place))

    def note(path: Keys, line: int) -> None:
        if line in comments:
            remarks.setdefault(path, comments[line])

    walk(YAML(typ="safe", pure=True).compose(text), ())
    return remarks


def _comments(text: str) -> dict[int, str]:
    """Comments by the number of the line below them."""
    comments: dict[int, str] = {}
    words: list[str] = []
    for number, line in enumerate(text.splitlines()):
        bare = line.strip()
        if bare.startswith("#"):
            words.append(bare.lstrip("# "))
            continue
        if words and bare:
            comments[number] = " ".join(words)
        words = []
    return comments
