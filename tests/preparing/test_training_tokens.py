"""Of the counted tokens, all that can get an id are read, and of the others no more than are asked for."""

import pathlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.preparing import training_tokens
from tests.helpers.token_parts import write_counts
from tests.helpers.vocabularies import training

COUNTS = {"the": 50, "good": 9, "b\u00e4d": 9, "zz": 7, "aa": 7, "once": 1}


def words(*tokens: str) -> pa.Array:
    return pa.array([token.encode() for token in tokens], pa.binary())


def read(folder: pathlib.Path, tokens: pa.Array | None, most: int) -> dict[str, int]:
    """The tokens that are read, in their order."""
    found = training_tokens.read(str(folder), tokens, most)
    assert (found.distinct, found.total) == (len(COUNTS), sum(COUNTS.values()))
    return dict(zip(found.tokens, found.counts.tolist(), strict=True))


@pytest.mark.parametrize("number", [1, 16, 200])
def test_all_tokens_by_falling_count_and_equal_counts_by_the_token(tmp_path, monkeypatch, number):
    monkeypatch.setattr(training_tokens, "_PARTS_AT_A_TIME", 2)
    write_counts(tmp_path, COUNTS, number=number)
    found = training_tokens.read(str(tmp_path), None, 0)
    expected = training(COUNTS)
    assert found.tokens == expected.tokens == ["the", "b\u00e4d", "good", "aa", "zz", "once"]
    assert found.counts.tolist() == expected.counts.tolist() == [50, 9, 9, 7, 7, 1]
    assert (found.distinct, found.total) == (6, 83)


@pytest.mark.parametrize("number", [1, 16])
def test_words_of_the_vectors_and_the_most_frequent_others(tmp_path, monkeypatch, number):
    """However rare the words are, and in whatever parts."""
    monkeypatch.setattr(training_tokens, "_PARTS_AT_A_TIME", 1)
    write_counts(tmp_path, COUNTS, number=number)
    assert list(read(tmp_path, words("once", "never", "good"), 2)) == ["the", "b\u00e4d", "good", "once"]
    assert list(read(tmp_path, words("once", "once", "aa"), 3)) == ["the", "b\u00e4d", "good", "aa", "once"]
    assert list(read(tmp_path, words(*COUNTS), 3)) == training(COUNTS).tokens
    assert list(read(tmp_path, words(), 4)) == ["the", "b\u00e4d", "good", "aa"]


def test_parts_that_hold_their_most_frequent_tokens_alone(tmp_path):
    write_counts(tmp_path, COUNTS, most=2, number=2)
    assert list(read(tmp_path, words(), 2)) == ["the", "b\u00e4d"]


def test_no_parts_hold_nothing(tmp_path):
    assert training_tokens.read_totals(str(tmp_path)) == (0, 0)
    for of_vectors in (None, words("a")):
        found = training_tokens.read(str(tmp_path), of_vectors, 5)
        assert (found.tokens, found.counts.tolist(), found.distinct, found.total) == ([], [], 0, 0)


def test_the_choice_needs_what_gets_an_id_and_what_is_listed():
    assert [training_tokens.most_without_vector(trained) for trained in (0, 50, 5000)] == [50, 50, 5000]


@given(
    st.dictionaries(st.text("ab\u00e9\U0001f918", min_size=1, max_size=3), st.integers(1, 3), max_size=40),
    st.sets(st.text("ab\u00e9\U0001f918", min_size=1, max_size=3), max_size=40),
    st.integers(1, 20),
    st.integers(1, 8),
)
def test_what_is_read_is_what_plain_python_would_choose(tmp_path_factory, counts, with_vector, most, number):
    folder = tmp_path_factory.mktemp("counts")
    write_counts(folder, counts, number=number)
    if not counts:
        return
    found = training_tokens.read(str(folder), words(*with_vector), most)
    by_count = training(counts).tokens
    others = [token for token in by_count if token not in with_vector][:most]
    assert found.tokens == [token for token in by_count if token in with_vector or token in others]
    assert found.counts.tolist() == [counts[token] for token in found.tokens]
