"""Skeletons of usernames."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain.lookalikes import look

ALIKE = [
    ("paypal", "\u0440\u0430\u0443\u0440\u0430l"),  # Cyrillic, but for the last letter
    ("scope", "\u0455\u0441\u043e\u0440\u0435"),  # Cyrillic, all of it
    ("Ivan", "\u0406van"),  # a capital that is taken for an l as well
    ("ivan", "\u0456van"),
    ("nora", "n\u03bfra"),  # Greek
    ("ann", "\u0391NN"),  # a capital that is alike, while the small one is not
    ("n1", "\u05781"),  # Armenian
    ("bob", "\u0412\u041e\u0412"),  # all capitals
    ("zo\u00eb", "z\u043e\u00eb"),  # beside an accent
    ("zo\u00eb", "zo\u0451"),  # below it
    ("\u043e\u043d\u043e", "\u03bf\u043d\u03bf"),  # Greek in Cyrillic
    ("alice", "ali\u03f2e"),  # a Greek symbol that NFKC makes a sigma of
    ("Cora", "\u03f9ora"),
    ("bob", "b\ua4f3b"),  # Lisu, which has no case
    ("paul", "pau\u05df"),  # Hebrew: like l, I and 1
    ("anna", "\uff21nna"),  # full-width
]
DIFFERENT = [
    ("modern", "modem"),
    ("user1", "userl"),
    ("o0", "oo"),
    ("\u0131lgaz", "ilgaz"),
    ("zo\u00eb", "zoe"),
    ("bob", "\u0432\u043e\u0432"),  # small letters that are unlike
    ("a.b", "a-b"),
    ("\u674e", "\u5b50"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_with_letters_of_other_scripts_look_alike(one, other):
    assert look(one) == look(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_names_of_one_script_do_not_look_alike(one, other):
    assert look(one) != look(other)


@given(st.text(st.characters(codec="ascii", categories=("Lu", "Ll", "Nd"))))
def test_a_name_of_ascii_looks_like_itself_in_any_case(name):
    assert look(name) == look(name.upper()) == name.lower()


@given(st.text(st.characters(categories=("Lu", "Ll", "Lt", "Lo", "Lm", "Nd", "Mn")), max_size=50))
def test_composed_and_decomposed_letters_look_alike(name):
    assert look(name) == look(unicodedata.normalize("NFD", name)) == look(unicodedata.normalize("NFC", name))
