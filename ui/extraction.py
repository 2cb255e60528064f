"""Messages of the pages, extracted from the code for translators: an extraction method of Babel (``babel.cfg``).

Babel's own method reads tokens and misses calls within f-strings before Python 3.12; this one reads the syntax tree.
Labels and descriptions of the fields of scenario records, kinds of assets and contracts, parts to
place, and roles of imported series are shown by form, tables and flow sheet, so they are messages too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, BinaryIO

DRAW = ("paragraph", "caption", "info", "warning")
"""Functions of ``ui/pages/session/widgets.py`` that draw a message."""
KEYWORDS = {"tr": None, "trn": (1, 2), "mark": None, "Message": None, **dict.fromkeys(DRAW)}
"""Functions whose arguments are messages, in Babel's notation."""
Extract = tuple[int, str, str | tuple[str, ...], list[str]]
"""Line, function, message (singular and plural), comments."""


def of_code(file: BinaryIO, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Extract]:
    """Messages of a source file; arguments as Babel passes them."""
    for node in ast.walk(ast.parse(file.read())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in keywords:
            continue
        count = 2 if node.func.id == "trn" else 1
        texts = tuple(str(arg.value) for arg in node.args[:count] if isinstance(arg, ast.Constant) and arg.value)
        if len(texts) == count:
            yield node.lineno, node.func.id, texts if count > 1 else texts[0], []


def of_fields(file: BinaryIO, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Extract]:
    """Messages of a source file, and the labels, descriptions and kinds of records that form and tables show."""
    from emberline.scenarios.assets import base
    from emberline.scenarios.descriptions import documented
    from emberline.scenarios.importing import ROLES
    from emberline.scenarios.tariff import contracts
    from emberline.scenarios.templates.plants import parts
    from emberline.ui.pages.editor.fields import label_parts
    from emberline.ui.pages.editor.source_text import records

    yield from of_code(file, keywords, comment_tags, options)
    fields = [(record, name) for record in records() for name in record.model_fields]
    texts = [label_parts(name, "EUR", record=record.__name__)[0] for record, name in fields]
    texts += [documented(record).get(name, "") for record, name in fields]
    texts += [text for part in parts().values() for text in (part.group, part.name)]
    texts += [role.title for role in ROLES.values() if role.path]
    texts += [kind.replace("_", " ") for kind in (*base.KINDS, *contracts.KINDS)]
    yield from ((1, "mark", text, []) for text in dict.fromkeys(filter(None, texts)))
