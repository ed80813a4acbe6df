"""The one tokeniser, eagerly, inside tf.data and inside the transform graph."""

import string

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.text import tokens

CASES = [
    ("Good FILM!", ["good", "film"]),
    ("don't", ["don", "t"]),
    ("a\tb\nc\rd\x0be\x0cf", ["a", "b", "c", "d", "e", "f"]),
    ("", []),
    ("!?#", []),
    ("<br />", ["br"]),
    ("NUL\x00inside AND after", ["nul", "inside", "and", "after"]),
    ("CAF\u00c9 \u0416\u0418\u0417\u041d\u042c", ["caf\u00e9", "\u0436\u0438\u0437\u043d\u044c"]),
    ("\u0130STANBUL TITLE", ["i\u0307stanbul", "title"]),
    ("no-break\u00a0space next\u0085line \u2028", ["no", "break\u00a0space", "next\u0085line", "\u2028"]),
    ("\U0001f918\U0001f525 10/10", ["\U0001f918\U0001f525", "10", "10"]),
    ("x" * 100_000, ["x" * 100_000]),
]


def tokenized(text: str) -> list[str]:
    return [token.decode() for token in tokens.tokenize(tf.constant([text])).to_list()[0]]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_tokens(text, expected):
    assert tokenized(text) == expected


def test_tokens_are_the_same_inside_tf_data():
    texts = [text for text, _ in CASES]
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(5).map(tokens.tokenize)
    found = [[token.decode() for token in row] for batch in dataset for row in batch.to_list()]
    assert found == [expected for _, expected in CASES]


def plain_tokens(text: str) -> list[str]:
    """The same in plain Python, for ASCII."""
    table = {ord(character): " " for character in tokens.FILTERED}
    return text.translate(table).lower().split()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=string.printable + "\x00"))
def test_ascii_is_tokenised_as_plain_python_would(text):
    assert tokenized(text) == plain_tokens(text)


def test_lower_case_does_not_follow_the_locale():
    """A server in Turkey must make the same tokens as the machine that trained the model."""
    import os
    import subprocess
    import sys

    program = (
        "import tensorflow as tf; from beam_pipelines.text import tokens;"
        "print(tokens.tokenize(tf.constant(['I \\u0130 TITLE'])).to_list()[0])"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "LC_ALL": locale, "LANG": locale},
            capture_output=True,
            check=True,
        ).stdout
        for locale in ("C.UTF-8", "tr_TR.UTF-8")
    ]
    assert printed[0] == printed[1] == b"[b'i', b'i\\xcc\\x87', b'title']\n"


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=4))
def test_spans_are_the_places_of_the_tokens(texts):
    """Each span of the text, tokenised alone, is the token; and there is one for each."""
    starts, ends = tokens.spans(tf.constant(texts))
    tokenized = tokens.tokenize(tf.constant(texts)).to_list()
    for text, first, last, expected in zip(texts, starts.to_list(), ends.to_list(), tokenized, strict=True):
        assert len(first) == len(last) == len(expected)
        pieces = [text.encode()[start:end].decode() for start, end in zip(first, last, strict=True)]
        assert not pieces or tokens.tokenize(tf.constant(pieces)).to_list() == [[token] for token in expected]
