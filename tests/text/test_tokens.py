"""The one tokeniser, eagerly, inside tf.data and inside the transform graph."""

import string

import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.text import tokens
from tests.helpers.tokens import CASES, plain_tokens


def tokenized(text: str) -> list[str]:
    return [token.decode() for token in tokens.tokenize(tf.constant([text])).to_list()[0]]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_tokens(text, expected):
    assert tokenized(text) == expected


def test_tokens_are_the_same_inside_tf_data():
    texts = [text for text, _ in CASES]
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(5).map(tokens.tokenize)
    rows = [[token.decode() for token in row] for batch in dataset for row in batch.to_list()]
    assert rows == [expected for _, expected in CASES]


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
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=4))
def test_spans_are_the_places_of_the_tokens(texts):
    """Each span of the text, tokenised alone, is the token; and there is one for each."""
    found = tokens.spans(tf.constant(texts, tf.string))
    tokenized = tokens.tokenize(tf.constant(texts, tf.string)).to_list()
    spans = found.starts.to_list(), found.ends.to_list(), found.joined.to_list()
    for text, first, last, joined, expected in zip(texts, *spans, tokenized, strict=True):
        assert len(first) == len(last) == len(joined) == len(expected)
        pieces = [text.encode()[start:end].decode() for start, end in zip(first, last, strict=True)]
        assert not pieces or tokens.tokenize(tf.constant(pieces)).to_list() == [[token] for token in expected]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.integers(1, 9))
def test_a_text_is_cut_after_its_first_tokens(text, max_tokens):
    cut = tokens.cut(text, max_tokens)
    whole, left = tokens.tokenize(tf.constant([text, cut])).to_list()
    assert text.startswith(cut)
    assert left == whole[:max_tokens]
    assert cut == text or len(left) == max_tokens


def test_an_apostrophe_joins_the_tokens_of_a_word():
    texts = ["It isn't bad, they're good", "rock'n'roll", "'x' 'y", "", "a' b", "a'", "'b", "c''d", "caf\u00e9's"]
    found = tokens.spans(tf.constant(texts)).joined.to_list()
    places = [[place for place, is_joined in enumerate(joined) if is_joined] for joined in found]
    assert places == [[2, 5], [1, 2], [], [], [], [], [], [], [1]]


@pytest.mark.parametrize(
    ("texts", "max_bytes", "sizes"),
    [
        ([], 10, [0]),
        (["", ""], 10, [2]),
        (["a" * 100] * 3, 10, [1, 1, 1]),
        (["a" * 100] * 3, 250, [2, 1]),
        (["a"] * 5, 1 << 20, [5]),
    ],
)
def test_batches_hold_about_so_many_bytes_and_at_least_one_text(texts, max_bytes, sizes):
    batches = list(tokens.batches_by_bytes(pa.array(texts, pa.string()), max_bytes))
    assert [len(batch) for batch in batches] == sizes
    assert [text for batch in batches for text in batch.to_pylist()] == texts
