"""The parts of a report say what was measured, of the split that judges the model."""

import types

import numpy as np
import pytest

from beam_pipelines.artifacts.scale import Scale
from tests.helpers.splits import scored_split
from trainer.architectures.heads import PointHead
from trainer.architectures.interval_reach import IntervalReach
from trainer.judging import evaluation, report, report_sections
from trainer.judging.baselines import beside_baselines
from trainer.judging.finished_run import FinishedRun
from trainer.judging.judgement import Judgement
from trainer.prepared_reviews import Selection

SCALE = Scale(0, 10)
TRAIN = scored_split([2, 5, 9], [0.2, 0.5, 0.8])
VALIDATION = scored_split([5, 5, 5, 5, 0], [0.4, 0.3, 0.2, 0.1, 1.0], [1, 3, 5, 7, 2])
TEST = scored_split([1, 5, 9], [0.2, 0.5, 0.4])


REACH = IntervalReach.constant(0.3)


class Scorer:
    """What an export serves: a text's length as its score."""

    def serve(self, texts):
        lengths = np.array([float(len(text)) for text in texts.numpy()])
        bounds = {"score": lengths, "score_low": lengths - 1, "score_high": lengths + 2}
        return {name: types.SimpleNamespace(numpy=lambda values=values: values) for name, values in bounds.items()}


def run(test=TEST, validation=VALIDATION, verdict: dict | None = None) -> FinishedRun:
    splits = {"train": TRAIN, "validation": validation, "test": test}
    figures = beside_baselines(PointHead(), splits, REACH, SCALE, share=0.5, seed=0)
    judgement = Judgement(
        head=PointHead(),
        share=0.5,
        calibration=evaluation.calibration(PointHead(), validation, SCALE),
        reach=REACH,
        scale=SCALE,
        splits=splits,
        figures=figures,
    )
    prepared = types.SimpleNamespace(
        scale=SCALE,
        histogram={("train",): [1, 0, 0, 0, 1, 0, 0, 0, 1, 0]}.get,
        vocabulary=lambda: ["good", "bad"],
        vectors=lambda: np.eye(4, dtype=np.float32),
    )
    history = [{"epoch": 1, "loss": 2.0, "validation_mae_share": 0.2}]
    made = {"trainer_settings": {}, "versions": {}, "interval": {}, "export": "v", "verdict": verdict}
    made |= {"head": {}, "folds": 0, "ngram_strength": None, "unrated_reviews": 0, "taught_reviews": 0}
    return FinishedRun(
        prepared=prepared,
        learned=Selection.whole("train"),
        architecture=types.SimpleNamespace(learned_vectors=lambda: None),
        judgement=judgement,
        scorer=Scorer(),
        metrics={**figures, **made, "history": history, "best_epoch": 1},
        seed=0,
        balanced=False,
    )


@pytest.mark.parametrize(
    ("words", "taught", "told"),
    [
        (0, 0, "Learned from 3 reviews, on a scale"),
        (40, 0, "Learned from 3 reviews, and words from 40 unrated ones, on a scale"),
        (40, 7, "Learned from 3 reviews, 7 that a teacher scored, and words from 40 unrated ones, on a scale"),
        (0, 7, "Learned from 3 reviews, 7 that a teacher scored, on a scale"),
    ],
)
def test_the_headline_tells_what_unrated_reviews_taught(words, taught, told):
    made = run()
    made.metrics.update(unrated_reviews=words, taught_reviews=taught)
    assert report.headline(made).startswith(told)


NOTHING = scored_split([], [])


@pytest.mark.parametrize(
    ("finished", "judged"),
    [(run(), "test"), (run(test=NOTHING), "validation"), (run(test=NOTHING, validation=NOTHING), "train")],
)
def test_the_test_split_judges_or_what_there_is_in_its_place(finished, judged):
    assert finished.judged_split == judged
    assert finished.split is finished.judgement.splits[judged]
    assert finished.predictions.score.tolist() == finished.judgement.predictions(judged).score.tolist()


def test_the_headline_says_the_error_beside_the_baselines():
    assert report.headline(run()) == (
        "Learned from 3 reviews, on a scale from 0 to 10. On 3 test reviews the mean absolute error is 2, or 20.0% of "
        "the scale (TF-IDF + logistic regression 26.7%, TF-IDF + ridge 27.8%, median 26.7%), and 67% of the true "
        "scores lie in their 50% interval."
    )


def test_the_headline_ends_with_the_verdict():
    assert report.headline(run(verdict={"sentence": "The model is no better."})).endswith(
        " lie in their 50% interval. The model is no better."
    )
    assert report.headline(run(verdict={"sentence": ""})) == report.headline(run())


def test_the_headline_says_what_flatters():
    sentences = report.headline(run(test=NOTHING))
    assert "On 5 validation reviews" in sentences
    assert ", on reviews that also chose the epoch and calibrated the interval, which flatters" in sentences
    assert sentences.endswith(", and 60% of the true scores lie in their 50% interval.")
    alone = report.headline(run(test=NOTHING, validation=NOTHING))
    assert "On 3 train reviews" in alone
    assert "median" not in alone


def test_the_model_stands_first_among_its_rivals():
    section = report_sections.comparison(run())
    assert section.title == "Errors on the test split"
    rows = section.table["rows"]
    assert [row[0] for row in rows] == list(report_sections.NAMES.values())
    assert rows[0][1:3] == [3, pytest.approx(2)]
    assert section.table["marked"] == [0]
    assert len(report_sections.comparison(run(test=NOTHING, validation=NOTHING)).table["rows"]) == 1


def test_tables_by_bin_leave_out_the_rival_that_differs_by_its_interval_alone():
    errors, bias, coverage, width = report_sections.by_bin(run())
    constant = report_sections.NAMES["fixed_width"]
    assert constant not in errors.table["header"] + bias.table["header"]
    assert constant in coverage.table["header"]
    assert constant in width.table["header"]
    rows = {row[0]: row[1:] for row in errors.table["rows"]}
    assert list(rows)[:2] == ["[0, 1]", "(1, 2]"]
    assert rows["[0, 1]"][:2] == [1, pytest.approx(1)]
    assert rows["(1, 2]"][:2] == [0, None]


def test_each_plot_is_drawn_of_the_split_that_judges():
    sections = report_sections.plots(run())
    assert [section.name for section in sections] == [
        "errors",
        "calibration",
        "scores",
        "learning_curves",
        "sample_weights",
        "sequence_lengths",
    ]
    assert sections[0].caption.startswith("The test split;")
    assert sections[4].figure.axes[0].get_title() == "not used in this run"


def test_calibration_is_drawn_for_many_shares():
    """Of calibration gaps of 0.1, 0.2, 0.3 and 0.4, and gaps of 0.15, 0 and 0.5 in the test."""
    calibration = report_sections.plots(run(test=scored_split([1, 5, 9], [0.25, 0.5, 0.4])))[1]
    covered = calibration.figure.axes[0].lines[1].get_xydata()
    assert covered[:, 0] == pytest.approx(np.arange(1, 10) / 10)
    assert covered[[0, 2, 8], 1] == pytest.approx([1 / 3, 2 / 3, 1])


def test_probes_are_scored_by_the_export():
    section = report_sections.probes(run(), ("mine",))
    rows = {row[0]: row[1:] for row in section.table["rows"]}
    assert list(rows) == [*report_sections.PROBES, "mine"]
    assert rows["mine"] == [4, 3, 6]


def test_the_largest_errors_come_first_with_their_words():
    section = report_sections.misses(run())
    assert section.table["rows"] == [
        ["r2", 9, pytest.approx(4), "good bad good"],
        ["r0", 1, pytest.approx(2), "good bad good"],
        ["r1", 5, pytest.approx(5), "good bad good"],
    ]


def test_nearest_words_are_by_the_learned_vectors_or_by_the_given_ones():
    given = report_sections.nearest_words(run())
    assert given.caption == ""
    finished = run()
    finished.architecture.learned_vectors = lambda: np.ones((4, 2), np.float32)
    assert "that the model learned" in report_sections.nearest_words(finished).caption


@pytest.mark.parametrize("with_text", [True, False])
def test_words_of_reviews_are_told_only_if_they_may_be(with_text):
    titles = [section.title for section in report.sections(run(), probes=(), with_text=with_text)]
    assert ("The largest errors" in titles) == ("Nearest words" in titles) == with_text
    assert titles[-1] == "How it was made"


def test_nearest_words_are_those_of_the_smallest_angle():
    table = np.array([[0, 0], [0, 0], [1, 0], [2, 0.1], [-1, 0], [0, 1]], np.float32)
    neighbours = report_sections.nearest(table, ["good", "fine", "bad", "else"])
    assert list(neighbours) == ["good", "bad"]
    assert [word for word, _ in neighbours["good"]] == ["fine", "else", "bad"]
    assert neighbours["good"][0][1] == pytest.approx(2 / np.hypot(2, 0.1))


def test_a_vocabulary_without_any_probe_word_shows_its_first_ones():
    table = np.random.default_rng(0).normal(size=(22, 3)).astype(np.float32)
    neighbours = report_sections.nearest(table, [f"w{row}" for row in range(20)])
    assert list(neighbours) == ["w0", "w1", "w2", "w3"]
    assert all(len(near) == 10 for near in neighbours.values())
