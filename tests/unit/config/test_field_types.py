"""Origins in settings: their notation, and what is refused."""

import pytest

from microblog_streams.config.settings import Settings, load_settings
from microblog_streams.domain.errors import SetupError

NAME = "MICROBLOG_CORS_ORIGINS"


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """Load the settings with this variable."""

    def load(value):
        monkeypatch.setenv("MICROBLOG_DATA_DIR", str(tmp_path))
        monkeypatch.setenv(NAME, value)
        return load_settings().cors_origins

    return load


def test_no_origin_is_allowed_by_default():
    assert Settings.model_fields["cors_origins"].default == ()


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        ("https://app.example", ("https://app.example",)),
        ("https://App.Example , http://localhost:3000,", ("https://app.example", "http://localhost:3000")),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
        ("capacitor://localhost", ("capacitor://localhost",)),
    ],
)
def test_origins_are_separated_by_commas(loaded, value, origins):
    assert loaded(value) == origins


@pytest.mark.parametrize(
    "value",
    ["app.example", "https://app.example/", "https://", "null", "https://*.app.example", "https://a:b@c", "a b"],
)
def test_an_invalid_origin_is_refused_and_quoted(loaded, value):
    with pytest.raises(SetupError, match=f"{NAME}: .* is no origin"):
        loaded(value)
