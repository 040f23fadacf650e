"""How times look on the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from web.schemas import rfc3339

NOON = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2026-11-24T12:00:00.123Z"),
        (NOON.replace(microsecond=0), "2026-11-24T12:00:00.000Z"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-11-24T12:00:00.123Z"),
    ],
)
def test_times_are_utc_with_milliseconds(at, text):
    assert rfc3339(at) == text
