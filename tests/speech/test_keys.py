"""How a key is sent, and how it is kept out of what is said."""

import pytest

from antiphon.errors import Refused
from antiphon.secret import Secret
from antiphon.speech.keys import authorization, plain, without_key

KEY = Secret(" sk-of-the-test\n", "a file")


def test_it_is_sent_as_it_is_without_the_blanks_of_its_file():
    assert plain(KEY) == "sk-of-the-test"
    assert authorization(KEY) == {"Authorization": "Bearer sk-of-the-test"}


@pytest.mark.parametrize("key", [None, Secret(" \n", "a file")])
def test_where_there_is_none_none_is_sent(key):
    assert (authorization(key), without_key(key, "a b")) == ({}, "a b")


@pytest.mark.parametrize("text", ["sk-\n-two lines", "sk-é", "sk\x7f"])
def test_what_cannot_be_one_is_not_sent(text):
    with pytest.raises(Refused, match="copy it again"):
        authorization(Secret(text, "a file"))


def test_it_is_stars_in_every_sentence():
    assert without_key(KEY, "Not sk-of-the-test, sk-of-the-test!") == "Not ***, ***!"
