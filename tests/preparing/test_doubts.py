"""Tokens that look as if a flag were wrong are asked about, others are not."""

import dataclasses

import pytest

from beam_pipelines.artifacts.prepared import VocabularyTotals
from beam_pipelines.preparing import doubts

TOTALS = VocabularyTotals(
    size=12,
    vector_size=8,
    distinct_tokens=50,
    tokens=100,
    embedding_hits=10,
    unseen_tokens=0,
    embedding_misses=40,
    trained_tokens=0,
    first_trained_id=12,
    share_of_tokens_with_vector=0.25,
    most_frequent_without_vector={"der": 30, "x" * 40: 20, **{f"wort{place}": 1 for place in range(38)}},
)


def test_few_tokens_with_a_vector_are_told_with_those_that_lack_one(caplog):
    doubts.warn_of_missing_vectors(TOTALS, "some.vec")
    assert caplog.messages == [
        "only 25.0% of the tokens have a vector in --embeddings some.vec; the most frequent ones without (der 30, "
        + "x" * 30
        + "... 20, wort0 1, wort1 1, wort2 1, wort3 1, wort4 1, wort5 1, wort6 1, wort7 1): is it the right file, and "
        "of the right language?"
    ]


def test_half_of_the_tokens_are_enough(caplog):
    doubts.warn_of_missing_vectors(dataclasses.replace(TOTALS, share_of_tokens_with_vector=0.5), "some.vec")
    assert not caplog.messages


@pytest.mark.parametrize(
    ("changed", "tokens_of_half", "message"),
    [
        ({}, 1, "most reviews are a single token, such as der: is --text_column right?"),
        ({"distinct_tokens": 91}, 2, r"hardly any token stands in two reviews (91 distinct ones of 100)"),
        ({}, 2, ""),
        ({"share_of_tokens_with_vector": 0.5, "distinct_tokens": 100}, 1, ""),
    ],
)
def test_tokens_that_no_two_reviews_share(caplog, changed, tokens_of_half, message):
    doubts.warn_of_unshared_tokens(dataclasses.replace(TOTALS, **changed), tokens_of_half)
    assert len(caplog.messages) == bool(message)
    assert message in caplog.text
