"""A run of the trainer: fits a model, judges it, exports it, and reports.

`train` is the whole of it, read from top to bottom.
"""

import dataclasses
import os
import pathlib

import keras
import tensorflow as tf

from beam_pipelines.artifacts import exports, trained
from beam_pipelines.artifacts.prepared import TRAIN, VALIDATION
from beam_pipelines.commands import entry, job_folder
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from trainer import export
from trainer.architectures.registry import ARCHITECTURES
from trainer.fitting import cross_fitting, fit_loop, fitted_model, tuning, warm_start
from trainer.fitting.model_spec import ModelSpec
from trainer.judging import report
from trainer.judging.finished_run import FinishedRun
from trainer.judging.judgement import judge
from trainer.judging.verdict import verdict
from trainer.output_copies import OutputCopies
from trainer.prepared_reviews import PreparedReviews, Selection
from trainer.review_scorer import ReviewScorer
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
    fitted_model.log_reviews(prepared)
    if prepared.statistics.unrated and settings.ngrams == "off":
        logger.warning(
            "unrated reviews teach what n-grams mean: without --ngrams those that have no teacher's score are not read"
        )
    if settings.warm_start:
        warm_start.check(settings.warm_start)
        logger.warning(
            "--warm_start: where the earlier model has learned from these reviews, or folds start cold, the interval "
            "is too narrow or too wide; see its coverage of the test reviews"
        )
    folds = number_of_folds(settings, prepared)
    spec = model_spec(settings, prepared, folds)
    if settings.warm_start and (folds or settings.tune):
        # What is wrong with it shall be told before the folds, which start cold, not after them.
        fit_loop.start(spec, settings.fit_options)
        keras.backend.clear_session()
    if settings.tune:
        tuned = spec.of_fold(folds, 0) if folds else spec
        best = tuning.best(tuned, settings.fit_options, output, trials=settings.tune, after_epoch=copies.save)
        settings = dataclasses.replace(settings, **best)
    fitted = fitted_model.fit(
        spec,
        settings.fit_options,
        output,
        folds=folds,
        with_ngrams=settings.ngrams == "on",
        after_epoch=copies.save,
    )
    logger.info("evaluating")
    judgement = judge(
        fitted.architecture,
        fitted.head,
        prepared,
        learned=spec.rated,
        out_of_fold=fitted.out_of_fold,
        share=settings.interval,
        seed=settings.seed,
    )
    judged = verdict(judgement)
    versions = output / exports.VERSIONS
    scorer = ReviewScorer(prepared, fitted.architecture, judgement.head, judgement.reach, export.next_version(versions))
    version = export.export(
        versions,
        prepared,
        scorer,
        model=fitted.architecture.model.name,
        metrics=judgement.figures,
        trainer_settings=dataclasses.asdict(settings),
        interval=judgement.interval,
        head=judgement.head,
        verdict=judged,
    )
    unrated = prepared.statistics.unrated
    manifest = job_folder.read(str(output))
    assert manifest, "task.claim has written it"
    metrics = {
        **judgement.figures,
        "trainer_settings": dataclasses.asdict(settings),
        "interval": judgement.interval.to_json(),
        "head": judgement.head.about(),
        "verdict": judged.to_json() if judged else None,
        "folds": folds,
        "unrated_reviews": unrated.used if unrated and settings.ngrams == "on" else 0,
        "taught_reviews": unrated.with_teacher if unrated else 0,
        "ngram_strength": fitted.ngram_strength,
        "best_epoch": fitted.state.best_epoch,
        "history": list(fitted.state.history),
        "export": str(version.relative_to(output)),
        **manifest,
    }
    run = FinishedRun(
        prepared=prepared,
        learned=spec.rated,
        architecture=fitted.architecture,
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


def number_of_folds(settings: TrainerSettings, prepared: PreparedReviews) -> int:
    """Chooses how many folds there are; 0 where validation reviews are held out instead."""
    wanted = settings.folds
    if wanted is None:
        few = prepared.rows(cross_fitting.LEARNED) <= cross_fitting.MOST_ROWS
        wanted = cross_fitting.FOLDS if few else 0
    folds = cross_fitting.possible_folds(prepared, wanted)
    if folds < wanted:
        logger.warning("too few reviews for %d folds: going on with %d", wanted, folds)
    return folds


def refuse_blind_search(settings: TrainerSettings, prepared: PreparedReviews) -> None:
    """Refuses to try settings where no review is held out that could tell the better ones.

    Raises:
      UserError: There is neither a fold nor a validation review.
    """
    if settings.tune and not prepared.rows(Selection.whole(VALIDATION)) and not number_of_folds(settings, prepared):
        advice = "prepare the data with --validation_share above 0"
        if cross_fitting.possible_folds(prepared, cross_fitting.FOLDS):
            advice = f"add --folds {cross_fitting.FOLDS}, or {advice}"
        raise UserError(f"--tune needs reviews that are held out: {advice}")


def model_spec(settings: TrainerSettings, prepared: PreparedReviews, folds: int) -> ModelSpec:
    """Chooses what is fitted, and to which reviews."""
    architecture = ARCHITECTURES[settings.model].load(settings.preset)
    rated = cross_fitting.LEARNED if folds else Selection.whole(TRAIN)
    unrated = prepared.statistics.unrated
    return ModelSpec(
        architecture=architecture,
        head=architecture.head_for(prepared.scale.to_unit(prepared.scores(rated))),
        prepared=prepared,
        learned=dataclasses.replace(rated, taught=bool(unrated and unrated.with_teacher)),
        held_out=None if folds else Selection.whole(VALIDATION),
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
