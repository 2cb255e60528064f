"""Sign-in by OpenID Connect, as the environment configures it: who may come in, and for how long. None by default.

What a person is asked stands in ``ui/pages/session/sign_in.py``; Streamlit and Authlib exchange the tokens, check their
signature, issuer, nonce and expiry, and keep the claims in a signed cookie. What they leave out is checked here.
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
NEEDED = ("URL", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT")
"""Metadata of the provider (…/.well-known/openid-configuration), what it knows Emberline by, where it sends back to."""
FURTHER = ("COOKIE_SECRET", "ALLOW", "HOURS")
CALLBACK = "/oauth2callback"
SHORTEST_SECRET = 32
HOURS = 12.0
"""A shift: the claims in the cookie are believed no longer."""
SKEW_S = 120.0
"""How far the provider's clock may be ahead."""


class Wrong(ValueError):
    """The environment configures no sign-in that could hold; one line for each mistake."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class Oidc:
    """How people sign in."""

    metadata: str
    client: str
    secret: str
    redirect: str
    cookie_secret: str
    allow: tuple[str, ...] = ()
    """Addresses, or whole domains as ``@plant.example``; without any, whom the provider signs in comes in."""
    hours: float = HOURS

    @property
    def origin(self) -> str:
        """Of the pages as browsers see them, such as ``https://emberline.plant.example``."""
        parts = urlsplit(self.redirect)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """Of the pages as browsers see them; an IPv6 address in brackets."""
        name = urlsplit(self.redirect).hostname or ""
        return f"[{name}]" if ":" in name else name

    def settings(self) -> dict[str, Any]:
        """As Streamlit takes them among its secrets."""
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
        """Why the claims of a signed cookie let nobody in; empty where they do.

        Args:
            claims: of the identity token, as the cookie keeps them.
            now: seconds since 1970.

        Returns:
            "nobody", "stranger" (another's token, or not among those allowed), "late" (to sign in again), or "".
        """
        if claims.get("is_logged_in") is not True:
            return "nobody"
        heard = claims.get("aud")
        if self.client not in (heard if isinstance(heard, list) else [heard]):  # Authlib accepts others beside an azp
            return "stranger"
        issued = claims.get("iat")
        if isinstance(issued, bool) or not isinstance(issued, int | float):
            return "late"
        if not -SKEW_S <= now - issued <= self.hours * 3600:
            return "late"
        return "" if self._allowed(claims) else "stranger"

    def _allowed(self, claims: Mapping[str, Any]) -> bool:
        if not self.allow:
            return True
        email = str(claims.get("email") or "").lower()
        if email.count("@") != 1 or claims.get("email_verified", True) not in (True, "true"):
            return False
        return email in self.allow or email[email.index("@") :] in self.allow


def read(environment: Mapping[str, str]) -> Oidc | None:
    """What the environment configures; None where it configures nothing.

    Raises:
        Wrong: something is missing, or could not hold.
    """
    settings = {name: environment.get(PREFIX + name, "").strip() for name in (*NEEDED, *FURTHER)}
    if not any(settings.values()):
        return None
    wrong = [f"{PREFIX}{name} is not set; sign-in needs {', '.join(PREFIX + one for one in NEEDED)}"
             for name in NEEDED if not settings[name]]  # fmt: skip
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
    allow = tuple(one.strip().lower() for one in settings["ALLOW"].split(",") if one.strip())
    wrong += [
        f"{PREFIX}ALLOW {one}: must be an address such as a@plant.example, or a domain such as @plant.example"
        for one in allow
        if one.count("@") != 1 or one.endswith("@")
    ]
    hours = _hours(settings["HOURS"])
    if hours is None:
        wrong.append(f"{PREFIX}HOURS {settings['HOURS']}: must be a number of hours above 0, at most 720")
    if not wrong and find_spec("authlib") is None:
        wrong.append("sign-in needs Authlib, which is not installed: pip install 'emberline[oidc]'")
    if wrong or hours is None:
        raise Wrong(*wrong)
    cookie_secret = settings["COOKIE_SECRET"] or secrets.token_hex(32)
    return Oidc(
        settings["URL"],
        settings["CLIENT_ID"],
        settings["CLIENT_SECRET"],
        settings["REDIRECT"],
        cookie_secret,
        allow,
        hours,
    )


def forget(environment: MutableMapping[str, str]) -> None:
    """Take the secrets out of the environment, which every worker inherits."""
    for name in ("CLIENT_SECRET", "COOKIE_SECRET"):
        environment.pop(PREFIX + name, None)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine as only itself reaches it."""
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
