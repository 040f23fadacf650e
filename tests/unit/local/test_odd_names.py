"""Whatever a folder is called, each part's configuration names its own data, in the syntax of its format."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.cassandra import Cassandra
from microblog_streams.local.files import yaml_string
from microblog_streams.local.kafka import Kafka
from microblog_streams.local.postgres import Postgres
from microblog_streams.local.server import ServerPaths
from microblog_streams.local.stack import check_names
from microblog_streams.local.valkey import Valkey
from tests.support.examples import examples

PORTS = dict.fromkeys((*Kafka.port_names, *Cassandra.port_names, *Postgres.port_names, *Valkey.port_names), 20_000)
#: Names as people and programs give them, and all that some format takes for syntax.
names = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 200
)
#: They write files, which takes as long as the disk takes.
unhurried = settings(deadline=None, max_examples=examples(50))
odd = pytest.mark.parametrize("kind", [Kafka, Valkey, Postgres], ids=lambda kind: kind.name)


def prepared(kind, name):
    """Return a part below a folder of that name whose files are written, with their texts."""
    with tempfile.TemporaryDirectory() as parent:
        data = Path(parent, name)
        part = kind(ServerPaths(data, Path(parent, "cache"), PORTS))
        (part.home / "data").mkdir(parents=True)
        (part.home / "password").write_text("secret")
        (part.home / "data" / "meta.properties").touch()  # storage that is formatted, a cluster that is made
        part.prepare(SimpleNamespace(start=lambda *_, **__: SimpleNamespace(wait=lambda: 0)))
        return part, {path.name: path.read_text() for path in part.home.rglob("*") if path.is_file()}


@unhurried
@given(names)
@example("a, b\\c \"d\" 'e' $f #g %h é日本😀 [i] {j}: - & * ! |")
def test_cassandra_is_told_its_folders(name):
    part, texts = prepared(Cassandra, name)
    told = YAML(typ="safe").load(texts["cassandra.yaml"])
    assert told["data_file_directories"] == [str(part.home / "data")]
    assert told["commitlog_directory"] == str(part.home / "commitlog")
    assert told["hints_directory"] == str(part.home / "hints")
    assert f"-Dcassandra.config={(part.home / 'cassandra.yaml').as_uri()}" in part.command()


@odd
@unhurried
@given(names)
def test_every_other_configuration_is_the_same_in_each_folder(kind, name):
    """They run in their folder, and name no other."""
    assert prepared(kind, name)[1] == prepared(kind, "plain")[1]


def test_kafka_keeps_its_log_below_the_folder_in_which_it_runs():
    _, texts = prepared(Kafka, "a,b")
    assert "log.dirs=data" in texts["server.properties"].splitlines()


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[b]"])
def test_valkeys_configuration_is_never_a_pattern(name):
    part, _ = prepared(Valkey, name)
    assert not set("*?[") & set(part.command()[1])


@unhurried
@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_a_yaml_string_is_read_back_as_it_was(text):
    assert YAML(typ="safe").load(f"[{yaml_string(text)}]") == [text]


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\x7fb", "a\udcffb"])
def test_a_name_that_no_syntax_can_hold_is_one_line(name):
    with pytest.raises(SetupError, match="MICROBLOG_DATA_DIR"):
        check_names(Path("/", name), Path("/cache"))


def test_a_cache_that_the_class_path_cannot_name_is_one_line():
    with pytest.raises(SetupError, match=r"colon.*MICROBLOG_CACHE_DIR"):
        check_names(Path("/data"), Path("/home/a:b/.cache"))
