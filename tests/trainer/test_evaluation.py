import numpy as np
import pytest

from beam_pipelines.scale import Scale
from trainer import evaluation
from trainer.evaluation import Scored

SCALE = Scale(0, 10)


def scored(truths: list[float], scores: list[float]) -> Scored:
    return Scored(np.array(["r"] * len(truths)), np.array(truths, float), np.array(scores, float))


def test_errors():
    found = evaluation.errors(np.array([1.0, 5.0]), np.array([2.0, 2.0]), SCALE)
    assert found == pytest.approx({"mae": 2, "mae_share": 0.2, "rmse": 5**0.5})


def test_every_split_stands_beside_guesses_that_know_no_text():
    splits = {
        "train": scored([0, 2, 10], [1, 1, 1]),
        "validation": scored([], []),
        "test": scored([4, 6], [5, 5]),
    }
    report = evaluation.metrics(splits, SCALE, seed=0)
    assert report["validation"] == {"rows": 0}
    assert report["test"]["mae"] == 1
    assert report["test"]["median"]["mae"] == 3  # The training median is 2.
    assert report["train"]["random_guess"]["mae"] > 0
    assert report == evaluation.metrics(splits, SCALE, seed=0)
    guesses = {evaluation.metrics(splits, SCALE, seed=seed)["test"]["random_guess"]["mae"] for seed in range(9)}
    assert len(guesses) > 1
    assert guesses <= {3, 4, 5, 6}  # Pairs of 0, 2 and 10 against 4 and 6.
