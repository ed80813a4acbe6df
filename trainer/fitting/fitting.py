"""The training itself: epoch after epoch, saved after each, until early stopping or the last one."""

import math
import pathlib
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import UserError, logger
from trainer import data
from trainer.architectures import optimizer, table
from trainer.architectures.architecture import Architecture, WordVectors
from trainer.architectures.heads import Head
from trainer.fitting import run_state
from trainer.judging import evaluation
from trainer.settings import TrainerSettings

LOG_SECONDS = 10


def strategy() -> tf.distribute.Strategy:
    """Mirrors the model over all GPUs where there are several (or over several logical CPU devices)."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def built(
    settings: TrainerSettings, prepared: data.PreparedReviews, head: Head, *, use_cudnn: bool = True
) -> Architecture:
    """Builds the model of the settings."""
    learn_missing = settings.learn_vectors == "missing"
    vectors = WordVectors.of(prepared.vectors(), prepared.first_trained_id, learn_missing=learn_missing)
    architecture_class = table.ARCHITECTURES[settings.model].load(settings.preset)
    return architecture_class.build(vectors, head, use_cudnn=use_cudnn)


def compiled(settings: TrainerSettings, prepared: data.PreparedReviews, head: Head) -> Architecture:
    """Builds and compiles the model of the settings, mirrored over the devices."""
    mirrored = strategy()
    steps = data.steps(prepared.rows("train"), settings.batch_size, mirrored.num_replicas_in_sync)
    with mirrored.scope():
        architecture = built(settings, prepared, head)
        decay_steps = settings.epochs * steps if settings.schedule == "cosine" else None
        optimizer.compile_model(architecture.model, head, settings.learning_rate, decay_steps=decay_steps)
    return architecture


def fit(
    model: keras.Model,
    prepared: data.PreparedReviews,
    head,
    settings: TrainerSettings,
    folder: pathlib.Path,
    *,
    saved: Callable[[], None] = lambda: None,
) -> run_state.RunState:
    """Fits the model and leaves it with the weights of the best epoch.

    Args:
      model: Compiled.
      prepared: The reviews.
      head: The model's.
      settings: The trainer's.
      folder: Where `checkpoints` and `logs` lie; an interrupted run's are gone on with.
      saved: Called after each epoch, when all files of it are written.

    Returns:
      The final RunState.
    """
    checkpoints = folder / "checkpoints"
    state = run_state.load(checkpoints, model)
    if state.epoch:
        logger.info("going on after epoch %d", state.epoch)
    writer = tf.summary.create_file_writer(str(folder / "logs"))
    predict = evaluation.predictor(model)
    remaining = Remaining(settings.epochs - state.epoch)
    while not state.ended(epochs=settings.epochs, patience=settings.patience):
        started = time.monotonic()
        seed = run_state.epoch_seed(settings.seed, state.epoch)
        run_state.reseed(model, seed)
        batches = data.training_batches(
            prepared,
            batch_size=settings.batch_size,
            balanced=settings.sample_weights == "balanced",
            seed=seed,
            replicas=model.distribute_strategy.num_replicas_in_sync,
        )
        epoch = {"epochs": state.epoch + 1, "initial_epoch": state.epoch}
        fitted = model.fit(batches, **epoch, shuffle=False, verbose=0, callbacks=[remaining])
        figures = {"loss": float(fitted.history["loss"][0])}
        if not math.isfinite(figures["loss"]):
            raise UserError(f"the loss of epoch {state.epoch + 1} is no finite number; try a lower --learning_rate")
        error, deviation = validation_error(predict, prepared, head)
        if error is not None:
            figures |= {"validation_mae_share": error, "validation_standard_error": deviation}
        figures["seconds"] = round(time.monotonic() - started, 2)
        # Where the learning rate falls, a later epoch has steadier weights than one that seems a little
        # better on few reviews: the one-standard-error rule (Breiman et al., 1984).
        state = state.after(figures, error, tolerance=deviation if settings.schedule == "cosine" else 0)
        run_state.save(checkpoints, state, model)
        with writer.as_default(step=state.epoch):
            for name, figure in figures.items():
                tf.summary.scalar(name, figure)
        writer.flush()
        told = ", ".join(f"{name} {figure:.4g}" for name, figure in figures.items())
        logger.info("epoch %d of %d: %s; %s", state.epoch, settings.epochs, told, remaining)
        saved()
    model.load_weights(run_state.weights_path(checkpoints, state.best_epoch))
    return state


def validation_error(predict, prepared: data.PreparedReviews, head) -> tuple[float | None, float]:
    """The mean absolute error and its standard error on the half of validation that is not for the interval.

    As shares of the scale; None and 0 where there are no such reviews.
    """
    split = evaluation.score_split(predict, prepared, "validation")
    part = ~split.in_calibration_half
    if not part.any():
        return None, 0.0
    scores = evaluation.predictions(head, split.outputs[part], math.inf, Scale(0, 1)).score
    gaps = np.abs(scores - prepared.scale.to_unit(split.truths[part]))
    return float(gaps.mean()), float(gaps.std() / math.sqrt(len(gaps)))


class Remaining(keras.callbacks.Callback):
    """Logs a line now and then within a long epoch, and says how long all epochs will take at most."""

    def __init__(self, epochs: int):
        super().__init__()
        self._epochs, self._done = epochs, 0
        self._started = self._logged = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._logged >= LOG_SECONDS:
            self._logged = time.monotonic()
            steps = self.params["steps"]
            logger.info("step %d of %d; %s", batch + 1, steps, self._told(self._done + (batch + 1) / steps))

    def on_epoch_end(self, epoch, logs=None):
        self._done += 1
        self._logged = time.monotonic()

    def __str__(self) -> str:
        return self._told(self._done)

    def _told(self, done: float) -> str:
        seconds = (time.monotonic() - self._started) / done * (self._epochs - done)
        return f"at most {seconds / 60:.0f} min left" if seconds >= 60 else f"at most {seconds:.0f} s left"
