"""A model is judged with the head and the interval that it is exported with."""

import dataclasses
import types

import numpy as np
import pytest

from beam_pipelines.artifacts.scale import Scale
from tests.helpers.splits import scored_split
from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.heads import PointHead
from trainer.judging import evaluation, judgement
from trainer.prepared_reviews import Selection

SCALE = Scale(0, 10)
# What it says stands in the splits.
MODEL = types.SimpleNamespace(outputs_of_padded=None)


def judge(
    monkeypatch, head, splits: dict, *, share: float = 0.5, seed: int = 0, out_of_fold=None
) -> judgement.Judgement:
    """Judges the outputs of some splits, instead of a model."""
    monkeypatch.setattr(evaluation, "predictor", lambda model: model)
    monkeypatch.setattr(evaluation, "score_split", lambda predict, prepared, selection: splits[selection.splits[0]])
    reviews, learned = types.SimpleNamespace(scale=SCALE), Selection.whole("train")
    return judgement.judge(MODEL, head, reviews, learned=learned, out_of_fold=out_of_fold, share=share, seed=seed)


def test_the_interval_is_calibrated_on_half_of_validation_and_measured_on_every_split(monkeypatch):
    splits = {
        "train": scored_split([1, 2], [0.1, 0.2]),
        "validation": scored_split([5, 5, 5, 5, 0], [0.4, 0.3, 0.2, 0.1, 1.0], [1, 3, 5, 7, 2]),
        "test": scored_split([5, 9], [0.5, 0.4]),
    }
    judged = judge(monkeypatch, PointHead(), splits)
    assert judged.reach.reaches == pytest.approx((0.3,))
    reach = {"positions": [0.0], "reaches": list(judged.reach.reaches)}
    assert judged.interval.to_json() == {"share": 0.5, "calibration_rows": 4, **reach}
    predictions = judged.predictions("test")
    assert predictions.score == pytest.approx([5, 4])
    assert predictions.low == pytest.approx([2, 1], abs=1e-3)
    assert predictions.high == pytest.approx([8, 7], abs=1e-3)
    assert judged.figures["test"]["mae"] == pytest.approx(2.5)
    assert judged.figures["test"]["coverage"] == 0.5
    assert [judged.figures[name]["rows"] for name in splits] == [2, 5, 2]
    guesses = {
        judge(monkeypatch, PointHead(), splits, seed=seed).figures["test"]["random_guess"]["mae"] for seed in range(5)
    }
    assert len(guesses) > 1


def test_reviews_in_folds_stand_as_validation_and_all_of_them_calibrate(monkeypatch):
    splits = {"train": scored_split([1, 2], [0.1, 0.2]), "test": scored_split([5], [0.5])}
    folds = [scored_split([5, 5, 5], [0.4, 0.3, 0.2], [2, 4, 6]), scored_split([5], [0.1], [8])]
    judged = judge(monkeypatch, PointHead(), splits, out_of_fold=evaluation.joined(folds))
    assert judged.reach.reaches == pytest.approx((0.3,))
    assert judged.interval.calibration_rows == 4
    assert judged.figures["validation"]["rows"] == 4
    assert judged.figures["validation"]["mae"] == pytest.approx(2.5)
    assert judged.figures["validation"]["coverage"] == 0.75


def test_without_calibration_rows_the_interval_is_the_whole_scale_and_says_so(monkeypatch, caplog):
    splits = {name: scored_split([5, 6], [0.5, 0.6], [2, 4]) for name in ("train", "validation", "test")}
    judged = judge(monkeypatch, PointHead(), splits)
    assert not judged.reach.is_finite
    assert judged.interval.to_json() == {"share": 0.5, "calibration_rows": 0}
    assert "too few reviews calibrate an interval of 0.5: it is the whole scale" in caplog.text
    assert judged.predictions("test").low.tolist() == [0, 0]


def test_the_interval_is_that_of_the_head_at_its_best_temperature(monkeypatch):
    random = np.random.default_rng(0)
    head = DistributionHead.of(random.random(300))
    outputs = (random.normal(size=(200, 10)) * 4).astype(np.float32)
    reviews = scored_split((random.random(200) * 10).tolist(), [0.5] * 200)
    reviews = dataclasses.replace(reviews, outputs=outputs)
    judged = judge(monkeypatch, head, dict.fromkeys(("train", "validation", "test"), reviews), share=0.8)
    assert judged.head.branches[0].temperature > 1  # Random logits are much too bold.
    again = evaluation.calibration(judged.head, reviews, SCALE).reach(0.8)
    assert judged.reach == again != evaluation.calibration(head, reviews, SCALE).reach(0.8)
