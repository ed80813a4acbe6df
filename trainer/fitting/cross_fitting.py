"""Cross-fitting: a model for each fold, fitted to all others, so that no review is lost to choices and calibration.

How many epochs to fit, how the head reads, and the interval are then told by reviews that the models did not see, all
of them, and the model that is exported is fitted anew to all. What is said of the models of the folds holds for that
one nearly, but there is no guarantee for finite samples: this is not the CV+ of Barber et al. (2021), which would need
all models to score a review. Nor is all kept from them: which values a score may take (`DistributionHead`) is read once
from all reviews. Of fewer than about a hundred, with scores of any value, the interval covers less than it says.
"""

import dataclasses
import io
import pathlib
import shutil
from collections.abc import Callable

import keras
import numpy as np

from beam_pipelines.artifacts import trained
from beam_pipelines.artifacts.prepared import TRAIN, VALIDATION
from beam_pipelines.files import leases, storage
from trainer.architectures import optimizer
from trainer.fitting import fit_loop, run_state
from trainer.fitting.fit_options import FitOptions
from trainer.fitting.model_spec import ModelSpec
from trainer.fitting.run_state import RunState
from trainer.judging import evaluation
from trainer.judging.evaluation import ScoredSplit
from trainer.prepared_reviews import PreparedReviews, Selection

# What learns without, where there are more reviews than these: a part of them is enough to choose and calibrate by.
MOST_ROWS = 20_000
FOLDS = 5
# What is cut into folds.
LEARNED = Selection.whole(TRAIN, VALIDATION)


def possible_folds(prepared: PreparedReviews, folds: int) -> int:
    """Returns how many folds there can be, up to so many, none of them empty; 0 where there can be none."""

    def fill(count: int) -> bool:
        return all(prepared.rows(LEARNED.in_folds(count, fold)[1]) for fold in range(count))

    return next((count for count in range(folds, 1, -1) if fill(count)), 0)


@dataclasses.dataclass(frozen=True)
class CrossFit:
    """What the models of all folds say of the reviews that they did not see.

    Attributes:
      state: The best epoch, and for the history of each epoch its losses and errors over all folds.
      reviews: All reviews, with the outputs of the best epoch.
    """

    state: RunState
    reviews: ScoredSplit


def cross_fit(
    spec: ModelSpec, options: FitOptions, output: pathlib.Path, folds: int, *, after_epoch: Callable[[], None]
) -> CrossFit:
    """Fits a model for each fold; an interrupted run goes on with the epoch and the fold that it was in.

    Args:
      spec: What is fitted, to all reviews that are cut into folds.
      options: How.
      output: The folder of the run.
      folds: How many, at least 2.
      after_epoch: Called after each epoch of each fold.
    """
    folder = output / trained.CHECKPOINTS / "folds"
    fits = []
    for fold in range(folds):
        path = folder / f"fold-{fold}.npz"
        if path.exists():
            # A run may have been killed before it did so.
            shutil.rmtree(folder / f"fold-{fold}", ignore_errors=True)
        else:
            # In the end, the model is fitted to all reviews, which are more than those outside a fold.
            later = (folds - 1 - fold + folds / (folds - 1)) * options.epochs
            phase = fit_loop.Phase(f"fold {fold + 1} of {folds}", later)
            _fit_fold(spec.of_fold(folds, fold), options, folder / f"fold-{fold}", phase, after_epoch)
            after_epoch()
        with np.load(path) as arrays:
            fits.append({name: arrays[name] for name in arrays.files})
    held_out = [spec.learned.in_folds(folds, fold)[1] for fold in range(folds)]
    reviews = evaluation.joined([evaluation.score_split(None, spec.prepared, selection) for selection in held_out])
    # Early stopping may have ended a fold before the others.
    epochs = min(len(fit["losses"]) for fit in fits)
    state = RunState()
    for epoch in range(epochs):
        scored = _with_outputs(reviews, fits, epoch)
        error, deviation = fit_loop.validation_error(scored, spec)
        figures = {"loss": float(np.mean([fit["losses"][epoch] for fit in fits]))}
        # No review has a say where each has a twin in another fold.
        if error is not None:
            figures |= {"validation_mae_share": error, "validation_standard_error": deviation}
        figures["seconds"] = round(sum(float(fit["seconds"][epoch]) for fit in fits), 2)
        state = state.after(figures, error, tolerance=deviation if options.cosine else 0)
    return CrossFit(state, _with_outputs(reviews, fits, state.best_epoch - 1))


def _with_outputs(reviews: ScoredSplit, fits: list[dict], epoch: int) -> ScoredSplit:
    return dataclasses.replace(reviews, outputs=np.concatenate([fit["outputs"][epoch] for fit in fits]))


def _fit_fold(
    spec: ModelSpec,
    options: FitOptions,
    folder: pathlib.Path,
    phase: fit_loop.Phase,
    after_epoch: Callable[[], None],
) -> None:
    """Fits the model of a fold, and keeps in FOLDER.npz what it says of the fold after each epoch."""
    keras.utils.set_random_seed(options.seed)
    with optimizer.precision(mixed=options.mixed_precision):
        model = fit_loop.start(spec, options).model
        state = fit_loop.fit(model, spec, options, folder, after_epoch=after_epoch, keep_outputs=True, phase=phase)
    checkpoints = folder / trained.CHECKPOINTS
    kept = io.BytesIO()
    np.savez(
        kept,
        outputs=[np.load(run_state.outputs_path(checkpoints, epoch + 1)) for epoch in range(state.epoch)],
        losses=[figures["loss"] for figures in state.history],
        seconds=[figures["seconds"] for figures in state.history],
    )
    storage.write_bytes(str(folder.parent), f"{folder.name}.npz", kept.getvalue())
    leases.clear_temporary(str(folder.parent))
    # The weights of all folds would fill the disk.
    shutil.rmtree(folder)
    keras.backend.clear_session()
