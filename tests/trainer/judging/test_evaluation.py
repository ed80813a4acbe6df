import dataclasses

import numpy as np
import pytest

from beam_pipelines.artifacts.scale import Scale
from tests.helpers.splits import scored_split
from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.heads import PointHead
from trainer.architectures.interval_reach import IntervalReach
from trainer.judging import baselines, evaluation
from trainer.judging.evaluation import Predictions

SCALE = Scale(0, 10)


def scores(score: list[float], low: list[float], high: list[float], mean: list[float] | None = None) -> Predictions:
    return Predictions(*(np.array(values, float) for values in (score, low, high, mean or score)))


def test_measures_by_hand():
    truths = np.array([0.5, 1.0, 9.0, 10.0])
    found = evaluation.measure(scores([1.5, 1.0, 9.0, 6.0], [1, 0, 8, 5], [2, 2, 10, 7]), truths, SCALE)
    assert found["mae"] == pytest.approx(5 / 4)
    assert found["mae_share"] == pytest.approx(5 / 40)
    assert found["rmse"] == pytest.approx((17 / 4) ** 0.5)
    assert found["coverage"] == 0.5
    assert found["width"] == pytest.approx((1 + 2 + 2 + 2) / 4)
    assert found["correlation"] == pytest.approx(np.corrcoef([1.5, 1, 9, 6], truths)[0, 1])
    assert found["by_bin"]["rows"] == [2, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert found["by_bin"]["mae"] == [0.5, *[None] * 7, 0, 4]
    assert found["by_bin"]["bias"] == [0.5, *[None] * 7, 0, -4]
    assert found["by_bin"]["coverage"] == [0.5, *[None] * 7, 1, 0]
    assert found["by_bin"]["width"] == [1.5, *[None] * 7, 2, 2]
    assert found["mae_mean_over_bins"] == pytest.approx((0.5 + 0 + 4) / 3)


def test_the_area_under_the_curve_is_that_of_the_means():
    """Of two reviews above the middle and two that are not, three pairs of four are in order; the scores are all 5."""
    truths = np.array([5.0, 2.0, 6.0, 9.0])
    found = evaluation.measure(scores([5] * 4, [0] * 4, [9] * 4, [4, 1, 3, 8]), truths, SCALE)
    assert found["auc"] == 0.75
    assert evaluation.measure(scores([5] * 2, [0] * 2, [9] * 2), np.array([6.0, 7.0]), SCALE)["auc"] is None


def test_a_constant_has_no_correlation():
    assert evaluation.measure(scores([5, 5], [0, 0], [9, 9]), np.array([1.0, 2.0]), SCALE)["correlation"] is None


def test_only_one_half_of_validation_calibrates():
    """The rows with an odd hash; those with an even one could not be further off."""
    validation = scored_split([5, 5, 5, 5, 0, 0], [0.4, 0.3, 0.2, 0.1, 1.0, 1.0], [1, 3, 5, 7, 2, 4])
    assert evaluation.calibration(PointHead(), validation, SCALE).reach(0.5).reaches == pytest.approx((0.3,))


def test_of_reviews_in_folds_all_calibrate_and_all_choose():
    """Whose outputs no model gave that saw them."""
    folds = [scored_split([5, 5], [0.4, 0.3], [1, 2]), scored_split([5, 5], [0.2, 0.1], [3, 4])]
    validation = evaluation.joined(folds)
    assert (validation.calibrates.sum(), validation.chooses.sum()) == (4, 4)
    # Gaps of 0.1 to 0.4, of which the third lowest covers half of what is unseen.
    assert evaluation.calibration(PointHead(), validation, SCALE).reach(0.5).reaches == pytest.approx((0.3,))


def test_joined_folds_hold_all_reviews_one_after_the_other():
    first = dataclasses.replace(scored_split([1, 2, 3], [0.1, 0.2, 0.3]), sample=np.array([0, 2]))
    first = dataclasses.replace(first, tokens=[np.array([2], np.int32), np.array([3], np.int32)])
    second = dataclasses.replace(scored_split([4, 5], [0.4, 0.5], [7, 8]), sample=np.array([1]))
    second = dataclasses.replace(second, tokens=[np.array([4], np.int32)])
    found = evaluation.joined([first, scored_split([], []), second])
    assert found.names.tolist() == [b"r0", b"r1", b"r2", b"r0", b"r1"]
    assert found.truths.tolist() == [1, 2, 3, 4, 5]
    assert found.hashes.tolist() == [0, 1, 2, 7, 8]
    assert found.outputs[:, 0] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert found.folds.tolist() == [0, 0, 0, 2, 2]
    assert found.sample.tolist() == [0, 2, 4]
    assert [ids.tolist() for ids in found.tokens] == [[2], [3], [4]]


def test_every_split_stands_beside_baselines_that_learned_from_the_training_split():
    splits = {
        "train": scored_split([0, 2, 10], [0.1, 0.1, 0.1]),
        "validation": scored_split([], []),
        "test": scored_split([4, 6], [0.5, 0.5]),
    }
    report = baselines.beside_baselines(PointHead(), splits, IntervalReach.constant(np.inf), SCALE, share=0.8, seed=0)
    assert report["validation"] == {"rows": 0}
    assert report["test"]["mae"] == 1
    assert report["test"]["median"]["mae"] == 3  # The training median is 2.
    assert report["test"]["tfidf_ridge"]["mae"] == 1  # All texts are equal, so it answers the mean, 4.
    assert report["test"]["tfidf_logistic"]["mae"] == 3  # And here the median of three equal classes, 2.
    assert set(report["train"]) >= {"mae", "by_bin"}
    # Without calibration rows every interval is the whole scale.
    for name in ("median", "random_guess", "tfidf_ridge", "tfidf_logistic", "fixed_width"):
        assert report["test"][name]["width"] == 10
        assert report["test"][name]["rows"] == 2
    guesses = {
        baselines.beside_baselines(PointHead(), splits, IntervalReach.constant(0.1), SCALE, share=0.8, seed=seed)[
            "test"
        ]["random_guess"]["mae"]
        for seed in range(9)
    }
    assert len(guesses) > 1
    assert guesses <= {3, 4, 5, 6}  # Pairs of 0, 2 and 10 against 4 and 6.


@pytest.mark.parametrize("rival", ["tfidf_ridge", "tfidf_logistic"])
def test_linear_rivals_learn_which_tokens_are_good(rival):
    random = np.random.default_rng(0)
    truths = random.choice([1.0, 9.0], 200)
    tokens = [np.array([2 if truth > 5 else 3, 4, random.integers(5, 50)], np.int32) for truth in truths]
    reviews = scored_split(truths.tolist(), [0.5] * 200)
    reviews = dataclasses.replace(reviews, tokens=tokens)
    found = baselines.measure({"train": reviews, "validation": reviews, "test": reviews}, SCALE, seed=0, share=0.8)
    assert found["test"][rival]["mae"] < 1
    assert found["test"][rival]["auc"] > 0.99
    assert found["test"]["median"]["mae"] > 3
    assert found["test"]["median"]["auc"] == 0.5
    assert found["test"][rival]["width"] < found["test"]["median"]["width"]
    assert found["test"][rival]["coverage"] >= 0.75


@pytest.mark.parametrize("rival", ["tfidf_ridge", "tfidf_logistic"])
def test_linear_rivals_learn_from_the_other_folds_alone(rival):
    """In one fold a token is good and another bad, in the other fold it is the other way round."""
    tokens, opposite = [np.array([token], np.int32) for token in (2, 3)] * 30, [9.0, 1.0] * 30
    folds = [
        dataclasses.replace(scored_split(truths, [0.5] * 60), tokens=tokens) for truths in (opposite, opposite[::-1])
    ]
    splits = {"train": evaluation.joined(folds), "validation": evaluation.joined(folds), "test": scored_split([], [])}
    found = baselines.measure(splits, SCALE, seed=0, share=0.8)["validation"]
    assert found[rival]["rows"] == 120
    # Ridge regression answers a little nearer to the middle.
    assert found[rival]["mae"] == pytest.approx(8, abs=0.3)
    assert found[rival]["auc"] == 0
    assert found["median"]["mae"] == 4


@pytest.mark.parametrize("rival", ["tfidf_ridge", "tfidf_logistic"])
def test_of_a_single_fold_linear_rivals_answer_the_median(rival):
    """There is no other to learn from."""
    only = evaluation.joined([scored_split([2, 4, 9], [0.5] * 3)])
    splits = {"train": only, "validation": only, "test": scored_split([], [])}
    assert baselines.measure(splits, SCALE, seed=0, share=0.8)["validation"][rival]["mae"] == pytest.approx(7 / 3)


def test_linear_rivals_stand_where_no_two_reviews_share_a_token():
    """As of ids, or of a language without spaces."""
    reviews = dataclasses.replace(
        scored_split([2, 4] * 60, [0.5] * 120), tokens=[np.array([token], np.int32) for token in range(2, 122)]
    )
    others = dataclasses.replace(scored_split([2, 4], [0.5] * 2), tokens=[np.array([1], np.int32)] * 2)
    found = baselines.measure({"train": reviews, "validation": others, "test": others}, SCALE, seed=0, share=0.8)
    assert found["test"]["tfidf_ridge"]["mae"] == pytest.approx(1)  # It answers the mean, 3.
    assert found["test"]["tfidf_logistic"]["mae"] == pytest.approx(1)  # It answers 2, or 4.


def test_what_calibrates_has_no_say_in_the_temperature():
    """It is that of the other half alone."""
    random = np.random.default_rng(0)
    head = DistributionHead.of(random.random(300))
    truths, outputs = random.random(60) * 10, random.normal(size=(60, 10)) * 4

    def tempered(truths):
        rows = dataclasses.replace(scored_split(truths.tolist(), [0.5] * 60), outputs=outputs.astype(np.float32))
        return evaluation.fitted_head(head, rows, SCALE)

    found = tempered(truths)
    assert found.branches[0].temperature > 1  # Random logits are much too bold.
    others = np.where(np.arange(60) % 2 == 1, 10 - truths, truths)
    assert tempered(others).about() == found.about()
    assert evaluation.fitted_head(PointHead(), scored_split([], []), SCALE).outputs == 1


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_the_temperature_is_the_one_at_which_the_score_errs_least(factor):
    """Logits that are so many times too flat or too steep for their truths."""
    random = np.random.default_rng(0)
    head = DistributionHead.of(random.random(300))
    outputs = (random.normal(size=(600, 10)) * 2).astype(np.float32)
    rows = scored_split((np.array(head.score(outputs / factor)) * 10).tolist(), [0.5] * 600)
    rows = dataclasses.replace(rows, outputs=outputs)
    found = evaluation.fitted_head(head, rows, SCALE)
    assert found.branches[0].temperature == pytest.approx(factor, rel=0.1)
    assert found.points.tolist() == head.points.tolist()
