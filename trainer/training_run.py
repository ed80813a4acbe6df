"""A run of the trainer: fits a model, judges it, exports it, and reports.

`train` is the whole of it, read from top to bottom.
"""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable

import keras
import tensorflow as tf

from beam_pipelines.artifacts import exports, trained
from beam_pipelines.artifacts.prepared import SPLITS, TRAIN
from beam_pipelines.commands import entry, job_folder
from beam_pipelines.errors import logger
from beam_pipelines.files import storage
from trainer import data, export
from trainer.architectures import optimizer
from trainer.architectures.architecture import Architecture
from trainer.architectures.registry import ARCHITECTURES
from trainer.data import PreparedReviews
from trainer.fitting import fit_loop, tuning
from trainer.fitting.fit_options import FitOptions
from trainer.fitting.model_spec import ModelSpec
from trainer.fitting.run_state import RunState
from trainer.judging import report
from trainer.judging.finished_run import FinishedRun
from trainer.judging.judgement import judge
from trainer.judging.verdict import verdict
from trainer.output_copies import OutputCopies
from trainer.settings import TrainerSettings


def train(settings: TrainerSettings, prepared: PreparedReviews, output: pathlib.Path) -> dict:
    """Fits, judges, exports and reports; `metrics.json` is written last.

    Args:
      settings: Of the command.
      prepared: The reviews.
      output: The local folder that the run works in.

    Returns:
      What `metrics.json` holds.

    Raises:
      UserError: Something in the settings is to be mended.
    """
    entry.start_collector()
    _prepare_devices()
    copies = OutputCopies(output, settings.output)
    spec = model_spec(settings, prepared)
    if settings.tune:
        best = tuning.best(spec, settings.fit_options, output, trials=settings.tune, after_epoch=copies.save)
        settings = dataclasses.replace(settings, **best)
    name = f"{settings.model} ({settings.preset})"
    architecture, state = _fit(spec, settings.fit_options, output, name=name, after_epoch=copies.save)
    logger.info("evaluating")
    judgement = judge(architecture.model, spec.head, prepared, share=settings.interval, seed=settings.seed)
    judged = verdict(judgement)
    scorer = export.ReviewScorer(
        prepared.transform_graph, architecture, judgement.head, judgement.threshold, prepared.scale, prepared.rule
    )
    version = export.export(
        output / exports.VERSIONS,
        prepared,
        scorer,
        model=architecture.model.name,
        metrics=judgement.figures,
        trainer_settings=dataclasses.asdict(settings),
        interval=judgement.interval,
        head=judgement.head,
        verdict=judged,
    )
    manifest = job_folder.read(str(output))
    assert manifest, "task.claim has written it"
    metrics = {
        **judgement.figures,
        "trainer_settings": dataclasses.asdict(settings),
        "interval": judgement.interval.to_json(),
        "head": judgement.head.about(),
        "verdict": judged.to_json() if judged else None,
        "best_epoch": state.best_epoch,
        "history": list(state.history),
        "export": str(version.relative_to(output)),
        **manifest,
    }
    run = FinishedRun(
        prepared=prepared,
        architecture=architecture,
        judgement=judgement,
        scorer=scorer,
        metrics=metrics,
        seed=settings.seed,
        balanced=settings.fit_options.balanced,
    )
    title = f"A {settings.model.upper()} that scores reviews"
    report.write(output, run, title=title, probes=settings.probe, with_text=not settings.no_text_in_reports)
    copies.publish(metrics["export"])
    # Last, since a folder that holds it holds a finished run.
    storage.write_json(settings.output, trained.METRICS, metrics)
    return metrics


def model_spec(settings: TrainerSettings, prepared: PreparedReviews) -> ModelSpec:
    """Chooses what is fitted."""
    architecture = ARCHITECTURES[settings.model].load(settings.preset)
    return ModelSpec(
        architecture=architecture,
        head=architecture.head_for(prepared.scale.to_unit(data.scores(prepared, TRAIN))),
        prepared=prepared,
        learn_missing=settings.learn_vectors == "missing",
        warm_start=settings.warm_start,
    )


def _prepare_devices() -> None:
    if tf.config.list_physical_devices("GPU"):
        return
    # On a GPU some operations have no deterministic form (TensorFlow 2.21).
    tf.config.experimental.enable_op_determinism()
    warn_of_idle_gpu()


def warn_of_idle_gpu() -> None:
    """Warns where a GPU is there but TensorFlow, which says so in no line that is shown, cannot use it."""
    if entry.has_nvidia_device() and "CUDA_VISIBLE_DEVICES" not in os.environ:
        logger.warning(
            "this machine has an NVIDIA GPU that TensorFlow cannot use: install the libraries it needs with "
            "pip install --constraint requirements.lock '.[gpu]'; going on without it"
        )


def _fit(
    spec: ModelSpec, options: FitOptions, output: pathlib.Path, *, name: str, after_epoch: Callable[[], None]
) -> tuple[Architecture, RunState]:
    """Fits a model and returns it in a form that runs everywhere."""
    keras.utils.set_random_seed(options.seed)
    with optimizer.precision(mixed=options.mixed_precision):
        fitted = fit_loop.start(spec, options)
        _write_summary(fitted.model, output)
        _log_sizes(fitted.model, spec.prepared, options, name=name)
        state = fit_loop.fit(fitted.model, spec, options, output, after_epoch=after_epoch)
    # Built anew, in float32: a graph traced for a GPU or in half precision holds what no CPU has.
    portable = spec.build(use_cudnn=False)
    portable.model.set_weights(fitted.model.get_weights())
    return portable, state


def _write_summary(model: keras.Model, output: pathlib.Path) -> None:
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    storage.write_bytes(str(output), trained.MODEL_SUMMARY, "\n".join([*lines, ""]).encode())


def _log_sizes(model: keras.Model, prepared: PreparedReviews, options: FitOptions, *, name: str) -> None:
    """Says before the first step how much there is to do."""
    replicas = model.distribute_strategy.num_replicas_in_sync
    steps = data.steps(prepared.rows(TRAIN), options.batch_size, replicas)
    rows = ", ".join(f"{prepared.rows(split):,} {split}" for split in SPLITS)
    logger.info("%s reviews; vocabulary %s", rows, " x ".join(f"{size:,}" for size in prepared.vectors().shape))
    logger.info(
        "fitting %s: %s parameters to learn, %s steps an epoch, at most %d epochs, on %s",
        name,
        f"{sum(math.prod(weight.shape) for weight in model.trainable_weights):,}",
        f"{steps:,}",
        options.epochs,
        _devices(replicas),
    )


def _devices(replicas: int) -> str:
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return f"{replicas} {kind}s" if replicas > 1 else f"one {kind}"
