"""Sign-in before every page: where it is configured, nothing else is drawn until somebody has signed in."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import streamlit as st

from emberline.reports.text import tr
from emberline.ui.oidc import Oidc

_required: Oidc | None = None
"""Sign-in settings of this server: set once at its start, for all tabs."""
_alone = True
"""Whether only the local user is expected, without sign-in."""


def require(oidc: Oidc | None, alone: bool = True) -> None:
    """Set who is admitted; None admits everybody who reaches the server.

    Args:
        oidc: sign-in settings.
        alone: whether only the local user reaches a server without sign-in.
    """
    global _required, _alone
    _required, _alone = oidc, alone


def _claims() -> dict[str, Any]:
    """Claims of the provider about the user; empty: nobody signs in."""
    return st.user.to_dict() if _required is not None else {}


def person() -> str:
    """Identifier of the user, stored with their data; empty: the local user.

    It reveals nothing about the person: a hash of the provider's identifier, which every token has (Authlib).
    """
    claims = _claims()
    if _required is None:
        return ""
    return hashlib.sha256(f"{claims.get('iss', '')}\n{claims.get('sub', '')}".encode()).hexdigest()[:32]


def lists() -> bool:
    """Whether the user's data may be listed: not on a shared server without sign-in."""
    return _required is not None or _alone


def owners() -> str | None:
    """Owner whose data the user may list; None: all, as nobody signs in."""
    return None if _required is None else person()


def owns(owner: str) -> bool:
    """Whether the user may open data of an owner: their own, or data without an owner."""
    return _required is None or owner in ("", person())


def refusal() -> str:
    """Reason why this tab is not admitted (``Oidc.refuses``); empty if it is."""
    return _required.refuses(_claims(), time.time()) if _required else ""


def ask(why: str) -> None:
    """Draw the sign-in in place of a page.

    Args:
        why: as returned by ``refusal``.
    """
    st.subheader("Emberline", anchor=False)
    if why == "stranger":
        st.text(tr("You are signed in, but you do not have access. Ask whoever runs Emberline here."))
        who()
        return
    if why == "late":
        st.text(tr("Your session has expired. Please sign in again."))
    if st.button(tr("Sign in"), type="primary", key="signing.in"):
        st.login()


def address() -> str:
    """E-mail address of the user, or what stands for it at the provider; empty without sign-in."""
    claims = _claims()
    return next((str(claims[key]) for key in ("email", "preferred_username", "sub") if claims.get(key)), "")


def may_approve() -> bool:
    """Whether the user may approve and lock reports (``EMBERLINE_OIDC_APPROVE``)."""
    return _required is None or _required.may_approve(_claims())


def name() -> str:
    """The user's name, as the provider gives it; empty: nobody signs in."""
    return str(_claims().get("name") or address())[:60]


def who() -> None:
    """Draw the user's name and the sign-out button; nothing without sign-in."""
    if _required is None:
        return
    with st.container(key="who", horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.text(name())
        if st.button(tr("Sign out"), key="signing.out"):
            st.logout()
