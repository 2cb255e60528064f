"""The document of the pages."""

from __future__ import annotations

import re
from pathlib import Path

from streamlit.file_util import get_static_dir

from emberline.ui.server import documents

PRELOADED = re.compile(r'<link rel="modulepreload" crossorigin href="\./static/js/([^"]+)">')


def test_parts_that_every_page_draws_are_fetched_with_the_document() -> None:
    """Proves: the document names the parts of Streamlit that each page begins with and all that they import, once each,
    and nothing that this release does not have. Sensitivity: imports of imports left out."""
    folder = Path(get_static_dir())
    names = PRELOADED.findall(documents.index(folder / "index.html"))
    assert len(names) == len(set(names))
    scripts = folder / "static" / "js"
    for part in documents.AHEAD:
        assert any(name.startswith(f"{part}.") for name in names), part
    loaded = {*names, *re.findall(r'src="\./static/js/([^"]+)"', (folder / "index.html").read_text(encoding="utf-8"))}
    for name in names:
        imported = documents.IMPORTED.findall((scripts / name).read_text(encoding="utf-8"))
        assert set(imported) <= loaded, name
