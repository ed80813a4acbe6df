"""What characters are to the tokeniser, and which words can be tokens."""

import hashlib
import string
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.artifacts.tokenizer import OLDER, PLAIN, Tokenizer
from beam_pipelines.text import characters
from beam_pipelines.text.characters import APOSTROPHE, EXCLAMATION, FLAG, INVISIBLE, LETTER, PICTOGRAPH, QUESTION, SPACE
from tests.helpers.tokens import RULE, RULES, WITHOUT_MARKS, anything, plain_tokens, signs

BY_KIND = {
    LETTER: "a\u00e9\u0416\u4e16\u00b2\u00bd\u0301\u2160\u2460\u2776\x01\U0001d400\u02bb",
    INVISIBLE: "\u00ad\u200b\u200d\ufeff\ufe0f\U0001f3fb\U000e0067",
    SPACE: "\x00 \t.\u00a0\u3000\u2014\u2026\u2022\u201c\u00bf\u3001\uff0c\u20ac\u00b0\u25a0\u2192\u275d\ufffd",
    APOSTROPHE: "'\u2019\u2018\u02bc\uff07\x92",
    EXCLAMATION: "!\uff01\u2757\u203c",
    QUESTION: "?\uff1f\u2753\u061f",
    PICTOGRAPH: "\u2764\u2605\u2713\u231a\U0001f600\U0001f918\U0001fae0\U0001f170",
    FLAG: "\U0001f1e6\U0001f1ff",
}


def test_each_character_has_its_kind():
    kinds = characters.kinds(RULE)
    assert {kind: {int(kinds[ord(sign)]) for sign in signs} for kind, signs in BY_KIND.items()} == {
        kind: {kind} for kind in BY_KIND
    }
    without = characters.kinds(WITHOUT_MARKS)
    assert np.array_equal(without, np.where(kinds >= EXCLAMATION, SPACE, kinds))
    assert not characters.kinds(OLDER)[0x80:].any()


def test_no_letter_and_no_digit_parts_tokens():
    """But for a turned F, which was no letter in Unicode 3.2."""
    kinds = characters.kinds(RULE)
    of_words = {"Lu", "Ll", "Lt", "Lo", "Nd"}
    assert [chr(code) for code in np.flatnonzero(kinds) if unicodedata.category(chr(code)) in of_words] == ["\u2132"]


def test_the_rule_is_the_same_in_every_version_of_python():
    """An export holds it in its graph: a change here is a new name beside `PLAIN`."""
    digest = hashlib.sha256(characters.kinds(Tokenizer("plain_1", punctuation_tokens=True)).tobytes()).hexdigest()
    assert digest == "c541d75689e302798259931b56417940fb12d62590e272d28b7fcd4157dbace3"
    assert PLAIN == "plain_1"


def test_a_rule_of_a_newer_version_is_refused():
    with pytest.raises(ValueError, match="^typography plain_2 is not known to this version$"):
        characters.kinds(Tokenizer("plain_2", punctuation_tokens=True))


def test_runs_are_all_characters():
    for rule in RULES:
        firsts, kinds = characters.runs_of_kinds(rule)
        sizes = np.diff(firsts, append=0x110000)
        assert np.array_equal(np.repeat(kinds, sizes), characters.kinds(rule))
        assert (kinds[1:] != kinds[:-1]).all()


@given(rule=st.sampled_from(RULES), word=signs | anything | st.sampled_from(["!", "\u2764", "\U0001f1e9\U0001f1ea"]))
@settings(deadline=None)
def test_a_word_is_a_token_if_its_only_token_is_the_word_as_it_is_written(rule, word):
    found = [match.group() for match in characters.token_pattern(rule).finditer(word)]
    invisible = set(np.array(list(word))[characters.kinds(rule)[list(map(ord, word))] == INVISIBLE]) if word else set()
    written = characters.WRITTEN.get(int(characters.kinds(rule)[ord(word)]), word) if len(word) == 1 else word
    assert characters.is_token(word, rule) == (found == [word] and not invisible and written == word)


@given(st.text(string.printable + "\x00"))
def test_the_pattern_finds_the_tokens_of_ascii(text):
    found = [match.group().lower() for match in characters.token_pattern(RULE).finditer(text)]
    assert found == plain_tokens(text)
