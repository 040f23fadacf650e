"""A retired word in a name, a comment, a docstring or a page fails `make check`, with its file and line."""

from pathlib import Path

import pytest

from tools.retired_words import retired_in_name, retired_in_prose, retired_in_python, retired_words

ROOT = Path(__file__).parents[3]


def test_a_file_with_a_retired_word_is_reported_by_path_and_line(tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "web" / "views.py").write_text('"""Good."""\n\nPATIENCE = 5.0  # whoever waits\n')
    (tmp_path / "docs" / "page.md").write_text("# Page\n\nIt tells\nwhether `nobody` is there: somebody is.\n")

    found = [line.split(": ")[0] for line in retired_words(tmp_path)]

    assert found == ["web/views.py:3", "web/views.py:3", "docs/page.md:3", "docs/page.md:4"]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("tests/unit/test_it.py", "def test_nobody_waits():\n    pass\n", 1),
        ("benchmarks/scene.py", "_GLANCE = 0.5\n", 1),
        ("web/schema/001_it.sql", "-- whoever writes\nSELECT settled;\n", 1),
        ("microblog_streams/it.lua", "local settled = 1\n-- Of somebody.\n", 2),
        ("web/templates/it.html", "{% if settled %}\n<p>Nobody.</p>\n", 2),
        ("Makefile", "run:  ## Tell whether it runs\n", 1),
        ("setup.cfg", "# Of somebody.\n", 1),
    ],
)
def test_files_of_every_kind_are_read(tmp_path, path, text, line):
    """In SQL and Lua the comments, of a template what is outside its tags."""
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)

    assert [found.split(": ")[0] for found in retired_words(tmp_path)] == [f"{path}:{line}"]


def test_an_indented_code_block_of_a_page_is_no_prose(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("# Page\n\n    settled\n\nNobody.\n")

    assert [line.split(": ")[0] for line in retired_words(tmp_path)] == ["docs/page.md:5"]


def test_a_message_with_a_retired_word_is_found_and_sql_is_none():
    found = [
        line for line, _ in retired_in_python('raise ValueError(f"{name} is nobody")\nX = "SELECT settled FROM t"\n')
    ]
    assert found == [1]


@pytest.mark.parametrize(
    "name",
    ["settle", "_settle", "EdgesSettle", "CONNECT_PATIENCE", "_MOST", "GLANCE", "Lane", "lanes_lane", "letter_box"],
)
def test_a_retired_word_in_a_name_is_found(name):
    assert retired_in_name(name)


@pytest.mark.parametrize(
    "name", ["settled_letters", "SETTLED", "patience", "most_common", "planes", "settlement", "DeadLetter"]
)
def test_other_names_pass(name):
    """Persisted and public names keep their words; a retired one is a whole word, and a constant only in capitals."""
    assert retired_in_name(name) is None


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('"""Ends whoever waits."""\n', 1),
        ('"""Good.\n\nTell whether it is.\n"""\n', 3),
        ("x = 1\n# somebody else\n", 2),
        ('class A:\n    """Good."""\n\n    def f(self):\n        """Nobody."""\n', 5),
        ("def f(workplace):\n    return workplace\n", 1),
    ],
)
def test_names_comments_and_docstrings_are_read(source, line):
    [(found, _)] = retired_in_python(source)
    assert found == line


def test_other_strings_and_code_spans_pass():
    assert list(retired_in_python('"""See ``settled_letters``."""\nSQL = "SELECT settled FROM nobody"\n')) == []
    assert list(retired_in_prose("the phase `settled`\n```\nsettle somebody\n```\n")) == []
