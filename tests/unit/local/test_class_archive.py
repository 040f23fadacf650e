"""An archive of classes is made once, by one stack, from whole lines; and a start waits for none."""

import os
import stat
import sys
from types import SimpleNamespace

import pytest

from microblog_streams.local.class_archive import CLASSES, ArchiveMaker, ClassArchive, Wanted, _alone
from microblog_streams.local.jars import Jar, JarSet
from microblog_streams.local.process import Children
from microblog_streams.local.reaper import wait_until
from tests.support.waiting import DEADLINE_SECONDS

#: Stands for a JVM: writes what it was given into the archive that it was told to make.
JAVA = f"""#!{sys.executable}
import pathlib, sys
flags = dict(word.removeprefix("-XX:").split("=", 1) for word in sys.argv if "File=" in word)
if pathlib.Path("fails").exists():
    raise SystemExit(1)
while pathlib.Path("hangs").exists():
    pass
pathlib.Path(flags["SharedArchiveFile"]).write_bytes(pathlib.Path(flags["SharedClassListFile"]).read_bytes())
"""


@pytest.fixture
def archive(tmp_path):
    java, jars = tmp_path / "java" / "bin" / "java", tmp_path / "cache" / "tool-1.0"
    for folder in (java.parent, jars, tmp_path / "home"):
        folder.mkdir(parents=True)
    java.write_text(JAVA)
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    (java.parent.parent / "release").write_text('JAVA_VERSION="17.0.9"')
    (jars / "tool-1.0.jar").write_bytes(b"jar")
    return ClassArchive(JarSet("tool", jars, [Jar("org.example", "tool", "1.0", "", 3, "")]), lambda: java)


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    too_long = "@lambda-proxy " + 4_096 * "x"
    (folder / CLASSES).write_text(f"java/lang/Object id: 0\n{too_long}\norg/example/Tool id: 1\norg/exam")
    return folder


@pytest.fixture
def wanted(archive, home, tmp_path):
    return Wanted(archive, home, {"PATH": os.environ["PATH"]}, tmp_path / "archives.log")


@pytest.fixture
def maker(tmp_path):
    children = Children(tmp_path)
    maker = ArchiveMaker(children)
    yield maker
    maker.end()
    children.close()


def ended(maker):
    return wait_until(lambda: not any(thread.is_alive() for thread in maker._threads), DEADLINE_SECONDS)


def test_without_an_archive_the_classes_are_written_down(archive):
    assert archive.flags() == ["-XX:DumpLoadedClassList=classes.lst"]


def test_it_is_made_from_the_lines_that_a_jvm_reads_and_used_from_then_on(archive, maker, wanted):
    maker.start([wanted])

    assert ended(maker)
    assert archive.path.read_text() == "java/lang/Object id: 0\norg/example/Tool id: 1\n"
    assert archive.flags() == [f"-XX:SharedArchiveFile={archive.path}"]
    assert [path.name for path in archive.path.parent.iterdir() if path.suffix == ".new"] == []


def test_one_for_another_java_or_for_other_jars_takes_its_place(archive, maker, wanted):
    old = archive.path
    old.write_bytes(b"of the first build")
    (archive.java().parent.parent / "release").write_text('JAVA_VERSION="17.0.10"')
    assert archive.path != old
    (archive.path).write_bytes(b"of the second build")
    os.utime(archive.jars.folder / "tool-1.0.jar", (1, 1))
    assert not archive.path.exists()

    maker.start([wanted])

    assert ended(maker)
    assert list(archive.jars.folder.glob("*.jsa")) == [archive.path]


def test_a_jvm_that_fails_leaves_none(archive, maker, wanted, home):
    (home / "fails").touch()
    maker.start([wanted])
    assert ended(maker)
    assert list(archive.jars.folder.glob("classes-*")) == []


def test_without_a_list_of_classes_none_is_made(archive, maker, wanted, home):
    (home / CLASSES).unlink()
    maker.start([wanted])
    assert ended(maker)
    assert list(archive.jars.folder.glob("classes-*")) == []


def test_what_another_stack_makes_is_not_made_twice(archive, maker, wanted):
    with _alone(archive.jars.folder.parent) as is_alone:
        assert is_alone
        maker.start([wanted])
        assert ended(maker)
    assert not archive.path.exists()


def test_a_stack_that_stops_gives_it_up(archive, maker, wanted, home):
    (home / "hangs").touch()
    maker.start([wanted])
    assert wait_until(lambda: maker._child is not None, DEADLINE_SECONDS)

    maker.end()

    assert maker._child.exit_status() is not None
    assert not archive.path.exists()


def test_a_folder_that_cannot_be_written_ends_nothing(archive, maker, wanted, monkeypatch):
    def full(*arguments, **options):
        raise OSError("No space left on device")

    monkeypatch.setattr(maker, "children", SimpleNamespace(start=full))
    maker.start([wanted])
    assert ended(maker)
