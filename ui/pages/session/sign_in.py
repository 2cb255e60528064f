"""The gate before every page: where people sign in, nothing else is drawn until somebody has."""

from __future__ import annotations

import hashlib
import time

import streamlit as st

from emberline.ui.server.oidc import Oidc
from emberline.ui.text.language import tr

_required: Oidc | None = None
"""How people sign in at this server: set once at its start, the same for every tab."""
_alone = True
"""Whether nobody but the local user is expected, where people do not sign in."""


def require(oidc: Oidc | None, alone: bool = True) -> None:
    """Let in whom this admits alone; None lets in whoever reaches the server.

    Args:
        oidc: how people sign in.
        alone: whether only the local user reaches the server where they do not.
    """
    global _required, _alone
    _required, _alone = oidc, alone


def person() -> str:
    """Who is signed in, as a name that is kept with what is theirs; empty: the local user.

    It tells nothing of the person: the provider's own number for them, which no token lacks (Authlib), hashed.
    """
    if _required is None:
        return ""
    claims = st.user.to_dict()
    return hashlib.sha256(f"{claims.get('iss', '')}\n{claims.get('sub', '')}".encode()).hexdigest()[:32]


def lists() -> bool:
    """Whether the things of who is here may be listed: not where others may come whom nobody tells apart."""
    return _required is not None or _alone


def owners() -> str | None:
    """Whose things are those of who is here; None: everybody's, for nobody signs in."""
    return None if _required is None else person()


def owns(owner: str) -> bool:
    """Whether something that is kept with an owner may be opened: one's own, or what nobody owns."""
    return _required is None or owner in ("", person())


def refusal() -> str:
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
