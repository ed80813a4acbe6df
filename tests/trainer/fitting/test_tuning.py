import csv
import dataclasses

import numpy as np
import pytest

from beam_pipelines import preprocess
from beam_pipelines.errors import UserError
from tests.helpers.commands import kill_after_epoch, metrics, start, train
from tests.helpers.prepared_reviews import Review, write_reviews
from tests.trainer.architectures.mean_of_vectors import MeanOfVectors
from trainer import training_run
from trainer.architectures.distribution_head import DistributionHead
from trainer.fitting import fit_loop, tuning
from trainer.fitting.fit_options import FitOptions
from trainer.fitting.model_spec import ModelSpec
from trainer.judging import evaluation
from trainer.prepared_reviews import PreparedReviews, Selection
from trainer.settings import TrainerSettings


def table(output) -> list[dict]:
    with (output / "tuning.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_the_given_settings_are_tried_first():
    settings = TrainerSettings(data="d", output="o", learning_rate=0.02, batch_size=8, epochs=3)
    tried = tuning.space(settings.fit_options)
    assert {name: tried.get(name) for name in ("learning_rate", "batch_size", "epochs")} == {
        "learning_rate": 0.02,
        "batch_size": 8,
        "epochs": 3,
    }


@pytest.mark.slow
def test_the_best_trial_is_the_one_that_is_fitted(prepared, tmp_path):
    output = train(prepared, tmp_path / "out", "--tune=3", "--epochs=2")
    rows = table(output)
    assert len(rows) == 3
    assert [row["validation_mae_share"] for row in rows] == sorted(row["validation_mae_share"] for row in rows)
    assert {(0.01, 32, 2)} <= {(row["learning_rate"], row["batch_size"], row["epochs"]) for row in rows}
    found = metrics(output)
    kept = found["history"][found["best_epoch"] - 1]["validation_mae_share"]
    assert kept == pytest.approx(rows[0]["validation_mae_share"], abs=1e-6)
    used = metrics(output)["trainer_settings"]
    assert [used[name] for name in ("learning_rate", "batch_size", "epochs")] == [
        rows[0][name] for name in ("learning_rate", "batch_size", "epochs")
    ]


@pytest.mark.slow
def test_a_killed_search_goes_on(prepared, tmp_path):
    """To the table of an undisturbed one."""
    flags = ["--tune=3", "--epochs=2", "--seed=4"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start(prepared, killed, *flags)
    kill_after_epoch(process, killed / "checkpoints/tuning/trial-1/checkpoints", 1)
    assert start(prepared, killed, *flags).wait() == 0
    assert start(prepared, whole, *flags).wait() == 0
    assert table(killed) == table(whole)


@pytest.mark.parametrize("seed", [0, 5])
def test_what_is_tried_depends_on_the_seed_and_the_trials_before_alone(seed, tmp_path):
    """Whether or not a search was interrupted."""
    settings = TrainerSettings(data="d", output="o", seed=seed)

    def trials(folder, *, interrupted: bool) -> list[dict]:
        found = []
        for number in range(14):
            if interrupted or not number:
                tuner = tuning.Tuner(None, settings.fit_options, folder, trials=14, after_epoch=None)
            trial = tuner.oracle.create_trial("tuner0")
            found.append(dict(trial.hyperparameters.values))
            error = abs(np.log(trial.hyperparameters.get("learning_rate"))) / 10
            tuner.oracle.update_trial(trial.trial_id, {"validation_mae_share": error})
            trial.status = "COMPLETED"
            tuner.oracle.end_trial(trial)
            tuner.save()
        return found

    assert trials(tmp_path / "whole", interrupted=False) == trials(tmp_path / "killed", interrupted=True)


def test_held_out_reviews_that_all_calibrate_are_told(tmp_path):
    given = [Review(f"r{row}", [row + 2], float(row % 9 + 1), split="train") for row in range(20)]
    # One hash or the other has to be odd.
    held_out = [Review("v", [ids], 5.0, split="validation") for ids in range(2, 12)]
    for one in held_out:
        prepared = write_reviews(tmp_path / str(one.ids), [*given, one], np.zeros((30, 2)))
        spec = ModelSpec(
            architecture=MeanOfVectors,
            head=DistributionHead.of(np.array([0.1, 0.5, 0.9])),
            prepared=prepared,
            learned=Selection.whole("train"),
            held_out=Selection.whole("validation"),
        )
        if not evaluation.score_split(None, prepared, spec.held_out).chooses.any():
            break
    with pytest.raises(UserError, match="--tune: too few reviews are held out to tell the better settings by"):
        tuning.best(spec, FitOptions, tmp_path, trials=1, after_epoch=None)
    # Of a fold all choose.
    assert fit_loop.choosing(
        evaluation.score_split(None, prepared, spec.held_out), dataclasses.replace(spec, is_fold=True)
    ).all()


@pytest.mark.slow
def test_in_folds_a_trial_is_judged_by_the_first(archive, tmp_path):
    """Also without a validation split."""
    flags = f"--input {archive} --output {tmp_path}/data --text_column text --score_column score --validation_share 0"
    assert preprocess.main(flags.split()) == 0
    output = train(tmp_path / "data", tmp_path / "out", "--tune=1", "--epochs=1", "--folds=2", "--ngrams=off")
    reviews = PreparedReviews.load(str(tmp_path / "data"))
    settings = TrainerSettings(data="d", output="o", epochs=1)
    spec = training_run.model_spec(settings, reviews, folds=2).of_fold(2, 0)
    # The settings that were tried are those that the folds were fitted with, so the first of them is the trial again.
    with np.load(output / "checkpoints/folds/fold-0.npz") as fold:
        split = evaluation.score_split(None, reviews, spec.held_out)
        scored = dataclasses.replace(split, outputs=fold["outputs"][0])
    error, _ = fit_loop.validation_error(scored, spec)
    assert [row["validation_mae_share"] for row in table(output)] == [pytest.approx(error, abs=1e-6)]


def test_without_validation_there_is_nothing_to_judge_by(archive, tmp_path):
    flags = f"--input {archive} --output {tmp_path}/data --text_column text --score_column score --validation_share 0"
    assert preprocess.main(flags.split()) == 0
    with pytest.raises(UserError, match="--tune needs reviews that are held out: add --folds 5, or prepare"):
        train(tmp_path / "data", tmp_path / "out", "--tune=2")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_settings_that_cannot_be_fitted_lose(prepared, tmp_path):
    flags = ["--tune=1", "--epochs=1", "--preset=notebook"]
    with pytest.raises(UserError, match="--tune: no trial could be fitted; try a lower --learning_rate"):
        train(prepared, tmp_path / "out", *flags, "--learning_rate=1e30")
    train(prepared, tmp_path / "out", *flags)
