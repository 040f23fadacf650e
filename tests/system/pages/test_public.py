"""The newest posts of everybody on the page: for who is signed out, and for who is signed in."""

FRESH = "#fresh"
LABEL = "Newest posts of everybody"


def test_who_is_signed_out_sees_posts_arrive_and_disappear(person, picture):
    ada, visitor = person("ada"), person("visitor")
    ada.sign_up()
    ada.write("Readable without an account")
    page = visitor.open()
    visitor.post("Readable without an account").wait_for()
    assert page.get_by_role("feed", name=LABEL).count() == 1

    ada.write("And so is this, as it arrives")

    page.locator(FRESH).wait_for()
    assert visitor.post("And so is this").count() == 0
    page.locator(FRESH).click()
    visitor.post("And so is this").wait_for()
    picture(visitor, "public")
    ada.post("And so is this").get_by_role("button", name="Delete").click()
    visitor.post("And so is this").wait_for(state="detached")
    assert visitor.post("Readable without an account").count() == 1


def test_who_is_signed_in_does_not_see_whom_they_block(person):
    ada, grace = person("ada"), person("grace")
    ada.sign_up()
    ada.write("From ada to everybody")
    grace.sign_up()
    page = grace.open("/?public")
    grace.post("From ada to everybody").wait_for()
    page.get_by_role("navigation").get_by_role("link", name="Public").wait_for()
    grace.open(f"/@{ada.name}")
    with page.expect_response(lambda answer: "/block/" in answer.url and answer.request.method == "POST"):
        page.get_by_role("button", name="Block").click()

    grace.open("/?public")
    page.locator("[role=feed], .empty").first.wait_for()
    grace.loaded()
    ada.write("Once more from ada")
    grace.open("/?public")
    grace.loaded()

    assert page.locator("[role=feed] article", has_text=ada.name).count() == 0
