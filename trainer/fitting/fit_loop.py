"""The training itself: epoch after epoch, saved after each, until early stopping or the last one."""

import math
import pathlib
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts import trained
from beam_pipelines.artifacts.prepared import TRAIN, VALIDATION
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import UserError, logger
from trainer import data
from trainer.architectures import optimizer
from trainer.architectures.architecture import Architecture
from trainer.fitting import run_state, warm_start
from trainer.fitting.fit_options import FitOptions
from trainer.fitting.model_spec import ModelSpec
from trainer.judging import evaluation

LOG_SECONDS = 10
# Word vectors have numbers of about 1; with much larger ones, products and their gradients overflow.
LARGE_VECTORS = 1e3


def strategy() -> tf.distribute.Strategy:
    """Mirrors the model over all GPUs where there are several (or over several logical CPU devices)."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def start(spec: ModelSpec, options: FitOptions) -> Architecture:
    """Builds and compiles a model, mirrored over the devices, with the weights that it starts from.

    Raises:
      UserError: There is nothing to start from as `spec` wants it, or not a review for each device.
    """
    mirrored = strategy()
    steps = data.steps(spec.prepared.rows(TRAIN), options.batch_size, mirrored.num_replicas_in_sync)
    with mirrored.scope():
        architecture = spec.build()
        decay_steps = options.epochs * steps if options.cosine else None
        optimizer.compile_model(architecture.model, spec.head, options.learning_rate, decay_steps=decay_steps)
    if spec.warm_start:
        warm_start.load(spec.warm_start, architecture, spec.prepared, spec.head)
        if not _is_finite(architecture.model):
            raise UserError(
                f"--warm_start {spec.warm_start} holds weights that are no finite numbers; take another model"
            )
    return architecture


def fit(
    model: keras.Model,
    spec: ModelSpec,
    options: FitOptions,
    folder: pathlib.Path,
    *,
    after_epoch: Callable[[], None] = lambda: None,
) -> run_state.RunState:
    """Fits the model and leaves it with the weights of the best epoch.

    Args:
      model: Of `start`.
      spec: Its own.
      options: How it is fitted.
      folder: Where `checkpoints` and `logs` lie; an interrupted run's are gone on with.
      after_epoch: Called after each epoch, when all files of it are written.

    Returns:
      The final RunState.

    Raises:
      UserError: The loss is not finite.
    """
    checkpoints = folder / trained.CHECKPOINTS
    state = run_state.load(checkpoints, model)
    if state.epoch:
        logger.info("going on after epoch %d", state.epoch)
    writer = tf.summary.create_file_writer(str(folder / trained.LOGS))
    predict = evaluation.predictor(lambda ids: model(ids, training=False))
    remaining = Remaining(options.epochs - state.epoch)
    while not state.ended(epochs=options.epochs, patience=options.patience):
        started = time.monotonic()
        figures = {"loss": _fit_epoch(model, spec.prepared, options, state.epoch, remaining)}
        error, deviation = validation_error(predict, spec)
        if error is not None:
            figures |= {"validation_mae_share": error, "validation_standard_error": deviation}
        figures["seconds"] = round(time.monotonic() - started, 2)
        # Where the learning rate falls, a later epoch has steadier weights than one that seems a little
        # better on few reviews: the one-standard-error rule (Breiman et al., 1984).
        state = state.after(figures, error, tolerance=deviation if options.cosine else 0)
        run_state.save(checkpoints, state, model)
        with writer.as_default(step=state.epoch):
            for name, figure in figures.items():
                tf.summary.scalar(name, figure)
        # What a run writes of an epoch is whole before it goes on: it may be killed any time.
        writer.flush()
        listed = ", ".join(f"{name} {figure:.4g}" for name, figure in figures.items())
        logger.info("epoch %d of %d: %s; %s", state.epoch, options.epochs, listed, remaining)
        after_epoch()
    model.load_weights(run_state.weights_path(checkpoints, state.best_epoch))
    return state


def _fit_epoch(
    model: keras.Model, prepared: data.PreparedReviews, options: FitOptions, epoch: int, remaining: "Remaining"
) -> float:
    """Fits one epoch, counted from 0, and returns its loss."""
    # All that is random derives from seed and epoch, so an interrupted run ends like an undisturbed one.
    seed = run_state.epoch_seed(options.seed, epoch)
    run_state.reseed(model, seed)
    batches = data.training_batches(
        prepared,
        batch_size=options.batch_size,
        balanced=options.balanced,
        seed=seed,
        replicas=model.distribute_strategy.num_replicas_in_sync,
    )
    fitted = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=[remaining])
    loss = float(fitted.history["loss"][0])
    if not (math.isfinite(loss) and _is_finite(model)):
        largest = np.abs(prepared.vectors()).max()
        advice = (
            "try a lower --learning_rate"
            if largest < LARGE_VECTORS
            else f"the vectors hold numbers as large as {largest:.3g}: prepare the reviews with others"
        )
        raise UserError(f"the loss of epoch {epoch + 1} is no finite number; {advice}")
    return loss


def _is_finite(model: keras.Model) -> bool:
    return all(np.isfinite(weights).all() for weights in model.get_weights())


def validation_error(predict: evaluation.Predictor, spec: ModelSpec) -> tuple[float | None, float]:
    """Measures the mean absolute error and its standard error on the half of validation that is not for the interval.

    Returns:
      Both as shares of the scale; None and 0 where there are no such reviews.
    """
    split = evaluation.score_split(predict, spec.prepared, VALIDATION)
    half = ~split.in_calibration_half
    if not half.any():
        return None, 0.0
    scores = evaluation.predictions(spec.head, split.outputs[half], math.inf, Scale(0, 1)).score
    gaps = np.abs(scores - spec.prepared.scale.to_unit(split.truths[half]))
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
            logger.info("step %d of %d; %s", batch + 1, steps, self._time_left(self._done + (batch + 1) / steps))

    def on_epoch_end(self, epoch, logs=None):
        self._done += 1
        self._logged = time.monotonic()

    def __str__(self) -> str:
        return self._time_left(self._done)

    def _time_left(self, done: float) -> str:
        # Early stopping may come before.
        seconds = (time.monotonic() - self._started) / done * (self._epochs - done)
        return f"at most {seconds / 60:.0f} min left" if seconds >= 60 else f"at most {seconds:.0f} s left"
