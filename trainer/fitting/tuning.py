"""Tries a few options and keeps the best, by the error on validation reviews."""

import csv
import dataclasses
import io
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner
import numpy as np

from beam_pipelines.artifacts import trained
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from trainer.architectures import optimizer
from trainer.fitting import fit_loop
from trainer.fitting.fit_options import FitOptions
from trainer.fitting.model_spec import ModelSpec
from trainer.judging import evaluation

# The error, a share of the scale, of a trial that could not be fitted.
WORST = 1.0


def space(options: FitOptions) -> keras_tuner.HyperParameters:
    """Spans the options worth trying, around the given ones, which are tried first."""
    parameters = keras_tuner.HyperParameters()
    rate = options.learning_rate
    parameters.Float("learning_rate", rate / 4, rate * 4, sampling="log", default=rate)
    parameters.Choice("batch_size", sorted({16, 32, 64, options.batch_size}), default=options.batch_size)
    epochs = options.epochs
    parameters.Choice("epochs", sorted({max(epochs // 2, 1), epochs, 2 * epochs}), default=epochs)
    return parameters


class Oracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """Tries the given options first; what follows depends on the seed and the trials before alone."""

    def populate_space(self, trial_id):
        if int(trial_id) == 0:
            return {"status": keras_tuner.engine.trial.TrialStatus.RUNNING, "values": dict(self.hyperparameters.values)}
        # An interrupted search has lost the state of its generator (KerasTuner 1.4).
        self._random_state = np.random.RandomState((self.seed + int(trial_id)) % 2**32)
        return super().populate_space(trial_id)


class Tuner(keras_tuner.Tuner):
    """Runs a trial as a run of its own, in a folder that is deleted after it."""

    def __init__(
        self,
        spec: ModelSpec,
        options: FitOptions,
        folder: pathlib.Path,
        *,
        trials: int,
        after_epoch: Callable[[], None],
    ):
        self._spec, self._options, self._folder = spec, options, folder
        self._trials, self._after_epoch = trials, after_epoch
        oracle = Oracle(
            objective=keras_tuner.Objective("validation_mae_share", "min"),
            max_trials=trials,
            hyperparameters=space(options),
            # For 0 it would take a random one.
            seed=options.seed + 1,
        )
        oracle.verbose = 0
        super().__init__(oracle, directory=str(folder), project_name="trials", logger=None)

    def run_trial(self, trial):
        values = trial.hyperparameters.values
        number = int(trial.trial_id) + 1
        logger.info("trial %d of %d: %s", number, self._trials, values)
        try:
            error = self._error(
                dataclasses.replace(self._options, **values),
                f"trial-{trial.trial_id}",
                # The trials to come may have more epochs, or fewer.
                fit_loop.Phase(f"trial {number} of {self._trials}", (self._trials - number) * values["epochs"]),
            )
        except UserError as failure:
            logger.warning("%s", failure)
            error = WORST
        # A checkpoint of each trial would fill the disk; an interrupted trial goes on with its own.
        shutil.rmtree(self._folder / f"trial-{trial.trial_id}", ignore_errors=True)
        return {"validation_mae_share": min(error, WORST)}

    def _error(self, options: FitOptions, folder: str, phase: fit_loop.Phase) -> float:
        """Fits a model with some options, and returns the error of its best epoch."""
        keras.utils.set_random_seed(options.seed)
        with optimizer.precision(mixed=options.mixed_precision):
            architecture = fit_loop.start(self._spec, options)
            state = fit_loop.fit(
                architecture.model,
                self._spec,
                options,
                self._folder / folder,
                after_epoch=self._after_epoch,
                phase=phase,
            )
        return state.history[state.best_epoch - 1]["validation_mae_share"]


def best(
    spec: ModelSpec, options: FitOptions, output: pathlib.Path, *, trials: int, after_epoch: Callable[[], None]
) -> dict[str, Any]:
    """Tries some options, and writes them with their errors to tuning.csv.

    An interrupted search goes on with the trial that it was in.

    Args:
      spec: What is fitted.
      options: What is tried first; the others lie around it.
      output: The folder of the run.
      trials: How many are tried.
      after_epoch: Called after each epoch of each trial.

    Returns:
      The best values of the options that were tried, by name.

    Raises:
      UserError: No trial could be fitted, or no held-out review may tell the better ones.
    """
    assert spec.held_out, "settings are not tried blindly"
    if not fit_loop.choosing(evaluation.score_split(None, spec.prepared, spec.held_out), spec).any():
        raise UserError("--tune: too few reviews are held out to tell the better settings by; --folds 5 holds out more")
    checkpoints = output / trained.CHECKPOINTS
    tuner = Tuner(spec, options, checkpoints / "tuning", trials=trials, after_epoch=after_epoch)
    tuner.search()
    best_first = sorted(tuner.oracle.get_best_trials(trials), key=lambda trial: trial.score)
    if best_first[0].score >= WORST:
        # There is nothing to go on from.
        shutil.rmtree(checkpoints, ignore_errors=True)
        raise UserError("--tune: no trial could be fitted; try a lower --learning_rate")
    values = best_first[0].hyperparameters.values
    names = [*values]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["validation_mae_share", *names])
    writer.writerows([trial.score, *(trial.hyperparameters.values[name] for name in names)] for trial in best_first)
    storage.write_bytes(str(output), trained.TUNING, table.getvalue().encode())
    logger.info("best of %d trials: %s", len(best_first), values)
    return dict(values)
