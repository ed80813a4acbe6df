"""A model is put together of its folds, its fit to all reviews, and the n-grams beside it."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest

from beam_pipelines.artifacts.prepared import SPLITS
from tests.helpers.prepared_reviews import FIT_OPTIONS, Review, write_reviews
from tests.trainer.architectures.mean_of_vectors import MeanOfVectors
from trainer.architectures.distribution_head import Branch, DistributionHead
from trainer.architectures.heads import PointHead
from trainer.architectures.ngrams import WithNgrams
from trainer.fitting import cross_fitting, fit_loop, fitted_model, ngram_cross_fit, ngram_fit
from trainer.fitting.model_spec import ModelSpec
from trainer.judging import evaluation
from trainer.prepared_reviews import Selection

VOCABULARY = 20
OPTIONS = dataclasses.replace(FIT_OPTIONS, epochs=2)
FOLDS = 2


@pytest.fixture
def spec(tmp_path) -> ModelSpec:
    random = np.random.default_rng(0)
    reviews = [
        Review(
            f"r{row}",
            random.integers(2, VOCABULARY, random.integers(1, 9)).tolist(),
            float(random.integers(1, 10)),
            group=row % 4,
            split=SPLITS[row % 3],
        )
        for row in range(45)
    ]
    return ModelSpec(
        architecture=MeanOfVectors,
        head=DistributionHead.of(np.arange(1, 10) / 10),
        prepared=write_reviews(tmp_path / "data", reviews, random.normal(size=(VOCABULARY, 3))),
        learned=cross_fitting.LEARNED,
        held_out=None,
    )


def fit(spec: ModelSpec, output: pathlib.Path, *, folds: int, with_ngrams: bool) -> fitted_model.FittedModel:
    output.mkdir(exist_ok=True)
    return fitted_model.fit(spec, OPTIONS, output, folds=folds, with_ngrams=with_ngrams, after_epoch=lambda: None)


def outputs(architecture, spec: ModelSpec) -> np.ndarray:
    predict = evaluation.predictor(architecture.outputs_of_padded)
    return evaluation.score_split(predict, spec.prepared, Selection.whole("test")).outputs


def test_the_epoch_comes_from_the_folds_and_the_weights_from_all_reviews(spec, tmp_path):
    found = fit(spec, tmp_path / "out", folds=FOLDS, with_ngrams=False)
    crossed = cross_fitting.cross_fit(spec, OPTIONS, tmp_path / "out", FOLDS, after_epoch=pytest.fail)
    assert found.state == crossed.state
    assert np.array_equal(found.out_of_fold.outputs, crossed.reviews.outputs)
    assert (found.head, found.ngram_strength) == (spec.head, None)
    keras.utils.set_random_seed(OPTIONS.seed)
    alone = fit_loop.start(spec, OPTIONS)
    fit_loop.fit(alone.model, spec, OPTIONS, tmp_path / "alone", epochs=found.state.best_epoch)
    for one, other in zip(found.architecture.model.get_weights(), alone.model.get_weights(), strict=True):
        assert np.array_equal(one, other)
    kept = [path.name for path in (tmp_path / "out/checkpoints").glob("epoch-*")]
    assert kept == [f"epoch-{found.state.best_epoch:04d}.weights.h5"]


@pytest.mark.slow
def test_ngrams_stand_beside_the_model_with_half_the_weight_until_more_is_known(spec, tmp_path, monkeypatch):
    monkeypatch.setattr(ngram_fit, "STRENGTHS", (30.0,))
    found = fit(spec, tmp_path / "out", folds=FOLDS, with_ngrams=True)
    without = fit(spec, tmp_path / "out", folds=FOLDS, with_ngrams=False)
    ngrams = ngram_cross_fit.fit(spec, FOLDS)
    assert isinstance(found.architecture, WithNgrams)
    assert found.head.branches == (Branch(0.5), Branch(0.5))
    assert found.ngram_strength == ngrams.strength == 30
    both = np.concatenate([without.out_of_fold.outputs, ngrams.outputs], axis=1)
    assert np.array_equal(found.out_of_fold.outputs, both)
    expected = [outputs(part, spec) for part in (without.architecture, ngrams.ngrams)]
    assert outputs(found.architecture, spec) == pytest.approx(np.concatenate(expected, axis=1), abs=1e-5)


def test_without_folds_the_held_out_split_chooses(spec, tmp_path):
    split = dataclasses.replace(spec, learned=Selection.whole("train"), held_out=Selection.whole("validation"))
    found = fit(split, tmp_path / "out", folds=0, with_ngrams=True)
    assert found.out_of_fold is None
    assert not (tmp_path / "out/checkpoints/folds").exists()
    assert [set(figures) >= {"validation_mae_share"} for figures in found.state.history] == [True, True]
    assert outputs(found.architecture, spec).shape == (15, 2 * spec.head.outputs)


def test_ngrams_beside_a_head_without_bins_are_no_model(spec, tmp_path):
    """The settings refuse them before."""
    point = dataclasses.replace(spec, head=PointHead())
    with pytest.raises(AssertionError, match="n-grams need bins"):
        fit(point, tmp_path / "out", folds=0, with_ngrams=True)
