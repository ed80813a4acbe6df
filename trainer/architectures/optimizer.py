"""How steps are taken: the optimizer, its learning rate, and the precision of what it computes."""

import contextlib
from collections.abc import Iterator
from typing import ClassVar

import keras
import tensorflow as tf

from trainer.architectures.architecture import FROZEN
from trainer.architectures.heads import Head


class BranchAdam(keras.optimizers.Adam):
    """Adam that learns some variables slower than the tokens' own vectors.

    A vector is rarely updated and needs large steps; a filter that all tokens share does not.
    """

    SLOWER: ClassVar = {FROZEN: 0.1, "words/log_weights": 0.5}

    def build(self, variables):
        super().build(variables)
        self._factors = [
            next((factor for path, factor in self.SLOWER.items() if variable.path.startswith(path)), 1.0)
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        # Dense: of a token that a batch holds twice, Keras would square both parts, not their sum (Keras 3.15).
        gradient = tf.convert_to_tensor(gradient)
        super().update_step(gradient, variable, learning_rate * self._factors[self._get_variable_index(variable)])


def compile_model(model: keras.Model, head: Head, learning_rate: float, *, decay_steps: int | None) -> None:
    """Prepares a model for fitting.

    Args:
      model: Of an architecture.
      head: Its head, whose loss is fitted.
      learning_rate: Of the first step.
      decay_steps: Over how many steps it falls to nearly zero, along a cosine; None keeps it.
    """
    rate: float | keras.optimizers.schedules.LearningRateSchedule = learning_rate
    if decay_steps:
        rate = keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps, alpha=0.02)
    # XLA would compile anew for every padded length.
    model.compile(optimizer=BranchAdam(rate), loss=head.loss, jit_compile=False)


@contextlib.contextmanager
def precision(*, mixed: bool) -> Iterator[None]:
    """Within it, layers compute in half precision where they are asked to; what sums up stays in float32.

    A GPU may then round the factors of a float32 product to 10 bits (TensorFloat-32), but no longer after
    it: what is evaluated and exported must be what a CPU computes.
    """
    before = keras.config.dtype_policy()
    if mixed:
        keras.config.set_dtype_policy("mixed_float16")
    tf.config.experimental.enable_tensor_float_32_execution(True)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(False)
        keras.config.set_dtype_policy(before)
