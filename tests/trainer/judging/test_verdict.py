"""A model that is no better than what needs no model is called so."""

import types

import numpy as np
import pytest

from beam_pipelines.artifacts.exports import Verdict
from beam_pipelines.artifacts.scale import Scale
from tests.helpers.splits import scored_split
from trainer.architectures.heads import PointHead
from trainer.judging import evaluation
from trainer.judging.judgement import judge
from trainer.judging.verdict import verdict
from trainer.prepared_reviews import Selection

TRUTHS = [2.0, 8.0] * 20
GOOD = [0.2, 0.8] * 20
RIDGE_HINT = "More reviews, more epochs or vectors of more of the words may help."
MEDIAN_HINT = "Do the texts tell the scores, and are there enough reviews?"


@pytest.fixture
def verdict_on(monkeypatch):
    """Judges what a model made of the held-out reviews; of the baselines, the median is 5, and so is the mean."""

    def judged(outputs: list[float], held_out: str = "test") -> Verdict | None:
        splits = {name: scored_split([], []) for name in ("validation", "test")}
        splits |= {
            "train": scored_split([0, 10, 5], [0.5] * 3),
            held_out: scored_split(TRUTHS[: len(outputs)], outputs),
        }
        monkeypatch.setattr(evaluation, "predictor", lambda model: model)
        monkeypatch.setattr(evaluation, "score_split", lambda predict, prepared, selection: splits[selection.splits[0]])
        model, reviews = types.SimpleNamespace(outputs_of_padded=None), types.SimpleNamespace(scale=Scale(0, 10))
        return verdict(judge(model, PointHead(), reviews, learned=Selection.whole("train"), share=0.8, seed=0))

    return judged


@pytest.mark.parametrize("held_out", ["test", "validation"])
def test_a_model_that_tells_good_from_bad_is_better(verdict_on, held_out):
    assert verdict_on(GOOD, held_out) == Verdict(held_out, pytest.approx(0, abs=1e-5), {}, "")


def test_one_that_errs_as_the_median_is_not(verdict_on):
    found = verdict_on([0.5] * 40)
    assert found.no_better_than == {"median": 3, "tfidf_ridge": pytest.approx(3), "tfidf_logistic": 3}
    assert found.sentence == (
        "The model is no better than the median of the training scores, nor than TF-IDF + ridge regression, nor than "
        "TF-IDF + logistic regression: on 40 test reviews its mean absolute error is 3, there 3, 3 and 3. "
        f"{MEDIAN_HINT}"
    )


def test_one_that_is_better_by_chance_is_not(verdict_on):
    """Of 40 reviews it tells 21 rightly and 19 wrongly, as a coin may."""
    found = verdict_on(GOOD[:21] + [1 - output for output in GOOD[21:]])
    assert found.mae == pytest.approx(2.85)
    assert "mean absolute error is 2.85, there 3, a gap that chance explains." in found.sentence
    assert [*found.no_better_than] == ["median"]
    assert verdict_on([0.49, 0.51] * 20).no_better_than == {}  # By little, but always.


@pytest.mark.parametrize(
    ("rival", "key", "named"),
    [
        ("RidgeRival", "tfidf_ridge", "TF-IDF + ridge regression"),
        ("LogisticRival", "tfidf_logistic", "TF-IDF + logistic regression"),
    ],
)
def test_one_that_only_a_linear_model_beats_is_advised_otherwise(verdict_on, monkeypatch, rival, key, named):
    from trainer.judging import baselines

    answers = baselines.Answers(np.array(TRUTHS), np.array(TRUTHS))
    right = types.SimpleNamespace(answer=lambda features: answers, strength=1.0)
    monkeypatch.setattr(baselines, rival, lambda *given: right)
    found = verdict_on([0.3, 0.7] * 20)
    assert found.no_better_than == {key: 0}
    assert found.sentence == (
        f"The model is no better than {named}: on 40 test reviews its mean absolute error is 1, there 0. {RIDGE_HINT}"
    )


def test_without_held_out_reviews_there_is_none(verdict_on):
    assert verdict_on([], "test") is None
