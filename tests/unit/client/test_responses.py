"""Reading answers: links, problems, and what is no answer of this API."""

from datetime import UTC, datetime

import pytest

from microblog_streams import client
from microblog_streams.client import BadAnswer, User
from microblog_streams.client.errors import error_for, retry_after
from microblog_streams.client.models import NewToken, Registered, Response, path
from microblog_streams.client.pages import parse_links
from microblog_streams.client.transport import parse

USER = b'{"id":1,"username":"ann","createdAt":"2026-11-24T12:00:00.123Z","born":"later"}'
NEW_TOKEN = b'{"id":5,"name":"","createdAt":"2026-11-24T12:00:00Z","lastUsedAt":null,"userId":1,"token":"hidden"}'


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", {}),
        ('</a?cursor=x&limit=2>; rel="next"', {"next": "/a?cursor=x&limit=2"}),
        ('</a>; rel="next", </b>; rel="prev"', {"next": "/a", "prev": "/b"}),
        ("</a>;rel=next,</b>;rel=prev", {"next": "/a", "prev": "/b"}),
        ('</a,b>; title="x, y"; rel="prev Next"', {"prev": "/a,b", "next": "/a,b"}),
        ('</a>; REL="next"', {"next": "/a"}),
        ("</a>", {}),
        ("nonsense", {}),
    ],
)
def test_links_are_read_as_they_are_written(header, found):
    assert parse_links(header) == found


@pytest.mark.parametrize("target", ["http://elsewhere/", "//elsewhere/", "@elsewhere/", ".elsewhere/", ""])
def test_a_link_that_leads_elsewhere_is_not_followed(target):
    """The token would go along."""
    with pytest.raises(BadAnswer, match="another server"):
        parse_links(f'<{target}>; rel="next"')


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid", client.Invalid),
        (401, "unauthenticated", client.Unauthenticated),
        (403, "forbidden", client.Forbidden),
        (403, "blocked", client.Blocked),
        (404, "not-found", client.NotFound),
        (409, "username-taken", client.UsernameTaken),
        (409, "too-many-followees", client.TooManyFollowees),
        (409, "conflict", client.Conflict),
        (422, "idempotency-key-reused", client.KeyReused),
        (429, "too-many-requests", client.TooManyRequests),
        (503, "unavailable", client.Unavailable),
        (503, "unfinished", client.Unfinished),
        (503, "outcome-unknown", client.OutcomeUnknown),
        (503, "too-slow", client.OutcomeUnknown),
        (409, "not-known-yet", client.Conflict),
        (418, "not-known-yet", client.ApiError),
    ],
)
def test_each_kind_of_problem_is_an_exception(status, kind, expected):
    body = f'{{"type":"/problems/{kind}","title":"T","status":{status},"detail":"D","requestId":"r"}}'.encode()

    found = error_for(Response(status, {}, body))

    assert type(found) is expected
    assert str(found) == "D"
    assert (found.problem.type, found.problem.title, found.problem.request_id) == (f"/problems/{kind}", "T", "r")


@pytest.mark.parametrize("body", [b"", b"<h1>Bad Gateway</h1>", b"[]", b"null", b'{"type":5}', b"\xff"])
def test_an_error_that_is_no_problem_document_is_told_by_its_status(body):
    found = error_for(Response(502, {"X-Request-ID": "r"}, body))

    assert str(found) == "The server answered 502 Bad Gateway."
    assert found.problem.request_id == "r"


def test_an_unknown_status_is_an_error_too():
    assert "299" not in str(error_for(Response(799, {})))
    assert "799 Unknown status" in str(error_for(Response(799, {})))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        (" 2 ", 2.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("\u0662", None),
        ("Thu, 26 Nov 2026 12:00:30 GMT", 30.0),
        ("Thu, 26 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    now = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)

    assert retry_after(Response(503, {"Retry-After": text}), lambda: now) == seconds


def test_fields_that_are_not_known_are_no_error():
    assert parse(Response(200, {}, USER), User).username == "ann"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id":"x"}'])
def test_an_answer_of_another_server_is_recognised(body):
    with pytest.raises(BadAnswer, match="not what this API gives"):
        parse(Response(200, {}, body), User)


def test_what_was_read_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        parse(Response(200, {}, USER), User).username = "eve"


def test_no_representation_shows_a_token():
    new = parse(Response(201, {}, NEW_TOKEN), NewToken)
    registered = Registered(parse(Response(201, {}, USER), User), "hidden")

    shown = f"{new} {new!r} {new.identity} {registered} {registered.identity}"

    assert new.identity.token == registered.identity.token == "hidden"
    assert "hidden" not in shown


def test_paths_are_quoted():
    assert path("users", "a/b?c", username="ä b&c") == "/users/a%2Fb%3Fc?username=%C3%A4+b%26c"
    assert path("users", "") == "/users/"


def test_half_a_character_in_a_path_is_a_question_mark():
    """The server refuses it then, as it would the half."""
    assert path("users", "\udcff", username="\udcff") == "/users/%3F?username=%3F"
