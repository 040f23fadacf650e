"""Each view of the page: readable for all, by keys and on a phone, within its bounds, and safe."""

import pytest

from microblog_streams.domain.errors import Invalid
from microblog_streams.operations.validation import content
from tests.system.pages.conftest import DESKTOP, PASSWORD, PHONE

axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed: make .venv/.test")

#: All that a browser transfers before a person can sign in, headers included.
MAX_FIRST_LOAD_BYTES = 60_000
#: Browsers with an empty cache that open the page.
LOADS = 5
SCREENS = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark", "reduced_motion": "reduce"},
}
EVIL = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "javascript:alert(1) data:text/html,<script>alert(1)</script>",
    'https://example.org/"onmouseover="alert(1)',
    "http://example.org/<svg/onload=alert(1)>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
    "\u202etxet desrever\u202c @ad\u0430",
]
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "javascript:alert(1)",
    "/docs",
    "/@x/../..",
    "",
]
#: Of a page of a timeline that is being rebuilt.
INCOMPLETE = {"Timeline-State": "incomplete", "Retry-After": "2", "Content-Type": "application/json"}
#: Texts at the border of what a post may be: code points, and white space of all kinds around them.
LENGTHS = [
    "a" * 500,
    "a" * 501,
    "\U0001f600" * 500,
    "\U0001f600" * 501,
    "e\u0301" * 250,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 100,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 101,
    " \n\t\u3000\u2028" + "a" * 500 + "\u00a0 \n",
    "\ufeff" + "a" * 500,
    "\ufeff" + "a" * 499,
    "\u200b" + "a" * 499 + "\u200b",
    "a\n" * 251,
]


def accessible(page):
    """Check the page by axe's rules."""
    page.evaluate(axe.AXE_SCRIPT)
    found = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert len(found["passes"]) > 10


@pytest.mark.parametrize("screen", SCREENS)
def test_every_view_is_accessible_and_fits(person, picture, screen):
    ada = person(f"ada-{screen}", is_exact=True, **SCREENS[screen])
    page = ada.open()
    page.get_by_role("heading", level=1).wait_for()
    accessible(page)
    picture(ada, f"welcome-{screen}")
    ada.sign_up()
    ada.write("A first post, with a link: https://example.org/a-long-address-" + "x" * 60)
    for path, name in (("/", "home"), (f"/@{ada.name}", "person"), ("/?settings", "settings")):
        ada.open(path)
        page.locator("h1").first.wait_for(state="attached")
        ada.loaded()
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        picture(ada, f"{name}-{screen}")


def first_load(ada):
    """Open the page with an empty cache; return the bytes of each answer, and milliseconds until it can be used."""
    bytes_received = []
    session = ada.page.context.new_cdp_session(ada.page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: bytes_received.append(event["encodedDataLength"]))
    ada.open()
    ada.loaded()
    assert ada.shift() == 0
    return bytes_received, ada.watched()["interactive"]


def test_the_first_load_is_small_and_moves_nothing(person, figures):
    loads = [first_load(person("ada")) for _ in range(LOADS)]

    for bytes_received, interactive in loads:
        assert len(bytes_received) > 10
        assert sum(bytes_received) < MAX_FIRST_LOAD_BYTES
        assert interactive > 0
    figures(
        requests=len(loads[0][0]),
        bytes=sum(loads[0][0]),
        interactive_ms=sorted(round(interactive) for _, interactive in loads),
    )


def test_the_counter_counts_as_the_server_does(person):
    page = person().open()
    page.evaluate("window.file = document.querySelector('link[rel=modulepreload][href$=\"/text.js\"]').href")
    counted = page.evaluate(
        "async (texts) => { const { length, MAX_CHARACTERS } = await import(window.file);"
        " return texts.map((text) => length(text) <= MAX_CHARACTERS); }",
        LENGTHS,
    )

    assert counted == [is_taken(text) for text in LENGTHS]
    assert {True, False} <= {*counted}


def is_taken(text):
    try:
        content(text)
    except Invalid:
        return False
    return True


@pytest.mark.parametrize("kind", ["posts", "profile"])
def test_what_people_write_stays_text(person, kind):
    ada = person("ada")
    page = ada.sign_up()
    if kind == "posts":
        for text in EVIL:
            ada.write(text)
    else:
        ada.open("/?settings")
        page.get_by_label("Name to show").fill(EVIL[0])
        page.get_by_label("About you").fill("\n".join(EVIL))
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Your profile was changed").wait_for()
    for path in ("/", f"/@{ada.name}", "/?settings"):
        ada.open(path)
        ada.loaded()
        addresses = page.evaluate("[...document.links].map((link) => link.protocol)")
        assert set(addresses) <= {"http:", "https:"}
        assert page.locator("#app img[src=x], #app svg, #app script").count() == 0


def test_a_name_is_always_shown_with_its_handle(person):
    """So a display name that looks like another's is no mask: the handle is unique, look-alikes included."""
    ada = person("ada")
    page = ada.sign_up()
    ada.open("/?settings")
    page.get_by_label("Name to show").fill("Gr\u0430ce")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your profile was changed").wait_for()

    ada.open(f"/@{ada.name}")

    assert page.get_by_role("heading", level=1).inner_text().split() == ["Gr\u0430ce", f"@{ada.name}"]


@pytest.fixture
def ada(person):
    """Ada at her timeline, with 25 posts."""
    ada = person("ada")
    ada.sign_up()
    for number in range(25):
        ada.write(f"Number {number:02}")
    ada.open()
    ada.post("Number 24").wait_for()
    return ada


def test_posts_are_read_by_keys(ada):
    page, focused = ada.page, "document.activeElement.innerText"

    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "Number 23" in page.evaluate(focused)
    page.keyboard.press("k")
    assert "Number 24" in page.evaluate(focused)
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    page.keyboard.press("n")
    ada.until("document.activeElement.id === 'compose-text'")


def test_older_posts_are_read_where_the_end_came_near_during_a_call(ada):
    page, held = ada.page, []
    page.route("**/timelines/*", lambda route: held.append(route), times=1)
    with page.expect_request("**/timelines/*"):
        page.evaluate("dispatchEvent(new Event('online'))")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")

    held[0].continue_()

    ada.post("Number 00").wait_for()


def test_older_posts_are_read_on_after_the_timeline_was_rebuilt(ada):
    """Also where more than a page had been read before."""
    page, incomplete = ada.page, []

    def answer(route):
        url = route.request.url
        if incomplete:
            route.fulfill(status=200, body="[]", headers=incomplete.pop())
        else:
            route.continue_(url=url if "?" in url else f"{url}?limit=4")

    page.route("**/timelines/*", answer)
    ada.open()
    ada.post("Number 20").wait_for()
    ada.loaded()
    incomplete.append(INCOMPLETE)
    page.evaluate("dispatchEvent(new Event('online'))")
    page.get_by_text("This timeline is being rebuilt").wait_for()
    page.get_by_text("This timeline is being rebuilt").wait_for(state="detached")

    ada.until("scrollTo(0, document.body.scrollHeight), document.body.innerText.includes('Number 00')")


def test_the_place_is_kept_over_back(ada):
    page = ada.page
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    ada.post("Number 00").wait_for()
    ada.post("Number 02").scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    ada.post("Number 02").locator("a.when").click()
    page.get_by_role("heading", name="A post of").wait_for(state="attached")
    page.go_back()
    ada.post("Number 02").wait_for()
    assert abs(page.evaluate("scrollY") - place) <= 1
    ada.loaded()
    assert ada.post("Number 24").get_attribute("aria-posinset") == "1"


def test_after_signing_in_one_stays_here(person):
    page = person().open()
    page.evaluate("window.file = document.querySelector('link[rel=modulepreload][href$=\"/sign_in.js\"]').href")

    paths = page.evaluate(
        "async (paths) => paths.map((await import(window.file)).ownPath)", [*ELSEWHERE, "/@ada?followers"]
    )

    assert paths == ["/"] * len(ELSEWHERE) + ["/@ada?followers"]


def test_errors_are_said_with_the_id_of_their_request(person):
    ada = person("ada")
    ada.has_failures = True
    ada.sign_up()
    grace = person("grace")
    grace.has_failures = True
    page = grace.open("/?sign-in")
    page.get_by_label("Name").fill(ada.name)
    page.get_by_label("Password").fill("wrong password")
    with page.expect_response("**/session") as answer:
        page.get_by_role("main").get_by_role("button", name="Sign in").click()

    said = page.get_by_role("alert").inner_text()
    assert answer.value.headers["x-request-id"] in said
    assert "password is wrong" in said


def test_without_scripts_posts_are_readable(person, browser):
    ada = person("ada")
    ada.sign_up()
    ada.write("Readable by everyone")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{ada.site.url}/@{ada.name}")

    assert page.get_by_text("Readable by everyone").is_visible()
    page.locator("article a").first.click()
    assert page.get_by_text("Readable by everyone").is_visible()
    context.close()


def test_scripts_and_pictures_are_from_here_alone(person):
    ada = person("ada")
    hosts = set()
    ada.page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    ada.sign_up()

    assert hosts == {ada.site.url.split("/")[2]}


def test_a_timeline_that_is_being_rebuilt_says_so_until_it_is_whole(person):
    ada = person("ada")
    page = ada.sign_up()
    ada.write("Here again")
    page.route("**/timelines/*", lambda route: route.fulfill(status=200, body="[]", headers=INCOMPLETE))

    page.reload()
    page.get_by_text("This timeline is being rebuilt").wait_for()
    page.unroute("**/timelines/*")

    ada.post("Here again").wait_for()
    page.get_by_text("This timeline is being rebuilt").wait_for(state="detached")


def test_people_change_their_password_end_sessions_and_delete_their_account(person, browser):
    ada = person("ada")
    ada.has_failures = True
    page = ada.sign_up()
    phone = person("phone")
    phone.name, phone.has_failures = ada.name, True
    phone.sign_in()
    ada.open("/?settings")

    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill("battery staple")
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("Your password was changed").wait_for()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("It was revoked").wait_for()
    phone.page.reload()
    phone.page.get_by_role("main").get_by_role("link", name="Sign in").wait_for()

    page.get_by_label("Type your name").fill(ada.name)
    page.get_by_role("button", name="Delete my account").click()
    page.get_by_text("Your account was deleted").wait_for()
    assert page.request.get(f"{ada.site.url}/@{ada.name}").status == 404
