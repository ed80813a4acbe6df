"""The table of architectures: what `--model` may name, and where it is defined.

A new architecture is a module beside this one and a line here. This module imports neither Keras nor TensorFlow, so
that `--help` answers at once.
"""

import dataclasses
import importlib
import typing

if typing.TYPE_CHECKING:
    from trainer.architectures.architecture import Architecture


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of the table.

    Attributes:
      module: The module whose CLASSES has an Architecture for each preset.
      notebook_learning_rate: That of the notebook's recipe; None where the notebook has no such model.
    """

    module: str
    notebook_learning_rate: float | None = None

    def load(self, preset: str) -> "type[Architecture]":
        """Imports the class of a preset, and Keras with it."""
        return importlib.import_module(self.module).CLASSES[preset]


ARCHITECTURES = {
    "cnn": Entry("trainer.architectures.cnn", notebook_learning_rate=0.001),
    "lstm": Entry("trainer.architectures.lstm", notebook_learning_rate=0.01),
}


def notebook_learning_rates() -> dict[str, float]:
    """Returns the learning rates of the notebook's recipe, by the name of the architecture."""
    rates = {name: entry.notebook_learning_rate for name, entry in ARCHITECTURES.items()}
    return {name: rate for name, rate in rates.items() if rate is not None}
