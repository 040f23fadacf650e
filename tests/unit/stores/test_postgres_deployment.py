"""What a worker takes the deployment for when it starts while PostgreSQL is away."""

import json
from dataclasses import asdict

import pytest
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.stores.postgres.deployment import last_deployment, remember

MOVING = Deployment(3, 8, 2, Phase.FILLED, 4, 12, 5)


@pytest.fixture
def settings(tmp_path):
    away = Settings(postgres_url=SecretStr("postgresql://microblog@127.0.0.1:1/microblog"), data_dir=tmp_path)
    away.worker_dir.mkdir(parents=True, exist_ok=True)
    return away


def test_it_is_what_the_worker_knew_last(settings):
    remember(settings, MOVING)
    assert last_deployment(settings) == MOVING


def test_what_a_newer_version_wrote_besides_is_ignored(settings):
    file = settings.worker_dir / "deployment.json"
    file.write_text(json.dumps({**asdict(MOVING), "of_the_future": 1}), encoding="utf-8")
    assert last_deployment(settings) == MOVING


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", '{"phase": "unheard of"}', '{"phase":"settled"}'])
def test_a_file_that_says_nothing_is_as_none(settings, text):
    (settings.worker_dir / "deployment.json").write_text(text, encoding="utf-8")
    assert last_deployment(settings) == Deployment(1, settings.partitions)
