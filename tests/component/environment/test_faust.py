"""Faust is configured by our settings alone, not by environment variables."""

import re
from typing import Any

import pytest
from faust.types.settings import Settings as FaustSettings

from microblog_streams.bootstrap.application import MicroblogApp
from microblog_streams.config.settings import Settings

#: Every variable that a setting of Faust's is read from.
NAMES = sorted({param.env_name for param in FaustSettings.SETTINGS.values() if param.env_name})
#: What Kubernetes sets for a service, and a number or switch.
VALUES = ("tcp://10.0.0.1:6066", "0")

CHANGING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def configured() -> dict[str, Any]:
    """Return the app's configuration without what differs between apps: object addresses, random ids."""
    conf = MicroblogApp(Settings(_env_file=None), 1, 8).conf
    return {name: CHANGING.sub("", repr(getattr(conf, name))) for name in FaustSettings.setting_names()}


@pytest.fixture(scope="module")
def untouched():
    """The configuration without variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.delenv(name, raising=False)
        return configured()


def test_faust_reads_the_variables_that_the_tests_set():
    assert {"PRODUCER_ACKS", "WEB_BIND", "BROKER_URL", "TIMEZONE", "TOPIC_PARTITIONS", "APP_ENV_PREFIX"} <= {*NAMES}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", NAMES)
def test_a_variable_of_faust_changes_nothing(monkeypatch, untouched, name, value):
    monkeypatch.setenv(name, value)
    assert configured() == untouched


def test_a_variable_with_fausts_prefix_changes_nothing(monkeypatch, untouched):
    monkeypatch.setenv("APP_ENV_PREFIX", "OTHER_")
    for name in NAMES:
        monkeypatch.setenv(f"OTHER_{name}", "0")
    assert configured() == untouched
