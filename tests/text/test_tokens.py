"""The one tokeniser, eagerly, inside tf.data and inside the transform graph."""

import string

import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.artifacts.tokenizer import OLDER
from beam_pipelines.text import tokens
from tests.helpers.tokens import ALL_CASES, CASES, RULE, RULES, WITHOUT_MARKS, anything, plain_tokens, signs

any_rule = st.sampled_from(RULES)
text_of_any_signs = signs | anything


def tokenized(text: str, rule=RULE) -> list[str]:
    return [token.decode() for token in tokens.tokenize(tf.constant([text]), rule).to_list()[0]]


@pytest.mark.parametrize(("rule", "text", "expected"), ALL_CASES)
def test_tokens(rule, text, expected):
    assert tokenized(text, rule) == expected


def test_tokens_are_the_same_inside_tf_data():
    texts = [text for text, _ in CASES]
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(5).map(lambda batch: tokens.tokenize(batch, RULE))
    rows = [[token.decode() for token in row] for batch in dataset for row in batch.to_list()]
    assert rows == [expected for _, expected in CASES]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=string.printable + "\x00"))
def test_ascii_is_tokenised_as_plain_python_would(text):
    expected = plain_tokens(text)
    assert tokenized(text) == expected
    for rule in (WITHOUT_MARKS, OLDER):
        assert tokenized(text, rule) == [token for token in expected if token not in ("!", "?")]


def test_lower_case_does_not_follow_the_locale():
    """A server in Turkey must make the same tokens as the machine that trained the model."""
    import os
    import subprocess
    import sys

    program = (
        "import tensorflow as tf; from beam_pipelines.text import tokens;"
        "from tests.helpers.tokens import RULE;"
        "print(tokens.tokenize(tf.constant(['I \\u0130 TITLE']), RULE).to_list()[0])"
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
@given(rule=any_rule, texts=st.lists(text_of_any_signs, max_size=4))
def test_spans_are_the_places_of_the_tokens(rule, texts):
    """Each span of the text, tokenised alone, is the token; and there is one for each."""
    found = tokens.spans(tf.constant(texts, tf.string), rule)
    tokenized = tokens.tokenize(tf.constant(texts, tf.string), rule).to_list()
    spans = found.starts.to_list(), found.ends.to_list(), found.joined.to_list()
    for text, first, last, joined, expected in zip(texts, *spans, tokenized, strict=True):
        assert len(first) == len(last) == len(joined) == len(expected)
        pieces = [text.encode()[start:end].decode() for start, end in zip(first, last, strict=True)]
        assert not pieces or tokens.tokenize(tf.constant(pieces), rule).to_list() == [[token] for token in expected]


@settings(deadline=None)
@given(rule=any_rule, texts=st.lists(st.binary(max_size=30) | text_of_any_signs.map(str.encode), max_size=4))
def test_there_is_a_span_for_each_token_whatever_bytes_a_server_is_sent(rule, texts):
    found = tokens.spans(tf.constant(texts, tf.string), rule)
    tokenized = tokens.tokenize(tf.constant(texts, tf.string), rule)
    assert found.starts.row_lengths().numpy().tolist() == tokenized.row_lengths().numpy().tolist()
    assert (found.starts.flat_values < found.ends.flat_values).numpy().all()


def test_a_span_holds_what_is_invisible_within_and_behind():
    text = "\u200bso\u00adft\u200b \U0001f44d\U0001f3fd\u2764\ufe0f \U0001f1e9\U0001f1ea didn\u2019t\uff01"
    found = tokens.spans(tf.constant([text]), RULE)
    spans = zip(found.starts.to_list()[0], found.ends.to_list()[0], strict=True)
    assert [text.encode()[start:end].decode() for start, end in spans] == [
        *("so\u00adft\u200b", "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\U0001f1e9\U0001f1ea", "didn", "t", "\uff01")
    ]


@settings(deadline=None)
@given(rule=any_rule, text=text_of_any_signs, max_tokens=st.integers(1, 9))
def test_a_text_is_cut_after_its_first_tokens(rule, text, max_tokens):
    cut = tokens.cut(text, max_tokens, rule)
    whole, left = tokens.tokenize(tf.constant([text, cut]), rule).to_list()
    assert text.startswith(cut)
    assert left == whole[:max_tokens]
    assert cut == text or len(left) == max_tokens


def test_an_apostrophe_joins_the_tokens_of_a_word():
    texts = ["It isn't bad, they're good", "rock'n'roll", "'x' 'y", "", "a' b", "a'", "'b", "c''d", "caf\u00e9's"]
    texts += [
        "isn\u2019t it\u02bcs",
        "rock\u2018n\u200b\u2019\u200broll",
        "a\u2019 b\u2019\u2019c",
        "a\u2014b c\u201dd",
        "e!f\U0001f600g",
    ]
    found = tokens.spans(tf.constant(texts), RULE).joined.to_list()
    places = [[place for place, is_joined in enumerate(joined) if is_joined] for joined in found]
    assert places == [[2, 5], [1, 2], [], [], [], [], [], [], [1], [1, 3], [1, 2], [], [], []]


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
