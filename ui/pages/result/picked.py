"""Heats that stand out on the planning board of a run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def begins_with(run: str) -> tuple[str, ...]:
    """Heats that stand out on the board: the selected one, or those of a sentence."""
    return tuple(st.session_state.get(f"heat.{run}.begins") or ())


def mark_bars(run: str, names: Sequence[str]) -> None:
    """Callback: some heats stand out; the first of them is shown."""
    st.session_state[f"heat.{run}"] = names[0]
    st.session_state[f"heat.{run}.begins"] = tuple(names)
    st.session_state[f"heat.{run}.stage"] = None
