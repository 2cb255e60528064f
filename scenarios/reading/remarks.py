"""Comments in the text of a scenario, which give the sources of figures, by the key or list item below them."""

from __future__ import annotations

from typing import Any

from emberline.scenarios.reading.document import Keys
from emberline.scenarios.reading.editing import child_of


def remarks(text: str) -> dict[Keys, str]:
    """Extract comments by the key or list item below them; a comment applies to everything within the item.

    Args:
        text: valid text of a scenario.
    """
    from ruamel.yaml import YAML

    comments = _comments(text)
    remarks: dict[Keys, str] = {}

    def walk(node: Any, path: Keys) -> None:
        if node.id == "scalar" or node.flow_style:
            return  # nested values cannot have comments of their own
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
    """Return the comments by the number of the line below them."""
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


def with_remark(text: str, path: Keys, remark: str) -> str:
    """Add a comment above a key or list item, unless there is one already."""
    from ruamel.yaml import YAML

    node, mark = YAML(typ="safe", pure=True).compose(text), None
    for part in path:
        block = not node.flow_style
        key = next((key for key, _ in node.value if key.value == part), None) if node.id == "mapping" else None
        node = child_of(node, part)
        if node is None:
            return text
        if block:
            mark = (key or node).start_mark
    lines = text.split("\n")
    if mark is None or (mark.line and lines[mark.line - 1].lstrip().startswith("#")):
        return text
    indent = " " * (len(lines[mark.line]) - len(lines[mark.line].lstrip()))
    lines.insert(mark.line, f"{indent}# {' '.join(remark.split())}")
    return "\n".join(lines)
