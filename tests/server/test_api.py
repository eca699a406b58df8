import base64
import hashlib
import hmac
import json

import pytest

from codec.signaling import IceServer
from server.api import read_guests
from server.app import make_app
from server.config import ServerConfig
from server.errors import ConfigError
from server.ice import ice_servers
from server.origins import is_host_allowed, remote_address
from server.tokens import JoinClaims, Tokens, make_invite
from tests.server.conftest import SECRET


async def ask(site, body: object, **kwargs) -> tuple[int, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | kwargs.pop("headers", {})
    async with site.client.post("/api/token", data=data, headers=headers, **kwargs) as response:
        answer = await response.json()
        assert response.status == 200 or answer["detail"].endswith(".")
        return response.status, answer.get("error_code", "")


async def test_a_join_token_is_for_one_room_and_a_short_time(site):
    async with site.client.post("/api/token", json={"room": "demo"}) as response:
        answer = await response.json()
    assert (answer["room"], answer["expires_s"]) == ("demo", 300)
    assert site.state.tokens.verify(answer["token"], JoinClaims) == JoinClaims("demo")


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ({"room": "no room"}, {}, (400, "bad_room")),
        ({"room": "x" * 65}, {}, (400, "bad_room")),
        ({}, {}, (400, "bad_room")),
        ([], {}, (400, "bad_message")),
        (b"{", {}, (400, "bad_message")),
        (b"\xff\xfe", {}, (400, "bad_message")),
        ({"room": "demo"}, {"Content-Type": "text/plain"}, (400, "bad_message")),
        ({"room": "demo"}, {"Content-Type": "application/json; charset=nonsense"}, (400, "bad_message")),
        ({"room": "demo", "passcode": 1}, {}, (400, "bad_message")),
        ({"room": "demo", "x": "x" * 9_000}, {}, (400, "bad_message")),
        ({"room": "demo"}, {"Origin": "https://evil.example"}, (403, "bad_origin")),
    ],
)
async def test_bad_requests_for_a_token_are_refused(site, body, headers, expected):
    assert await ask(site, body, headers=headers) == expected


async def test_a_passcode_is_asked_for_and_guessing_is_slowed_down(start_site):
    site = await start_site(passcode="open sesame")
    async with site.client.get("/api/config") as response:
        assert await response.json() == {"guests": [], "passcode_needed": True, "invite_needed": False}
    assert await ask(site, {"room": "demo", "passcode": "open sesame"}) == (200, "")
    for passcode in ("", "wrong", "open", "öpen", "x" * 256):
        assert await ask(site, {"room": "demo", "passcode": passcode}) == (403, "bad_passcode")
    assert await ask(site, {"room": "demo", "passcode": "open sesame"}) == (429, "rate_limited")
    site.clock.now += 1
    assert await ask(site, {"room": "demo", "passcode": "open sesame"}) == (200, "")


async def test_an_invitation_is_for_its_room(start_site):
    site = await start_site(require_invite=True)
    invite = make_invite(Tokens(SECRET, site.clock), "demo", ttl_s=60)
    assert await ask(site, {"room": "demo", "invite": invite}) == (200, "")
    for body in ({"room": "other", "invite": invite}, {"room": "demo"}, {"room": "demo", "invite": "nonsense"}):
        assert await ask(site, body) == (403, "bad_token")
    site.clock.now += 61
    assert await ask(site, {"room": "demo", "invite": invite}) == (403, "bad_token")


async def test_one_address_gets_so_many_tokens_a_minute(start_site):
    site = await start_site(joins_per_minute=2)
    assert [(await ask(site, {"room": "demo"}))[0] for _ in range(3)] == [200, 200, 429]
    site.clock.now += 30
    assert [(await ask(site, {"room": "demo"}))[0] for _ in range(2)] == [200, 429]


async def test_the_page_comes_with_its_headers(site):
    async with site.client.get("/") as response:
        assert "visavis" in await response.text()
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "camera=(self)" in response.headers["Permissions-Policy"]
    async with site.client.get("/static/src/main.js") as response:
        assert response.status == 200
        assert response.content_type in ("text/javascript", "application/javascript")


@pytest.mark.parametrize(
    "path",
    ["/static/package.json", "/static/src/", "/static/src/..%2fpackage.json", "/static/src/%2e%2e/package.json", "/x"],
)
async def test_nothing_else_is_served(site, path):
    async with site.client.get(path) as response:
        assert response.status in (403, 404)
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_foreign_name_for_this_machine_is_refused(site):
    async with site.client.get("/", headers={"Host": "evil.example"}) as response:
        assert response.status == 421
    assert is_host_allowed(ServerConfig(host="127.0.0.1"), "[::1]:8080")
    assert is_host_allowed(ServerConfig(host="0.0.0.0"), "call.example.org")
    assert not is_host_allowed(ServerConfig(host="localhost"), "192.168.0.7:8080")


async def test_health_and_metrics_count(site):
    await site.worker()
    await site.join("Ada")
    async with site.client.get("/healthz") as response:
        assert await response.json() == {"status": "ok", "workers": 1, "members": 1}
    async with site.client.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    assert "visavis_joins_total 1" in lines
    assert "visavis_members 1" in lines
    assert "visavis_hosted_capacity 2" in lines
    assert "# TYPE visavis_members gauge" in lines


def test_turn_credentials_are_those_of_coturn():
    config = ServerConfig(
        stun_urls=("stun:t.example",), turn_urls=("turn:t.example",), turn_secret="north", turn_ttl_s=600
    )
    stun, turn = ice_servers(config, "m1", 1_000.9)
    assert stun == IceServer(("stun:t.example",))
    assert (turn.urls, turn.username) == (("turn:t.example",), "1600:m1")
    expected = hmac.new(b"north", b"1600:m1", hashlib.sha1).digest()
    assert base64.b64decode(turn.credential) == expected
    assert ice_servers(ServerConfig(), "m1", 0.0) == ()


def test_the_callers_address_is_what_the_trusted_proxy_saw():
    class Request:
        remote = "10.0.0.1"
        headers = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}  # noqa: RUF012 - stands in for a request

    assert remote_address(ServerConfig(), Request()) == "10.0.0.1"
    assert remote_address(ServerConfig(trust_proxy=True), Request()) == "192.0.2.7"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('[{"avatar_id": "a", "name": "Ida", "thumbnail": "a.webp", "file": "a.vav"}, {"name": "x"}, 1]', ["Ida"]),
        ('{"guests": [{"avatar_id": "a", "name": "Ida", "thumbnail": "a.webp"}]}', []),
        ("{", []),
        ("{}", []),
        ("7", []),
        ("\ud800", []),
    ],
)
def test_the_list_of_guests_is_read_with_care(tmp_path, text, names):
    (tmp_path / "guests.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert [guest["name"] for guest in read_guests(tmp_path / "guests.json")] == names
    assert read_guests(tmp_path / "nowhere") == []


async def test_guests_come_with_their_pictures(start_site, tmp_path):
    (tmp_path / "guests").mkdir()
    guest = {"avatar_id": "a", "name": "Ida", "thumbnail": "ida.png"}
    (tmp_path / "guests" / "guests.json").write_text(json.dumps([guest]))
    (tmp_path / "guests" / "ida.png").write_bytes(b"\x89PNG")
    site = await start_site()
    async with site.client.get("/api/config") as response:
        assert (await response.json())["guests"] == [guest]
    async with site.client.get("/static/guests/ida.png") as response:
        assert (response.status, response.content_type) == (200, "image/png")


def test_a_web_root_without_a_page_is_named(tmp_path):
    with pytest.raises(ConfigError, match="VISAVIS_WEB_ROOT"):
        make_app(ServerConfig(web_root=tmp_path))
