"""Sign-in with OpenID Connect, configured by the environment: who may enter, and for how long. Off by default.

The sign-in page is in ``ui/pages/session/sign_in.py``; Streamlit and Authlib exchange the tokens, check their
signature, issuer, nonce and expiry, and keep the claims in a signed cookie. This module checks the rest.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

PREFIX = "EMBERLINE_OIDC_"
REQUIRED = ("URL", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT")
"""Metadata of the provider (…/.well-known/openid-configuration), client credentials, and the return address."""
FURTHER = ("COOKIE_SECRET", "ALLOW", "APPROVE", "HOURS")
CALLBACK = "/oauth2callback"
SHORTEST_SECRET = 32
HOURS = 12.0
"""One shift: claims in the cookie are valid no longer [h]."""
SKEW_S = 120.0
"""Largest lead of the provider's clock [s]."""


class Wrong(ValueError):
    """The sign-in configuration is invalid; one line per mistake."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class Oidc:
    """Sign-in settings."""

    metadata: str
    client: str
    secret: str
    redirect: str
    cookie_secret: str
    allow: tuple[str, ...] = ()
    """E-mail addresses, or whole domains as ``@plant.example``; if empty, everyone whom the provider signs in may
    enter."""
    hours: float = HOURS
    approve: tuple[str, ...] = ()
    """Users who may approve and lock reports, as in ``allow``; if empty, everyone who may enter."""

    @property
    def origin(self) -> str:
        """Origin of the pages as browsers see it, such as ``https://emberline.plant.example``."""
        parts = urlsplit(self.redirect)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """Host of the pages as browsers see it; an IPv6 address in brackets."""
        name = urlsplit(self.redirect).hostname or ""
        return f"[{name}]" if ":" in name else name

    def settings(self) -> dict[str, Any]:
        """Settings in the form of Streamlit's secrets."""
        return {
            "auth": {
                "redirect_uri": self.redirect,
                "cookie_secret": self.cookie_secret,
                "client_id": self.client,
                "client_secret": self.secret,
                "server_metadata_url": self.metadata,
            }
        }

    def refuses(self, claims: Mapping[str, Any], now: float) -> str:
        """Reason why claims of a signed cookie are not admitted; empty if they are.

        Args:
            claims: of the identity token, as stored in the cookie.
            now: seconds since 1970.

        Returns:
            "nobody", "stranger" (another client's token, or a person who is not allowed), "late" (sign in again), or
                "".
        """
        if claims.get("is_logged_in") is not True:
            return "nobody"
        heard = claims.get("aud")
        if self.client not in (
            heard if isinstance(heard, list) else [heard]
        ):  # Authlib also accepts other audiences if there is an azp
            return "stranger"
        issued = claims.get("iat")
        if isinstance(issued, bool) or not isinstance(issued, int | float):
            return "late"
        if not -SKEW_S <= now - issued <= self.hours * 3600:
            return "late"
        return "" if _listed(claims, self.allow) else "stranger"

    def may_approve(self, claims: Mapping[str, Any]) -> bool:
        """Whether a person may approve and lock reports.

        Args:
            claims: of the identity token, admitted already.
        """
        return _listed(claims, self.approve)


def _listed(claims: Mapping[str, Any], people: tuple[str, ...]) -> bool:
    """Whether a person's verified address or its domain is in a list; an empty list holds everyone."""
    if not people:
        return True
    email = str(claims.get("email") or "").lower()
    if email.count("@") != 1 or claims.get("email_verified", True) not in (True, "true"):
        return False
    return email in people or email[email.index("@") :] in people


def read(environment: Mapping[str, str]) -> Oidc | None:
    """Sign-in settings from the environment; None if it has none.

    Raises:
        Wrong: something is missing or invalid.
    """
    settings = {name: environment.get(PREFIX + name, "").strip() for name in (*REQUIRED, *FURTHER)}
    if not any(settings.values()):
        return None
    wrong = [f"{PREFIX}{name} is not set; sign-in needs {', '.join(PREFIX + one for one in REQUIRED)}"
             for name in REQUIRED if not settings[name]]  # fmt: skip
    wrong += [
        f"{PREFIX}{name} {settings[name]}: must be an https address (http for this machine alone)"
        for name in ("URL", "REDIRECT")
        if settings[name] and not _safe(settings[name])
    ]
    redirect = urlsplit(settings["REDIRECT"])
    if settings["REDIRECT"] and (redirect.path, redirect.query, redirect.fragment) != (CALLBACK, "", ""):
        wrong.append(f"{PREFIX}REDIRECT {settings['REDIRECT']}: must be the pages' own address followed by {CALLBACK}")
    if settings["COOKIE_SECRET"] and len(settings["COOKIE_SECRET"]) < SHORTEST_SECRET:
        wrong.append(f"{PREFIX}COOKIE_SECRET: must be {SHORTEST_SECRET} random characters or more")
    people = {
        name: tuple(one.strip().lower() for one in settings[name].split(",") if one.strip())
        for name in ("ALLOW", "APPROVE")
    }
    wrong += [
        f"{PREFIX}{name} {address}: must be an address such as a@plant.example, or a domain such as @plant.example"
        for name, addresses in people.items()
        for address in addresses
        if address.count("@") != 1 or address.endswith("@")
    ]
    hours = _hours(settings["HOURS"])
    if hours is None:
        wrong.append(f"{PREFIX}HOURS {settings['HOURS']}: must be a number of hours above 0, at most 720")
    if not wrong and find_spec("authlib") is None:
        wrong.append("sign-in needs Authlib, which is not installed: pip install 'emberline[oidc]'")
    if wrong or hours is None:
        raise Wrong(*wrong)
    cookie_secret = settings["COOKIE_SECRET"] or secrets.token_hex(32)
    metadata, client, secret, address = (settings[name] for name in REQUIRED)
    return Oidc(metadata, client, secret, address, cookie_secret, people["ALLOW"], hours, people["APPROVE"])


def forget(environment: MutableMapping[str, str]) -> None:
    """Remove the secrets from the environment, which every worker inherits."""
    for name in ("CLIENT_SECRET", "COOKIE_SECRET"):
        environment.pop(PREFIX + name, None)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def _hours(text: str) -> float | None:
    if not text:
        return HOURS
    try:
        hours = float(text)
    except ValueError:
        return None
    return hours if 0 < hours <= 720 else None
