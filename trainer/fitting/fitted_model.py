"""Fits a whole model: the folds, the CNN or LSTM, and the n-grams beside it."""

import dataclasses
import math
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts import trained
from beam_pipelines.artifacts.prepared import SPLITS
from beam_pipelines.errors import logger
from beam_pipelines.files import storage
from trainer import data
from trainer.architectures import optimizer
from trainer.architectures.architecture import Architecture
from trainer.architectures.distribution_head import Branch, DistributionHead
from trainer.architectures.heads import Head
from trainer.architectures.ngrams import WithNgrams
from trainer.fitting import cross_fitting, fit_loop, ngram_cross_fit
from trainer.fitting.fit_options import FitOptions
from trainer.fitting.model_spec import ModelSpec
from trainer.fitting.run_state import RunState
from trainer.judging.evaluation import ScoredSplit
from trainer.prepared_reviews import PreparedReviews, Selection


@dataclasses.dataclass(frozen=True)
class FittedModel:
    """A model in a form that runs everywhere.

    Attributes:
      architecture: The model.
      head: What reads its outputs; how, is still to be told by reviews that it did not see.
      state: The epoch that was kept, and the history.
      out_of_fold: The reviews of all folds, with the outputs of models that did not see them; None without folds.
      ngram_strength: The inverse strength of the regularisation of the n-grams; None without n-grams.
    """

    architecture: Architecture
    head: Head
    state: RunState
    out_of_fold: ScoredSplit | None
    ngram_strength: float | None


def fit(
    spec: ModelSpec,
    options: FitOptions,
    output: pathlib.Path,
    *,
    folds: int,
    with_ngrams: bool,
    after_epoch: Callable[[], None],
) -> FittedModel:
    """Fits a model; an interrupted run goes on where it was.

    Args:
      spec: What is fitted.
      options: How.
      output: The folder of the run.
      folds: How many; 0 where `spec` holds reviews out.
      with_ngrams: Whether n-grams stand beside the model; it needs a distribution head.
      after_epoch: Called after each epoch.
    """
    crossed = cross_fitting.cross_fit(spec, options, output, folds, after_epoch=after_epoch) if folds else None
    architecture, state = _fit_neural(spec, options, output, crossed.state.best_epoch if crossed else None, after_epoch)
    reviews = crossed.reviews if crossed else None
    fitted = FittedModel(architecture, spec.head, crossed.state if crossed else state, reviews, None)
    return _beside_ngrams(fitted, spec, folds, balanced=options.balanced) if with_ngrams else fitted


def _beside_ngrams(fitted: FittedModel, spec: ModelSpec, folds: int, *, balanced: bool) -> FittedModel:
    ngrams = ngram_cross_fit.fit(spec, folds, balanced=balanced)
    reviews = fitted.out_of_fold
    if reviews:
        assert ngrams.outputs is not None, "there are folds"
        reviews = dataclasses.replace(reviews, outputs=np.concatenate([reviews.outputs, ngrams.outputs], axis=1))
    assert isinstance(spec.head, DistributionHead), "n-grams need bins"
    return dataclasses.replace(
        fitted,
        architecture=WithNgrams(fitted.architecture, ngrams.ngrams),
        head=dataclasses.replace(spec.head, branches=(Branch(0.5), Branch(0.5))),
        out_of_fold=reviews,
        ngram_strength=ngrams.strength,
    )


def _fit_neural(
    spec: ModelSpec,
    options: FitOptions,
    output: pathlib.Path,
    epochs: int | None,
    after_epoch: Callable[[], None],
) -> tuple[Architecture, RunState]:
    """Fits the CNN or LSTM and returns it in a form that runs everywhere."""
    keras.utils.set_random_seed(options.seed)
    with optimizer.precision(mixed=options.mixed_precision):
        fitted = fit_loop.start(spec, options)
        _write_summary(fitted.model, output)
        _log_sizes(fitted.model, spec, options)
        phase = fit_loop.Phase("all reviews") if epochs else fit_loop.WHOLE
        state = fit_loop.fit(fitted.model, spec, options, output, after_epoch=after_epoch, epochs=epochs, phase=phase)
    # Built anew, in float32: a graph traced for a GPU or in half precision holds what no CPU has.
    portable = spec.build(use_cudnn=False)
    portable.model.set_weights(fitted.model.get_weights())
    return portable, state


def _write_summary(model: keras.Model, output: pathlib.Path) -> None:
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    storage.write_bytes(str(output), trained.MODEL_SUMMARY, "\n".join([*lines, ""]).encode())


def log_reviews(prepared: PreparedReviews) -> None:
    """Says how many reviews there are, and how large the vocabulary is."""
    rows = ", ".join(f"{prepared.rows(Selection.whole(split)):,} {split}" for split in SPLITS)
    logger.info("%s reviews; vocabulary %s", rows, " x ".join(f"{size:,}" for size in prepared.vectors().shape))


def _log_sizes(model: keras.Model, spec: ModelSpec, options: FitOptions) -> None:
    """Says before the first step how much there is to do."""
    replicas = model.distribute_strategy.num_replicas_in_sync
    rows = spec.prepared.rows(spec.learned)
    logger.info(
        "fitting %s to %s reviews: %s parameters to learn, %s steps an epoch, at most %d epochs, on %s",
        model.name,
        f"{rows:,}",
        f"{sum(math.prod(weight.shape) for weight in model.trainable_weights):,}",
        f"{data.steps(rows, options.batch_size, replicas):,}",
        options.epochs,
        _devices(replicas),
    )


def _devices(replicas: int) -> str:
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return f"{replicas} {kind}s" if replicas > 1 else f"one {kind}"
