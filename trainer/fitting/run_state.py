"""What a run remembers after each epoch, so that an interrupted one ends like an undisturbed one.

Keras's BackupAndRestore keeps neither what early stopping remembers nor the position in the shuffle
(Keras 3.15). Here weights and optimizer are saved at the end of each epoch, then `state.json` names
them, by rename: the state on disk is always that of a whole epoch. All randomness of an epoch
derives from (seed, epoch).
"""

import dataclasses
import math
import pathlib

import keras
import numpy as np

from beam_pipelines.artifacts import trained
from beam_pipelines.errors import UserError
from beam_pipelines.files import leases, storage


@dataclasses.dataclass(frozen=True)
class RunState:
    """Where a run stands.

    Attributes:
      epoch: How many epochs are done.
      best_epoch: The one whose weights are kept, from 1; 0 before the first.
      best_error: The lowest validation error, in shares of the scale.
      history: One dict of figures for each epoch.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_error: float = math.inf
    history: tuple[dict, ...] = ()

    def after(self, figures: dict[str, float], error: float | None, *, tolerance: float = 0.0) -> "RunState":
        """Returns the state after one more epoch; without a validation error the latest is the best.

        Args:
          figures: For the history.
          error: On the validation reviews.
          tolerance: By how much the latest epoch's error may lie above the lowest and still be the best.
        """
        epoch = self.epoch + 1
        better = error is None or error < self.best_error + tolerance
        return RunState(
            epoch,
            epoch if better else self.best_epoch,
            self.best_error if error is None else min(error, self.best_error),
            (*self.history, {"epoch": epoch, **figures}),
        )

    def ended(self, *, epochs: int, patience: int) -> bool:
        """Whether all epochs are done, or so many since the best."""
        return self.epoch >= epochs or self.epoch - self.best_epoch >= patience


def weights_path(folder: pathlib.Path, epoch: int) -> pathlib.Path:
    """Names the file of an epoch's weights, which is a checkpoint for --warm_start too."""
    return folder / f"epoch-{epoch:04d}.weights.h5"


def outputs_path(folder: pathlib.Path, epoch: int) -> pathlib.Path:
    """Names the file of a model's outputs for the held-out reviews after an epoch, float32 [reviews, outputs]."""
    return folder / f"outputs-{epoch:04d}.npy"


def keep_outputs(folder: pathlib.Path, epoch: int, outputs: np.ndarray) -> None:
    """Writes the outputs of an epoch, before it is saved: of an epoch that is done they are there."""
    storage.make_folder(folder)
    np.save(outputs_path(folder, epoch), outputs)


def save(folder: pathlib.Path, state: RunState, model: keras.Model) -> None:
    """Saves the epoch just done, then drops the weights that are neither the latest nor the best."""
    storage.make_folder(folder)
    # First the weights, then what names them: a run that is killed between the two goes on from the epoch before.
    model.save_weights(weights_path(folder, state.epoch))
    storage.sync_tree(folder)
    storage.write_json(str(folder), trained.STATE, dataclasses.asdict(state))
    leases.clear_temporary(str(folder))
    named = {weights_path(folder, state.epoch), weights_path(folder, state.best_epoch)}
    for path in folder.glob("epoch-*.weights.h5"):
        if path not in named:
            path.unlink()


def load(folder: pathlib.Path, model: keras.Model) -> RunState:
    """Reads the state and, where an epoch is done, the weights and the optimizer's memory.

    Raises:
      UserError: They are another model's, or those of another version of this program.
    """
    if not (folder / trained.STATE).exists():
        return RunState()
    saved = storage.read_json(str(folder / trained.STATE))
    state = RunState(**{**saved, "history": tuple(saved["history"])})
    # Before its first step an optimizer has no variables, and Keras would pass over those in the file (Keras 3.15).
    model.optimizer.build(model.trainable_variables)
    path = weights_path(folder, state.epoch)
    try:
        model.load_weights(path)
    except ValueError as error:
        raise UserError(f"{path} was written by another version; add --overwrite to begin this run anew") from error
    return state


def epoch_seed(seed: int, epoch: int) -> int:
    """Derives a seed for one epoch of one run, in [0, 2**31)."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0] >> 1)


def reseed(model: keras.Model, seed: int) -> None:
    """Starts the dropout of every layer anew from a seed."""
    for index, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            # Two layers must not drop out alike.
            generator.state.assign([seed, index])
