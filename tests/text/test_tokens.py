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
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=4))
def test_spans_are_the_places_of_the_tokens(texts):
    """Each span of the text, tokenised alone, is the token; and there is one for each."""
    starts, ends = tokens.spans(tf.constant(texts))
    tokenized = tokens.tokenize(tf.constant(texts)).to_list()
    for text, first, last, expected in zip(texts, starts.to_list(), ends.to_list(), tokenized, strict=True):
        assert len(first) == len(last) == len(expected)
        pieces = [text.encode()[start:end].decode() for start, end in zip(first, last, strict=True)]
        assert not pieces or tokens.tokenize(tf.constant(pieces)).to_list() == [[token] for token in expected]


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
