"""N-grams are counted, chosen and weighed as plain Python does it."""

import numpy as np
import pytest

from tests.helpers.prepared_reviews import Review, write_reviews, write_unrated
from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.ngrams import bigram_keys
from trainer.fitting import ngram_features
from trainer.fitting.ngram_features import NgramFeatures
from trainer.prepared_reviews import Selection

TRAIN = Selection.whole("train")
VECTORS = np.zeros((40, 2))
HEAD = DistributionHead.of(np.array([0.0, 0.25, 1.0]))


def ngrams(*ids: int) -> np.ndarray:
    return np.array(ids, np.int64)


def test_reviews_are_read_by_their_distinct_ngrams_without_padding(tmp_path):
    """Batches pad the shorter of the two."""
    given = [Review("a", [2, 3, 2, 3, 1, 4], 10.0), Review("b", [5], 2.5), Review("c", [6], 0.0, split="test")]
    found = ngram_features.read(write_reviews(tmp_path, given, VECTORS), TRAIN, HEAD)
    by_target = dict(zip(map(tuple, found.targets.tolist()), map(np.ndarray.tolist, found.ngrams), strict=True))
    assert by_target == {(0, 0, 1): [2, 3, 4, bigram_keys(2, 3), bigram_keys(3, 2)], (0, 1, 0): [5]}


def test_of_many_reviews_about_so_many_are_read_by_their_texts(tmp_path, monkeypatch):
    given = [Review(f"r{row}", [2 + row % 30, 2 + row // 30], 5.0) for row in range(300)]
    prepared = write_reviews(tmp_path, given, VECTORS)
    texts = {}
    for rows in (10_000, 150, 50):
        monkeypatch.setattr(ngram_features, "MOST_ROWS", rows)
        texts[rows] = {tuple(found.tolist()) for found in ngram_features.read(prepared, TRAIN, HEAD).ngrams}
    assert texts[50] < texts[150] < texts[10_000]
    assert 110 < len(texts[150]) < 190
    assert 30 < len(texts[50]) < 70


def test_unrated_reviews_are_read_where_there_are_any(tmp_path):
    prepared = write_reviews(tmp_path, [Review("a", [2], 5.0)], VECTORS)
    assert ngram_features.read_unrated(prepared) == []
    write_unrated(tmp_path, [[7, 8], [9]])
    found = ngram_features.read_unrated(prepared)
    assert [review.tolist() for review in found] == [[7, 8, bigram_keys(7, 8)], [9]]


def test_an_ngram_weighs_the_more_the_fewer_reviews_hold_it():
    """Of few reviews, one is enough to be taken."""
    found = NgramFeatures.of([ngrams(2, 3), ngrams(2), ngrams(2, 4)])
    assert found.ngrams.tolist() == [2, 3, 4]
    rare = (np.log(4 / 2) + 1) ** 1.5
    assert found.weights == pytest.approx([1, rare, rare])


def test_of_many_reviews_two_must_hold_an_ngram():
    reviews = [ngrams(2), *[ngrams(3)] * 2, *[ngrams(4)] * 97]
    assert NgramFeatures.of(reviews).ngrams.tolist() == [3, 4]
    assert NgramFeatures.of(reviews[:-1]).ngrams.tolist() == [2, 3, 4]


def test_of_many_ngrams_those_of_the_most_reviews_are_taken(monkeypatch):
    """And of equally many the first."""
    monkeypatch.setattr(ngram_features, "MOST_NGRAMS", 3)
    reviews = [ngrams(2, 9), ngrams(3, 9), ngrams(4, 7, 9), ngrams(5, 7)]
    assert NgramFeatures.of(reviews).ngrams.tolist() == [2, 7, 9]


def test_ngrams_of_unrated_reviews_come_after_those_of_rated_ones(monkeypatch):
    rated, unrated = [ngrams(2), ngrams(2, 3), *[ngrams(4)] * 98], [ngrams(5, 6), ngrams(5), ngrams(5, 3)]
    # 3 and 5 stand in two reviews at least; 6 in a single one.
    found = NgramFeatures.of(rated, unrated)
    assert found.ngrams.tolist() == [2, 3, 4, 5]
    assert found.is_rated.tolist() == [True, False, True, False]
    of_two, of_three, of_most = ((np.log(104 / (1 + count)) + 1) ** 1.5 for count in (2, 3, 98))
    assert found.weights == pytest.approx([of_two, of_two, of_most, of_three])
    # That 5 stands in more reviews than 2 does not help it.
    monkeypatch.setattr(ngram_features, "MOST_NGRAMS", 2)
    assert NgramFeatures.of(rated, unrated).ngrams.tolist() == [2, 4]


def test_features_of_a_review_have_the_length_one():
    features = NgramFeatures(ngrams(2, 5, 9), np.array([3.0, 4.0, 1.0]), np.ones(3, bool))
    found = features.matrix([ngrams(2, 5, 7), ngrams(9), ngrams(1, 30), ngrams()])
    assert found.toarray() == pytest.approx(np.array([[0.6, 0.8, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]))
    assert found.dtype == np.float32


def test_ngrams_of_no_rated_review_take_no_part_in_the_length():
    features = NgramFeatures(ngrams(2, 5, 9), np.array([3.0, 4.0, 1.0]), np.array([True, True, False]))
    assert features.matrix([ngrams(2, 5, 9)]).toarray()[0] == pytest.approx([0.6, 0.8, 0.2])


def test_without_any_ngram_there_are_no_features():
    features = NgramFeatures.of([ngrams(), ngrams()])
    assert features.matrix([ngrams(3), ngrams()]).shape == (2, 0)
