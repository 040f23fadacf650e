"""Two people at their browsers: what they write, see arriving, delete, and lose when something fails."""

import re

from tests.support.live.worker import Worker

FRESH = "#fresh"
TEXTS = [
    "Good morning. The kettle is on.",
    "A note to myself: a post is acknowledged when the log has it, and everything else follows from there.",
    "The tide was out this morning, far enough to walk to the wreck and back with dry feet.",
    "Does anyone know why the 7:14 has stopped calling at the harbour? @grace, you take that one.",
    "Reading about sundials. The longest one casts its shadow over a whole valley.",
    "Bread: 500 g flour, 350 g water, 10 g salt, and more patience than I have.",
    "Three swans on the canal, in single file, with right of way.",
    "The library has the new edition: https://library.example/catalogue/analytical-engine",
    "Back at the desk. Today: fewer tabs.",
]
NEW = "The swans are back, and there are four of them now."


def test_a_post_arrives_while_its_reader_reads_and_moves_nothing(person, picture):
    ada, grace = person("ada", is_exact=True), person("grace", is_exact=True)
    ada.sign_up()
    grace.sign_up()
    grace.follow(ada)
    for text in TEXTS:
        ada.write(text)
    grace.page.reload()
    grace.post(TEXTS[-1]).wait_for()
    grace.page.mouse.wheel(0, 300)
    grace.until("scrollY > 200")
    before = grace.post(TEXTS[2]).bounding_box()["y"]

    ada.write(NEW)

    grace.page.locator(FRESH).wait_for()
    assert grace.page.locator(FRESH).inner_text() == "1 new post"
    assert grace.page.title() == "(1) microblog"
    assert grace.post(NEW).count() == 0
    assert grace.post(TEXTS[2]).bounding_box()["y"] == before
    assert grace.shift() == 0
    grace.page.evaluate("scrollTo(0, 0)")
    picture(grace, "reading")
    grace.page.locator(FRESH).click()
    grace.post(NEW).wait_for()
    grace.until("text => document.activeElement.innerText.includes(text)", NEW)
    assert grace.page.evaluate("scrollY") == 0


def test_a_deleted_post_disappears_unless_it_is_undone(person):
    ada, grace = person("ada"), person("grace")
    ada.sign_up()
    grace.sign_up()
    grace.follow(ada)
    ada.write("I will stay")
    ada.write("I will go")
    grace.page.reload()
    grace.post("I will go").wait_for()

    ada.post("I will stay").get_by_role("button", name="Delete").click()
    ada.post("I will stay").wait_for(state="detached")
    ada.page.get_by_role("button", name="Undo").click()
    ada.post("I will stay").wait_for()
    ada.post("I will go").get_by_role("button", name="Delete").click()

    grace.post("I will go").wait_for(state="detached")
    assert grace.post("I will stay").count() == 1
    assert ada.post("I will stay").count() == 1


def test_what_is_written_offline_is_kept_and_posted_once(person):
    ada = person("ada")
    ada.has_failures = True
    page = ada.sign_up()
    page.context.set_offline(True)
    page.get_by_text("You are offline").wait_for()

    page.locator("#compose-text").fill("Written in a tunnel")
    page.keyboard.press("Control+Enter")
    page.locator(".outbox").get_by_text("Not sent").wait_for()
    page.context.set_offline(False)
    page.get_by_text("You are offline").wait_for(state="detached")
    page.get_by_role("button", name="Try again").click()

    ada.post("Written in a tunnel").wait_for()
    page.reload()
    ada.post("Written in a tunnel").wait_for()
    assert page.locator("article", has_text="tunnel").count() == 1


def test_all_tabs_of_a_browser_share_one_stream_and_another_goes_on_with_it(person):
    ada = person("ada")
    streams = []
    ada.page.context.on("request", lambda call: streams.append(call) if call.url.endswith("/live") else None)
    ada.sign_up()
    other = ada.page.context.new_page()
    other.goto(ada.site.url)
    other.locator("#compose-text").wait_for()

    ada.write("Seen in both tabs")

    post = other.locator("[role=feed] article", has_text="Seen in both tabs")
    post.wait_for()
    assert len(streams) == 1
    with other.expect_request("**/live") as call:
        ada.page.close()
    assert call.value.headers["last-event-id"]
    other.locator("#compose-text").fill("Written in the second tab")
    other.keyboard.press("Control+Enter")
    other.locator("[role=feed] article", has_text="Written in the second tab").wait_for()


def test_who_blocks_someone_sees_it_and_can_undo_it(person):
    ada, grace = person("ada"), person("grace")
    ada.sign_up()
    grace.sign_up()
    grace.follow(ada)
    page = grace.open(f"/@{ada.name}")

    with page.expect_response(lambda answer: "/block/" in answer.url and answer.request.method == "POST"):
        page.get_by_role("button", name="Block").click()

    page.reload()
    page.get_by_role("button", name="Unblock").click()
    page.get_by_role("button", name="Follow").wait_for()
    assert page.title() == f"@{ada.name} · microblog"


def test_follow_and_unfollow_are_sent_one_after_the_other(person):
    ada, grace = person("ada"), person("grace")
    ada.sign_up()
    grace.sign_up()
    page, held, sent = grace.open(f"/@{ada.name}"), [], []
    page.on("request", lambda call: sent.append(call.method) if "/follow/" in call.url else None)
    page.get_by_role("button", name="Follow").wait_for()
    page.route("**/follow/*", lambda route: held.append(route), times=1)
    with page.expect_request("**/follow/*"):
        page.get_by_role("button", name="Follow").click()
    page.get_by_role("button", name="Unfollow").click()
    page.get_by_role("button", name="Follow").wait_for()
    assert sent[-1] == "POST"

    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        held[0].continue_()

    page.reload()
    page.get_by_role("button", name="Follow").wait_for()
    assert page.get_by_role("button", name="Unfollow").count() == 0


def test_an_account_is_deleted_though_the_answer_was_lost(person):
    ada = person("ada")
    ada.has_failures = True
    ada.sign_up()
    page, lost = ada.open("/?settings"), []

    def lose(route):
        if route.request.method == "DELETE" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/users/*", lose)
    page.get_by_label("Type your name").fill(ada.name)
    page.get_by_role("button", name="Delete my account").click()

    page.get_by_text("Your account was deleted").wait_for()
    assert lost == [204]


def test_a_draft_is_there_after_the_page_was_closed(person):
    ada = person("ada")
    ada.sign_up().locator("#compose-text").fill("Half a thought")

    page = ada.open()

    assert page.locator("#compose-text").input_value() == "Half a thought"


def test_after_its_worker_was_killed_the_page_goes_on_by_itself(person, site: Worker, eventually):
    ada, grace = person("ada"), person("grace")
    grace.has_failures = ada.has_failures = True
    ada.sign_up()
    grace.sign_up()
    grace.follow(ada)

    site.kill()
    grace.page.get_by_text(re.compile("Reconnecting|did not answer")).first.wait_for()
    site.start(AUTH="required")
    eventually(site.well, site)
    ada.write("We are back")

    grace.page.locator(FRESH).or_(grace.post("We are back")).first.wait_for()


def test_an_ended_session_is_said_and_shows_nothing_more(person):
    ada = person("ada")
    page = ada.sign_up()
    ada.has_failures = True
    other = page.context.new_page()
    other.goto(ada.site.url + "/?settings")
    other.get_by_role("button", name="Sign out").click()
    other.get_by_role("main").get_by_role("link", name="Sign in").wait_for()

    page.locator("#compose-text").fill("Not any more")
    page.keyboard.press("Control+Enter")

    page.get_by_text("Your session has ended").wait_for()
    assert page.locator("#compose-text").count() == 0
