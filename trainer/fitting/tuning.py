"""Tries a few settings and keeps the best, by the error on validation reviews."""

import csv
import dataclasses
import io
import pathlib
import shutil

import keras
import keras_tuner

from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from trainer.architectures import optimizer
from trainer.data import PreparedReviews
from trainer.fitting import fitting, warm_start
from trainer.settings import TrainerSettings

TABLE = "tuning.csv"
# The error, a share of the scale, of a trial that could not be fitted.
WORST = 1.0


def space(settings: TrainerSettings) -> keras_tuner.HyperParameters:
    """The settings worth trying, around the given ones, which are tried first."""
    found = keras_tuner.HyperParameters()
    rate = settings.learning_rate
    found.Float("learning_rate", rate / 4, rate * 4, sampling="log", default=rate)
    found.Choice("batch_size", sorted({16, 32, 64, settings.batch_size}), default=settings.batch_size)
    epochs = settings.epochs
    found.Choice("epochs", sorted({max(epochs // 2, 1), epochs, 2 * epochs}), default=epochs)
    return found


class Oracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """Tries the given settings first."""

    def populate_space(self, trial_id):
        if int(trial_id) == 0:
            return {"status": keras_tuner.engine.trial.TrialStatus.RUNNING, "values": dict(self.hyperparameters.values)}
        return super().populate_space(trial_id)


class Tuner(keras_tuner.Tuner):
    """Runs a trial as a run of its own, in a folder that is deleted after it."""

    def __init__(self, settings: TrainerSettings, prepared: PreparedReviews, head, folder: pathlib.Path, saved):
        self._given = (settings, prepared, head, folder, saved)
        oracle = Oracle(
            objective=keras_tuner.Objective("validation_mae_share", "min"),
            max_trials=settings.tune,
            hyperparameters=space(settings),
            seed=settings.seed,
        )
        oracle.verbose = 0
        super().__init__(oracle, directory=str(folder), project_name="trials", logger=None)

    def run_trial(self, trial):
        settings, prepared, head, folder, saved = self._given
        tried = dataclasses.replace(settings, **trial.hyperparameters.values)
        logger.info("trial %s of %d: %s", int(trial.trial_id) + 1, settings.tune, trial.hyperparameters.values)
        of_trial = folder / f"trial-{trial.trial_id}"
        keras.utils.set_random_seed(settings.seed)
        try:
            with optimizer.precision(mixed=settings.mixed_precision):
                architecture = fitting.compiled(tried, prepared, head)
                if settings.warm_start:
                    warm_start.load(settings.warm_start, architecture, prepared, head)
                state = fitting.fit(architecture.model, prepared, head, tried, of_trial, saved=saved)
            error = state.history[state.best_epoch - 1]["validation_mae_share"]
        except UserError as failed:
            logger.warning("%s", failed)
            error = WORST
        shutil.rmtree(of_trial, ignore_errors=True)
        return {"validation_mae_share": min(error, WORST)}


def best(settings: TrainerSettings, prepared: PreparedReviews, head, output: pathlib.Path, *, saved) -> dict:
    """Tries `--tune` settings, writes them with their errors to tuning.csv, and returns the best.

    An interrupted search goes on with the trial that it was in. `saved` is called after each epoch.

    Raises:
      UserError: No trial could be fitted.
    """
    tuner = Tuner(settings, prepared, head, output / "checkpoints" / "tuning", saved)
    tuner.search()
    trials = sorted(tuner.oracle.get_best_trials(settings.tune), key=lambda trial: trial.score)
    if trials[0].score >= WORST:
        # There is nothing to go on from.
        shutil.rmtree(output / "checkpoints", ignore_errors=True)
        raise UserError("--tune: no trial could be fitted; try a lower --learning_rate")
    names = [*trials[0].hyperparameters.values]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["validation_mae_share", *names])
    writer.writerows([trial.score, *(trial.hyperparameters.values[name] for name in names)] for trial in trials)
    storage.write_bytes(str(output), TABLE, table.getvalue().encode())
    logger.info("best of %d trials: %s", len(trials), trials[0].hyperparameters.values)
    return {name: trials[0].hyperparameters.values[name] for name in names}
