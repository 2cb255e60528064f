"""A small provider of OpenID Connect: signs everybody in at once, and tokens that must not do when it is set to."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from served import free_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "emberline", "a secret of the tests"


class Provider:
    """What it signs is the one client's, for one person; ``claims`` lays others over it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.key, self.foreign = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
        self.claims: dict[str, Any] = {}
        self.forges = False
        """Whether another key than the one that it publishes signs."""
        self.sign_ins: dict[str, dict[str, str]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.metadata),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/jwks", self.jwks),
                Route("/logout", self.logout),
            ]
        )

    def metadata(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "end_session_endpoint": f"{self.url}/logout",
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    def authorize(self, request: Request) -> Response:
        table = dict(request.query_params)
        assert table["client_id"] == CLIENT
        assert table["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.sign_ins[code] = table
        back = urlencode({"code": code, "state": table["state"]})
        return RedirectResponse(f"{table['redirect_uri']}?{back}")

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        inputs = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        case = self.sign_ins.pop(form["code"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if request.headers.get("authorization") != f"Basic {inputs}" or challenge.decode() != case["code_challenge"]:
            return JSONResponse({"error": "invalid_client"}, 401)
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": "248289761001", "aud": CLIENT, "exp": now + 3600, "iat": now,
            "nonce": case["nonce"], "name": "Ada **Byron**", "email": "ada@plant.example", "email_verified": True,
        }  # fmt: skip
        key = self.foreign if self.forges else self.key
        signed = jwt.encode({"alg": "RS256"}, claims | self.claims, key)
        return JSONResponse({"access_token": "of no use here", "token_type": "Bearer", "id_token": signed})

    def jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def logout(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["post_logout_redirect_uri"])


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that is served until the block ends."""
    provider = Provider()
    server = uvicorn.Server(uvicorn.Config(provider.app(), port=provider.port, log_level="error"))
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    end = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < end, "the provider did not start"
        time.sleep(0.05)
    yield provider
    server.should_exit = True
    serving.join(timeout=10)
