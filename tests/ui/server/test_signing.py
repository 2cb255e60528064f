"""Sign-in: what the environment must say, whose claims let in, and the whole way in a real browser."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from provider import CLIENT, SECRET, Provider, providing
from served import Server, free_port

from emberline.ui import oidc

PREFIX = oidc.PREFIX
RIGHT = {
    PREFIX + "URL": "https://id.example/.well-known/openid-configuration",
    PREFIX + "CLIENT_ID": "emberline",
    PREFIX + "CLIENT_SECRET": "secret",
    PREFIX + "REDIRECT": "https://emberline.plant.example/oauth2callback",
}
NOW = 1_800_000_000.0
ADA: dict[str, Any] = {"is_logged_in": True, "aud": "emberline", "iat": NOW - 60, "email": "ada@plant.example"}


def read(**changed: str) -> oidc.Oidc:
    content = oidc.read(RIGHT | {PREFIX + name: value for name, value in changed.items()})
    assert content is not None
    return content


# --- what the environment says --------------------------------------------------------------------------------------


def test_nothing_configured_is_no_sign_in() -> None:
    """Proves: none by default; blanks are nothing."""
    assert oidc.read({}) is None
    assert oidc.read({PREFIX + "URL": " "}) is None


def test_origin_and_host_are_those_of_the_address_that_leads_back() -> None:
    """Proves: the pages' public address is known from it; secrets are as Streamlit takes them."""
    content = read()
    assert (content.origin, content.host) == ("https://emberline.plant.example", "emberline.plant.example")
    assert read(REDIRECT="http://[::1]:8501/oauth2callback").host == "[::1]"
    assert content.settings()["auth"]["client_secret"] == "secret"
    assert len(content.cookie_secret) >= oidc.SHORTEST_SECRET
    assert content.cookie_secret != read().cookie_secret
    assert [read(HOURS=text).hours for text in ("", "0.5", "720")] == [12, 0.5, 720]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"CLIENT_SECRET": ""}, "EMBERLINE_OIDC_CLIENT_SECRET is not set"),
        ({"URL": "http://id.example/x"}, "EMBERLINE_OIDC_URL http://id.example/x: must be an https address"),
        ({"URL": "id.example"}, "EMBERLINE_OIDC_URL id.example: must be an https address"),
        ({"URL": "https://a:b@id.example"}, "EMBERLINE_OIDC_URL https://a:b@id.example: must be"),
        ({"REDIRECT": "http://plant.example/oauth2callback"}, "EMBERLINE_OIDC_REDIRECT http://plant.example/oauth2c"),
        ({"REDIRECT": "https://plant.example/x"}, "EMBERLINE_OIDC_REDIRECT https://plant.example/x: must be the pages"),
        ({"REDIRECT": "https://plant.example:x/oauth2callback"}, "EMBERLINE_OIDC_REDIRECT https://plant.example:x/oa"),
        ({"COOKIE_SECRET": "short"}, "EMBERLINE_OIDC_COOKIE_SECRET: must be 32 random characters or more"),
        ({"ALLOW": "ada"}, "EMBERLINE_OIDC_ALLOW ada: must be an address"),
        ({"ALLOW": "ada@"}, "EMBERLINE_OIDC_ALLOW ada@: must be an address"),
        ({"HOURS": "0"}, "EMBERLINE_OIDC_HOURS 0: must be a number of hours above 0"),
        ({"HOURS": "720.5"}, "EMBERLINE_OIDC_HOURS 720.5: must be a number of hours above 0, at most 720"),
        ({"HOURS": "nan"}, "EMBERLINE_OIDC_HOURS nan: must be"),
        ({"HOURS": "a day"}, "EMBERLINE_OIDC_HOURS a day: must be"),
    ],
)
def test_what_could_not_hold_is_reported(changed: dict[str, str], text: str) -> None:
    """Proves: one line for each mistake, with the variable; a secret is never repeated."""
    with pytest.raises(oidc.Wrong) as wrong:
        read(**changed)
    (line,) = wrong.value.lines
    assert line.startswith(text)
    assert "short" not in line


def test_what_sign_in_needs_is_installed_or_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: without Authlib the first page would fail; it is said before, with what installs it, and only where all
    else is right. Sensitivity: found out by the first who signs in."""
    monkeypatch.setattr(oidc, "find_spec", lambda name: None)
    with pytest.raises(oidc.Wrong) as wrong:
        read()
    assert wrong.value.lines == ("sign-in needs Authlib, which is not installed: pip install 'emberline[oidc]'",)
    with pytest.raises(oidc.Wrong, match="HOURS") as wrong:
        read(HOURS="0")
    assert len(wrong.value.lines) == 1


def test_workers_inherit_no_secret() -> None:
    """Proves: both secrets leave the environment, the rest stays.

    Sensitivity: with the cookie's secret a worker, or whoever reads its environment, signs in as anybody."""
    environment = RIGHT | {PREFIX + "COOKIE_SECRET": "x" * 32, "PATH": "/bin"}
    oidc.forget(environment)
    assert environment == {"PATH": "/bin"} | {
        name: value for name, value in RIGHT.items() if name != PREFIX + "CLIENT_SECRET"
    }


# --- whose claims let in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "allow", "why"),
    [
        ({}, "", ""),
        ({"is_logged_in": False}, "", "nobody"),
        ({"is_logged_in": "yes"}, "", "nobody"),
        ({"aud": ["other", "emberline"]}, "", ""),
        ({"aud": "other", "azp": "emberline"}, "", "stranger"),
        ({"aud": None}, "", "stranger"),
        ({"iat": NOW - 12 * 3600}, "", ""),
        ({"iat": NOW - 12 * 3600 - 1}, "", "late"),
        ({"iat": NOW + 120}, "", ""),
        ({"iat": NOW + 121}, "", "late"),
        ({"iat": "now"}, "", "late"),
        ({"iat": True}, "", "late"),
        ({}, "ada@plant.example", ""),
        ({"email": "Ada@Plant.Example"}, "@plant.example", ""),
        ({}, "@other.example, ADA@plant.example", ""),
        ({}, "@other.example", "stranger"),
        ({"email": "ada@plant.example@other.example"}, "@other.example", "stranger"),
        ({"email": "ada@sub.plant.example"}, "@plant.example", "stranger"),
        ({"email_verified": False}, "@plant.example", "stranger"),
        ({"email": None}, "@plant.example", "stranger"),
    ],
)
def test_claims(claims: dict[str, Any], allow: str, why: str) -> None:
    """Proves: audience, age and the list of those allowed decide. Sensitivity: Authlib itself lets the azp pass."""
    assert read(ALLOW=allow).refuses(ADA | claims, NOW) == why


# --- the whole way --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as started:
        yield started


@pytest.fixture(scope="module")
def stored(stored_home: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with a plan, and the plan's id."""
    home = tmp_path_factory.mktemp("signing") / "home"
    shutil.copytree(stored_home[0], home)
    return home, stored_home[1]


@pytest.fixture(scope="module")
def server(provider: Provider, stored: tuple[Path, str]) -> Iterator[Server]:
    port = free_port()
    environment = {
        "EMBERLINE_HOME": str(stored[0]),
        PREFIX + "URL": f"{provider.url}/.well-known/openid-configuration",
        PREFIX + "CLIENT_ID": CLIENT,
        PREFIX + "CLIENT_SECRET": SECRET,
        PREFIX + "REDIRECT": f"http://127.0.0.1:{port}/oauth2callback",
        PREFIX + "ALLOW": "@plant.example",
    }
    started = Server(environment=environment, port=port)
    yield started
    started.kill()


@pytest.fixture
def context(browser: Browser, provider: Provider) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    yield opened
    opened.close()
    provider.claims, provider.forges = {}, False


def come_back(page: Page) -> None:
    """Press the button, and come back from the provider."""
    with page.expect_response(lambda answer: "/oauth2callback?" in answer.url, timeout=60_000):
        page.get_by_role("button", name="Sign in").click(timeout=60_000)


@pytest.mark.browser
def test_nothing_is_shown_before_and_the_page_asked_for_after(
    server: Server, stored: tuple[Path, str], context: BrowserContext
) -> None:
    """Proves: before signing in no page shows or sends anything of a plan, and no file is given; then the page that was
    asked for is shown, with who has signed in; afterwards nothing again."""
    _, run = stored
    page, sent = context.new_page(), list[bytes]()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: sent.append(_bytes(data))))
    for name in ("", "compare", "export"):
        page.goto(f"{server.url}/{name}?run={run}")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
        expect(page.get_by_test_id("stMain")).not_to_contain_text("melt-shop")
        expect(page.locator(".st-key-header")).to_have_count(0)
    assert sent
    assert not any(b"melt-shop" in data or b"Melt shop" in data for data in sent)
    tab = f"{server.url}/_stcore/upload_file/{'0' * 36}/a"
    for method, address in (("GET", f"{server.url}/media/{'0' * 56}.png"), ("PUT", tab)):
        assert context.request.fetch(address, method=method, headers={"Origin": server.url}).status == 403

    come_back(page)
    expect(page.get_by_text("Ada **Byron**", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stMain")).to_contain_text("melt-shop", timeout=60_000)
    assert page.url.startswith(f"{server.url}/export?run={run}")
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)
    assert context.request.get(f"{server.url}/media/{'0' * 56}.png").status == 404

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
    assert context.request.get(f"{server.url}/media/{'0' * 56}.png").status == 403


@pytest.mark.browser
def test_a_token_that_must_not_do_lets_nobody_in(server: Server, provider: Provider, context: BrowserContext) -> None:
    """Proves: another audience, an expired token, another issuer, nonce or key leave the button to sign in."""
    page, now = context.new_page(), int(time.time())
    page.goto(server.url)
    for claims in (
        {"aud": "another client"},
        {"exp": now - 3600, "iat": now - 7200},
        {"iss": "https://evil.example"},
        {"nonce": "of another sign-in"},
        {},
    ):
        provider.claims, provider.forges = claims, not claims
        come_back(page)
        expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
        assert not [cookie for cookie in context.cookies() if cookie["name"].startswith("_streamlit_user")], claims


@pytest.mark.browser
@pytest.mark.parametrize(
    "claims", [{"aud": ["another client"], "azp": CLIENT}, {"email": "eve@other.example"}], ids=["audience", "address"]
)
def test_a_stranger_sees_no_page(
    server: Server, provider: Provider, context: BrowserContext, claims: dict[str, Any]
) -> None:
    """Proves: who is signed in but not among those allowed, or by a token for another client, sees no page or file."""
    provider.claims = claims
    page = context.new_page()
    page.goto(server.url)
    come_back(page)
    expect(page.get_by_text("You are signed in, but you do not have access.")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.locator(".st-key-header")).to_have_count(0)
    assert context.request.get(f"{server.url}/media/{'0' * 56}.png").status == 403


@pytest.mark.browser
def test_a_cookie_that_is_not_signed_lets_nobody_in(server: Server, context: BrowserContext) -> None:
    """Proves: claims of one's own are no sign-in."""
    claims = json.dumps(ADA | {"iat": time.time(), "origin": server.url}).replace(" ", "")
    context.add_cookies([{"name": "_streamlit_user", "value": claims.replace(",", "%2C"), "url": server.url}])
    page = context.new_page()
    page.goto(server.url)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
    request = Request(f"{server.url}/media/none.png", headers={"Cookie": f"_streamlit_user={claims}"})
    with pytest.raises(OSError, match="403"):
        urlopen(request, timeout=60)


def _bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


def test_who_may_approve() -> None:
    """Proves: a list of approvers holds those alone, none holds everybody. Sensitivity: the list of access instead."""
    assert read().may_approve(ADA)
    assert read(APPROVE="@plant.example").may_approve(ADA)
    assert not read(ALLOW="@plant.example", APPROVE="bo@plant.example").may_approve(ADA)
    assert not read(APPROVE="@plant.example").may_approve({**ADA, "email_verified": False})
