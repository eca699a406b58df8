"""The page in headless Chromium against the real server, without a hosted client: what must work with no renderer."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from server.config import ServerConfig
from server.run import running_server
from visavis.bench.browser import open_browser
from visavis.processes import free_port

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

WEB = Path(__file__).resolve().parents[2] / "web"
SECRET = "a-secret-that-is-long-enough-for-tests"
expect.set_options(timeout=20_000)  # a busy machine is no failure
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f8ff1f00030402"
    "003fd8f5e00000000049454e44ae426082"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def web_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with two guests of our own."""
    root = tmp_path_factory.mktemp("web")
    for folder in ("src", "styles", "images"):
        shutil.copytree(WEB / folder, root / folder)
    shutil.copy(WEB / "index.html", root)
    (root / "guests").mkdir()
    guests = [{"avatar_id": digit * 64, "name": f"Guest {digit}", "thumbnail": "g.png"} for digit in "12"]
    (root / "guests" / "guests.json").write_text(json.dumps(guests))
    (root / "guests" / "g.png").write_bytes(PIXEL)
    return root


COUNT_QUESTIONS = """() => {
  window.questions = 0;
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wanted) => { window.questions += 1; return ask(wanted); };
}"""


class OpenPage:
    """A page of one person, in a browser profile of its own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)

    async def state(self) -> dict[str, Any]:
        return await self.page.evaluate("visavis.state()")

    async def until(self, condition: str, **values: object) -> None:
        """Waits until a JS expression over `state` and `stats` holds."""
        names = ", ".join(("state", "stats", *values))
        await self.page.wait_for_function(
            f"(values) => {{ const {{{names}}} = {{state: visavis.state(), stats: visavis.stats(), ...values}};"
            f" return {condition}; }}",
            arg=values,
        )

    async def join(self, name: str) -> None:
        await self.page.fill("#name", name)
        await self.page.press("#name", "Enter")
        await self.until("state.phase === 'meeting'")


@asynccontextmanager
async def open_page(browser: Browser, url: str, permissions: tuple[str, ...] = ("camera", "microphone")):
    context = await browser.new_context(permissions=list(permissions), viewport={"width": 1280, "height": 720})
    opened = OpenPage(await context.new_page())
    await opened.page.goto(url)
    await opened.page.wait_for_function("window.visavis !== undefined")
    try:
        yield opened
    finally:
        await context.close()


async def test_name_head_enter_and_the_invite_link(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, guests_root=web_root / "guests")
    async with running_server(config) as server, open_page(browser, f"{server.url}/?room=blue") as ada:
        avatars = ada.page.locator("#avatars .avatar")
        await expect(avatars).to_have_count(2)
        await avatars.first.click()
        await ada.page.keyboard.press("ArrowRight")
        await expect(avatars.nth(1)).to_have_attribute("aria-checked", "true")
        await expect(ada.page.locator("#camera-picture")).to_be_visible()
        await ada.until("state.hasCamera && state.hasMicrophone")
        await ada.join("Ada")
        await expect(ada.page.locator("#alone")).to_be_visible()
        await expect(ada.page.locator("#alone-link")).to_have_value(f"{server.url}/?room=blue")
        state = await ada.state()
        assert state["self"]["avatar_id"] == "2" * 64
        assert (state["self"]["muted"], state["self"]["camera_on"]) == (False, True)
        await ada.page.reload()
        await expect(ada.page.locator("#name")).to_have_value("Ada")
        await expect(avatars.nth(1)).to_have_attribute("aria-checked", "true")
        await ada.page.fill("#name", "Ada")
        await ada.join("Ada")
        await ada.page.click("#open-settings")
        await ada.page.uncheck("#shortcuts")
        await ada.page.keyboard.press("Escape")
        await ada.page.keyboard.press("m")
        assert not (await ada.state())["muted"]
        await ada.page.reload()
        await expect(ada.page.locator("#shortcuts")).not_to_be_checked()
        assert ada.problems == []


async def test_without_a_renderer_the_page_says_so(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, guests_root=web_root / "guests")
    async with running_server(config) as server, open_page(browser, server.url) as ada:
        await expect(ada.page.locator("#banner")).to_contain_text("No free renderer on this server yet")
        await expect(ada.page.locator("#preview-stage")).to_contain_text("No free renderer yet")


async def test_refused_camera_is_one_sentence_and_no_obstacle(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, guests_root=web_root / "guests")
    async with running_server(config) as server, open_page(browser, server.url, permissions=()) as ada:
        problems = ada.page.locator("#media-problems p")
        await expect(problems).to_have_count(1)
        await expect(problems).to_contain_text("does not let this page use camera and microphone")
        await expect(problems).to_contain_text("your head will rest")
        await ada.join("Ada")
        state = await ada.state()
        assert (state["self"]["muted"], state["self"]["camera_on"]) == (True, False)
        assert ada.problems == []


async def test_two_pages_hear_each_other(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, guests_root=web_root / "guests")
    async with running_server(config) as server, open_page(browser, server.url) as ada:
        await ada.join("Ada")
        ada_id = (await ada.state())["memberId"]
        async with open_page(browser, server.url) as bob:
            await bob.join("Ada")
            await expect(bob.page.locator("#notices")).to_contain_text("Ada")
            bob_id = (await bob.state())["memberId"]
            # Chromium's fake microphone beeps: a level above zero is sound that has come through.
            await ada.until("state.voices[id] === 'live' && stats.levels[id] > 0", id=bob_id)
            await bob.until("state.voices[id] === 'live' && stats.levels[id] > 0", id=ada_id)
            tile = ada.page.locator(f"#grid canvas[data-member-id='{bob_id}']")
            await expect(tile).to_have_count(1)
            await bob.page.keyboard.press("m")
            await ada.until("state.members[0].muted")
            await bob.page.keyboard.press("v")
            await ada.until("!state.members[0].camera_on")
            await bob.until("!state.hasCamera")
            await bob.page.keyboard.press("l")
            await expect(bob.page.locator("#leave")).to_be_focused()
            await bob.page.keyboard.press("Enter")
            await expect(bob.page.locator("#left-screen")).to_be_visible()
            await bob.page.evaluate(COUNT_QUESTIONS)
            for key in "mv":  # who has left is asked for nothing
                await bob.page.keyboard.press(key)
            assert await bob.page.evaluate("questions") == 0
            state = await bob.state()
            assert (state["hasMicrophone"], state["hasCamera"]) == (False, False)
            await expect(tile).to_have_count(0)
            await expect(ada.page.locator("#alone")).to_be_visible()
            await bob.page.click("#rejoin")
            await ada.until("Object.values(state.voices).includes('live')")
        await ada.until("state.members.length === 0")
        assert ada.problems == []


JPEG_BEHIND = "getComputedStyle(document.querySelector('#backgrounds [value=picture]')).backgroundImage"


async def test_backgrounds_are_chosen_and_remembered(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, guests_root=web_root / "guests")
    async with running_server(config) as server, open_page(browser, server.url) as ada:
        await ada.join("Ada")
        chosen = ada.page.locator("#backgrounds [aria-checked=true]")
        await ada.page.click("#open-settings")
        await expect(chosen).to_have_attribute("aria-label", "Slate")
        await chosen.focus()
        for _ in range(2):
            await ada.page.keyboard.press("ArrowRight")
        await expect(chosen).to_have_attribute("aria-label", "Light")
        await expect(ada.page.locator("#self-corner .tile")).to_have_css("background-color", "rgb(232, 229, 223)")
        file = ada.page.locator("#background-file")
        await file.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
        await expect(ada.page.locator("#notices")).to_contain_text("no picture that the browser can read")
        await expect(chosen).to_have_attribute("aria-label", "Light")
        await file.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": noise_picture(900, 700)})
        await expect(chosen).to_have_attribute("aria-label", "Your picture")
        assert 1_000 < len(await ada.page.evaluate(JPEG_BEHIND)) < 61_000
        await ada.page.select_option("#stereo-format", "half")
        await ada.page.reload()
        await expect(chosen).to_have_attribute("aria-label", "Your picture")
        await expect(ada.page.locator("#stereo-format")).to_have_value("half")
        stored = "JSON.stringify({...JSON.parse(localStorage.visavis), backgroundPicture: 'data:text/html,hello'})"
        await ada.page.evaluate(f"() => {{ localStorage.visavis = {stored}; }}")
        await ada.page.reload()
        await expect(chosen).to_have_attribute("aria-label", "Slate")
        assert ada.problems == []


def noise_picture(width: int, height: int) -> bytes:
    """A PNG that no JPEG makes small."""
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.imencode(".png", noise)[1].tobytes()


async def test_a_head_takes_the_screen_and_gives_it_back(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, guests_root=web_root / "guests")
    async with running_server(config) as server, open_page(browser, server.url) as ada:
        await ada.join("Ada")
        await ada.page.keyboard.press("f")  # nobody is there: nothing happens
        async with open_page(browser, server.url) as bob, open_page(browser, server.url) as eve:
            await bob.join("Bob")
            await eve.join("Eve")
            await ada.until("state.members.length === 2")
            tiles = ada.page.locator("#grid .tile")
            await ada.page.keyboard.press("e")
            await expect(ada.page.locator("#notices")).to_contain_text("Choose a head first")
            bobs = tiles.filter(has_text="Bob")
            await bobs.focus()
            await ada.page.keyboard.press("e")
            await expect(bobs.get_by_label("Eye contact")).to_have_attribute("aria-pressed", "true")
            await ada.page.keyboard.press("f")
            await expect(bobs).to_have_class(re.compile(r"\bfull\b"))
            await ada.page.wait_for_function("() => document.fullscreenElement?.textContent.includes('Bob')")
            box, screen = await bobs.bounding_box(), await ada.page.evaluate("[innerWidth, innerHeight]")
            assert box is not None
            assert [box["x"], box["y"], box["width"], box["height"]] == [0, 0, *screen]
            await bobs.get_by_label("3D picture").click()
            await expect(bobs).to_have_class(re.compile(r"\bstereo\b"))
            await ada.page.keyboard.press("d")
            await expect(bobs).not_to_have_class(re.compile(r"\bstereo\b"))
            await ada.page.keyboard.press("d")
            await ada.page.keyboard.press("f")
            await expect(bobs).not_to_have_class(re.compile(r"\b(full|stereo)\b"))
            await ada.page.wait_for_function("() => document.fullscreenElement === null")
            eves = tiles.filter(has_text="Eve")
            await eves.hover()
            await eves.get_by_label("3D picture").click()
            await ada.page.wait_for_function("() => document.fullscreenElement?.textContent.includes('Eve')")
            await ada.page.evaluate("() => document.exitFullscreen()")  # as the browser does it at Escape
            await expect(eves).not_to_have_class(re.compile(r"\b(full|stereo)\b"))
        assert ada.problems == []


async def test_where_there_is_no_full_screen_the_window_does(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, guests_root=web_root / "guests")
    async with running_server(config) as server, open_page(browser, server.url) as ada:
        await ada.page.evaluate("() => { delete Element.prototype.requestFullscreen; }")
        await ada.join("Ada")
        async with open_page(browser, server.url) as bob:
            await bob.join("Bob")
            await ada.until("state.members.length === 1")
            await ada.page.keyboard.press("d")  # one head: no need to choose it
            tile = ada.page.locator("#grid .tile")
            await expect(tile).to_have_class(re.compile(r"\bfull\b.*\bstereo\b"))
            box = await tile.bounding_box()
            assert box is not None
            assert (box["width"], box["height"]) == (1280, 720)
            await ada.page.keyboard.press("Escape")
            await expect(tile).not_to_have_class(re.compile(r"\b(full|stereo)\b"))
        assert ada.problems == []


async def test_voice_carries_on_while_the_server_is_away(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=free_port(), secret=SECRET, web_root=web_root, guests_root=web_root / "guests")
    url = f"http://127.0.0.1:{config.port}"
    async with running_server(config):
        ada_page, bob_page = open_page(browser, url), open_page(browser, url)
        ada, bob = await ada_page.__aenter__(), await bob_page.__aenter__()
        await ada.join("Ada")
        await bob.join("Bob")
        await ada.until("Object.values(state.voices).includes('live')")
        before = await ada.state()
    await expect(ada.page.locator("#banner")).to_contain_text("The server went away. Reconnecting")
    assert (await ada.state())["voices"] == before["voices"]
    async with running_server(config):
        for page in (ada, bob):
            await page.until("state.signaling === 'open' && state.members.length === 1")
        after = await ada.state()
        assert after["memberId"] == before["memberId"]
        assert after["members"][0]["member_id"] == before["members"][0]["member_id"]
        assert after["voices"] == before["voices"]
        await expect(ada.page.locator("#banner")).not_to_contain_text("went away")
        await ada_page.__aexit__(None, None, None)
        await bob_page.__aexit__(None, None, None)


async def test_wrong_passcode_and_full_room(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, passcode="open sesame", max_members=1)
    async with running_server(config) as server, open_page(browser, server.url) as ada:
        await ada.page.fill("#name", "Ada")
        await ada.page.fill("#passcode", "open barley")
        await ada.page.click("#join")
        await expect(ada.page.locator("#join-problem")).to_have_text("The passcode is wrong.")
        await ada.page.fill("#passcode", "open sesame")
        await ada.join("Ada")
        async with open_page(browser, f"{server.url}/#passcode=open+sesame") as bob:
            await expect(bob.page.locator("#passcode")).to_be_hidden()
            await bob.page.fill("#name", "Bob")
            await bob.page.click("#join")
            await expect(bob.page.locator("#join-problem")).to_contain_text("full")
            await expect(bob.page.locator("#join")).to_be_enabled()


async def test_a_wrong_passcode_in_the_link_can_be_corrected(browser: Browser, web_root: Path) -> None:
    config = ServerConfig(port=0, secret=SECRET, web_root=web_root, passcode="open sesame")
    async with running_server(config) as server, open_page(browser, f"{server.url}/#passcode=open+barley") as ada:
        await expect(ada.page.locator("#join-problem")).to_have_text("The passcode is wrong.")
        await ada.page.fill("#passcode", "open sesame")
        await ada.join("Ada")
