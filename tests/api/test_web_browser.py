"""The pages in a real browser: scripts run under the strict policy, and nothing needs them."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from api.app import create_app
from api.gallery.matcher import Matcher
from api.kit.node import Node
from tests.api import pairs
from tests.api.photographs import Photographs
from tests.api.world import PASSWORD, World

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run"]
OFFLINE = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PHONE = {"width": 390, "height": 844}
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium is not installed"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *OFFLINE])
        yield browser
        browser.close()


@pytest.fixture
def site(node: Node, matcher: Matcher) -> Iterator[str]:
    """The address of the real app on a free port."""
    server = uvicorn.Server(uvicorn.Config(create_app(node, matcher), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def open_page(browser: Browser, site: str, login: str, *, scripts: bool = True) -> Page:
    """A phone on which somebody has signed in; whatever the console complains of is kept on the page."""
    context: BrowserContext = browser.new_context(viewport=PHONE, java_script_enabled=scripts, locale="en-GB")
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto(f"{site}/sign-in")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def register_group(page: Page, photographs: Photographs) -> None:
    page.get_by_role("link", name="Register a found person").click()
    picture = {"name": "group.jpg", "mimeType": "image/jpeg", "buffer": photographs.group}
    page.get_by_label("Photographs of the face").set_input_files(picture)
    page.get_by_role("button", name="Register").click()


def test_face_is_picked_by_a_tap_on_the_picture(
    browser: Browser, site: str, world: World, photographs: Photographs
) -> None:
    page = open_page(browser, site, "registrar")
    register_group(page, photographs)
    page.get_by_role("link", name="Face 4").click()
    expect(page.get_by_role("radio").nth(3)).to_be_checked()
    page.get_by_role("button", name="This is the person").click()
    expect(page).to_have_url(re.compile("/cases/"))
    expect(page.get_by_text("In the search", exact=True)).to_be_visible()
    assert page.complaints == []


def test_face_is_picked_without_scripts(browser: Browser, site: str, world: World, photographs: Photographs) -> None:
    page = open_page(browser, site, "registrar", scripts=False)
    register_group(page, photographs)
    page.get_by_role("link", name="Face 2").click()
    expect(page.get_by_role("radio").nth(1)).to_be_checked()
    page.get_by_role("button", name="This is the person").click()
    expect(page.get_by_text("In the search", exact=True)).to_be_visible()


def test_faces_can_be_laid_over_each_other_under_the_strict_policy(
    browser: Browser, site: str, node: Node, world: World
) -> None:
    pair = pairs.make_pair(node, world, state="proposed")
    page = open_page(browser, site, "requester")
    page.goto(f"{site}/hypotheses/{pair.hypothesis}")
    page.get_by_text("Tools for comparing").click()
    page.get_by_label("Lay one over the other").check()
    expect(page.locator(".viewer")).to_have_class("viewer over")
    page.get_by_role("button", name="Switch").click()
    assert page.locator(".viewer img").nth(1).evaluate("image => image.style.opacity") == "0"
    assert page.complaints == []


def test_no_page_is_wider_than_a_phone(browser: Browser, site: str, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world, state="proposed")
    page = open_page(browser, site, "requester")
    paths = ("/", "/cases", "/cases/report", f"/cases/{pair.report}", f"/hypotheses/{pair.hypothesis}", "/help")
    widths = {}
    for path in (
        *paths,
        f"/requests/{pair.request}",
        f"/requests/{pair.request}/search",
        f"/cases/{pair.report}/request",
    ):
        page.goto(site + path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in widths.items() if width > PHONE["width"]} == {}
