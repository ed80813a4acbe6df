"""The n-grams of each fold learn from the others, with the strength that held-out reviews choose."""

import dataclasses
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.prepared_reviews import Review, write_reviews, write_unrated
from tests.trainer.architectures.mean_of_vectors import MeanOfVectors
from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.heads import PointHead
from trainer.fitting import cross_fitting, ngram_cross_fit, ngram_factors, ngram_features, ngram_fit
from trainer.fitting.model_spec import ModelSpec
from trainer.fitting.ngram_features import NgramFeatures
from trainer.judging import evaluation
from trainer.prepared_reviews import Selection

GOOD, BAD = 2, 3
VOCABULARY = 30
HEAD = DistributionHead.of(np.array([0.1, 0.5, 0.9]))
LEARNED = cross_fitting.LEARNED


def reviews(rows: int = 60, seed: int = 0) -> list[Review]:
    """Most of them tell by a word whether they are good or bad."""
    random = np.random.default_rng(seed)
    given = []
    for row in range(rows):
        score = float(random.choice([1, 5, 9]))
        told = {1: [BAD], 5: [], 9: [GOOD]}[score] if random.random() < 0.8 else []
        ids = [*random.integers(5, VOCABULARY, random.integers(2, 8)), *told]
        split = "validation" if row % 3 == 0 else "train"
        given.append(Review(f"r{row}", [int(token) for token in ids], score, group=row % 4, split=split))
    return given


def spec_of(folder: pathlib.Path, given: list[Review], **changed) -> ModelSpec:
    spec = ModelSpec(
        architecture=MeanOfVectors,
        head=HEAD,
        prepared=write_reviews(folder, given, np.zeros((VOCABULARY, 2))),
        learned=LEARNED,
        held_out=None,
    )
    return dataclasses.replace(spec, **changed)


def fitted(given: list[Review], strength: float):
    """N-grams of reviews, fitted by the parts alone."""
    ngrams = ngram_features.NgramReviews(
        [ngram_features.distinct(np.array(one.ids)) for one in given],
        np.array(HEAD.targets(np.float32([one.score / 10 for one in given]))),
    )
    features = NgramFeatures.of(ngrams.ngrams)
    return ngram_fit.fit(ngrams, features, vocabulary_size=VOCABULARY, strength=strength)


def outputs_of(branch, ids: list[int]) -> np.ndarray:
    return branch.outputs(tf.ragged.constant([ids], tf.int64)).numpy()[0]


def test_outputs_of_each_fold_are_those_of_ngrams_that_learned_from_the_others(tmp_path):
    given = reviews()
    spec = spec_of(tmp_path, given)
    found = ngram_cross_fit.fit(spec, 3)
    folds = [LEARNED.in_folds(3, fold)[1] for fold in range(3)]
    names = evaluation.joined([evaluation.score_split(None, spec.prepared, fold) for fold in folds]).names
    by_name = {one.name: one for one in given}
    others = {fold: fitted([one for one in given if one.group % 3 != fold], found.strength) for fold in range(3)}
    assert sorted(name.decode() for name in names) == sorted(by_name)
    for name, row in zip(names, found.outputs, strict=True):
        review = by_name[name.decode()]
        # Which reviews come first in a fit moves its end by what its tolerance leaves open.
        assert row == pytest.approx(outputs_of(others[review.group % 3], review.ids), abs=0.05)


def test_the_ngrams_that_are_kept_learned_from_all(tmp_path):
    given = reviews()
    found = ngram_cross_fit.fit(spec_of(tmp_path, given), 2)
    expected = fitted(given, found.strength)
    assert found.ngrams.keys.numpy().tolist() == expected.keys.numpy().tolist()
    for one in given[:10]:
        assert outputs_of(found.ngrams, one.ids) == pytest.approx(outputs_of(expected, one.ids), abs=0.05)


def test_no_score_of_a_fold_has_a_say_in_what_is_said_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(ngram_fit, "STRENGTHS", (30.0,))
    given = reviews()
    changed = [dataclasses.replace(one, score=10 - one.score) if one.group % 2 == 0 else one for one in given]
    one, other = (
        ngram_cross_fit.fit(spec_of(tmp_path / name, rows), 2).outputs
        for name, rows in (("first", given), ("changed", changed))
    )
    rows = sum(one.group % 2 == 0 for one in given)
    assert np.array_equal(one[:rows], other[:rows])
    assert not np.isclose(one[rows:], other[rows:]).all(axis=1).any()


def test_the_strength_is_the_one_with_which_held_out_reviews_are_scored_best(tmp_path):
    """By those that choose, of the held-out split."""
    given = reviews(150)
    spec = spec_of(tmp_path, given, learned=Selection.whole("train"), held_out=Selection.whole("validation"))
    found = ngram_cross_fit.fit(spec, 0)
    assert found.outputs is None
    split = evaluation.score_split(None, spec.prepared, spec.held_out)
    texts = {one.name: one.ids for one in given}

    def error(strength: float) -> float:
        branch = fitted([one for one in given if one.split == "train"], strength)
        outputs = np.stack([outputs_of(branch, texts[name.decode()]) for name in split.names])
        gaps = np.abs(np.array(HEAD.score(outputs)) - split.truths / 10)
        assert 0 < split.chooses.sum() < len(gaps)
        return gaps[split.chooses].mean()

    errors = {strength: error(strength) for strength in ngram_fit.STRENGTHS}
    assert errors[found.strength] == pytest.approx(min(errors.values()), abs=1e-3)


def test_without_held_out_reviews_the_first_strength_is_taken(tmp_path):
    given = [dataclasses.replace(one, split="train") for one in reviews(20)]
    spec = spec_of(tmp_path, given, learned=Selection.whole("train"), held_out=Selection.whole("validation"))
    assert ngram_cross_fit.fit(spec, 0).strength == ngram_fit.STRENGTHS[0]


def test_unrated_reviews_teach_what_no_rated_one_holds(tmp_path, monkeypatch):
    """A word that stands beside the good one in them."""
    monkeypatch.setattr(ngram_factors, "FACTORS", 8)
    new = VOCABULARY - 1
    given = [one for one in reviews(120) if new not in one.ids]
    spec = spec_of(tmp_path, given)
    bad, _, good = outputs_of(ngram_cross_fit.fit(spec, 0).ngrams, [new, 7])
    random = np.random.default_rng(0)
    write_unrated(tmp_path, [[new, GOOD, *random.integers(5, 25, 3).tolist()] for _ in range(80)])
    taught_bad, _, taught_good = outputs_of(ngram_cross_fit.fit(spec, 0).ngrams, [new, 7])
    assert taught_good - taught_bad > good - bad + 1


def test_a_head_without_bins_is_not_asked_for(tmp_path):
    with pytest.raises(AssertionError, match="n-grams need bins"):
        ngram_cross_fit.fit(spec_of(tmp_path, reviews(9), head=PointHead()), 0)


def test_how_often_and_how_long_is_told(tmp_path, caplog):
    caplog.set_level("INFO")
    ngram_cross_fit.fit(spec_of(tmp_path, reviews()), 3)
    told = [record.message for record in caplog.records if record.message.startswith("fitting n-grams")]
    # Three strengths on the first fold, the two other folds, and all.
    assert [re.sub(r"\d+ reviews|at most \d+ s", "-", line) for line in told] == [
        "fitting n-grams to -, 1 of 6 times",
        *(f"fitting n-grams to -, {time} of 6 times; - left" for time in range(2, 7)),
    ]
