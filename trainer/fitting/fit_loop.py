"""The training itself: epoch after epoch, saved after each, until early stopping or the last one."""

import dataclasses
import functools
import math
import pathlib
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts import trained
from beam_pipelines.errors import UserError, logger
from trainer import data
from trainer.architectures import optimizer
from trainer.architectures.architecture import Architecture
from trainer.fitting import run_state, time_left, warm_start
from trainer.fitting.fit_options import FitOptions
from trainer.fitting.model_spec import ModelSpec
from trainer.judging import evaluation

LOG_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class Phase:
    """A part of a run, for its progress.

    Attributes:
      name: Of the part; empty for the only one.
      later_epochs: How many epochs of the same length the parts behind it take, at most.
    """

    name: str = ""
    later_epochs: float = 0.0

    @property
    def prefix(self) -> str:
        return f"{self.name}, " if self.name else ""


WHOLE = Phase()
# Word vectors have numbers of about 1; with much larger ones, products and their gradients overflow.
LARGE_VECTORS = 1e3


@functools.cache
def strategy() -> tf.distribute.Strategy:
    """Mirrors models over all GPUs where there are several (or over several logical CPU devices).

    One for all fits of a process: two models of other sizes under two of them fail (TensorFlow 2.21).
    """
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
    steps = data.steps(spec.prepared.rows(spec.learned), options.batch_size, mirrored.num_replicas_in_sync)
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
    epochs: int | None = None,
    keep_outputs: bool = False,
    phase: Phase = WHOLE,
) -> run_state.RunState:
    """Fits the model and leaves it with the weights of the best epoch.

    Args:
      model: Of `start`.
      spec: Its own.
      options: How it is fitted.
      folder: Where `checkpoints` and `logs` lie; an interrupted run's are gone on with.
      after_epoch: Called after each epoch, when all files of it are written.
      epochs: After how many to end, where that is told already; the learning rate falls as if there were all.
      keep_outputs: Whether to keep the outputs for the held-out reviews, of each epoch: see `run_state.outputs_path`.
      phase: Which part of a run this is.

    Returns:
      The final RunState.

    Raises:
      UserError: The loss is not finite.
    """
    checkpoints = folder / trained.CHECKPOINTS
    state = run_state.load(checkpoints, model)
    if state.epoch:
        logger.info("going on after epoch %d", state.epoch)
    predict = evaluation.predictor(functools.partial(model, training=False))
    epochs = options.epochs if epochs is None else epochs
    writer = None
    remaining = Remaining(epochs - state.epoch, phase)
    while not state.ended(epochs=epochs, patience=options.patience):
        started = time.monotonic()
        figures = {"loss": _fit_epoch(model, spec, options, state.epoch, remaining)}
        held_out = evaluation.score_split(predict, spec.prepared, spec.held_out) if spec.held_out else None
        error, deviation = validation_error(held_out, spec) if held_out else (None, 0.0)
        if held_out and keep_outputs:
            run_state.keep_outputs(checkpoints, state.epoch + 1, held_out.outputs)
        if error is not None:
            figures |= {"validation_mae_share": error, "validation_standard_error": deviation}
        figures["seconds"] = round(time.monotonic() - started, 2)
        # Where the learning rate falls, a later epoch has steadier weights than one that seems a little
        # better on few reviews: the one-standard-error rule (Breiman et al., 1984).
        state = state.after(figures, error, tolerance=deviation if options.cosine else 0)
        run_state.save(checkpoints, state, model)
        # Not before an epoch is saved: a run that has saved none leaves nothing to go on from.
        writer = writer or tf.summary.create_file_writer(str(folder / trained.LOGS))
        with writer.as_default(step=state.epoch):
            for name, figure in figures.items():
                tf.summary.scalar(name, figure)
        # What a run writes of an epoch is whole before it goes on: it may be killed any time.
        writer.flush()
        listed = ", ".join(f"{name} {figure:.4g}" for name, figure in figures.items())
        logger.info("%sepoch %d of %d: %s; %s", phase.prefix, state.epoch, epochs, listed, remaining)
        after_epoch()
    model.load_weights(run_state.weights_path(checkpoints, state.best_epoch))
    return state


def _fit_epoch(model: keras.Model, spec: ModelSpec, options: FitOptions, epoch: int, remaining: "Remaining") -> float:
    """Fits one epoch, counted from 0, and returns its loss."""
    # All that is random derives from seed and epoch, so an interrupted run ends like an undisturbed one.
    seed = run_state.epoch_seed(options.seed, epoch)
    run_state.reseed(model, seed)
    batches = data.training_batches(
        spec.prepared,
        spec.learned,
        spec.head,
        batch_size=options.batch_size,
        balanced=options.balanced,
        seed=seed,
        replicas=model.distribute_strategy.num_replicas_in_sync,
    )
    fitted = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=[remaining])
    loss = float(fitted.history["loss"][0])
    if not (math.isfinite(loss) and _is_finite(model)):
        largest = np.abs(spec.prepared.vectors()).max()
        advice = (
            "try a lower --learning_rate"
            if largest < LARGE_VECTORS
            else f"the vectors hold numbers as large as {largest:.3g}: prepare the reviews with others"
        )
        raise UserError(f"the loss of epoch {epoch + 1} is no finite number; {advice}")
    return loss


def _is_finite(model: keras.Model) -> bool:
    return all(np.isfinite(weights).all() for weights in model.get_weights())


def choosing(split: evaluation.ScoredSplit, spec: ModelSpec) -> np.ndarray:
    """Which of the held-out reviews choose, bool [reviews]."""
    return split.chooses | spec.is_fold


def validation_error(split: evaluation.ScoredSplit, spec: ModelSpec) -> tuple[float | None, float]:
    """Measures the mean absolute error and its standard error on the held-out reviews that choose the epoch.

    Returns:
      Both as shares of the scale; None and 0 where there are no such reviews.
    """
    rows = choosing(split, spec)
    if not rows.any():
        return None, 0.0
    gaps = np.abs(np.array(spec.head.score(split.outputs[rows])) - spec.prepared.scale.to_unit(split.truths[rows]))
    return float(gaps.mean()), float(gaps.std() / math.sqrt(len(gaps)))


class Remaining(keras.callbacks.Callback):
    """Logs a line now and then within a long epoch, and says how long all epochs will take at most."""

    def __init__(self, epochs: int, phase: Phase = WHOLE):
        super().__init__()
        self._epochs, self._phase, self._done = epochs, phase, 0
        self._started = self._logged = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._logged >= LOG_SECONDS:
            self._logged = time.monotonic()
            steps = self.params["steps"]
            prefix = self._phase.prefix
            logger.info(
                "%sstep %d of %d; %s", prefix, batch + 1, steps, self._time_left(self._done + (batch + 1) / steps)
            )

    def on_epoch_end(self, epoch, logs=None):
        self._done += 1
        self._logged = time.monotonic()

    def __str__(self) -> str:
        return self._time_left(self._done)

    def _time_left(self, done: float) -> str:
        # Early stopping may come before.
        epochs_left = self._epochs - done + self._phase.later_epochs
        return time_left.at_most((time.monotonic() - self._started) / done * epochs_left)
