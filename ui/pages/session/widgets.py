"""Widgets in their usual shape: texts, a choice of which one is always taken, a number, a file, a component."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from emberline.reports.text import say, tr

Option = TypeVar("Option")
Number = TypeVar("Number", int, float)


def paragraph(text: str, **values: Any) -> None:
    """Draw a message in the reader's language; arguments as of ``tr``."""
    st.text(tr(text, **values))


def caption(text: str, **values: Any) -> None:
    """The same in small print."""
    st.caption(tr(text, **values))


def info(text: str, **values: Any) -> None:
    """The same as a hint."""
    st.info(tr(text, **values))


def warning(text: str, **values: Any) -> None:
    """The same as a warning."""
    st.warning(tr(text, **values))


def crosses(lines: Iterable[object]) -> None:
    """Draw what is wrong, a line each with its sign, in a box."""
    with st.container(border=True):
        for line in lines:
            st.text(f"✕ {line}")


@contextmanager
def refusal(kind: type[Exception] = RuntimeError) -> Iterator[None]:
    """Draw why what is done within is refused, as a warning; what follows is done all the same.

    Args:
        kind: of the refusal; else that of a job that cannot start.
    """
    try:
        yield
    except kind as error:
        st.warning(say(str(error)))


def height(rows: int, most: int = 640) -> int:
    """Height of a table that shows all of its rows, up to a limit [px]."""
    return min(35 * (rows + 1) + 3, most)


def table(frame: Any, titles: Mapping[str, Any] | None = None, most: int = 640, **how: Any) -> None:
    """Draw a table as high as its rows.

    Args:
        frame: the table, or its style.
        titles: of its columns, or their configuration; None: their names.
        most: its limit of height [px].
        how: further arguments of ``st.dataframe``.
    """
    rows = frame if isinstance(frame, pd.DataFrame) else frame.data
    st.dataframe(frame, hide_index=True, height=height(len(rows), most), column_config=titles, **how)


def choose(
    label: str,
    options: Iterable[Option],
    first: Option,
    key: str,
    words: Callable[[Option], str] | None = None,
    **how: Any,
) -> Option:
    """Draw a choice of which one is always taken.

    Args:
        label: of the choice.
        options: what there is; in a mapping with their words, marked and not translated.
        first: the one taken at first.
        key: of the widget.
        words: of an option; None: those of the mapping, else the option itself.
        how: further arguments of ``st.segmented_control``.
    """
    by_option = options if isinstance(options, Mapping) else {}
    words = words or (lambda option: tr(by_option[option]) if by_option else str(option))
    return st.segmented_control(label, list(options), default=first, required=True, format_func=words, key=key, **how)


def pick(label: str, options: Iterable[Option], key: str, words: Callable[[Option], str] = str, none: str = "") -> Any:
    """Draw a list of which one is taken, or none.

    Args:
        label: of the list.
        options: what there is.
        key: of the widget.
        words: of an option.
        none: what the list says while none is taken; empty: the first one is taken at first.
    """
    index = None if none else 0
    return st.selectbox(label, list(options), index, format_func=words, key=key, placeholder=none or None)


def number(label: str, key: str, value: Number, low: Number, high: Number, **how: Any) -> Number:
    """Draw a field for a number between two limits."""
    return st.number_input(label, min_value=low, max_value=high, value=value, key=key, **how)


def compared(place: Any, label: str, value: str, delta: str | None, same: bool, **how: Any) -> None:
    """Draw a figure with its difference below, of which less is better.

    Args:
        place: where it is drawn.
        label: of the figure.
        value: as it is written.
        delta: the difference, whose sign tells its direction; None: there is none.
        same: whether the difference has neither colour nor arrow.
        how: further arguments of ``st.metric``.
    """
    colour, arrow = ("off", "off") if same else ("inverse", "auto")
    place.metric(label, value, delta, delta_color=colour, delta_arrow=arrow, **how)


def download(
    label: str, content: Any, name: str, mime: str | None = None, key: str | None = None, place: Any = st, **how: Any
) -> None:
    """Draw a button that hands over a file and leaves the page as it is.

    Args:
        label: of the button.
        content: of the file, or what makes it once the button is pressed.
        name: of the file.
        mime: its type; None: by its content.
        key: of the widget.
        place: where it is drawn.
        how: further arguments of ``st.download_button``.
    """
    place.download_button(label, content, name, mime, on_click="ignore", key=key, **how)


@contextmanager
def files(contents: Mapping[str, bytes]) -> Iterator[dict[str, Path]]:
    """Contents as files, by their names, while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in contents}
        for name, path in paths.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(contents[name])
        yield paths


def content_of(write: Callable[[Path], object], name: str) -> Callable[[], bytes]:
    """A function that makes the content of a file when it is called.

    Args:
        write: writes the file.
        name: of the file.
    """

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            write(path)
            return path.read_bytes()

    return make


@cache
def component(module: str, name: str, html: str = "<span></span>") -> Any:
    """Component of the browser.

    Args:
        module: file of the module that draws it.
        name: of the files next to it with its script and, where it has one, its style.
        html: what it begins with.
    """
    from streamlit.components.v2 import component as declared

    script, style = (Path(module).with_name(f"{name}.{end}") for end in ("js", "css"))
    css = style.read_text(encoding="utf-8") if style.is_file() else None
    return declared(f"emberline_{name}", html=html, css=css, js=script.read_text(encoding="utf-8"))
