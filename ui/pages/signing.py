"""The gate before every page: where people sign in, nothing else is drawn until somebody has."""

from __future__ import annotations

import time

import streamlit as st

from ui.language import tr
from ui.oidc import Oidc

_required: Oidc | None = None
"""How people sign in at this server: set once at its start, the same for every tab."""


def require(oidc: Oidc | None) -> None:
    """Let in whom this admits alone; None lets in whoever reaches the server."""
    global _required
    _required = oidc


def refused() -> str:
    """Why this tab sees no page (``Oidc.refuses``); empty where it does."""
    return _required.refuses(st.user.to_dict(), time.time()) if _required else ""


def ask(why: str) -> None:
    """What stands instead of a page.

    Args:
        why: as ``refused`` says it.
    """
    st.subheader("Emberline", anchor=False)
    if why == "stranger":
        st.text(tr("You are signed in, but not among those who may come in. Ask whoever runs Emberline here."))
        who()
        return
    if why == "late":
        st.text(tr("You have been signed in for long. Please sign in again."))
    if st.button(tr("Sign in"), type="primary", key="signing.in"):
        st.login()


def who() -> None:
    """Who is signed in, and the way out; nothing where people do not sign in."""
    if _required is None:
        return
    claims = st.user.to_dict()
    name = next((str(claims[key]) for key in ("name", "email", "preferred_username", "sub") if claims.get(key)), "")
    with st.container(key="who", horizontal=True, vertical_alignment="center", gap="small"):
        st.text(name[:60])
        if st.button(tr("Sign out"), key="signing.out"):
            st.logout()
