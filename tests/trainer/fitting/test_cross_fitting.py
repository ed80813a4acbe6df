"""Each review is scored by a model that did not see it, and all of them together choose the epoch."""

import dataclasses
import pathlib

import numpy as np
import pytest

from tests.helpers.prepared_reviews import FIT_OPTIONS, SCALE, Review, write_reviews
from tests.trainer.architectures.mean_of_vectors import MeanOfVectors
from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.heads import PointHead
from trainer.fitting import cross_fitting
from trainer.fitting.model_spec import ModelSpec
from trainer.judging import evaluation
from trainer.prepared_reviews import Selection

VOCABULARY, DIM = 20, 4
OPTIONS = dataclasses.replace(FIT_OPTIONS, epochs=1)
LEARNED = cross_fitting.LEARNED


def reviews(rows: int = 40) -> list[Review]:
    """Scores from 1 to 9, in four groups that stay together, of which a fifth were to validate."""
    random = np.random.default_rng(0)
    return [
        Review(
            name=f"r{row}",
            ids=random.integers(2, VOCABULARY, random.integers(1, 9)).tolist(),
            score=float(random.integers(1, 10)),
            group=row % 4,
            split="validation" if row % 5 == 0 else "train",
        )
        for row in range(rows)
    ]


def spec_of(folder: pathlib.Path, given: list[Review], head=None) -> ModelSpec:
    vectors = np.random.default_rng(1).normal(size=(VOCABULARY, DIM))
    return ModelSpec(
        architecture=MeanOfVectors,
        head=head or DistributionHead.of(np.arange(1, 10) / 10),
        prepared=write_reviews(folder, given, vectors),
        learned=LEARNED,
        held_out=None,
    )


def cross_fit(spec: ModelSpec, output: pathlib.Path, after_epoch=lambda: None, **options) -> cross_fitting.CrossFit:
    return cross_fitting.cross_fit(spec, dataclasses.replace(OPTIONS, **options), output, 2, after_epoch=after_epoch)


def outputs_by_name(found: cross_fitting.CrossFit) -> dict[str, list[float]]:
    return {name.decode(): row.tolist() for name, row in zip(found.reviews.names, found.reviews.outputs, strict=True)}


def test_no_review_has_a_say_in_its_own_outputs(tmp_path):
    """Other scores of one fold change what is said of the other one alone."""
    given = reviews()
    changed = [dataclasses.replace(one, score=10 - one.score) if one.group % 2 == 0 else one for one in given]
    found, other = (
        outputs_by_name(cross_fit(spec_of(tmp_path / name, rows), tmp_path / f"{name}-out"))
        for name, rows in (("first", given), ("changed", changed))
    )
    assert set(found) == {one.name for one in given}
    for one in given:
        assert (found[one.name] == other[one.name]) == (one.group % 2 == 0)


def test_reviews_of_all_folds_come_with_their_truths_and_folds(tmp_path):
    given = {one.name: one for one in reviews()}
    found = cross_fit(spec_of(tmp_path / "data", [*given.values()]), tmp_path / "out").reviews
    rows = [given[name.decode()] for name in found.names]
    assert found.truths.tolist() == [one.score for one in rows]
    assert found.folds.tolist() == [one.group % 2 for one in rows]
    assert found.outputs.shape == (40, 9)
    folds_of_text: dict[tuple[int, ...], set[int]] = {}
    for one in rows:
        folds_of_text.setdefault(tuple(one.ids), set()).add(one.group % 2)
    # What one model learned from is no news to it where a twin of it stands in another fold.
    alone = [len(folds_of_text[tuple(one.ids)]) == 1 for one in rows]
    assert 0 < sum(alone) < len(rows)
    assert found.calibrates.tolist() == alone
    assert found.chooses.tolist() == alone


def keep_fits(spec: ModelSpec, output: pathlib.Path, errors: list[list[float]], spread: float) -> None:
    """Leaves what was kept of fitted folds, whose outputs err so much in each epoch, by turns a little less and more.

    Args:
      spec: With a point head.
      output: Of the run.
      errors: For each fold, of each epoch, as a share of the scale.
      spread: By how much less and more.
    """
    folder = output / "checkpoints/folds"
    folder.mkdir(parents=True)
    for fold, of_epochs in enumerate(errors):
        split = evaluation.score_split(None, spec.prepared, LEARNED.in_folds(len(errors), fold)[1])
        signs = np.resize([-1, 1], len(split.truths))
        outputs = [np.float32(SCALE.to_unit(split.truths) + error + spread * signs)[:, None] for error in of_epochs]
        losses = [fold + epoch for epoch in range(len(of_epochs))]
        np.savez(folder / f"fold-{fold}.npz", outputs=outputs, losses=losses, seconds=[1.5] * len(of_epochs))


def kept(
    tmp_path: pathlib.Path, errors: list[list[float]], *, spread: float = 0.0, **options
) -> cross_fitting.CrossFit:
    spec = spec_of(tmp_path / "data", [dataclasses.replace(one, score=2.0) for one in reviews()], PointHead())
    keep_fits(spec, tmp_path / "out", errors, spread)
    return cross_fit(spec, tmp_path / "out", **options)


def test_the_epoch_is_the_best_over_all_folds(tmp_path):
    """Neither that of the first fold, the first, nor that of the second, the third."""
    found = kept(tmp_path, [[0.1, 0.12, 0.4], [0.5, 0.2, 0.1]])
    assert found.state.best_epoch == 2
    assert [figures["validation_mae_share"] for figures in found.state.history] == pytest.approx([0.3, 0.16, 0.25])
    assert [figures["loss"] for figures in found.state.history] == [0.5, 1.5, 2.5]
    assert [figures["seconds"] for figures in found.state.history] == [3, 3, 3]
    # Of the epoch that is kept, each fold's outputs lie so far above the truth, 0.2.
    assert found.reviews.outputs[:, 0] == pytest.approx(np.where(found.reviews.folds == 0, 0.32, 0.4))


def test_with_the_cosine_a_later_epoch_within_a_standard_error_is_the_best(tmp_path):
    """Errors of 0.05 and 0.15 by turns: of nearly 40 reviews, their mean has a standard error of 0.008."""
    errors = [[0.3, 0.1, 0.106, 0.12]] * 2
    found = kept(tmp_path / "cosine", errors, spread=0.05)
    assert [figures["validation_standard_error"] for figures in found.state.history] == pytest.approx(
        [0.05 / found.reviews.chooses.sum() ** 0.5] * 4
    )
    assert found.state.best_epoch == 3
    assert kept(tmp_path / "constant", errors, spread=0.05, cosine=False).state.best_epoch == 2


def test_no_epoch_is_chosen_that_a_fold_did_not_reach(tmp_path):
    """As early stopping ended it before."""
    found = kept(tmp_path, [[0.3, 0.2], [0.3, 0.25, 0.01]])
    assert (found.state.epoch, found.state.best_epoch) == (2, 2)
    assert len(found.reviews.outputs) == 40


@pytest.mark.slow
def test_an_interrupted_run_goes_on_in_its_fold(tmp_path):
    """Stopped after each epoch in turn, to what an undisturbed one says."""
    spec = spec_of(tmp_path / "data", reviews())
    whole = cross_fit(spec, tmp_path / "whole", epochs=2)

    def interrupt():
        raise InterruptedError

    for _ in range(6):  # Two epochs and the end of each fold.
        with pytest.raises(InterruptedError):
            cross_fit(spec, tmp_path / "out", interrupt, epochs=2)
    found = cross_fit(spec, tmp_path / "out", pytest.fail, epochs=2)
    assert outputs_by_name(found) == outputs_by_name(whole)
    of_both = [[{**figures, "seconds": 0} for figures in one.state.history] for one in (found, whole)]
    assert of_both[0] == of_both[1]
    folds = tmp_path / "out/checkpoints/folds"
    assert sorted(path.name for path in folds.iterdir()) == ["fold-0.npz", "fold-1.npz"]


def test_what_a_killed_run_left_of_a_finished_fold_goes(tmp_path):
    """Its weights, where it was killed before it deleted them."""
    spec = spec_of(tmp_path / "data", reviews())
    cross_fit(spec, tmp_path / "out")
    left = tmp_path / "out/checkpoints/folds/fold-0/checkpoints"
    left.mkdir(parents=True)
    (left / "epoch-0001.weights.h5").touch()
    cross_fit(spec, tmp_path / "out")
    assert not left.parent.exists()


def test_progress_tells_the_fold(tmp_path, caplog):
    caplog.set_level("INFO")
    cross_fit(spec_of(tmp_path / "data", reviews()), tmp_path / "out")
    told = [record.message.split(":")[0] for record in caplog.records if "epoch" in record.message]
    assert told == ["fold 1 of 2, epoch 1 of 1", "fold 2 of 2, epoch 1 of 1"]


@pytest.mark.parametrize(
    ("groups", "wanted", "possible"),
    [
        ([0, 1, 2, 3, 4], 5, 5),
        ([0, 1, 2, 3, 4], 3, 3),
        ([0, 1, 2, 3], 5, 4),
        ([0, 5, 10, 4], 5, 3),  # Of five folds, the first and the last would be filled, and of four, three.
        ([0, 2, 4], 5, 3),
        ([0, 2, 4], 2, 0),  # All of them in one of two.
        ([3, 3, 3], 5, 0),
        ([0, 1], 0, 0),
    ],
)
def test_there_are_as_many_folds_as_can_be_filled(tmp_path, groups, wanted, possible):
    given = [Review(f"r{row}", [2], 5.0, group=group) for row, group in enumerate(groups)]
    prepared = write_reviews(tmp_path, given, np.zeros((VOCABULARY, DIM)))
    assert cross_fitting.possible_folds(prepared, wanted) == possible


def test_reviews_of_the_test_split_are_in_no_fold(tmp_path):
    given = [*reviews(), *(dataclasses.replace(one, name=f"t{one.name}", split="test") for one in reviews())]
    spec = spec_of(tmp_path / "data", given)
    assert not any(name.startswith(b"t") for name in cross_fit(spec, tmp_path / "out").reviews.names)
    assert spec.prepared.rows(LEARNED) == 40
    assert spec.prepared.rows(Selection.whole("test")) == 40


def test_where_every_review_has_a_twin_in_another_fold_the_last_epoch_is_kept(tmp_path):
    """As of reviews that stand in two albums each: none is news to the model that did not see it."""
    given = [dataclasses.replace(one, ids=[2, 3, 4]) for one in reviews()]
    found = cross_fit(spec_of(tmp_path / "data", given), tmp_path / "out", epochs=2)
    assert found.state.best_epoch == 2
    assert not found.reviews.chooses.any()
