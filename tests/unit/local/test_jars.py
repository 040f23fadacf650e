"""What runs is what was recorded: a broken jar is noticed and fetched anew."""

import hashlib
from threading import Event

import pytest
from rich.console import Console

from microblog_streams.domain.errors import SetupError
from microblog_streams.local import jars as module
from microblog_streams.local.jars import Interrupted, Jar, JarSet, fetch, fill_cache, jar_set

CONTENT = b"the jar's bytes"
JAR = Jar("org.example", "tool", "1.0", "", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def jars(tmp_path):
    folder = tmp_path / "cache" / "tool-1.0"
    folder.mkdir(parents=True)
    return JarSet("tool", folder, [JAR])


@pytest.fixture
def repository(monkeypatch):
    """Stands for the Maven repository: hands out these contents one after the other."""
    contents = []

    def download(jar, folder, progress):
        content = contents.pop(0)
        if isinstance(content, Exception):
            raise content
        progress(len(content))
        folder.mkdir()
        (folder / jar.file_name).write_bytes(content)
        return folder / jar.file_name

    monkeypatch.setattr(module, "_download", download)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    return contents


def test_a_whole_jar_is_not_missing(jars):
    (jars.folder / "tool-1.0.jar").write_bytes(CONTENT)
    assert jars.missing() == []


@pytest.mark.parametrize("broken", [CONTENT[:-1], b"", CONTENT[:-1] + b"X"])
def test_a_cut_or_changed_jar_is_missing(jars, broken):
    (jars.folder / "tool-1.0.jar").write_bytes(broken)
    assert jars.missing() == [JAR]


def test_a_broken_jar_is_fetched_anew(jars, repository):
    (jars.folder / "tool-1.0.jar").write_bytes(b"broken")
    repository.append(CONTENT)
    fill_cache([jars], Console(quiet=True), Event())
    assert jars.missing() == []
    assert [path.name for path in jars.folder.parent.iterdir()] == ["tool-1.0"]


def test_a_download_that_is_not_what_was_recorded_is_tried_again_and_never_kept(jars, repository):
    repository.extend([b"something else", ConnectionError(), CONTENT])
    fetch(jars, [JAR], lambda size: None)
    assert jars.missing() == []


def test_neither_cache_nor_network_is_one_clear_line(jars, repository):
    repository.extend([ConnectionError("refused")] * 3)
    with pytest.raises(SetupError) as caught:
        fetch(jars, [JAR], lambda size: None)
    assert "cannot fetch tool-1.0.jar" in str(caught.value)
    assert "MICROBLOG_CACHE_DIR" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_file_at_every_try_is_an_error_and_not_kept(jars, repository):
    repository.extend([b"something else"] * 3)
    with pytest.raises(SetupError, match="not the file that was recorded"):
        fetch(jars, [JAR], lambda size: None)
    assert list(jars.folder.iterdir()) == []


def test_fetching_ends_on_a_stop_request(jars, repository):
    repository.append(CONTENT)
    stopping = Event()
    stopping.set()
    with pytest.raises(Interrupted):
        fill_cache([jars], Console(quiet=True), stopping)


@pytest.mark.parametrize(("name", "count"), [("kafka", 46), ("cassandra", 100)])
def test_every_jar_of_a_part_is_recorded_under_a_name_of_its_own(tmp_path, name, count):
    recorded = jar_set(name, tmp_path)
    assert len({jar.file_name for jar in recorded.jars}) == count
    assert all(jar.size > 0 and len(bytes.fromhex(jar.sha256)) == 32 for jar in recorded.jars)


def test_a_classifier_is_part_of_the_file_name():
    jar = Jar("io.netty", "epoll", "4.1", "linux-x86_64", 1, "")
    assert jar.file_name == "epoll-4.1-linux-x86_64.jar"
