"""A real worker and a real browser: Debian's Chromium, driven by Playwright.

Each person is a context of the browser, with cookies of their own. Whatever a test is about, at its end no script has
failed, nothing was written to the console as an error, and no policy was violated.
"""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.live.processes import wait_until
from tests.support.live.worker import Worker
from tests.support.waiting import DEADLINE_SECONDS

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make .venv/.test")


#: Where Chromium may be. Playwright's own is not downloaded.
NAMES = ("chromium", "chromium-browser", "google-chrome")
PASSWORD = "correct horse"
PHONE = {"width": 320, "height": 640}
DESKTOP = {"width": 1000, "height": 800}
#: What a page has once a person can use it: the bar with its links or forms, which the scripts make.
READY = ".bar form, .bar a[href^='/@'], .bar a[href='/?sign-in']"
#: In each page before its scripts: notes violations of the policy, shifts of the layout, and when it can be used (ms).
WATCH = f"""
window.watched = {{ violations: [], shift: 0, interactive: 0 }};
new MutationObserver((_, observer) => {{
  if (!document.querySelector("{READY}")) return;
  window.watched.interactive = performance.now();
  observer.disconnect();
}}).observe(document, {{ childList: true, subtree: true }});
addEventListener("securitypolicyviolation", (event) =>
  window.watched.violations.push(`${{event.violatedDirective}} ${{event.blockedURI}} ${{event.sourceFile}}`));
new PerformanceObserver((list) => {{
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.watched.shift += entry.value;
}}).observe({{ type: "layout-shift", buffered: true }});
"""
#: What a browser says of a call that was answered with an error, or not at all. Tests of such calls expect it.
FAILED_CALL = "Failed to load resource"


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/pages" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """The browser, in which all tests are."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium (Debian: apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.getuid() == 0 else [])
        sync_api.expect.set_options(timeout=DEADLINE_SECONDS * 1000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(module_workers, eventually) -> Worker:
    """A worker whose API needs tokens, as in a deployment."""
    worker = module_workers().start(AUTH="required")
    eventually(worker.well, worker)
    return worker


@dataclass
class Person:
    """A person at a browser."""

    name: str
    page: sync_api.Page
    site: Worker
    errors: list[str] = field(default_factory=list)
    #: Whether calls may fail: the test is about that.
    has_failures: bool = False

    def open(self, path: str = "/") -> sync_api.Page:
        self.page.goto(self.site.url + path)
        self.page.wait_for_selector(READY)
        return self.page

    def sign_up(self) -> sync_api.Page:
        page = self.open("/?sign-up")
        page.get_by_label("Name").fill(self.name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign up").click()
        page.wait_for_selector("#compose-text")
        return page

    def sign_in(self) -> None:
        page = self.open("/?sign-in")
        page.get_by_label("Name").fill(self.name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.wait_for_selector("#compose-text")

    def write(self, text: str) -> None:
        """Write a post, and wait until it has arrived: who opens a page before that has it behind the pill."""
        before = self._newest_of_everybody()
        self.page.locator("#compose-text").fill(text)
        self.page.keyboard.press("Control+Enter")
        self.post(text).locator("time").wait_for()
        wait_until(lambda: self._newest_of_everybody() > before, self.site)

    def _newest_of_everybody(self) -> str:
        """Return the newest post's id, which begins with the time, as followers and the public have it at once."""
        answers = []

        def answered() -> bool:
            answers.append(self.site.call("GET", "/timelines/public", token=""))
            return answers[-1].status == 200

        wait_until(answered, self.site)
        return max((post["postId"] for post in answers[-1].body), default="")

    def follow(self, other: "Person") -> None:
        self.open(f"/@{other.name}")
        with self.page.expect_response(lambda answer: "/follow/" in answer.url and answer.request.method == "POST"):
            self.page.get_by_role("button", name="Follow").click()
        self.open()

    def post(self, text: str) -> sync_api.Locator:
        """Return the post with this text in a list."""
        return self.page.locator("[role=feed] article", has_text=text)

    def loaded(self) -> None:
        """Wait until the view has what it shows. A stream stays open, so the network is never idle."""
        sync_api.expect(self.page.locator(".loading, [aria-busy=true]")).to_have_count(0)
        self.until(
            "[...document.images].every((image) => image.complete"
            " || (image.loading === 'lazy' && image.getBoundingClientRect().top >= innerHeight))"
        )

    def until(self, expression: str, argument: object = None) -> None:
        """Wait until the script's expression holds. Playwright's own wait is refused by the page's policy."""
        wait_until(lambda: self.page.evaluate(expression, argument))

    def watched(self) -> dict[str, Any]:
        return self.page.evaluate("window.watched")

    def shift(self) -> float:
        """Return the score of the layout's shifts (0.1 is good), without a part of a pixel: one scored 0.00001."""
        return round(self.watched()["shift"], 3)

    def violations(self) -> list[str]:
        return [] if self.page.is_closed() else self.watched()["violations"]

    def note(self, message: sync_api.ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (self.has_failures and FAILED_CALL in message.text):
            self.errors.append(message.text)


@pytest.fixture
def person(browser, site) -> Iterator[Callable[..., Person]]:
    """Makes people, each with a browser of their own; checks at the end that nothing went wrong in them.

    Their names are unique unless they are to be exact.
    """
    contexts, people = [], []

    def make(name: str = "ada", is_exact: bool = False, **options: object) -> Person:
        context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
        context.set_default_timeout(DEADLINE_SECONDS * 1000)
        context.add_init_script(WATCH)
        made = Person(name if is_exact else f"{name}-{uuid.uuid4().hex[:8]}", context.new_page(), site)
        made.page.on("console", made.note)
        made.page.on("pageerror", lambda error: made.errors.append(str(error)))
        made.page.on("dialog", lambda dialog: made.errors.append(f"a dialog opened: {dialog.message}"))
        contexts.append(context)
        people.append(made)
        return made

    yield make
    found = {each.name: (each.errors, each.violations()) for each in people}
    for context in contexts:
        context.close()
    assert found == {name: ([], []) for name in found}


@pytest.fixture
def picture() -> Callable[[Person, str], None]:
    """Writes a picture of what a person sees into the folder that ``PICTURES`` names, for the docs."""
    folder = os.environ.get("PICTURES")

    def take(who: Person, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            who.page.screenshot(path=Path(folder) / f"{name}.png")

    return take


@pytest.fixture
def figures() -> Callable[..., None]:
    """Writes what was measured of the first load, for the docs, beside the pictures."""
    folder = os.environ.get("PICTURES")

    def write(**measured: object) -> None:
        if folder:
            (Path(folder) / "first-load.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")

    return write
